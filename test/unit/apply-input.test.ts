/** What `apply` and `drain` refuse before anything is read or changed, each with the path of what is wrong. */
import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { clientOver, FakeDoor } from '../support/door.js';
import { assertRefusal, type Refusal, refusal, show, wrongTypes } from '../support/refusals.js';

const REAL = { address: '10.0.1.1', port: 80, forwarding: 'masquerade' } as const;
const WEB = {
  ...{ protocol: 'tcp', address: '10.0.0.1', port: 80, scheduler: 'wrr' },
  destinations: [REAL],
} as const;
const MARK = { fwmark: 7, family: 'ipv4', scheduler: 'rr', destinations: [] } as const;
const ALL = { scope: 'everything' } as const;
const START = { key: { service: 'tcp 10.0.0.1:80', destination: '10.0.1.1:80' }, since: 1 };

type Untyped = Record<string, (...values: unknown[]) => Promise<unknown>>;

/** Asserts that a call of a method is refused like this, and that nothing went to the kernel. */
async function assertRefused(method: string, values: unknown[], expected: Refusal): Promise<void> {
  const door = new FakeDoor();
  const what = `${method}(${values.map(show).join(', ')})`;
  const promise = (clientOver(door) as unknown as Untyped)[method]?.(...values);
  assert.ok(promise instanceof Promise, what);
  await assert.rejects(promise, (error) => assertRefusal(error, expected, what), what);
  assert.deepEqual(door.events, [], what);
}

type Row = readonly [value: unknown, error: Refusal['error'], field: string, code?: string];

const UNKNOWN = 'ERR_IPVS_UNKNOWN_FIELD';

/** Options of `apply`. */
const OPTIONS: readonly Row[] = [
  [undefined, 'TypeError', 'options'],
  [null, 'TypeError', 'options'],
  ['everything', 'TypeError', 'options'],
  [[], 'TypeError', 'options'],
  [new Map([['scope', 'everything']]), 'TypeError', 'options'],
  [{}, 'TypeError', 'options.scope'],
  [{ scope: undefined }, 'TypeError', 'options.scope'],
  [{ scope: 'all' }, 'TypeError', 'options.scope'],
  [{ scope: true }, 'TypeError', 'options.scope'],
  [{ scope: [] }, 'RangeError', 'options.scope'],
  [{ scope: ['10.0.0.0/8', 7] }, 'TypeError', 'options.scope[1]'],
  [{ scope: ['10.0.0.1/8'] }, 'RangeError', 'options.scope[0]'],
  [{ scope: ['10.0.0.0/33'] }, 'RangeError', 'options.scope[0]'],
  [{ scope: ['10.0.0.0/8', 'tcp 10.0.0.1'] }, 'RangeError', 'options.scope[1]'],
  [{ scope: ['tcp 10.0.0.01:80'] }, 'RangeError', 'options.scope[0]'],
  [{ scope: () => 1 }, 'TypeError', 'options.scope'],
  [{ scope: async () => await Promise.resolve(true) }, 'TypeError', 'options.scope'],
  [{ ...ALL, skope: 'everything' }, 'TypeError', 'options.skope', UNKNOWN],
  [{ ...ALL, deadline: 1000 }, 'TypeError', 'options.deadline', UNKNOWN],
  [{ ...ALL, maxRemovals: -0.01 }, 'RangeError', 'options.maxRemovals'],
  [{ ...ALL, maxRemovals: 1.01 }, 'RangeError', 'options.maxRemovals'],
  [{ ...ALL, maxRemovals: 50 }, 'RangeError', 'options.maxRemovals'],
  [{ ...ALL, maxRemovals: NaN }, 'RangeError', 'options.maxRemovals'],
];

/** The option `drain` of `apply`. */
const DRAINS: readonly Row[] = [
  [{}, 'TypeError', 'deadline'],
  [{ deadline: undefined }, 'TypeError', 'deadline'],
  [{ deadline: 0 }, 'RangeError', 'deadline'],
  [{ deadline: -1 }, 'RangeError', 'deadline'],
  [{ deadline: 0.5 }, 'RangeError', 'deadline'],
  [{ deadline: Infinity }, 'RangeError', 'deadline'],
  [{ deadline: 2_592_000_001 }, 'RangeError', 'deadline'],
  [{ deadline: 1, timeout: 1 }, 'TypeError', 'timeout', UNKNOWN],
  [{ deadline: 1, protocols: 'tcp' }, 'TypeError', 'protocols'],
  [{ deadline: 1, protocols: ['tcp', 'icmp'] }, 'RangeError', 'protocols[1]'],
  [{ deadline: 1, protocols: [6] }, 'TypeError', 'protocols[0]'],
  [{ deadline: 1, since: START }, 'TypeError', 'since'],
  [{ deadline: 1, since: [null] }, 'TypeError', 'since[0]'],
  [{ deadline: 1, since: [START, {}] }, 'TypeError', 'since[1].key'],
  [{ deadline: 1, since: [{ ...START, key: 'tcp 10.0.0.1:80' }] }, 'TypeError', 'since[0].key'],
  [{ deadline: 1, since: [{ key: START.key }] }, 'TypeError', 'since[0].since'],
  [{ deadline: 1, since: [{ ...START, since: -1 }] }, 'RangeError', 'since[0].since'],
  [{ deadline: 1, since: [{ ...START, since: 0.5 }] }, 'RangeError', 'since[0].since'],
  [{ deadline: 1, since: [{ ...START, since: new Date(0) }] }, 'TypeError', 'since[0].since'],
  [{ deadline: 1, since: [{ ...START, till: 1 }] }, 'TypeError', 'since[0].till', UNKNOWN],
  ...(
    [
      [{ service: START.key.service }, 'TypeError', 'destination'],
      [{ destination: START.key.destination }, 'TypeError', 'service'],
      [{ ...START.key, service: 7 }, 'TypeError', 'service'],
      [{ ...START.key, service: '10.0.0.1:80' }, 'RangeError', 'service'],
      [{ ...START.key, destination: '10.0.1.1' }, 'RangeError', 'destination'],
      [{ ...START.key, weight: 0 }, 'TypeError', 'weight', UNKNOWN],
    ] as const
  ).map(([key, error, field, code]): Row => [
    { deadline: 1, since: [{ ...START, key }] },
    ...([error, `since[0].key.${field}`] as const),
    ...(code === undefined ? ([] as const) : ([code] as const)),
  ]),
];

/** Desired states, with the options that make them wrong. */
const STATES: readonly (readonly [desired: unknown, options: object, Row[1], field: string])[] = [
  [undefined, ALL, 'TypeError', 'services'],
  [WEB, ALL, 'TypeError', 'services'],
  [{ services: [WEB] }, ALL, 'TypeError', 'services'],
  [[], ALL, 'RangeError', 'services'],
  [[], { ...ALL, allowEmpty: false }, 'RangeError', 'services'],
  [[null], ALL, 'TypeError', 'services[0]'],
  [new Array<unknown>(1), ALL, 'TypeError', 'services[0]'],
  [[WEB, { ...WEB, scheduler: 'rr' }], ALL, 'RangeError', 'services[1]'],
  [[MARK, MARK], ALL, 'RangeError', 'services[1]'],
  [[WEB, { ...WEB, address: '010.0.0.1' }], ALL, 'RangeError', 'services[1].address'],
  [[{ ...WEB, destinations: undefined }], ALL, 'TypeError', 'services[0].destinations'],
  [
    [{ ...WEB, destinations: [REAL, { ...REAL, weight: 2 }] }],
    ...([ALL, 'RangeError', 'services[0].destinations[1]'] as const),
  ],
  [
    [MARK, { ...WEB, destinations: [REAL, { ...REAL, port: 81, weight: -1 }] }],
    ...([ALL, 'RangeError', 'services[1].destinations[1].weight'] as const),
  ],
  [
    [{ ...WEB, destinations: [{ ...REAL, address: '2001:db8::1' }] }],
    ...([ALL, 'RangeError', 'services[0].destinations[0].address'] as const),
  ],
  [[WEB, MARK], { scope: ['10.0.0.0/8'] }, 'RangeError', 'services[1]'],
  [[MARK, WEB], { scope: ['fwmark 7 ipv4'] }, 'RangeError', 'services[1]'],
  [[WEB], { scope: ['10.0.0.2'] }, 'RangeError', 'services[0]'],
  [[WEB], { scope: () => false }, 'RangeError', 'services[0]'],
];

/** Options of `drain`. */
const CALLS: readonly Row[] = [
  [undefined, 'TypeError', 'options'],
  [1000, 'TypeError', 'options'],
  [{}, 'TypeError', 'options.deadline'],
  [{ deadline: 0 }, 'RangeError', 'options.deadline'],
  [{ deadline: 2_592_000_001 }, 'RangeError', 'options.deadline'],
  [{ deadline: 1, since: -1 }, 'RangeError', 'options.since'],
  [{ deadline: 1, since: [START] }, 'TypeError', 'options.since'],
  [{ deadline: 1, interval: 9 }, 'RangeError', 'options.interval'],
  [{ deadline: 1, interval: 3_600_001 }, 'RangeError', 'options.interval'],
  [{ deadline: 1, protocols: ['tcp'] }, 'TypeError', 'options.protocols', UNKNOWN],
];

describe('what apply refuses before anything is read', () => {
  for (const [value, error, field, code] of OPTIONS) {
    it(`options ${show(value)}`, async () => {
      await assertRefused('apply', [[WEB], value], refusal(error, field, code));
    });
  }

  for (const [value, error, field, code] of DRAINS) {
    it(`drain ${show(value)}`, async () => {
      const expected = refusal(error, `options.drain.${field}`, code);
      await assertRefused('apply', [[WEB], { ...ALL, drain: value }], expected);
    });
  }

  for (const [desired, options, error, field] of STATES) {
    it(`${show(desired)} with ${show(options)}`, async () => {
      await assertRefused('apply', [desired, options], refusal(error, field));
    });
  }

  it('a field that nobody knows, at every depth', async () => {
    const wrong = [
      [{ ...WEB, wheight: 1 }, 'services[0].wheight'],
      [{ ...WEB, persistence: { timeout: 1, mask: 1 } }, 'services[0].persistence.mask'],
      [{ ...WEB, destinations: [{ ...REAL, w: 1 }] }, 'services[0].destinations[0].w'],
    ] as const;
    for (const [service, field] of wrong) {
      await assertRefused('apply', [[service], ALL], refusal('TypeError', field, UNKNOWN));
    }
  });

  it('options of another type than theirs', async () => {
    const valid = {
      keepWeights: true,
      maxRemovals: 0.5,
      allowEmpty: true,
      shuffle: true,
      quick: true,
    };
    for (const [name, value] of Object.entries({ ...valid, dryRun: true, drain: {}, signal: {} })) {
      for (const [, wrong] of wrongTypes(value)) {
        const expected = refusal('TypeError', `options.${name}`);
        await assertRefused('apply', [[WEB], { ...ALL, [name]: wrong }], expected);
      }
    }
    const noSignal = refusal('TypeError', 'options.signal');
    await assertRefused('apply', [[WEB], { ...ALL, signal: {} }], noSignal);
  });
});

describe('what drain refuses before anything is read', () => {
  for (const [value, error, field, code] of CALLS) {
    it(`options ${show(value)}`, async () => {
      await assertRefused('drain', [WEB, REAL, value], refusal(error, field, code));
    });
  }

  it('options of another type than theirs, and keys that are none', async () => {
    const valid = { deadline: 1, since: 1, interval: 10, allowRefusals: true };
    for (const [name, value] of Object.entries(valid)) {
      for (const [, wrong] of wrongTypes(value)) {
        const expected = refusal('TypeError', `options.${name}`);
        await assertRefused('drain', [WEB, REAL, { deadline: 1, [name]: wrong }], expected);
      }
    }
    const options = { deadline: 1 };
    await assertRefused('drain', [null, REAL, options], refusal('TypeError', 'service'));
    await assertRefused('drain', [WEB, null, options], refusal('TypeError', 'destination'));
    const port = { ...WEB, port: 65536 };
    await assertRefused('drain', [port, REAL, options], refusal('RangeError', 'service.port'));
  });
});
