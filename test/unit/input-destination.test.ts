import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { checkDestination } from '../../lib/input/destination.js';
import { checkServiceReference } from '../../lib/input/service.js';
import { describeField, type Field, NOT_ADDRESSES, NOT_WHOLE } from '../support/fields.js';
import { assertRefused, show } from '../support/refusals.js';

const IN_IPV4 = checkServiceReference('service', {
  protocol: 'tcp',
  address: '192.0.2.1',
  port: 80,
});
const IN_PORT_0 = checkServiceReference('service', {
  protocol: 'tcp',
  address: '192.0.2.1',
  port: 0,
});
const IN_IPV6 = checkServiceReference('service', {
  protocol: 'tcp',
  address: '2001:db8::1',
  port: 80,
});
const IN_MARK = checkServiceReference('service', { fwmark: 7, family: 'ipv4' });

const DESTINATION = { address: '192.0.2.2', port: 80, forwarding: 'masquerade' };
const IPV6 = { ...DESTINATION, address: '2001:db8::2' };
const TUNNEL = { ...DESTINATION, forwarding: 'tunnel' };
const GUE = { type: 'gue', port: 6080 };

const MAX_INT = 2147483647;
const NOT_COUNTS = [-1, MAX_INT + 1, 4294967295, 4294967296, ...NOT_WHOLE];

const FIELDS: readonly Field[] = [
  {
    field: 'address',
    code: 'ERR_IPVS_INVALID_ADDRESS',
    base: DESTINATION,
    missing: 'refused',
    takes: ['192.0.2.2', '127.0.0.1', '::ffff:192.0.2.2'],
    refuses: NOT_ADDRESSES,
  },
  {
    field: 'port',
    code: 'ERR_IPVS_INVALID_PORT',
    base: DESTINATION,
    missing: 'refused',
    takes: [1, 2, 65534, 65535],
    refuses: [-1, 0, -0, 65536, 65616, ...NOT_WHOLE],
  },
  {
    field: 'forwarding',
    code: 'ERR_IPVS_INVALID_FORWARDING',
    base: DESTINATION,
    missing: 'refused',
    takes: ['masquerade', 'direct', 'tunnel', 'local'],
    refuses: ['', 'Masquerade', 'masq', 'nat', 'dr', 'bypass', 'forwarding-5', 'toString'],
  },
  {
    field: 'weight',
    code: 'ERR_IPVS_INVALID_WEIGHT',
    base: DESTINATION,
    takes: [0, -0, 1, MAX_INT - 1, MAX_INT],
    refuses: NOT_COUNTS,
  },
  {
    field: 'upperThreshold',
    code: 'ERR_IPVS_INVALID_UPPER_THRESHOLD',
    base: DESTINATION,
    takes: [0, 1, MAX_INT],
    refuses: NOT_COUNTS,
  },
  {
    field: 'lowerThreshold',
    code: 'ERR_IPVS_INVALID_LOWER_THRESHOLD',
    base: { ...DESTINATION, upperThreshold: MAX_INT },
    takes: [0, 1, MAX_INT],
    refuses: NOT_COUNTS,
  },
  {
    field: 'lowerThreshold',
    code: 'ERR_IPVS_INVALID_LOWER_THRESHOLD',
    base: { ...DESTINATION, upperThreshold: 100 },
    takes: [0, 99, 100],
    refuses: [101],
  },
  {
    field: 'lowerThreshold',
    code: 'ERR_IPVS_INVALID_LOWER_THRESHOLD',
    base: DESTINATION,
    takes: [0],
    refuses: [1],
  },
  {
    field: 'tunnel',
    code: 'ERR_IPVS_INVALID_TUNNEL',
    base: DESTINATION,
    takes: [],
    refuses: [{ type: 'ipip' }, GUE, {}],
  },
  {
    field: 'tunnel.type',
    code: 'ERR_IPVS_INVALID_TYPE',
    base: TUNNEL,
    missing: 'refused',
    takes: ['ipip', 'gre'],
    refuses: ['', 'IPIP', 'vxlan', 'type-3'],
  },
  {
    field: 'tunnel.port',
    code: 'ERR_IPVS_INVALID_PORT',
    base: { ...TUNNEL, tunnel: GUE },
    missing: 'refused',
    takes: [1, 2, 65534, 65535],
    refuses: [-1, 0, -0, 65536, ...NOT_WHOLE],
  },
  ...['ipip', 'gre'].map((type) => ({
    field: 'tunnel.port',
    code: 'ERR_IPVS_INVALID_PORT',
    base: { ...TUNNEL, tunnel: { type } },
    takes: [],
    refuses: [0, 1, 6080],
  })),
  {
    field: 'tunnel.checksum',
    code: 'ERR_IPVS_INVALID_CHECKSUM',
    base: { ...TUNNEL, tunnel: GUE },
    takes: ['none', 'checksum', 'remote'],
    refuses: ['', 'None', 'csum', 'constructor'],
  },
  {
    field: 'tunnel.checksum',
    code: 'ERR_IPVS_INVALID_CHECKSUM',
    base: { ...TUNNEL, tunnel: { type: 'gre' } },
    takes: ['none', 'checksum'],
    refuses: ['remote', ''],
  },
  {
    field: 'tunnel.checksum',
    code: 'ERR_IPVS_INVALID_CHECKSUM',
    base: { ...TUNNEL, tunnel: { type: 'ipip' } },
    takes: [],
    refuses: ['none', 'checksum', 'remote'],
  },
];

for (const field of FIELDS) {
  describeField('destination', field, (argument) =>
    checkDestination('destination', argument, IN_IPV4),
  );
}

describe('the tunnel of a destination', () => {
  it('must be an object: TypeError ERR_IPVS_INVALID_TUNNEL', () => {
    for (const tunnel of [null, 'gue', 1, true, [], [GUE], 1n]) {
      assertRefused(
        () => checkDestination('destination', { ...TUNNEL, tunnel }, IN_IPV4),
        { error: 'TypeError', code: 'ERR_IPVS_INVALID_TUNNEL', field: 'destination.tunnel' },
        show(tunnel),
      );
    }
  });

  it('is IP in IP where none is given', () => {
    const { tunnel } = checkDestination('destination', TUNNEL, IN_IPV4);
    assert.deepEqual(tunnel, { type: 'ipip', port: 0, checksum: 'none' });
  });
});

describe('a destination in its service', () => {
  it('has weight 1 and no thresholds where none are given', () => {
    const { weight, upperThreshold, lowerThreshold } = checkDestination(
      'destination',
      DESTINATION,
      IN_IPV4,
    );
    assert.deepEqual([weight, upperThreshold, lowerThreshold], [1, 0, 0]);
  });

  for (const [title, service] of [
    ['by mark', IN_MARK],
    ['with port 0', IN_PORT_0],
  ] as const) {
    it(`takes port 0 in a service ${title}`, () => {
      const { key } = checkDestination('destination', { ...DESTINATION, port: -0 }, service);
      assert.ok(Object.is(key.port, 0));
      checkDestination('destination', { ...DESTINATION, port: 65535 }, service);
    });
  }

  it('says when port 0 would be right', () => {
    const port0 = { ...DESTINATION, port: 0 };
    const message = /0 only in a service by firewall mark or with port 0/;
    assert.throws(() => checkDestination('destination', port0, IN_IPV4), { message });
    const port = { ...DESTINATION, port: 65536 };
    assert.throws(
      () => checkDestination('destination', port, IN_MARK),
      /from 0 to 65535; received 65536$/,
    );
  });

  const families = [
    ['IPv6', 'IPv4', IPV6, IN_IPV4],
    ['IPv6', 'a mark of IPv4', IPV6, IN_MARK],
    ['IPv4', 'IPv6', DESTINATION, IN_IPV6],
    ['IPv4-mapped', 'IPv6', { ...DESTINATION, address: '::ffff:192.0.2.2' }, IN_IPV6],
  ] as const;
  for (const [family, other, destination, service] of families) {
    for (const forwarding of ['masquerade', 'direct', 'local']) {
      it(`refuses ${family} in a service of ${other} with ${forwarding}: RangeError ERR_IPVS_INVALID_ADDRESS`, () => {
        assertRefused(
          () => checkDestination('destination', { ...destination, forwarding }, service),
          {
            error: 'RangeError',
            code: 'ERR_IPVS_INVALID_ADDRESS',
            field: 'destination.address',
          },
        );
      });
    }

    it(`takes ${family} in a service of ${other} with tunnel`, () => {
      checkDestination('destination', { ...destination, forwarding: 'tunnel' }, service);
    });
  }

  it('takes an IPv4-mapped address as IPv4', () => {
    const destination = { ...DESTINATION, address: '::FFFF:192.0.2.2' };
    const { key } = checkDestination('destination', destination, IN_IPV4);
    assert.deepEqual([key.family, key.address.text], ['ipv4', '192.0.2.2']);
  });

  for (const [address, family] of [
    ['192.0.2.2', 'ipv6'],
    ['2001:db8::2', 'ipv4'],
    ['::ffff:192.0.2.2', 'ipv6'],
  ]) {
    it(`refuses ${address} as ${family}: RangeError ERR_IPVS_INVALID_FAMILY`, () => {
      assertRefused(
        () => checkDestination('destination', { ...TUNNEL, address, family }, IN_IPV4),
        {
          error: 'RangeError',
          code: 'ERR_IPVS_INVALID_FAMILY',
          field: 'destination.family',
        },
      );
    });
  }
});
