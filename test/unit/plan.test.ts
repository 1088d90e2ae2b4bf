/** Plans: what has to change so that a table becomes what it should be. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import {
  type Change,
  type DesiredService,
  type DesiredState,
  formatKey,
  formatPlan,
  parseDestinationKey,
  parseServiceKey,
  plan,
  type PlanOptions,
  type ServiceState,
} from '../../lib/index.js';
import { state } from '../support/arbitraries.js';

/** A table as snapshots give it, changed as a plan says; what the kernel would refuse is refused. */
class Model {
  readonly #services = new Map<string, { definition: object; destinations: Map<string, object> }>();

  constructor(state: DesiredState) {
    // What a table holds is complete: so says a plan from nothing.
    for (const change of plan(state, [], { scope: 'everything' })) this.apply(change);
  }

  apply(change: Change): void {
    const { service, destination } = change.key;
    const target =
      destination === undefined ? this.#services : this.#services.get(service)?.destinations;
    assert.ok(target !== undefined, `${service} is not there`);
    const name = destination ?? service;
    const [verb] = change.action.split('-');
    assert.equal(target.has(name), verb !== 'add', `${change.action} ${name}`);
    if (!('to' in change)) {
      if (destination === undefined)
        assert.equal(this.#services.get(service)?.destinations.size, 0);
      target.delete(name);
    } else if (destination === undefined) {
      const destinations = this.#services.get(service)?.destinations ?? new Map<string, object>();
      this.#services.set(service, { definition: change.to, destinations });
    } else {
      target.set(name, change.to);
    }
  }

  get state(): ServiceState[] {
    return [...this.#services].map(([name, { definition, destinations }]) => {
      const list = [...destinations].map(([key, each]) => ({
        ...parseDestinationKey(key),
        ...each,
      }));
      const all: unknown = { ...parseServiceKey(name), ...definition, destinations: list };
      return all as ServiceState;
    });
  }
}

function applied(from: DesiredState, changes: readonly Change[]): ServiceState[] {
  const model = new Model(from);
  for (const change of changes) model.apply(change);
  return model.state;
}

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

const ALL: PlanOptions = { scope: 'everything' };
const DRAINING: PlanOptions = { ...ALL, drain: { protocols: ['tcp', 'udp', 'sctp'] } };

const REAL = { address: '10.0.1.1', port: 80, forwarding: 'masquerade' } as const;
const OTHER = { ...REAL, address: '10.0.1.2' };
const WEB: DesiredService = {
  ...{ protocol: 'tcp', address: '10.0.0.1', port: 80, scheduler: 'wrr' },
  destinations: [REAL],
};

function actions(changes: readonly Change[]): string[] {
  return changes.map(({ action, key }) => `${action} ${key.destination ?? key.service}`);
}

function table(...services: readonly DesiredService[]): ServiceState[] {
  return new Model(services).state;
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
          assert.throws(() => plan(desired, actual, scope), /which is outside the scope$/);
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
      '- tcp 10.0.0.1:80 > 10.0.1.1:80  forwarding=bypass weight=1 upperThreshold=0 lowerThreshold=0 unsupported=[forwarding]',
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

describe('the scope of a plan', () => {
  const MARK = { fwmark: 7, family: 'ipv4', scheduler: 'rr', destinations: [] } as const;
  const V6 = { ...WEB, address: '2001:db8::1', destinations: [] } as DesiredService;
  const services = table(WEB, V6, MARK);
  const CASES: readonly (readonly [PlanOptions['scope'], readonly string[]])[] = [
    ['everything', ['tcp 10.0.0.1:80', 'tcp [2001:db8::1]:80', 'fwmark 7 ipv4']],
    [['10.0.0.0/8'], ['tcp 10.0.0.1:80']],
    [['10.0.0.1'], ['tcp 10.0.0.1:80']],
    [['10.0.0.2', '10.1.0.0/16'], []],
    [['0.0.0.0/0'], ['tcp 10.0.0.1:80']],
    [['::/0'], ['tcp [2001:db8::1]:80']],
    [
      ['2001:db8::/32', 'fwmark 7 ipv4'],
      ['tcp [2001:db8::1]:80', 'fwmark 7 ipv4'],
    ],
    [['tcp 10.0.0.1:80'], ['tcp 10.0.0.1:80']],
    [['tcp 10.0.0.1:81', 'udp 10.0.0.1:80', 'fwmark 7 ipv6'], []],
    [({ fwmark }) => fwmark === 7, ['fwmark 7 ipv4']],
  ];
  for (const [scope, expected] of CASES) {
    it(typeof scope === 'function' ? 'a function' : String(scope), () => {
      const deleted = plan([], services, { scope }).filter(
        ({ action }) => action === 'delete-service',
      );
      assert.deepEqual(
        deleted.map(({ key }) => key.service),
        expected,
      );
    });
  }
});

describe('a plan refuses', () => {
  const CASES: Readonly<Record<string, readonly [unknown, unknown, unknown, string]>> = {
    'no scope': [[], [], {}, 'options.scope'],
    'a scope that is another word': [[], [], { scope: 'all' }, 'options.scope'],
    'an empty scope': [[], [], { scope: [] }, 'options.scope'],
    'a scope of no network': [[], [], { scope: ['10.0.0.0/33'] }, 'options.scope[0]'],
    'a scope of no key': [[], [], { scope: ['::/0', 'tcp 10.0.0.1'] }, 'options.scope[1]'],
    'a scope of numbers': [[], [], { scope: [7] }, 'options.scope[0]'],
    'a scope that answers later': [
      [WEB],
      [],
      { scope: async () => await Promise.resolve(true) },
      'options.scope',
    ],
    'a scope with a hole': [[], [], { scope: new Array(1) }, 'options.scope[0]'],
    'a scope of a network that is not meant': [
      [],
      [],
      { scope: ['10.9.9.9/8'] },
      'options.scope[0]',
    ],
    'a hole where a service was': [new Array(1), table(WEB), ALL, 'services[0]'],
    'a hole where a destination was': [
      [{ ...WEB, destinations: new Array(1) }],
      table(WEB),
      ALL,
      'services[0].destinations[0]',
    ],
    'another option': [[], [], { ...ALL, dryRun: true }, 'options.dryRun'],
    'a drain of no protocol': [
      [],
      [],
      { ...ALL, drain: { protocols: ['icmp'] } },
      'options.drain.protocols[0]',
    ],
    'a state that is none': [{ services: [] }, [], ALL, 'services'],
    'an actual table that is none': [[], undefined, ALL, 'actual'],
    'a service twice': [[WEB, { ...WEB, address: '::ffff:10.0.0.1' }], [], ALL, 'services[1]'],
    'a destination twice': [
      [{ ...WEB, destinations: [REAL, OTHER, REAL] }],
      [],
      ALL,
      'services[0].destinations[2]',
    ],
    'a destination twice, where it is there': [
      [{ ...WEB, destinations: [REAL, REAL] }],
      table(WEB),
      ALL,
      'services[0].destinations[1]',
    ],
    'no destinations': [[{ ...WEB, destinations: undefined }], [], ALL, 'services[0].destinations'],
    'an unknown field': [[WEB, { ...WEB, port: 81, color: 1 }], [], ALL, 'services[1].color'],
    'an unknown field of a destination that is there': [
      [{ ...WEB, destinations: [{ ...REAL, color: 1 }] }],
      table(WEB),
      ALL,
      'services[0].destinations[0].color',
    ],
    'a destination that lacks its method, where it is there': [
      [{ ...WEB, destinations: [{ address: REAL.address, port: 80 }] }],
      table(WEB),
      ALL,
      'services[0].destinations[0].forwarding',
    ],
    'a weight of no use': [
      [{ ...WEB, destinations: [{ ...REAL, weight: -1 }] }],
      [],
      ALL,
      'services[0].destinations[0].weight',
    ],
    'another family': [
      [{ ...WEB, destinations: [{ ...REAL, address: '2001:db8::1' }] }],
      [],
      ALL,
      'services[0].destinations[0].address',
    ],
  };
  for (const [title, [desired, actual, options, field]] of Object.entries(CASES)) {
    it(`${title}, and says where: ${field}`, () => {
      assert.throws(
        () => plan(desired as DesiredState, actual as ServiceState[], options as PlanOptions),
        (error: { field?: string; code?: string }) => {
          assert.equal(error.field, field);
          assert.match(error.code ?? '', /^ERR_IPVS_/);
          return true;
        },
      );
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
});
