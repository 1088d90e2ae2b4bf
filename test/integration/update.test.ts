/** Calls that change what is there and keep the rest, as ipvsadm sees it. */
import assert from 'node:assert/strict';
import type { Destination, DestinationPatch, Service, ServicePatch } from 'ipvs';
import { describe, it } from 'mocha';
import { inNamespace } from '../support/netns.js';
import type { TableEntry } from '../support/witness.js';
import { readAll, writeAll } from '../support/witness.js';

/** A service and a destination with every optional field set. */
const SERVICE = {
  protocol: 'udp',
  address: '10.0.0.1',
  port: 53,
  scheduler: 'sh',
  schedulerFlags: ['fallback', 'port'],
  onePacket: true,
  persistence: { timeout: 300, prefixLength: 24, engine: 'sip' },
} as const satisfies Service;
const DESTINATION = {
  address: '10.0.1.1',
  port: 53,
  forwarding: 'tunnel',
  weight: 7,
  upperThreshold: 90,
  lowerThreshold: 60,
  tunnel: { type: 'gue', port: 6080, checksum: 'checksum' },
} as const satisfies Destination;

const SERVICE_PATCHES: readonly [ServicePatch, Service][] = [
  [{}, SERVICE],
  [{ scheduler: 'rr' }, { ...SERVICE, scheduler: 'rr', schedulerFlags: ['flag-1', 'flag-2'] }],
  [{ schedulerFlags: ['port'] }, { ...SERVICE, schedulerFlags: ['port'] }],
  [{ schedulerFlags: null }, { ...SERVICE, schedulerFlags: [] }],
  [{ onePacket: false }, { ...SERVICE, onePacket: false }],
  [
    { persistence: { timeout: 60 } },
    { ...SERVICE, persistence: { ...SERVICE.persistence, timeout: 60 } },
  ],
  [
    { persistence: { prefixLength: null } },
    { ...SERVICE, persistence: { timeout: 300, engine: 'sip' } },
  ],
  [
    { persistence: { engine: null } },
    { ...SERVICE, persistence: { timeout: 300, prefixLength: 24 } },
  ],
  [{ persistence: null }, { ...SERVICE, persistence: undefined }],
];

const DESTINATION_PATCHES: readonly [DestinationPatch, Destination][] = [
  [{}, DESTINATION],
  [{ weight: 0 }, { ...DESTINATION, weight: 0 }],
  [{ weight: null }, { ...DESTINATION, weight: 1 }],
  [{ upperThreshold: 2147483647 }, { ...DESTINATION, upperThreshold: 2147483647 }],
  [{ lowerThreshold: null }, { ...DESTINATION, lowerThreshold: 0 }],
  [
    { tunnel: { port: 1 } },
    { ...DESTINATION, tunnel: { type: 'gue', port: 1, checksum: 'checksum' } },
  ],
  [{ tunnel: { checksum: null } }, { ...DESTINATION, tunnel: { type: 'gue', port: 6080 } }],
  [{ tunnel: { type: 'gre' } }, { ...DESTINATION, tunnel: { type: 'gre', checksum: 'checksum' } }],
  [{ tunnel: { type: 'ipip' } }, { ...DESTINATION, tunnel: { type: 'ipip' } }],
  [{ tunnel: null }, { ...DESTINATION, tunnel: undefined }],
  [{ forwarding: 'direct' }, { ...DESTINATION, forwarding: 'direct', tunnel: undefined }],
];

/** The same thing at a port of its own. */
function at<Entry extends { port: number }>(entry: Entry, index: number): Entry {
  return { ...entry, port: 100 + index };
}

describe('update', () => {
  it(
    'changes what a patch mentions of a whole service, and nothing else',
    inNamespace(async (ns, ipvs) => {
      const table = SERVICE_PATCHES.map(([, expected], index): TableEntry => {
        return { service: at(expected as typeof SERVICE, index), destinations: [DESTINATION] };
      });
      await writeAll(
        ipvs,
        table.map(({ destinations }, index) => ({ service: at(SERVICE, index), destinations })),
      );
      await Promise.all(
        SERVICE_PATCHES.map(async ([patch], index) => {
          await ipvs.updateService(at(SERVICE, index), patch);
        }),
      );
      await ns.assertHolds(table);
    }),
  );

  it(
    'changes what a patch mentions of a whole destination, and nothing else',
    inNamespace(async (ns, ipvs) => {
      const { onePacket: _, ...service } = SERVICE;
      const before = DESTINATION_PATCHES.map((_row, index) => at(DESTINATION, index));
      await writeAll(ipvs, [{ service, destinations: before }]);
      await Promise.all(
        DESTINATION_PATCHES.map(async ([patch], index) => {
          await ipvs.updateDestination(service, at(DESTINATION, index), patch);
        }),
      );
      const after = DESTINATION_PATCHES.map(([, expected], index) => at(expected, index));
      await ns.assertHolds([{ service, destinations: after }]);
    }),
  );

  it(
    'of one destination, two in the same turn and again, keeps both changes',
    inNamespace(async (ns, ipvs) => {
      await writeAll(ipvs, [{ service: SERVICE, destinations: [DESTINATION] }]);
      await Promise.all([
        ipvs.updateDestination(SERVICE, DESTINATION, { weight: 1000 }),
        ipvs.updateDestination(SERVICE, DESTINATION, { upperThreshold: 2000 }),
        ipvs.updateDestination(SERVICE, DESTINATION, { tunnel: { port: 3000 } }),
        ipvs.updateService(SERVICE, { persistence: { timeout: 4000 } }),
        ipvs.updateService(SERVICE, { onePacket: false }),
      ]);
      await ns.assertHolds([
        {
          service: {
            ...SERVICE,
            onePacket: false,
            persistence: { ...SERVICE.persistence, timeout: 4000 },
          },
          destinations: [
            {
              ...DESTINATION,
              weight: 1000,
              upperThreshold: 2000,
              tunnel: { ...DESTINATION.tunnel, port: 3000 },
            },
          ],
        },
      ]);
    }),
  );

  it(
    'reads what another program wrote, and keeps it',
    inNamespace(async (ns, ipvs) => {
      await ns.restore([
        '-A -t 10.0.0.1:80 -s mh -b mh-port -p 77 -M 255.255.0.0',
        '-a -t 10.0.0.1:80 -r 10.0.1.1:80 -i --tun-type gre --tun-csum -w 9 -x 8 -y 7',
      ]);
      const service = { protocol: 'tcp', address: '10.0.0.1', port: 80 } as const;
      const destination = { address: '10.0.1.1', port: 80 };
      await ipvs.updateService(service, { schedulerFlags: ['fallback'] });
      await ipvs.updateDestination(service, destination, { weight: 0 });
      await ns.assertHolds([
        {
          service: {
            ...{ ...service, scheduler: 'mh', schedulerFlags: ['fallback'] },
            persistence: { timeout: 77, prefixLength: 16 },
          },
          destinations: [
            {
              ...{ ...destination, forwarding: 'tunnel', weight: 0 },
              ...{ upperThreshold: 8, lowerThreshold: 7 },
              tunnel: { type: 'gre', checksum: 'checksum' },
            },
          ],
        },
      ]);
    }),
  );
});

describe('ensure', () => {
  it(
    'adds what is missing and replaces what is there, wholly',
    inNamespace(async (ns, ipvs) => {
      const bare: Service = { ...SERVICE, scheduler: 'rr', schedulerFlags: undefined };
      const { onePacket: _, persistence: __, ...rest } = bare;
      const other: Destination = { address: '10.0.1.2', port: 53, forwarding: 'masquerade' };
      const results = await Promise.all([
        ipvs.ensureService(SERVICE),
        ipvs.ensureDestination(SERVICE, DESTINATION),
        ipvs.ensureService(rest as Service),
        ipvs.ensureDestination(SERVICE, { ...other, address: DESTINATION.address }),
        ipvs.ensureDestination(SERVICE, other),
      ]);
      assert.deepEqual(results, ['added', 'added', 'set', 'set', 'added']);
      await ns.assertHolds([
        {
          service: rest,
          destinations: [{ ...other, address: DESTINATION.address }, other],
        },
      ]);
    }),
  );

  it(
    'of a table that is there already changes nothing',
    inNamespace(async (ns, ipvs) => {
      const table = [{ service: SERVICE, destinations: [DESTINATION] }];
      await writeAll(ipvs, table);
      for (const { service, destinations } of await readAll(ipvs)) {
        assert.equal(await ipvs.ensureService(service), 'set');
        for (const each of destinations) {
          assert.equal(await ipvs.ensureDestination(service, each), 'set');
        }
      }
      await ns.assertHolds(table);
    }),
  );

  it(
    'rejects as add does where the kernel refuses',
    inNamespace(async (_, ipvs) => {
      await assert.rejects(ipvs.ensureDestination(SERVICE, DESTINATION), {
        reason: 'service-not-found',
        code: 'ESRCH',
        syscall: 'IPVS_CMD_NEW_DEST',
      });
      await assert.rejects(
        ipvs.ensureService({ ...SERVICE, schedulerFlags: [], scheduler: 'nosuch' }),
        {
          reason: 'unknown-scheduler',
          code: 'ENOENT',
        },
      );
    }),
  );
});
