import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { parseAddress } from '../../lib/address.js';
import {
  compareKeys,
  formatKey,
  type Keyed,
  keyOf,
  parseDestinationKey,
  parseKey,
  parseServiceKey,
} from '../../lib/index.js';
import { checkDestinationReference } from '../../lib/input/destination.js';
import { checkServiceReference } from '../../lib/input/service.js';
import type { DestinationReference, ServiceReference } from '../../lib/model.js';
import { decodeDestinations, decodeServices } from '../../lib/native/lists.js';
import { destinationKey, serviceKey } from '../support/arbitraries.js';
import { rowOf, rowsOf } from '../support/door.js';
import { assertRefused, show } from '../support/refusals.js';

const octet = fc.constantFrom(0, 1, 9, 10, 100, 255);
const ipv4Text = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'));

/** Few values, so that keys meet, and what only other programs write: foreign protocols, port 0. */
const foreignEndpoint = fc.oneof(
  fc.record({ address: ipv4Text, port: fc.constantFrom(0, 1, 9, 10, 65535) }),
  fc.record({
    address: fc.constantFrom('::', '::1', 'fe80::1', '2001:db8::', '2001:db8::1', 'ff02::1'),
    port: fc.constantFrom(0, 1, 9, 10, 65535),
  }),
  fc.record({
    address: ipv4Text.map((text) => `::ffff:${text}`),
    port: fc.constantFrom(0, 80),
    family: fc.constant('ipv6' as const),
  }),
);
const foreignService = fc
  .tuple(
    fc.constantFrom('tcp', 'udp', 'sctp', 'protocol-0', 'protocol-47', 'protocol-65535'),
    foreignEndpoint,
  )
  .map(([protocol, endpoint]) => ({ protocol, ...endpoint }));

const anyService = fc.oneof(serviceKey, foreignService) as fc.Arbitrary<ServiceReference>;
const anyDestination = fc.oneof(
  serviceKey.chain(destinationKey),
  foreignEndpoint,
) as fc.Arbitrary<DestinationReference>;
const anyKey: fc.Arbitrary<Keyed> = fc.oneof(anyService, anyDestination);
const pairs = fc.oneof(fc.tuple(anyService, anyService), fc.tuple(anyDestination, anyDestination));

/** Another text of the same address. */
function respell(address: string): string {
  const bytes = parseAddress(address)?.bytes ?? new Uint8Array();
  if (bytes.length === 4)
    return `::FFFF:${Buffer.from(bytes).toString('hex', 0, 2)}:${Buffer.from(bytes).toString('hex', 2)}`;
  return Buffer.from(bytes)
    .toString('hex')
    .toUpperCase()
    .replace(/....(?=.)/g, '$&:');
}

describe('keys as text', () => {
  const EXAMPLES: readonly (readonly [Keyed, string])[] = [
    [{ protocol: 'tcp', address: '10.0.0.1', port: 443 }, 'tcp 10.0.0.1:443'],
    [{ protocol: 'udp', address: '2001:DB8:0::1', port: 53 }, 'udp [2001:db8::1]:53'],
    [{ protocol: 'sctp', address: '::ffff:10.0.0.1', port: 0 }, 'sctp 10.0.0.1:0'],
    [{ protocol: 'protocol-47', address: '10.0.0.1', port: 0 }, 'protocol-47 10.0.0.1:0'],
    [{ fwmark: 4294967295, family: 'ipv6' }, 'fwmark 4294967295 ipv6'],
    [{ address: '10.0.0.2', port: 8443 }, '10.0.0.2:8443'],
    [{ address: '2001:db8::2', port: 0 }, '[2001:db8::2]:0'],
    [{ address: '::ffff:1.2.3.4', port: 1, family: 'ipv6' }, '[::ffff:1.2.3.4]:1'],
  ];
  for (const [key, text] of EXAMPLES) {
    it(text, () => {
      assert.equal(formatKey(key), text);
    });
  }

  it('parseKey reads back what formatKey wrote: the canonical key', () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        assert.deepEqual(parseKey(formatKey(key)), keyOf(key as ServiceReference));
      }),
    );
  });

  it('parseServiceKey and parseDestinationKey read their own kind as parseKey does, and refuse the other', () => {
    fc.assert(
      fc.property(anyService, anyDestination, (service, destination) => {
        const [text, other] = [formatKey(service), formatKey(destination)];
        assert.deepEqual(parseServiceKey(text), parseKey(text));
        assert.deepEqual(parseDestinationKey(other), parseKey(other));
        for (const act of [() => parseServiceKey(other), () => parseDestinationKey(text)])
          assert.throws(act, { name: 'RangeError', code: 'ERR_IPVS_INVALID_KEY' });
      }),
    );
  });

  it('two spellings of one key, or the whole entry, give one text', () => {
    fc.assert(
      fc.property(fc.oneof(serviceKey, serviceKey.chain(destinationKey)), (key) => {
        const other = (
          'address' in key ? { ...key, address: respell(key.address ?? '') } : key
        ) as Keyed;
        assert.equal(formatKey(other), formatKey(key));
        assert.equal(compareKeys(other, key), 0);
        const more =
          'address' in key && !('protocol' in key) ? { weight: 7 } : { scheduler: 'wlc' };
        assert.equal(
          formatKey({ ...other, ...more, stats: {} } as unknown as Keyed),
          formatKey(key),
        );
        assert.deepEqual(
          keyOf({ ...other, ...more } as ServiceReference),
          keyOf(key as ServiceReference),
        );
      }),
    );
  });

  it('different keys give different texts', () => {
    fc.assert(
      fc.property(anyKey, anyKey, (left, right) => {
        const [first, second] = [left, right].map((key) =>
          JSON.stringify(keyOf(key as ServiceReference)),
        );
        assert.equal(formatKey(left) === formatKey(right), first === second);
      }),
      { numRuns: 500 },
    );
  });

  it('an IPv4-mapped address that the kernel holds as IPv6 is another key than the IPv4 one', () => {
    const mapped = { protocol: 'tcp', address: '::ffff:1.2.3.4', port: 1, family: 'ipv6' } as const;
    const plain = { protocol: 'tcp', address: '1.2.3.4', port: 1 } as const;
    assert.notEqual(formatKey(mapped), formatKey(plain));
    assert.notEqual(compareKeys(mapped, plain), 0);
    assert.deepEqual(keyOf(mapped), mapped);
  });
});

describe('texts that are no keys are refused', () => {
  const PARSERS = [parseKey, parseServiceKey, parseDestinationKey];
  const TEXTS = [
    '',
    ' ',
    'tcp',
    'tcp ',
    'tcp 10.0.0.1',
    'tcp 10.0.0.1:',
    'tcp  10.0.0.1:80',
    ' tcp 10.0.0.1:80',
    'tcp 10.0.0.1:80 ',
    'tcp 10.0.0.1:80\n',
    'TCP 10.0.0.1:80',
    'tcp 10.0.0.1:080',
    'tcp 10.0.0.1:+80',
    'tcp 10.0.0.1:8e1',
    'tcp [10.0.0.1]:80',
    'tcp 2001:db8::1:80',
    'tcp [2001:DB8::1]:80',
    'tcp [2001:db8:0::1]:80',
    'tcp [::ffff:a00:1]:80',
    '10.0.0.1',
    '[2001:db8::1]',
    '[2001:db8::1%eth0]:80',
    'fwmark 7',
    'fwmark 07 ipv4',
    'fwmark 7 IPv4',
    'fwmark 7 ipv5',
    'fwmark -1 ipv4',
    'fwmark 7 ipv4 ',
    'protocol-47',
  ];
  for (const text of TEXTS) {
    it(`${show(text)}: RangeError ERR_IPVS_INVALID_KEY`, () => {
      for (const parse of PARSERS) {
        assertRefused(() => parse(text), {
          error: 'RangeError',
          code: 'ERR_IPVS_INVALID_KEY',
          field: 'key',
        });
      }
    });
  }

  it('with the code of the field that is wrong, where the shape is right', () => {
    for (const [text, code] of [
      ['tcp 10.0.0.1:65536', 'ERR_IPVS_INVALID_PORT'],
      ['tcp 10.0.0.01:80', 'ERR_IPVS_INVALID_ADDRESS'],
      ['10.0.0.256:80', 'ERR_IPVS_INVALID_ADDRESS'],
      ['protocol-6 10.0.0.1:80', 'ERR_IPVS_INVALID_PROTOCOL'],
      ['fwmark 0 ipv4', 'ERR_IPVS_INVALID_FWMARK'],
      ['fwmark 4294967296 ipv4', 'ERR_IPVS_INVALID_FWMARK'],
    ] as const) {
      assert.throws(() => parseKey(text), { name: 'RangeError', code });
    }
  });

  it('whatever the text: an ArgumentError, or the key of that very text', () => {
    const characters = fc.constantFrom(...'tcpudfwmark 0123456789.:[]-ipv46\n'.split(''));
    const texts = fc.oneof(
      fc.string(),
      fc.string({ unit: characters }),
      // A key with one character changed.
      fc.tuple(anyKey.map(formatKey), fc.nat(), characters).map(([text, at, character]) => {
        const index = at % text.length;
        return text.slice(0, index) + character + text.slice(index + 1);
      }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        let key: Keyed;
        try {
          key = parseKey(text);
        } catch (error) {
          assert.match((error as { code: string }).code, /^ERR_IPVS_INVALID_/);
          return;
        }
        assert.equal(formatKey(key), text);
      }),
      { numRuns: 1000 },
    );
  });

  it('what is no text, or no key: TypeError', () => {
    for (const value of [
      undefined,
      null,
      1,
      {},
      ['tcp 10.0.0.1:80'],
      new String('tcp 10.0.0.1:80'),
    ]) {
      for (const parse of PARSERS) {
        assert.throws(() => parse(value as string), {
          name: 'TypeError',
          code: 'ERR_IPVS_INVALID_KEY',
        });
      }
    }
    for (const value of [undefined, null, 1, 'tcp 10.0.0.1:80', () => 1]) {
      for (const act of [formatKey, keyOf, (key: Keyed) => compareKeys(key, key)]) {
        assert.throws(() => act(value as never), {
          name: 'TypeError',
          code: 'ERR_IPVS_INVALID_KEY',
        });
      }
    }
    assert.throws(() => formatKey({} as Keyed), { code: 'ERR_IPVS_INVALID_ADDRESS' });
  });
});

describe('the order of keys', () => {
  it('is the documented one', () => {
    const sorted = [
      'tcp 9.0.0.1:80',
      'tcp 10.0.0.1:9',
      'tcp 10.0.0.1:80',
      'udp 1.0.0.1:80',
      'sctp 1.0.0.1:80',
      'tcp [2001:db8::9]:80',
      'tcp [2001:db8::10]:80',
      'udp [::1]:1',
      'fwmark 7 ipv4',
      'fwmark 7 ipv6',
      'fwmark 10 ipv4',
      'fwmark 4294967295 ipv6',
    ];
    const shuffled = [...sorted].reverse().map(parseKey);
    assert.deepEqual(shuffled.sort(compareKeys).map(formatKey), sorted);
    const destinations = ['9.0.0.1:80', '10.0.0.1:9', '10.0.0.1:80', '[::1]:1', '[2001:db8::1]:1'];
    assert.deepEqual(
      [...destinations].reverse().map(parseKey).sort(compareKeys).map(formatKey),
      destinations,
    );
  });

  it('is antisymmetric, and 0 exactly for equal texts', () => {
    fc.assert(
      fc.property(pairs, ([left, right]) => {
        const order = Math.sign(compareKeys(left, right));
        assert.equal(order + Math.sign(compareKeys(right, left)), 0);
        assert.equal(order === 0, formatKey(left) === formatKey(right));
        assert.equal(compareKeys(left, left), 0);
      }),
      { numRuns: 500 },
    );
  });

  for (const [kind, arbitrary] of [
    ['services', anyService],
    ['destinations', anyDestination],
  ] as const) {
    it(`of ${kind} is transitive`, () => {
      fc.assert(
        fc.property(arbitrary as fc.Arbitrary<Keyed>, arbitrary, arbitrary, (a, b, c) => {
          const [low, middle, high] = [a, b, c].sort(compareKeys);
          assert.ok(low && middle && high && compareKeys(low, high) <= 0);
          if (compareKeys(low, middle) < 0 || compareKeys(middle, high) < 0) {
            assert.ok(compareKeys(low, high) < 0);
          }
        }),
        { numRuns: 500 },
      );
    });
  }

  it('refuses to compare a service with a destination: RangeError ERR_IPVS_INVALID_KEY', () => {
    const expected = { error: 'RangeError', code: 'ERR_IPVS_INVALID_KEY', field: 'key' } as const;
    fc.assert(
      fc.property(anyService, anyDestination, (left, right) => {
        assertRefused(() => compareKeys(left, right), expected);
        assertRefused(() => compareKeys(right, left), expected);
      }),
    );
  });

  it('is the order in which services are listed, each once', () => {
    fc.assert(
      fc.property(fc.array(anyService, { maxLength: 12 }), (keys) => {
        const rows = [...keys, ...keys].map((key) =>
          rowOf('service', {
            name: 'IPVS_CMD_GET_SERVICE',
            service: checkServiceReference('service', key),
          }),
        );
        const listed = decodeServices(rowsOf(rows)).map(formatKey);
        assert.deepEqual(listed, [...new Set([...keys].sort(compareKeys).map(formatKey))]);
      }),
    );
  });

  it('is the order in which destinations are listed, each once', () => {
    fc.assert(
      fc.property(fc.array(anyDestination, { maxLength: 12 }), (keys) => {
        const rows = [...keys, ...keys].map((key) =>
          rowOf('destination', {
            name: 'IPVS_CMD_DEL_DEST',
            destination: checkDestinationReference('destination', key),
          }),
        );
        const listed = decodeDestinations(rowsOf(rows), true).map(formatKey);
        assert.deepEqual(listed, [...new Set([...keys].sort(compareKeys).map(formatKey))]);
      }),
    );
  });
});
