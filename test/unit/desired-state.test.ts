/**
 * Desired states from files: the JSON schema and `checkDesiredState` take the same ones, but for what is listed
 * here that a schema can't say.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import {
  type ArgumentError,
  checkDesiredState,
  type DesiredService,
  formatKey,
  type Keyed,
  plan,
  type ServiceState,
} from '../../lib/index.js';
import { state } from '../support/arbitraries.js';
import { type Path, placesIn, valueAt, withAnother } from '../support/mutants.js';
import { complaint, schema } from '../support/schema.js';

const REAL = { address: '10.0.1.1', port: 80, forwarding: 'masquerade' } as const;
const WEB = {
  ...{ protocol: 'tcp', address: '10.0.0.1', port: 80, scheduler: 'wrr' },
  destinations: [REAL],
} as const satisfies DesiredService;
const IPV6 = {
  ...WEB,
  address: '2001:db8::1',
  destinations: [{ ...REAL, address: '2001:db8::2' }],
};
const MARK = { fwmark: 7, family: 'ipv4', scheduler: 'rr', destinations: [] } as const;
const PERSISTENCE = { timeout: 300, prefixLength: 24, engine: 'sip' };

/** What other programs write, as it is read, over a service or a destination of ours. */
const FOREIGN_KEYS: readonly object[] = [
  { protocol: 'protocol-47', unsupported: ['protocol'] },
  { address: '::ffff:192.0.2.1', family: 'ipv6', destinations: [], unsupported: ['address'] },
  { port: 0, unsupported: ['port'] },
];
const FOREIGN_SERVICES: readonly object[] = [
  { scheduler: 'none', persistence: { timeout: 0 }, unsupported: ['persistence.timeout'] },
  { schedulerFlags: ['flag-1'], onePacket: true, unsupported: ['onePacket', 'flags'] },
];
const FOREIGN_DESTINATIONS: readonly object[] = [
  { address: '::ffff:192.0.2.1', family: 'ipv6', unsupported: ['address'] },
  { port: 0, unsupported: ['port'] },
  { forwarding: 'bypass', unsupported: ['forwarding'] },
  { upperThreshold: 4294967295, unsupported: ['upperThreshold'] },
  { tunnel: { type: 'tunnel-3', checksum: 'checksum-5' }, unsupported: ['tunnel'] },
];

/** One of each kind, alone in its table. */
const EXAMPLES: readonly (readonly object[])[] = [
  [WEB],
  [IPV6],
  [MARK],
  [{ ...WEB, protocol: 'udp', onePacket: true, persistence: PERSISTENCE }],
  [{ ...WEB, scheduler: 'sh', schedulerFlags: ['fallback', 'port', 'flag-3'] }],
  [{ ...WEB, port: 0, persistence: { timeout: 60 }, destinations: [{ ...REAL, port: 0 }] }],
  [
    {
      ...MARK,
      family: 'ipv6',
      persistence: PERSISTENCE,
      destinations: [{ ...IPV6.destinations[0], port: 0 }],
    },
  ],
  ...[
    { type: 'gue', port: 6080, checksum: 'remote' },
    { type: 'gre', checksum: 'checksum' },
    { type: 'ipip' },
  ].map((tunnel) => [{ ...WEB, destinations: [{ ...REAL, forwarding: 'tunnel', tunnel }] }]),
  [{ ...WEB, destinations: [{ ...REAL, weight: 0, upperThreshold: 9, lowerThreshold: 7 }] }],
  ...[...FOREIGN_KEYS, ...FOREIGN_SERVICES].map((foreign) => [{ ...WEB, ...foreign }]),
  ...FOREIGN_SERVICES.map((foreign) => [{ ...MARK, ...foreign }]),
  ...FOREIGN_DESTINATIONS.map((foreign) => [{ ...WEB, destinations: [{ ...REAL, ...foreign }] }]),
];

/** Every field of any part of a state, and one of none. */
const FIELDS = [
  ...[
    'protocol',
    'address',
    'port',
    'fwmark',
    'family',
    'scheduler',
    'schedulerFlags',
    'onePacket',
  ],
  ...['persistence', 'timeout', 'prefixLength', 'engine', 'destinations', 'forwarding', 'weight'],
  ...['upperThreshold', 'lowerThreshold', 'tunnel', 'type', 'checksum', 'unsupported', 'stats'],
  ...['connections', 'color'],
];

/** What may stand somewhere; undefined is nothing. */
const VALUES: readonly unknown[] = [
  ...[undefined, null, true, false, {}, [], [null], [{}]],
  // About every bound.
  ...[-1, 0, 0.5, 1, 32, 33, 128, 129, 65535, 65536, 4294967, 4294968],
  ...[2147483647, 2147483648, 4294967295, 4294967296, 1e300],
  ...['', 'x', '80', 'a b', 'ü', 'fifteen-letters', 'sixteen-letters!', 'seventeen-letters'],
  ...['tcp', 'udp', 'sctp', 'TCP', 'icmp', 'ipv4', 'ipv6', 'inet', 'rr', 'sh', 'mh', 'none'],
  ...['protocol-0', 'protocol-47', 'protocol-65535', 'protocol-65536', 'protocol-6', 'protocol-17'],
  ...['protocol-132', 'protocol-047', 'protocol-99999', 'protocol-60000', 'protocol-1000000'],
  ...['masquerade', 'direct', 'tunnel', 'local', 'bypass', 'ipip', 'gue', 'gre', 'vxlan'],
  ...['checksum', 'remote', 'checksum-5', 'tunnel-3'],
  ...[
    '10.0.0.1',
    '0.0.0.0',
    '255.249.199.99',
    '010.0.0.1',
    '10.0.0.256',
    '10.0.0',
    '10.0.0.1.',
    '10.0.0.0.1',
  ],
  ...[
    '10.0.0.1:80',
    '10.0.0.0/8',
    'host.example',
    '::',
    '2001:DB8::1',
    '::ffff:10.0.0.1',
    '1:2:3:4:5:6:7:8',
  ],
  ...['1::2::3', '12345::', ':1', '[::1]', '::1/128', 'fe80::1%eth0', '::10.0.0.256', ' ::1'],
  ...[
    ['fallback'],
    ['port', 'flag-3'],
    ['flag-1', 'flag-2'],
    ['flag-3', 'flag-3'],
    ['flag-4'],
    ['protocol'],
  ],
  ...[{ timeout: 60 }, { timeout: 60, prefixLength: 64 }, { timeout: 60, color: 1 }],
  ...[
    { type: 'ipip' },
    { type: 'gue' },
    { port: 6080 },
    { type: 'gre', checksum: 'remote' },
    { type: 'ipip', checksum: 'none' },
  ],
  ...[
    [WEB],
    [WEB, WEB],
    [REAL],
    [REAL, { ...REAL, address: '::ffff:10.0.1.1' }],
    [IPV6.destinations[0]],
  ],
];

/**
 * What a schema can't say: what `checkDesiredState` says of it, behind which stands here the service that it
 * says it of, and an example.
 */
const UNSAID: readonly (readonly [string, RegExp, readonly object[]])[] = [
  [
    'a service twice',
    /^services\[\d+\] is \S+ \S+( ipv[46])?, and so is services\[\d+\]: /,
    [WEB, { ...WEB, address: '::ffff:10.0.0.1' }],
  ],
  [
    'a destination twice',
    /\.destinations\[\d+\] is \S+, and so is services\[\d+\]\.destinations\[\d+\]: /,
    [{ ...WEB, destinations: [REAL, REAL] }],
  ],
  [
    'a text with colons that is no IPv6 address',
    /\.address must be an IPv4 or IPv6 address: .*; received "[\da-f]*:[\da-f]*:[\da-f:.]*" /i,
    [{ ...WEB, address: '1::2::3' }],
  ],
  [
    'a family that is not that of the address',
    /\.family is (ipv[46], and \S+ is not|not the family of \S+) /,
    [{ ...WEB, family: 'ipv6' }],
  ],
  [
    'a destination of another family that is not tunnelled',
    /\.address is ipv[46] and the service is ipv[46]: that requires forwarding 'tunnel' /,
    [{ ...WEB, destinations: IPV6.destinations }],
  ],
  [
    'a prefix length above 32 where an IPv4 address is written as IPv4-mapped',
    /\.prefixLength must be a whole number from 1 to 32; received \d+ .*"address":"[^"]*:.*"prefixLength":(\d\d|1[01]\d|12[0-8])\D/,
    [{ ...WEB, persistence: { timeout: 60, prefixLength: 33 }, address: '::ffff:10.0.0.1' }],
  ],
  [
    'a lower threshold above the upper one',
    /\.lowerThreshold must not exceed upperThreshold /,
    [{ ...WEB, destinations: [{ ...REAL, upperThreshold: 7, lowerThreshold: 9 }] }],
  ],
];

/** What `act` throws, which must be of those that say where. */
function refusalOf(act: () => unknown): ArgumentError | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    assert.match((error as ArgumentError).code, /^ERR_IPVS_/, String(error));
    assert.match((error as ArgumentError).field, /^services/);
    return error as ArgumentError;
  }
}

function unsaid({ message, field }: ArgumentError, value: unknown): string | undefined {
  const [, index = ''] = /^services\[(\d+)\]/.exec(field) ?? [];
  const text = `${message} ${JSON.stringify((value as readonly unknown[])[Number(index)])}`;
  return UNSAID.find(([, said]) => said.test(text))?.[0];
}

/** Asserts that both say the same of a value, or the schema nothing of what it can't say. */
function assertAgreed(value: unknown): void {
  const refusal = refusalOf(() => checkDesiredState(value));
  const wrong = complaint(value);
  if ((refusal === undefined) === (wrong === undefined)) return;
  if (refusal !== undefined && unsaid(refusal, value) !== undefined) return;
  const [said, missing] = refusal === undefined ? [wrong, 'Check'] : [refusal.message, 'Schema'];
  assert.fail(`${missing} has nothing against ${JSON.stringify(value)}: ${said ?? ''}`);
}

function assertTaken(value: unknown): void {
  assert.equal(checkDesiredState(value), value);
  assert.equal(complaint(value), undefined);
}

/** Of entries with one key the last. */
function distinct<Entry extends Keyed>(entries: readonly Entry[]): Entry[] {
  return [...new Map(entries.map((each) => [formatKey(each), each])).values()];
}

/** States that hold what other programs wrote, too. */
const found: fc.Arbitrary<object[]> = fc
  .tuple(state, fc.infiniteStream(fc.nat(99)))
  .map(([services, choices]) => {
    const over = <Entry extends object>(entry: Entry, foreign: readonly object[]): Entry => {
      const choice = choices.next().value as number;
      return choice < 50 ? entry : { ...entry, ...foreign[choice % foreign.length] };
    };
    const all = services.map((service) => {
      const destinations = service.destinations.map((each) => over(each, FOREIGN_DESTINATIONS));
      const keys = service.fwmark === undefined ? FOREIGN_KEYS : [];
      const whole = { ...service, destinations: distinct(destinations) };
      return over(whole, [...FOREIGN_SERVICES, ...keys]);
    });
    return distinct(all);
  });

/** One change somewhere in a state: to something else, or to what stands elsewhere in it. */
const mutation = fc.record({
  place: fc.nat(),
  other: fc.oneof(
    fc.constantFrom(...VALUES).map((value) => ({ value })),
    fc.nat().map((from) => ({ from })),
  ),
});

function mutate(
  services: unknown,
  { place, other }: { place: number; other: { value: unknown } | { from: number } },
): unknown {
  const places = placesIn(services, FIELDS);
  const pick = (number: number): Path => places[number % places.length] ?? [];
  const value = 'from' in other ? valueAt(services, pick(other.from)) : other.value;
  return withAnother(services, pick(place), value);
}

describe('a desired state', function () {
  this.timeout(60_000);

  it('is taken by the schema and by checkDesiredState, which gives it back', () => {
    for (const each of EXAMPLES) assertTaken(each);
    fc.assert(fc.property(state, assertTaken));
  });

  it('may hold what other programs wrote, which plans to nothing where it is there', () => {
    fc.assert(
      fc.property(found, (services) => {
        assertTaken(services);
        const actual = JSON.parse(JSON.stringify(services)) as ServiceState[];
        assert.deepEqual(plan(checkDesiredState(services), actual, { scope: 'everything' }), []);
      }),
    );
  });

  it('with anything anywhere is refused by both or by none', () => {
    for (const example of EXAMPLES) {
      for (const place of placesIn(example, FIELDS)) {
        for (const value of VALUES) assertAgreed(withAnother(example, place, value));
      }
    }
  });

  it('of many services with one change somewhere is refused by both or by none', () => {
    fc.assert(
      fc.property(found, fc.array(mutation, { minLength: 20 }), (services, mutations) => {
        for (const each of mutations) assertAgreed(mutate(services, each));
      }),
    );
  });

  it('is refused by checkDesiredState as by plan', () => {
    fc.assert(
      fc.property(state, mutation, (services, change) => {
        const mutant = mutate(services, change) as DesiredService[];
        const refusal = refusalOf(() => checkDesiredState(mutant));
        const planned = refusalOf(() => plan(mutant, [], { scope: 'everything' }));
        // Whether what others wrote is there, only a plan can tell.
        if (refusal === undefined && planned?.field.endsWith('.unsupported') === true) return;
        assert.deepEqual(planned, refusal);
      }),
      { numRuns: 1000 },
    );
  });

  for (const [title, , example] of UNSAID) {
    it(`is refused by checkDesiredState alone for ${title}`, () => {
      assert.equal(complaint(example), undefined);
      const refusal = refusalOf(() => checkDesiredState(example));
      assert.ok(refusal);
      assert.equal(unsaid(refusal, example), title);
    });
  }

  it('is refused with the path of what is wrong', () => {
    const services = [80, 81, 82, 83].map((port) => ({ ...WEB, port }));
    const wrong = withAnother(services, [3, 'destinations', 0, 'weight'], -1);
    const refusal = refusalOf(() => checkDesiredState(wrong));
    assert.equal(refusal?.field, 'services[3].destinations[0].weight');
    assert.equal(refusal.code, 'ERR_IPVS_INVALID_WEIGHT');
    assert.equal(complaint(wrong), '/3/destinations/0/weight must be >= 0');
  });
});

interface Described {
  readonly description?: string;
  readonly default?: unknown;
}

/** The definitions that say which fields there are. */
const whole = Object.entries(schema.$defs).flatMap(([name, definition]) =>
  'additionalProperties' in definition
    ? [[name, definition.properties as Readonly<Record<string, Described>>] as const]
    : [],
);

describe('the schema of desired states', () => {
  it('describes every field', () => {
    assert.deepEqual(whole.map(([name]) => name).sort(), [
      'destination',
      'foreignDestination',
      'foreignService',
      'persistence',
      'service',
      'tunnel',
    ]);
    for (const [name, properties] of whole) {
      for (const [field, { description = '' }] of Object.entries(properties)) {
        assert.match(description, /^[A-Z\d].{5,}\.$/, `${name}.${field}`);
      }
    }
  });

  it('has the defaults that are filled in', () => {
    const changes = plan([WEB], [], { scope: 'everything' });
    const planned = changes.map((change) => ('to' in change ? change.to : {}));
    const definitions = Object.fromEntries(whole);
    for (const [index, name] of (['service', 'destination'] as const).entries()) {
      const defaults = Object.entries(definitions[name] ?? {}).flatMap(([field, property]) =>
        'default' in property ? [[field, property.default] as const] : [],
      );
      assert.ok(defaults.length > 1);
      const filled = planned[index] as Readonly<Record<string, unknown>>;
      for (const [field, value] of defaults) assert.deepEqual(filled[field], value, field);
    }
  });
});
