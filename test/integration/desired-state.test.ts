/** What is read of the kernel's table, and kept in a file, is a desired state: of all that can stand there. */
import assert from 'node:assert/strict';
import { checkDesiredState, type DesiredService, plan } from 'ipvs';
import { describe, it } from 'mocha';
import { inNamespace } from '../support/netns.js';
import { addRaw, type RawDestination, type RawService } from '../support/raw.js';
import { complaint } from '../support/schema.js';

const TCP = 6;
const MAPPED = [...Array<number>(10).fill(0), 0xff, 0xff, 10, 0, 0, 1];
const RAW: RawService = { family: 'ipv4', address: [10, 1, 0, 1], protocol: TCP, port: 80 };
const REAL: RawDestination = { family: 'ipv4', address: [10, 1, 1, 1], port: 80, forwarding: 0 };

const OURS: readonly DesiredService[] = [
  {
    ...{ protocol: 'udp', address: '10.0.0.1', port: 0, scheduler: 'mh' },
    ...{ schedulerFlags: ['fallback'], persistence: { timeout: 60, engine: 'sip' } },
    destinations: [{ address: '10.0.1.1', port: 0, forwarding: 'masquerade', weight: 0 }],
  },
  {
    ...{ fwmark: 7, family: 'ipv6', scheduler: 'wrr', onePacket: true },
    destinations: [
      {
        ...{ address: '10.0.1.1', port: 80, forwarding: 'tunnel' },
        tunnel: { type: 'gue', port: 6080, checksum: 'remote' },
      },
      { address: '2001:db8::1', port: 80, forwarding: 'direct', upperThreshold: 9 },
    ],
  },
];

describe('a desired state', () => {
  it(
    'can be a snapshot that was written to a file, whoever wrote the table, and plans to nothing',
    inNamespace(async (ns, ipvs) => {
      for (const { destinations, ...service } of OURS) {
        await ipvs.addService(service);
        for (const each of destinations) await ipvs.addDestination(service, each);
      }
      await addRaw(ns, RAW, { ...REAL, forwarding: 4 }, { ...REAL, port: 0 });
      await addRaw(ns, { ...RAW, protocol: 47 }, REAL);
      await addRaw(ns, { ...RAW, port: 0, flags: 0x40000005, netmask: 0xff00ff00 });
      await addRaw(ns, { ...RAW, family: 'ipv6', address: MAPPED });
      for (const stats of [false, true]) {
        const snapshot = await ipvs.snapshot({ stats });
        assert.equal(snapshot.length, 6);
        const text: unknown = JSON.parse(JSON.stringify(snapshot));
        assert.equal(complaint(text), undefined);
        const desired = checkDesiredState(text);
        assert.deepEqual(plan(desired, await ipvs.snapshot(), { scope: 'everything' }), []);
      }
    }),
  );
});
