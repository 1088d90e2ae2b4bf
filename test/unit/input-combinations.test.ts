import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { checkDestination } from '../../lib/input/destination.js';
import { checkService, checkServiceReference } from '../../lib/input/service.js';
import { assertRefused, type Refusal } from '../support/refusals.js';

const SERVICE = { protocol: 'tcp', address: '192.0.2.1', port: 80, scheduler: 'rr' };
const UDP = { ...SERVICE, protocol: 'udp' };
const IPV6 = { ...SERVICE, address: '2001:db8::1' };
const MARK = { fwmark: 7, family: 'ipv4', scheduler: 'rr' };
const PERSISTENCE = { timeout: 300 };

const check = (value: unknown): unknown => checkService('service', value);

/** title → argument → refusal; or the argument is taken. */
type Row = readonly [string, object] | readonly [string, object, Refusal['error'], string, string];

const COMBINATIONS: readonly Row[] = [
  ['port 0 with persistence', { ...SERVICE, port: 0, persistence: PERSISTENCE }],
  ['port 0 as -0', { ...SERVICE, port: -0, persistence: PERSISTENCE }],
  [
    'port 0 without persistence, which the kernel stores and never schedules',
    { ...SERVICE, port: 0 },
    'RangeError',
    'ERR_IPVS_INVALID_PORT',
    'service.port',
  ],
  [
    'port 0 with persistence: null',
    { ...SERVICE, port: 0, persistence: null },
    'TypeError',
    'ERR_IPVS_INVALID_PERSISTENCE',
    'service.persistence',
  ],
  ['one-packet UDP', { ...UDP, onePacket: true }],
  ['one-packet by mark', { ...MARK, onePacket: true }],
  ['TCP with onePacket: false', { ...SERVICE, onePacket: false }],
  ...['tcp', 'sctp'].map((protocol): Row => [
    `one-packet ${protocol}, which the kernel stores`,
    { ...SERVICE, protocol, onePacket: true },
    'RangeError',
    'ERR_IPVS_INVALID_ONE_PACKET',
    'service.onePacket',
  ]),
  ...['protocol', 'address', 'port'].map((field): Row => [
    `a mark together with ${field}, of which the kernel forgets the latter`,
    { ...MARK, [field]: SERVICE[field as 'port'] },
    'RangeError',
    `ERR_IPVS_INVALID_${field.toUpperCase()}`,
    `service.${field}`,
  ]),
  ['a mark with undefined address fields', { ...MARK, address: undefined, port: undefined }],
  ['an address with an undefined mark', { ...SERVICE, fwmark: undefined }],
  ['an address with its family', { ...SERVICE, family: 'ipv4' }],
  [
    'an IPv4-mapped address with the family ipv4',
    { ...SERVICE, address: '::ffff:192.0.2.1', family: 'ipv4' },
  ],
  ...[
    { ...SERVICE, family: 'ipv6' },
    { ...IPV6, family: 'ipv4' },
    { ...SERVICE, address: '::ffff:192.0.2.1', family: 'ipv6' },
  ].map((service): Row => [
    `${service.address} as ${service.family}`,
    service,
    'RangeError',
    'ERR_IPVS_INVALID_FAMILY',
    'service.family',
  ]),
  ...['sh', 'mh'].flatMap((scheduler): Row[] => [
    [
      `flags of ${scheduler}`,
      { ...SERVICE, scheduler, schedulerFlags: ['port', 'fallback', 'flag-3'] },
    ],
    [
      `flag-1 of ${scheduler}, whose name is fallback`,
      { ...SERVICE, scheduler, schedulerFlags: ['port', 'flag-1'] },
      'RangeError',
      'ERR_IPVS_INVALID_SCHEDULER_FLAGS',
      'service.schedulerFlags[1]',
    ],
  ]),
  ...['fallback', 'port'].map((flag): Row => [
    `${flag} of rr, which has no such flag`,
    { ...SERVICE, schedulerFlags: ['flag-3', 'flag-1', flag] },
    'RangeError',
    'ERR_IPVS_INVALID_SCHEDULER_FLAGS',
    'service.schedulerFlags[2]',
  ]),
  [
    'an array with a hole for a flag',
    // eslint-disable-next-line no-sparse-arrays
    { ...SERVICE, schedulerFlags: [, 'flag-1'] },
    'TypeError',
    'ERR_IPVS_INVALID_SCHEDULER_FLAGS',
    'service.schedulerFlags[0]',
  ],
];

describe('a service as a whole', () => {
  for (const row of COMBINATIONS) {
    const [title, argument] = row;
    if (row.length === 2) {
      it(`takes ${title}`, () => {
        assert.doesNotThrow(() => check(argument));
      });
    } else {
      const [, , error, code, field] = row;
      it(`refuses ${title}: ${error} ${code}`, () => {
        assertRefused(() => check(argument), { error, code, field });
      });
    }
  }

  it('stores -0 as 0, and a flag that is said twice once, in the order of the bits', () => {
    const { key, schedulerFlags } = checkService('service', {
      ...SERVICE,
      port: -0,
      persistence: PERSISTENCE,
      schedulerFlags: ['flag-3', 'flag-1', 'flag-3'],
    });
    assert.ok('port' in key && Object.is(key.port, 0));
    assert.deepEqual(schedulerFlags, ['flag-1', 'flag-3']);
  });

  it('fills in every default', () => {
    const { schedulerFlags, onePacket, persistence } = checkService('service', SERVICE);
    assert.deepEqual([schedulerFlags, onePacket, persistence], [[], false, undefined]);
    for (const [base, prefixLength] of [[SERVICE, 32] as const, [IPV6, 128] as const]) {
      assert.deepEqual(checkService('service', { ...base, persistence: PERSISTENCE }).persistence, {
        timeout: 300,
        prefixLength,
        engine: '',
      });
    }
  });
});

// net/netfilter/ipvs/ip_vs_ctl.c stores each of these without a word.
describe('what the kernel accepts silently and we refuse', () => {
  const service = checkServiceReference('service', SERVICE);
  const destination = { address: '192.0.2.2', port: 80, forwarding: 'masquerade' };
  const gue = { type: 'gue', port: 6080 };
  const rows: readonly [string, () => unknown, string][] = [
    ['protocol 47', () => check({ ...SERVICE, protocol: 'protocol-47' }), 'service.protocol'],
    [
      'protocol 65542, cut to 6',
      () => check({ ...SERVICE, protocol: 'protocol-65542' }),
      'service.protocol',
    ],
    [
      'port 0 of a service that is not persistent',
      () => check({ ...SERVICE, port: 0 }),
      'service.port',
    ],
    [
      'one packet at a time on TCP',
      () => check({ ...SERVICE, onePacket: true }),
      'service.onePacket',
    ],
    [
      'a netmask of 0',
      () => check({ ...SERVICE, persistence: { timeout: 1, prefixLength: 0 } }),
      'service.persistence.prefixLength',
    ],
    ['mark 0, which becomes TCP 0.0.0.0:0', () => check({ ...MARK, fwmark: 0 }), 'service.fwmark'],
    [
      'a mark together with an address',
      () => check({ ...MARK, address: '192.0.2.1' }),
      'service.address',
    ],
    [
      'unknown flag bits',
      () => check({ ...SERVICE, schedulerFlags: ['flag-4'] }),
      'service.schedulerFlags[0]',
    ],
    [
      'a timeout that wraps',
      () => check({ ...SERVICE, persistence: { timeout: 0xffffffff } }),
      'service.persistence.timeout',
    ],
    [
      'forwarding 4, bypass',
      () => checkDestination('destination', { ...destination, forwarding: 'bypass' }, service),
      'destination.forwarding',
    ],
    [
      'forwarding 7',
      () =>
        checkDestination('destination', { ...destination, forwarding: 'forwarding-7' }, service),
      'destination.forwarding',
    ],
    [
      'tunnel type 3',
      () =>
        checkDestination(
          'destination',
          { ...destination, forwarding: 'tunnel', tunnel: { type: 'vxlan' } },
          service,
        ),
      'destination.tunnel.type',
    ],
    [
      'tunnel flags 0xffff',
      () =>
        checkDestination(
          'destination',
          { ...destination, forwarding: 'tunnel', tunnel: { ...gue, checksum: 'all' } },
          service,
        ),
      'destination.tunnel.checksum',
    ],
    [
      'a tunnel on a masqueraded destination',
      () => checkDestination('destination', { ...destination, tunnel: gue }, service),
      'destination.tunnel',
    ],
    [
      'an IPv6 destination of an IPv4 service',
      () => checkDestination('destination', { ...destination, address: '2001:db8::' }, service),
      'destination.address',
    ],
  ];
  for (const [title, act, field] of rows) {
    it(`${title}: ${field}`, () => {
      const name = (/(\w+)(?:\[\d\])?$/.exec(field)?.[1] ?? '').replace(/[A-Z]/g, '_$&');
      const code = `ERR_IPVS_INVALID_${name.toUpperCase()}`;
      assertRefused(act, { error: 'RangeError', code, field });
    });
  }
});
