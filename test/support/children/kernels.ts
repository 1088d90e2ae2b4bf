/**
 * Reads a table as kernels of other versions would show it (test/native/faults.cc), and writes tunnels
 * that such a kernel does not know. Prints what it read and what became of that.
 */
import type { Destination, Service } from 'ipvs';
import { Ipvs } from 'ipvs';
import { rejection } from '../failure.js';

const [faults = ''] = process.argv.slice(2);
const SERVICE: Service = { protocol: 'udp', address: '10.99.0.1', port: 53, scheduler: 'rr' };
const REAL = { address: '10.99.0.2', port: 53, forwarding: 'tunnel' } as const;
const TUNNELS: readonly Destination[] = [
  { ...REAL, port: 1, tunnel: { type: 'gue', port: 6080 } },
  { ...REAL, port: 2, tunnel: { type: 'gre', checksum: 'checksum' } },
];

async function read(fault: string | undefined): Promise<unknown> {
  if (fault === undefined) delete process.env['IPVS_FAULT'];
  else process.env['IPVS_FAULT'] = fault;
  await using ipvs = await Ipvs.open();
  return await ipvs.snapshot();
}

async function write(): Promise<unknown[]> {
  process.env['IPVS_FAULT'] = 'linux-5.1';
  await using ipvs = await Ipvs.open();
  const refused: unknown[] = [];
  for (const each of TUNNELS) {
    refused.push(await rejection(ipvs.addDestination(SERVICE, each)));
    refused.push(await rejection(ipvs.setDestination(SERVICE, { ...each, port: 53 })));
    refused.push(await rejection(ipvs.ensureDestination(SERVICE, { ...each, port: 53 })));
    const { forwarding, tunnel } = each;
    refused.push(await rejection(ipvs.updateDestination(SERVICE, REAL, { forwarding, tunnel })));
  }
  await ipvs.addDestination(SERVICE, { ...REAL, port: 3 });
  await ipvs.deleteDestination(SERVICE, { ...REAL, port: 3 });
  return refused;
}

const kernels: Record<string, unknown> = {};
for (const fault of faults.split(' ')) kernels[fault] = await read(fault);
console.log(JSON.stringify({ now: await read(undefined), kernels, refused: await write() }));
