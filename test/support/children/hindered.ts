/**
 * Uses a client for everything that takes many datagrams or reads files, and prints what came of it as
 * JSON: whatever hinders the system calls meanwhile, it must be the same.
 */
import { compareKeys, Ipvs, type ServiceSnapshot } from 'ipvs';
import { failureOf } from '../failure.js';

/** More than a page of a list holds. */
const SERVICES = 260;

function service(index: number): { protocol: 'tcp'; address: string; port: number } {
  return { protocol: 'tcp', address: '10.0.0.1', port: 1 + index };
}

function destination(index: number): { address: string; port: number; forwarding: 'masquerade' } {
  return { address: '10.0.1.1', port: 1 + index, forwarding: 'masquerade' };
}

async function ending(call: Promise<unknown>): Promise<unknown> {
  try {
    return (await call) ?? 'done';
  } catch (error) {
    const { reason, code, outcome } = failureOf(error);
    return { reason, code, outcome };
  }
}

async function collect<Entry>(entries: AsyncIterable<Entry>): Promise<Entry[]> {
  const found: Entry[] = [];
  for await (const each of entries) found.push(each);
  return found;
}

await using ipvs = await Ipvs.open();
const indices = Array.from({ length: SERVICES }, (_, index) => index);
const add = async (index: number): Promise<void> => {
  await ipvs.addService({ ...service(index), scheduler: 'rr' });
};
// Every third one is there already, so that answers come in every batch.
await Promise.all(indices.filter((index) => index % 3 === 0).map(add));
const report = {
  written: await Promise.all(
    indices.flatMap((index) => [
      ending(add(index)),
      ending(ipvs.addDestination(service(index), destination(index))),
    ]),
  ),
  read: await Promise.all(
    indices.map(async (index) => await ending(ipvs.getService(service(index)))),
  ),
  lists: {
    snapshot: await ending(ipvs.snapshot()),
    services: await ending(ipvs.listServices()),
    // The kernel's order is another in each namespace.
    streamed: (await collect<ServiceSnapshot>(ipvs.streamSnapshot())).sort(compareKeys),
    daemons: await ending(ipvs.listDaemons()),
  },
  files: {
    // Without what passes, and the port that the kernel chose.
    connections: (await collect(ipvs.connections())).map(({ protocol, virtual, destination }) => ({
      ...{ protocol, virtual, destination },
    })),
    sysctl: await ending(ipvs.getSysctl('sync_threshold')),
    applications: await ending(ipvs.listApplications()),
  },
};
// What is counted meanwhile differs each time.
console.log(
  JSON.stringify(report, (name, value: unknown) => (name === 'stats' ? undefined : value)),
);
