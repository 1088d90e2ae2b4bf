/** What compiles as an argument, and what does not: the compiler is half of this test. */
import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type {
  DestinationEntry,
  DestinationInput,
  DestinationState,
  Ipvs,
  Service,
  ServiceEntry,
  ServiceInput,
  ServiceSnapshot,
  ServiceState,
  SysctlValue,
} from '../../lib/index.js';
import { clientOver, FakeDoor } from '../support/door.js';

type Read = ServiceEntry | ServiceSnapshot | ServiceState;

const STATE: ServiceState = {
  ...{ protocol: 'tcp', address: '192.0.2.1', port: 80 },
  ...{ scheduler: 'wrr', schedulerFlags: [], onePacket: false },
  persistence: { timeout: 300, prefixLength: 32 },
  destinations: [
    {
      ...{ address: '192.0.2.2', port: 80, forwarding: 'tunnel', weight: 1 },
      ...{ upperThreshold: 0, lowerThreshold: 0, tunnel: { type: 'ipip' } },
    },
  ],
};

/** All that takes a definition, given what was read. */
async function rewrite(
  ipvs: Ipvs,
  service: Read,
  destination: DestinationEntry | DestinationState,
): Promise<void> {
  await Promise.all([
    ipvs.addService(service),
    ipvs.setService(service),
    ipvs.ensureService(service),
    ipvs.addDestination(service, destination),
    ipvs.setDestination(service, destination),
    ipvs.ensureDestination(service, destination),
  ]);
}

describe('what was read', () => {
  it('can be passed in again, from JSON too, with its destinations and without', async () => {
    const door = new FakeDoor();
    const ipvs = clientOver(door);
    const restored = JSON.parse(JSON.stringify(STATE)) as ServiceState;
    const { destinations, ...service } = restored;
    const [destination] = destinations;
    assert.ok(destination);
    await rewrite(ipvs, restored, destination);
    await ipvs.addService(service);
    const names = door.jobs.flatMap((job) => job.names);
    assert.equal(names.filter((name) => name === 'IPVS_CMD_NEW_SERVICE').length, 3);
    assert.ok(names.includes('IPVS_CMD_NEW_DEST'));
  });
});

describe('what a caller writes', () => {
  const KEY = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
  const WEB: Service = { ...KEY, scheduler: 'wrr' };
  const REAL = { address: '192.0.2.2', port: 80, forwarding: 'direct' } as const;

  /** Each is refused by the compiler, and by us. */
  const SERVICES: readonly ServiceInput[] = [
    // @ts-expect-error -- the scheduler is missing
    KEY,
    // @ts-expect-error -- no such field
    { ...KEY, scheduler: 'wrr', weight: 1 },
    // @ts-expect-error -- no such flag
    { ...WEB, schedulerFlags: ['port-0'] },
    // @ts-expect-error -- the timeout is missing
    { ...WEB, persistence: {} },
  ];
  const DESTINATIONS: readonly DestinationInput[] = [
    // @ts-expect-error -- the forwarding method is missing
    { address: '192.0.2.2', port: 80 },
    // @ts-expect-error -- no such method
    { ...REAL, forwarding: 'nat' },
    // @ts-expect-error -- no such type
    { ...REAL, forwarding: 'tunnel', tunnel: { type: 'vxlan' } },
  ];

  it('is refused when it is wrong', async () => {
    const door = new FakeDoor();
    const ipvs = clientOver(door);
    const refusal = { code: /^ERR_IPVS_/ };
    for (const each of SERVICES) await assert.rejects(ipvs.addService(each), refusal);
    for (const each of DESTINATIONS) await assert.rejects(ipvs.addDestination(WEB, each), refusal);
    assert.deepEqual(door.jobs, []);
  });
});

describe('a service that was not found', () => {
  it('does not stand for all of them', async () => {
    const door = new FakeDoor();
    const ipvs = clientOver(door);
    const none = ([] as ServiceEntry[]).find(({ port }) => port === 80);
    // @ts-expect-error -- may be undefined
    await assert.rejects(ipvs.zero(none), { code: 'ERR_IPVS_INVALID_SERVICE' });
    assert.deepEqual(door.jobs, []);
  });
});

describe('what a caller leaves out', () => {
  it('may be undefined as well', async () => {
    const door = new FakeDoor();
    const ipvs = clientOver(door);
    await ipvs.setTimeouts({ tcp: 900, tcpFin: undefined, udp: undefined });
    assert.deepEqual(door.jobs.at(0)?.names, ['IPVS_CMD_SET_CONFIG']);
  });
});

describe('a sysctl', () => {
  it('that is known has values of its own type alone', async () => {
    const door = new FakeDoor();
    const ipvs = clientOver(door);
    const refused = [
      // @ts-expect-error -- not a text
      ipvs.setSysctl('conntrack', 'yes'),
      // @ts-expect-error -- not one number
      ipvs.setSysctl('sync_threshold', 3),
      // @ts-expect-error -- not one number in an array either
      ipvs.setSysctl('sync_threshold', [3]),
    ];
    await Promise.all(refused.map((each) => assert.rejects(each, { code: /^ERR_IPVS_/ })));
    assert.deepEqual(door.events, []);
    const conntrack: Promise<number> = ipvs.getSysctl('conntrack');
    const threshold: Promise<readonly [number, number]> = ipvs.setSysctl('sync_threshold', [3, 50]);
    const missing = { reason: 'unknown-sysctl' };
    await Promise.all([conntrack, threshold].map((each) => assert.rejects(each, missing)));
  });

  it('that is not known has values of every type', async () => {
    const ipvs = clientOver(new FakeDoor());
    const unknown: Promise<SysctlValue>[] = [
      ipvs.getSysctl('future'),
      ipvs.setSysctl('future', 1),
      ipvs.setSysctl('future', [1, 2, 3]),
      ipvs.setSysctl('future', '0-3'),
    ];
    const missing = { reason: 'unknown-sysctl' };
    await Promise.all(unknown.map((each) => assert.rejects(each, missing)));
    // @ts-expect-error -- who knows what it is
    const number: Promise<number> = ipvs.getSysctl('future');
    await assert.rejects(number);
  });
});
