/**
 * Makes the corpus of the fuzzer: lets the kernel answer every command about entries of every kind, and
 * has test/native/faults.cc write down each datagram. See README.md.
 */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Destination, Ipvs, Service } from 'ipvs';
import { withNamespace } from '../support/netns.js';

const [folder = ''] = process.argv.slice(2);

const WEB: Service = {
  ...{ protocol: 'tcp', address: '10.0.0.1', port: 80, scheduler: 'sh' },
  ...{ schedulerFlags: ['fallback', 'port'], persistence: { timeout: 300, prefixLength: 24 } },
};
const SERVICES: readonly Service[] = [
  WEB,
  { protocol: 'udp', address: '2001:db8::1', port: 53, scheduler: 'rr', onePacket: true },
  {
    ...{ protocol: 'udp', address: '10.0.0.1', port: 5060, scheduler: 'wlc' },
    persistence: { timeout: 9, engine: 'sip' },
  },
  { fwmark: 4294967295, family: 'ipv6', scheduler: 'mh' },
];
const base = { address: '10.0.1.1', port: 80, forwarding: 'tunnel' } as const;
const DESTINATIONS: readonly Destination[] = [
  { ...base, forwarding: 'masquerade', weight: 5, upperThreshold: 9, lowerThreshold: 3 },
  { ...base, port: 81, tunnel: { type: 'gue', port: 6080, checksum: 'remote' } },
  { ...base, address: '2001:db8::9', tunnel: { type: 'gre', checksum: 'checksum' } },
];

async function askEverything(ipvs: Ipvs): Promise<void> {
  for (const service of SERVICES) await ipvs.addService(service);
  for (const destination of DESTINATIONS) await ipvs.addDestination(WEB, destination);
  for (const service of SERVICES) await ipvs.getService(service);
  await ipvs.snapshot();
  await ipvs.getInfo();
  await ipvs.getTimeouts();
  await ipvs.flush();
  await ipvs.startDaemon({ role: 'master', interface: 'lo', syncId: 7 });
  await ipvs.startDaemon({ role: 'backup', interface: 'lo', group: 'ff02::81' });
  await ipvs.listDaemons();
  await ipvs.stopDaemon('master');
  await ipvs.stopDaemon('backup');
  await ipvs.deleteService(WEB).catch(() => undefined);
}

await withNamespace(async (ns) => {
  mkdirSync(folder, { recursive: true });
  // Setting it later would leave out the answers to opening.
  process.env['IPVS_RECORD'] = resolve(folder);
  await askEverything(await ns.open());
});
