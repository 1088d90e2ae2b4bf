/** A program that observes its own network namespace and prints all that it can learn. */
import { IpvsObserver } from 'ipvs';
import { rejection } from '../failure.js';

async function print(): Promise<void> {
  await using observer = await IpvsObserver.open();
  const connections = [];
  for await (const each of observer.connections()) connections.push(each);
  const found = {
    info: await observer.getInfo(),
    services: await observer.listServices(),
    connections,
    totals: await observer.getTotals(),
    cpus: (await observer.getCpuTotals()).length,
    applications: await observer.listApplications(),
    sysctls: await observer.listSysctls(),
    threshold: await observer.getSysctl('sync_threshold'),
    elsewhere: await rejection(IpvsObserver.open({ netns: { path: '/proc/1/ns/net' } })),
  };
  console.log(JSON.stringify(found));
}

await print();
