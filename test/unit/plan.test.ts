/** Plans: what has to change so that a table becomes what it should be. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import {
  type Change,
  type DesiredService,
  formatKey,
  formatPlan,
  plan,
  type PlanOptions,
  type ServiceState,
} from '../../lib/index.js';
import { state } from '../support/arbitraries.js';
import { ALL, applied, OTHER, REAL, table, WEB } from '../support/memory-table.js';

/** Two states that share services, of which some have other definitions and destinations. */
const pair: fc.Arbitrary<[DesiredService[], DesiredService[]]> = fc
  .tuple(state, state, fc.infiniteStream(fc.nat(3)))
  .map(([one, other, choices]) => {
    const names = new Set(one.map(formatKey));
    const shared = one.flatMap((service) => {
      const choice = choices.next().value as number;
      if (choice === 0) return [];
      if (choice === 1) return [service];
      const destinations = service.destinations.flatMap((each, index) => {
        if ((index + choice) % 3 === 0) return [];
        return [{ ...each, weight: (index + choice) % 3 }];
      });
      return [{ ...service, destinations } as DesiredService];
    });
    return [one, [...shared, ...other.filter((each) => !names.has(formatKey(each)))]];
  });

const DRAINING: PlanOptions = { ...ALL, drain: { protocols: ['tcp', 'udp', 'sctp'] } };

function actions(changes: readonly Change[]): string[] {
  return changes.map(({ action, key }) => `${action} ${key.destination ?? key.service}`);
}

describe('a plan', () => {
  it('makes the table what is desired, after which the next plan is empty', () => {
    fc.assert(
      fc.property(pair, ([before, desired]) => {
        const actual = table(...before);
        const after = applied(actual, plan(desired, actual, ALL));
        assert.deepEqual(plan(desired, after, ALL), []);
        assert.deepEqual(after.map(formatKey).sort(), desired.map(formatKey).sort());
        // The other way round, too: nothing is there that is not desired.
        assert.deepEqual(plan(after, table(...desired), ALL), []);
      }),
      { numRuns: 300 },
    );
  });

  it('is empty for what was read, in whichever order', () => {
    fc.assert(
      fc.property(state, (services) => {
        const actual = table(...services);
        assert.deepEqual(plan(actual, actual, ALL), []);
        const other = JSON.parse(JSON.stringify(actual.reverse())) as ServiceState[];
        assert.deepEqual(plan(other, actual, ALL), []);
        const reversed = actual.map((each) => ({
          ...each,
          destinations: [...each.destinations].reverse(),
        })) as ServiceState[];
        assert.deepEqual(plan(reversed, actual, ALL), []);
      }),
    );
  });

  it('never deletes what drains, gives it weight 0 once, and its weight again when it returns', () => {
    fc.assert(
      fc.property(pair, ([before, desired]) => {
        const actual = table(...before);
        const changes = plan(desired, actual, DRAINING);
        assert.ok(changes.every(({ action }) => action !== 'delete-destination'));
        const after = applied(actual, changes);
        assert.deepEqual(plan(desired, after, DRAINING), []);
        const returned = applied(after, plan(before, after, DRAINING));
        assert.ok(
          plan(before, after, DRAINING).every(({ key, action }) => {
            const there = actual.find((each) => formatKey(each) === key.service);
            return there === undefined || action !== 'add-destination';
          }),
        );
        assert.deepEqual(plan(before, returned, DRAINING), []);
      }),
      { numRuns: 300 },
    );
  });

  it('is plain data, of which every part can be passed in', () => {
    fc.assert(
      fc.property(pair, ([before, desired]) => {
        const changes = plan(desired, table(...before), DRAINING);
        assert.deepEqual(JSON.parse(JSON.stringify(changes)), changes);
        assert.equal(formatPlan(changes).split('\n').length, changes.length + 1);
      }),
    );
  });

  it('changes nothing outside its scope, and refuses what is desired there', () => {
    fc.assert(
      fc.property(pair, fc.nat(5), ([before, desired], divisor) => {
        const inside = (name: string): boolean => name.length % (divisor + 2) !== 0;
        const scope: PlanOptions = { scope: (service) => inside(formatKey(service)) };
        const ours = desired.filter((each) => inside(formatKey(each)));
        const actual = table(...before);
        const changes = plan(ours, actual, scope);
        assert.ok(changes.every(({ key }) => inside(key.service)));
        const others = actual.filter((each) => !inside(formatKey(each)));
        const after = applied(actual, changes);
        assert.deepEqual(
          after.filter((each) => !inside(formatKey(each))),
          others,
        );
        if (ours.length < desired.length)
          assert.throws(() => plan(desired, actual, scope), /which is outside the scope: /);
      }),
    );
  });

  it('adds before it edits, edits before it deletes, and deletes a service after its destinations', () => {
    const gone: DesiredService = { ...WEB, port: 81 };
    const fresh: DesiredService = { ...WEB, port: 82 };
    const before = table({ ...WEB, destinations: [REAL, OTHER] }, gone);
    const third = { ...REAL, address: '10.0.1.3' };
    const desired = [
      { ...WEB, scheduler: 'lc', destinations: [{ ...OTHER, weight: 5 }, third] },
      fresh,
    ];
    assert.deepEqual(actions(plan(desired as DesiredService[], before, ALL)), [
      'add-service tcp 10.0.0.1:82',
      'add-destination 10.0.1.3:80',
      'add-destination 10.0.1.1:80',
      'edit-destination 10.0.1.2:80',
      'edit-service tcp 10.0.0.1:80',
      'delete-destination 10.0.1.1:80',
      'delete-destination 10.0.1.1:80',
      'delete-service tcp 10.0.0.1:81',
    ]);
  });

  it('compares weights, also that of a server which a restart left at 0; keepWeights only that one', () => {
    const before = table({ ...WEB, destinations: [{ ...REAL, weight: 0 }] });
    const [change, ...others] = plan([WEB], before, ALL);
    assert.deepEqual(others, []);
    assert.equal(change?.action, 'edit-destination');
    assert.deepEqual(
      [change.from, change.to].map(({ weight }) => weight),
      [0, 1],
    );
    const keeping = { ...ALL, keepWeights: true };
    const limited = { ...WEB, destinations: [{ ...REAL, upperThreshold: 9 }] };
    const heavier = table({ ...WEB, destinations: [{ ...REAL, weight: 7 }] });
    assert.deepEqual(plan([WEB], heavier, keeping), []);
    const weights = (changes: readonly Change[]): unknown[] =>
      changes.map((each) => ('to' in each && 'weight' in each.to ? each.to.weight : undefined));
    assert.deepEqual(weights(plan([limited], heavier, keeping)), [7]);
    // Else what was drained, and is desired again, would stay at 0.
    assert.deepEqual(weights(plan([WEB], before, keeping)), [1]);
  });

  it('drains TCP and firewall marks where nothing is said of protocols, and deletes all else', () => {
    const services: DesiredService[] = [
      WEB,
      { ...WEB, protocol: 'udp' },
      { ...WEB, protocol: 'sctp' },
      { fwmark: 7, family: 'ipv4', scheduler: 'rr', destinations: [REAL] },
    ];
    assert.deepEqual(actions(plan([], table(...services), { ...ALL, drain: {} })), [
      ...['drain-destination 10.0.1.1:80', 'drain-destination 10.0.1.1:80'],
      ...['delete-destination 10.0.1.1:80', 'delete-destination 10.0.1.1:80'],
      ...['delete-service udp 10.0.0.1:80', 'delete-service sctp 10.0.0.1:80'],
    ]);
  });

  it('lets what others wrote be there, if it is there as it is desired', () => {
    const [found] = table(WEB);
    assert.ok(found);
    const foreign = {
      ...found,
      destinations: [
        { ...found.destinations[0], forwarding: 'bypass', unsupported: ['forwarding'] },
      ],
    } as ServiceState;
    assert.deepEqual(plan([foreign], [foreign], ALL), []);
    const refusal = { name: 'RangeError', field: 'services[0].destinations[0].unsupported' };
    assert.throws(() => plan([foreign], [found], ALL), refusal);
    assert.throws(() => plan([foreign], [], ALL), refusal);
    assert.deepEqual(actions(plan([WEB], [foreign], ALL)), ['edit-destination 10.0.1.1:80']);
    assert.deepEqual(actions(plan([], [foreign], { ...ALL, drain: {} })), [
      'delete-destination 10.0.1.1:80',
      'delete-service tcp 10.0.0.1:80',
    ]);
    assert.equal(
      formatPlan(plan([], [foreign], ALL)).split('\n')[0],
      '- tcp 10.0.0.1:80 > 10.0.1.1:80  forwarding=bypass weight=1 unsupported=[forwarding]',
    );
    // Whatever a program puts where nothing of the kind belongs is compared, not stumbled over.
    const odd = (tunnel: unknown): ServiceState =>
      ({ ...foreign, destinations: [{ ...foreign.destinations[0], tunnel }] }) as ServiceState;
    assert.deepEqual(plan([odd({ port: 1n })], [odd({ port: 1n })], ALL), []);
    assert.throws(() => plan([odd({ port: 1n })], [odd({ port: 2n })], ALL), refusal);
  });
});

describe('a plan edits for every field that differs', () => {
  const persistence = { timeout: 60, prefixLength: 24, engine: 'sip' };
  const SERVICE = {
    ...{ protocol: 'udp', address: '10.0.0.1', port: 80, scheduler: 'sh' },
    ...{ schedulerFlags: ['port'], onePacket: false, persistence, destinations: [REAL] },
  };
  const SERVICES: Readonly<Record<string, object>> = {
    scheduler: { scheduler: 'mh' },
    'a flag more': { schedulerFlags: ['fallback', 'port'] },
    'another flag': { schedulerFlags: ['fallback'] },
    onePacket: { onePacket: true },
    'persistence.timeout': { persistence: { ...persistence, timeout: 61 } },
    'persistence.prefixLength': { persistence: { ...persistence, prefixLength: 25 } },
    'persistence.engine': { persistence: { timeout: 60, prefixLength: 24 } },
    persistence: { persistence: undefined },
  };
  for (const [title, difference] of Object.entries(SERVICES)) {
    it(`of a service: ${title}`, () => {
      const [one, other] = [SERVICE, { ...SERVICE, ...difference }] as DesiredService[];
      assert.ok(one !== undefined && other !== undefined);
      for (const [from, to] of [
        [one, other],
        [other, one],
      ] as const) {
        assert.deepEqual(actions(plan([to], table(from), ALL)), ['edit-service udp 10.0.0.1:80']);
        assert.deepEqual(plan([to], table(to), ALL), []);
      }
    });
  }

  const tunnel = { type: 'gue', port: 6080, checksum: 'none' };
  const DESTINATION = {
    ...{ address: '10.0.1.1', port: 80, forwarding: 'tunnel', tunnel },
    ...{ weight: 3, upperThreshold: 9, lowerThreshold: 7 },
  };
  const DESTINATIONS: Readonly<Record<string, object>> = {
    forwarding: { forwarding: 'direct', tunnel: undefined },
    weight: { weight: 4 },
    upperThreshold: { upperThreshold: 10 },
    lowerThreshold: { lowerThreshold: 8 },
    'tunnel.type': { tunnel: { type: 'gre' } },
    'tunnel.port': { tunnel: { ...tunnel, port: 6081 } },
    'tunnel.checksum': { tunnel: { ...tunnel, checksum: 'remote' } },
  };
  for (const [title, difference] of Object.entries(DESTINATIONS)) {
    it(`of a destination: ${title}`, () => {
      const states = [DESTINATION, { ...DESTINATION, ...difference }].map(
        (each) => ({ ...WEB, destinations: [each] }) as DesiredService,
      );
      const [one, other] = states;
      assert.ok(one !== undefined && other !== undefined);
      for (const [from, to] of [
        [one, other],
        [other, one],
      ] as const) {
        const edit = ['edit-destination 10.0.1.1:80'];
        assert.deepEqual(actions(plan([to], table(from), ALL)), edit);
        assert.deepEqual(plan([to], table(to), ALL), []);
      }
    });
  }
});

describe('a plan as text', () => {
  it('has a line for each change, with what becomes another', () => {
    const before = table(
      { ...WEB, destinations: [REAL, OTHER] },
      { ...WEB, port: 81, destinations: [] },
    );
    const desired: DesiredService[] = [
      { ...WEB, scheduler: 'sh', schedulerFlags: ['port'], destinations: [{ ...REAL, weight: 5 }] },
      { ...WEB, port: 82, persistence: { timeout: 60 }, destinations: [] },
    ];
    assert.equal(
      formatPlan(plan(desired, before, { ...ALL, drain: {} })),
      [
        '+ tcp 10.0.0.1:82  scheduler=wrr persistence={timeout=60 prefixLength=32}',
        '~ tcp 10.0.0.1:80 > 10.0.1.1:80  weight=1->5',
        '~ tcp 10.0.0.1:80  scheduler=wrr->sh schedulerFlags=[]->[port]',
        '~ tcp 10.0.0.1:80 > 10.0.1.2:80  weight=1->0  (drain)',
        '- tcp 10.0.0.1:81  scheduler=wrr',
        '',
      ].join('\n'),
    );
  });

  it('has the thresholds of a destination only where one is set', () => {
    const limited = { ...OTHER, upperThreshold: 100 };
    const text = formatPlan(plan([{ ...WEB, destinations: [REAL, limited] }], [], ALL));
    assert.deepEqual(text.split('\n').slice(1, 3), [
      '+ tcp 10.0.0.1:80 > 10.0.1.1:80  forwarding=masquerade weight=1',
      '+ tcp 10.0.0.1:80 > 10.0.1.2:80  forwarding=masquerade weight=1 upperThreshold=100 lowerThreshold=0',
    ]);
  });
});
