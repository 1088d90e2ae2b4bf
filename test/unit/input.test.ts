import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { checkSyncDaemon } from '../../lib/input/daemon.js';
import { checkDestination, checkDestinationReference } from '../../lib/input/destination.js';
import {
  checkCallOptions,
  checkObserverOptions,
  checkOptions,
  checkSnapshotOptions,
} from '../../lib/input/options.js';
import { checkDestinationPatch } from '../../lib/input/patch.js';
import {
  checkService,
  checkServiceReference,
  checkZeroedService,
} from '../../lib/input/service.js';
import { checkSysctlValue } from '../../lib/input/sysctls.js';
import { checkTimeouts } from '../../lib/input/timeouts.js';
import { describeField, NOT_WHOLE } from '../support/fields.js';
import { assertRefused, show } from '../support/refusals.js';

const SERVICE = { protocol: 'tcp', address: '192.0.2.1', port: 80, scheduler: 'rr' } as const;
const MARK = { fwmark: 7, family: 'ipv4', scheduler: 'rr' } as const;
const DESTINATION = { address: '192.0.2.2', port: 80, forwarding: 'masquerade' } as const;
const TUNNEL = { ...DESTINATION, forwarding: 'tunnel', tunnel: { type: 'ipip' } } as const;
const IN_SERVICE = checkServiceReference('service', SERVICE);

const service = (value: unknown): unknown => checkService('service', value);
const destination = (value: unknown): unknown => checkDestination('destination', value, IN_SERVICE);
const reference = (value: unknown): unknown => checkServiceReference('service', value);
const place = (value: unknown): unknown => checkDestinationReference('destination', value);

/** [argument's name, its check, a valid one] */
const ARGUMENTS = [
  ['service', service, SERVICE],
  ['service', reference, MARK],
  ['destination', destination, DESTINATION],
  ['destination', place, DESTINATION],
  ['options', checkOptions, { timeout: 1 }],
] as const;

const NO_OBJECTS = [null, true, 1, NaN, 1n, '', 'tcp 192.0.2.1:80', Symbol('s'), [], [SERVICE]];

describe('an argument that must be an object', () => {
  for (const [name, check, valid] of ARGUMENTS) {
    it(`${name} (${check.name}) refuses everything else: TypeError`, () => {
      const code = `ERR_IPVS_INVALID_${name.toUpperCase()}`;
      for (const value of [...NO_OBJECTS, () => valid]) {
        assertRefused(() => check(value), { error: 'TypeError', code, field: name }, show(value));
      }
    });

    it(`${name} (${check.name}) may have no prototype`, () => {
      assert.deepEqual(check(Object.assign(Object.create(null), valid)), check(valid));
    });
  }

  it('is shown how it is written', () => {
    const signal = new AbortController().signal;
    const rows: readonly [() => unknown, string][] = [
      [
        () => service('tcp'),
        'service must be an object { protocol, address, port, scheduler, … } or { fwmark, family, scheduler, … }; received "tcp"',
      ],
      [
        () => reference(undefined),
        'service is required: an object { protocol, address, port } or { fwmark, family }',
      ],
      [
        () => destination([]),
        'destination must be an object { address, port, forwarding, … }; received an array',
      ],
      [() => place(80), 'destination must be an object { address, port }; received 80'],
      [
        () => service({ ...SERVICE, persistence: 300 }),
        'service.persistence must be an object { timeout, prefixLength?, engine? }; received 300',
      ],
      [
        () => destination({ ...TUNNEL, tunnel: 'gue' }),
        'destination.tunnel must be an object { type, port?, checksum? }; received "gue"',
      ],
      [
        () => checkOptions({ netns: 'blue' }),
        'options.netns must be an object { name }, { path } or { pid }; received "blue"',
      ],
      [
        () => checkOptions('blue'),
        'options must be an object { netns?, timeout?, queueLimit? }; received "blue"',
      ],
      [
        () => checkCallOptions(signal),
        'options must be an object { signal? }; received an AbortSignal',
      ],
      [
        () => checkSnapshotOptions(signal),
        'options must be an object { consistent?, stats?, signal? }; received an AbortSignal',
      ],
      [
        () => checkDestinationPatch('patch', { tunnel: 1 }),
        'patch.tunnel must be an object { type?, port?, checksum? }; received 1',
      ],
      [
        () => checkTimeouts('timeouts', 30),
        'timeouts must be an object { tcp?, tcpFin?, udp? }; received 30',
      ],
      [
        () => checkZeroedService('service', undefined),
        'service is required: an object { protocol, address, port } or { fwmark, family }; zeroAll() is for all services',
      ],
    ];
    for (const [check, message] of rows) assert.throws(check, { name: 'TypeError', message });
  });

  it('options may be left out; nothing else may', () => {
    assert.deepEqual(checkOptions(undefined), {
      namespacePath: null,
      timeout: 5000,
      queueLimit: 131072,
    });
    for (const check of [service, reference, destination, place]) {
      assert.throws(() => check(undefined), TypeError);
    }
  });
});

describe('a value that is refused', () => {
  it('is shown beside what would be taken', () => {
    const rows: readonly [() => unknown, string][] = [
      [
        () => service({ ...SERVICE, scheduler: 'wrr', schedulerFlags: ['fallback'] }),
        "service.schedulerFlags[0] must be one of 'flag-1', 'flag-2', 'flag-3', as wrr gives its flags no " +
          "names: 'fallback' and 'port' are of sh and mh; received \"fallback\"",
      ],
      [
        () => service({ ...SERVICE, scheduler: 'mh', schedulerFlags: ['port', 'flag-1'] }),
        "service.schedulerFlags[1] must be one of 'fallback', 'port', 'flag-3', as the flags of mh are " +
          'called; received "flag-1"',
      ],
      [
        () => checkSysctlValue('value', 'sync_threshold', [50, 3]),
        'value must be [packets before the first sync, packets between two syncs] for sync_threshold: two ' +
          'whole numbers, the first less than the second unless that is 0, such as [3, 50]; received [50, 3]',
      ],
      [
        () => checkSysctlValue('value', 'conntrack', 2),
        'value must be a whole number from 0 to 1 for conntrack; received 2',
      ],
    ];
    for (const [check, message] of rows) assert.throws(check, { message });
  });
});

describe('a field that nobody knows: TypeError ERR_IPVS_UNKNOWN_FIELD', () => {
  const rows: readonly [(value: unknown) => unknown, object, string][] = [
    [service, { ...SERVICE, protocl: 'tcp' }, 'service.protocl'],
    [service, { ...SERVICE, Port: 80 }, 'service.Port'],
    [service, { ...SERVICE, sched: undefined }, 'service.sched'],
    [service, { ...SERVICE, weight: 1 }, 'service.weight'],
    [service, { ...SERVICE, connections: {} }, 'service.connections'],
    [service, { ...SERVICE, '': 1 }, 'service.'],
    [service, JSON.parse('{"__proto__": {"port": 1}, "port": 1}') as object, 'service.__proto__'],
    [
      service,
      { ...SERVICE, persistence: { timeout: 1, netmask: 32 } },
      'service.persistence.netmask',
    ],
    [reference, { ...SERVICE, timeout: 1 }, 'service.timeout'],
    [reference, { ...MARK, mark: 1 }, 'service.mark'],
    [destination, { ...DESTINATION, wieght: 1 }, 'destination.wieght'],
    [destination, { ...DESTINATION, scheduler: 'rr' }, 'destination.scheduler'],
    [destination, { ...TUNNEL, tunnel: { type: 'ipip', flags: 0 } }, 'destination.tunnel.flags'],
    [place, { ...DESTINATION, protocol: 'tcp' }, 'destination.protocol'],
    [checkOptions, { timeOut: 1 }, 'options.timeOut'],
    [checkOptions, { netns: { nmae: 'a' } }, 'options.netns.nmae'],
    [checkObserverOptions, { timeout: 1 }, 'options.timeout'],
    [checkOptions, Object.create({ netnS: 1 }) as object, 'options.netnS'],
  ];
  for (const [check, argument, field] of rows) {
    it(field, () => {
      const code = 'ERR_IPVS_UNKNOWN_FIELD';
      assertRefused(() => check(argument), { error: 'TypeError', code, field });
    });
  }

  it('says which fields there are, and leaves out what is only read', () => {
    const rows: readonly [() => unknown, string][] = [
      [
        () => service({ ...SERVICE, protocl: 1 }),
        'service has the unknown field "protocl"; it takes protocol, address, port, fwmark, family, ' +
          'scheduler, schedulerFlags, onePacket, persistence',
      ],
      [
        () => reference({ ...SERVICE, vip: 1 }),
        'service has the unknown field "vip"; it takes protocol, address, port, fwmark, family',
      ],
      [
        () => destination({ ...DESTINATION, wieght: 1 }),
        'destination has the unknown field "wieght"; it takes address, port, forwarding, weight, ' +
          'upperThreshold, lowerThreshold, tunnel',
      ],
      [
        () => place({ ...DESTINATION, ip: 1 }),
        'destination has the unknown field "ip"; it takes address, port',
      ],
      [
        () => checkSyncDaemon('daemon', { role: 'master', interface: 'lo', id: 1 }),
        'daemon has the unknown field "id"; it takes role, interface, syncId, maxLength, group, port, ttl',
      ],
    ];
    for (const [check, message] of rows) assert.throws(check, { message });
  });
});

describe('what only names something', () => {
  it('may be what others put into the table: any protocol, port 0, a mapped address', () => {
    reference({ ...SERVICE, protocol: 'protocol-47', port: 0 });
    place({ address: '192.0.2.2', port: 0 });
    const key = checkServiceReference('service', {
      ...SERVICE,
      address: '::ffff:1.2.3.4',
      family: 'ipv6',
    });
    assert.ok('address' in key);
    assert.deepEqual([key.family, key.address.text], ['ipv6', '::ffff:1.2.3.4']);
    assert.equal(key.address.bytes.length, 16);
  });

  for (const protocol of [
    'protocol-6',
    'protocol-65536',
    'protocol-047',
    'protocol--1',
    'icmp',
    '',
  ]) {
    it(`refuses the protocol ${show(protocol)}: RangeError ERR_IPVS_INVALID_PROTOCOL`, () => {
      const code = 'ERR_IPVS_INVALID_PROTOCOL';
      const field = 'service.protocol';
      assertRefused(() => reference({ ...SERVICE, protocol }), {
        error: 'RangeError',
        code,
        field,
      });
    });
  }

  for (const [address, family] of [
    ['192.0.2.1', 'ipv6'],
    ['2001:db8::1', 'ipv4'],
  ]) {
    it(`refuses ${address} as ${family}: RangeError ERR_IPVS_INVALID_FAMILY`, () => {
      for (const [name, check] of [
        ['service', reference],
        ['destination', place],
      ] as const) {
        const argument =
          name === 'service' ? { ...SERVICE, address, family } : { address, port: 1, family };
        const code = 'ERR_IPVS_INVALID_FAMILY';
        assertRefused(() => check(argument), {
          error: 'RangeError',
          code,
          field: `${name}.family`,
        });
      }
    });
  }

  for (const [name, check, base] of [
    ['service', reference, SERVICE],
    ['destination', place, { address: '192.0.2.2', port: 80 }],
  ] as const) {
    describeField(
      name,
      {
        field: 'port',
        code: 'ERR_IPVS_INVALID_PORT',
        base,
        missing: 'refused',
        takes: [0, -0, 1, 65535],
        refuses: [-1, 65536, ...NOT_WHOLE],
      },
      check,
    );
  }
});

describe('the options of open', () => {
  const netns = (value: object): unknown => checkOptions({ netns: value });
  describeField(
    'options',
    {
      field: 'timeout',
      code: 'ERR_IPVS_INVALID_TIMEOUT',
      base: {},
      takes: [1, 2, 599_999, 600_000],
      refuses: [-1, 0, -0, 600_001, ...NOT_WHOLE],
    },
    checkOptions,
  );
  for (const [field, takes, refuses] of [
    ['pid', [1, 2, 4194303, 4194304], [-1, 0, -0, 4194305, ...NOT_WHOLE]],
    ['name', ['blue', 'a b', '..a', 'ü'], ['', '.', '..', 'a/b', '/', 'a\0b']],
    ['path', ['/proc/1/ns/net', 'relative', '.'], ['', '\0', '/proc/1/ns/net\0x']],
  ] as const) {
    const code = `ERR_IPVS_INVALID_${field.toUpperCase()}`;
    describeField(
      'options.netns',
      { field, code, base: {}, missing: 'elsewhere', takes, refuses },
      netns,
    );
  }

  for (const value of [
    {},
    { name: 'a', pid: 1 },
    { path: 'a', pid: 1 },
    { name: 'a', path: 'a', pid: 1 },
    { name: undefined },
  ]) {
    it(`refuse the namespace ${show(value)}: exactly one of name, path, pid`, () => {
      const code = 'ERR_IPVS_INVALID_NETNS';
      assertRefused(() => netns(value), { error: 'RangeError', code, field: 'options.netns' });
    });
  }

  for (const value of [null, 'blue', 1, [], ['blue'], true]) {
    it(`refuse the namespace ${show(value)}: TypeError ERR_IPVS_INVALID_NETNS`, () => {
      const code = 'ERR_IPVS_INVALID_NETNS';
      assertRefused(() => checkOptions({ netns: value }), {
        error: 'TypeError',
        code,
        field: 'options.netns',
      });
    });
  }

  it('lead to the file of the namespace', () => {
    const paths = [{ name: 'blue' }, { path: '/a/b' }, { pid: 42 }].map(
      (each) => checkOptions({ netns: each }).namespacePath,
    );
    assert.deepEqual(paths, ['/var/run/netns/blue', '/a/b', '/proc/42/ns/net']);
  });
});

describe('an entry as it was read', () => {
  it('can be passed in again: stats and connections are not even looked at', () => {
    for (const junk of [undefined, null, {}, { connections: 1n }, 'text', []]) {
      const observed = { stats: junk, unsupported: undefined };
      assert.deepEqual(service({ ...SERVICE, ...observed }), service(SERVICE));
      assert.deepEqual(
        destination({ ...DESTINATION, ...observed, connections: junk }),
        destination(DESTINATION),
      );
    }
    service({ ...SERVICE, unsupported: [] });
  });

  for (const [name, write, read, entry] of [
    ['service', service, reference, SERVICE],
    ['destination', destination, place, DESTINATION],
  ] as const) {
    for (const unsupported of [['protocol'], ['a', 'b'], 'protocol', null, true, { 0: 'a' }, 1n]) {
      it(`${name} with unsupported: ${show(unsupported)} can be named, not written: RangeError ERR_IPVS_INVALID_UNSUPPORTED`, () => {
        read({ ...entry, unsupported });
        const code = 'ERR_IPVS_INVALID_UNSUPPORTED';
        const field = `${name}.unsupported`;
        assertRefused(() => write({ ...entry, unsupported }), { error: 'RangeError', code, field });
      });
    }
  }
});
