import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { formatKey, keyOf, parseKey } from '../../lib/index.js';
import { checkDestination, checkDestinationReference } from '../../lib/input/destination.js';
import { checkService, checkServiceReference } from '../../lib/input/service.js';
import { decodeDestination, decodeService } from '../../lib/native/decode.js';
import { LITTLE_ENDIAN } from '../../lib/native/encode.js';
import { layout } from '../../lib/native/layout.js';
import { decodeDestinations, decodeServices } from '../../lib/native/lists.js';
import { firstOf, rowOf, rowsOf } from '../support/door.js';

// What other programs put into the kernel's table: read all the same, and named when it cannot be
// written here.

const { service: SERVICE, destination: DESTINATION } = layout;
type Patch = Readonly<Record<string, number>>;

const WIDTHS: Readonly<Record<string, 2 | 4>> = {
  family: 2,
  protocol: 2,
  port: 2,
  byFwmark: 2,
  tunnelType: 2,
  tunnelPort: 2,
  tunnelFlags: 2,
};

function patch(
  row: Uint8Array,
  offsets: Readonly<Record<string, number>>,
  fields: Patch,
): Uint8Array {
  const view = new DataView(row.buffer);
  for (const [name, value] of Object.entries(fields)) {
    const offset = offsets[name] ?? NaN;
    if (WIDTHS[name] === 2) view.setUint16(offset, value, LITTLE_ENDIAN);
    else view.setUint32(offset, value, LITTLE_ENDIAN);
  }
  return row;
}

function serviceRow(input: object, fields: Patch = {}): Uint8Array {
  const definition = checkService('service', input);
  const command = { name: 'IPVS_CMD_NEW_SERVICE', service: definition.key, definition } as const;
  return patch(rowOf('service', command), SERVICE, fields);
}

function destinationRow(input: object, fields: Patch = {}): Uint8Array {
  const { key } = checkService('service', { fwmark: 1, family: 'ipv4', scheduler: 'rr' });
  const definition = checkDestination('destination', input, key);
  const command = {
    name: 'IPVS_CMD_NEW_DEST',
    destination: definition.key,
    destinationDefinition: definition,
  } as const;
  return patch(rowOf('destination', command), DESTINATION, fields);
}

const readService = (row: Uint8Array) => decodeService(...firstOf(row));
const readDestination = (row: Uint8Array) => decodeDestination(...firstOf(row), false);

const TCP = { protocol: 'tcp', address: '192.0.2.1', port: 80, scheduler: 'rr' };
const PERSISTENT = { ...TCP, persistence: { timeout: 300 } };
const PERSISTENT_IPV6 = { ...PERSISTENT, address: '2001:db8::1' };
const MASQUERADE = { address: '192.0.2.2', port: 80, forwarding: 'masquerade' };
const IPIP = { ...MASQUERADE, forwarding: 'tunnel', tunnel: { type: 'ipip' } };
const GUE = { ...IPIP, tunnel: { type: 'gue', port: 6080 } };
const GRE = { ...IPIP, tunnel: { type: 'gre' } };

describe('a service of another program', () => {
  const rows: readonly [string, object, Patch, string[]][] = [
    ['protocol 0', TCP, { protocol: 0 }, ['protocol']],
    ['protocol 47', TCP, { protocol: 47 }, ['protocol']],
    ['port 0 without persistence', TCP, { port: 0 }, ['port']],
    ['port 0 with persistence', PERSISTENT, { port: 0 }, []],
    ['one-packet TCP', TCP, { flags: 0x4 }, ['onePacket']],
    ['one-packet UDP', TCP, { protocol: 17, flags: 0x4 }, []],
    ['one-packet by mark', { fwmark: 1, family: 'ipv4', scheduler: 'rr' }, { flags: 0x4 }, []],
    ['a flag that nobody knows', TCP, { flags: 0x40 }, ['flags']],
    ['all flags', { ...TCP, protocol: 'udp' }, { flags: 0xfffffffe }, ['flags']],
    ['a dotted mask', PERSISTENT, { netmask: 0xff00ff00 }, ['persistence.prefixLength']],
    ['a mask of zeros', PERSISTENT, { netmask: 0 }, ['persistence.prefixLength']],
    ['a dotted mask without persistence', TCP, { netmask: 0xff00ff00 }, []],
    ['persistence for 0 seconds', PERSISTENT, { timeout: 0 }, ['persistence.timeout']],
    ['persistence for the longest time', PERSISTENT, { timeout: 4294967 }, []],
    // With HZ=100 or 250 the kernel stores more than fits into 32 bits times 1000.
    [
      'persistence for longer than can be written',
      PERSISTENT,
      { timeout: 4294968 },
      ['persistence.timeout'],
    ],
    [
      'several at once',
      TCP,
      { protocol: 47, port: 0, flags: 0x44 },
      ['protocol', 'port', 'onePacket', 'flags'],
    ],
  ];
  for (const [title, input, fields, unsupported] of rows) {
    it(`${title}: ${unsupported.length === 0 ? 'nothing unsupported' : unsupported.join(', ')}`, () => {
      const entry = readService(serviceRow(input, fields));
      assert.deepEqual(entry.unsupported ?? [], unsupported);
      assert.equal('unsupported' in entry, unsupported.length > 0);
      if (unsupported.length > 0) {
        assert.throws(() => checkService('service', entry), {
          code: 'ERR_IPVS_INVALID_UNSUPPORTED',
        });
      } else {
        assert.doesNotThrow(() => checkService('service', entry));
      }
    });
  }

  it('shows the protocol by its number, and an unknown flag does not hide the known ones', () => {
    const entry = readService(serviceRow(TCP, { protocol: 47, flags: 0x48 }));
    assert.equal(entry.protocol, 'protocol-47');
    assert.deepEqual(entry.schedulerFlags, ['flag-1']);
  });

  it('under an IPv4-mapped address carries its family, and is marked', () => {
    const row = serviceRow({ ...TCP, address: '2001:db8::1' });
    row.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1], SERVICE.address);
    const entry = readService(row);
    assert.equal(formatKey(entry), 'tcp [::ffff:192.0.2.1]:80');
    assert.deepEqual(keyOf(entry), {
      protocol: 'tcp',
      address: '::ffff:192.0.2.1',
      port: 80,
      family: 'ipv6',
    });
    assert.deepEqual(entry.unsupported, ['address']);
    assert.equal(checkServiceReference('service', entry).family, 'ipv6');
  });

  it('with an IPv6 prefix is read by its length', () => {
    const entry = readService(serviceRow(PERSISTENT_IPV6, { netmask: 64 }));
    assert.equal(entry.persistence?.prefixLength, 64);
  });
});

describe('a destination of another program', () => {
  const rows: readonly [string, object, Patch, string[]][] = [
    ['forwarding bypass', MASQUERADE, { forwarding: 4 }, ['forwarding']],
    ['forwarding 7', MASQUERADE, { forwarding: 7 }, ['forwarding']],
    ['port 0 in a service that has one', MASQUERADE, { port: 0 }, ['port']],
    [
      'a tunnel on a masqueraded one, without effect',
      MASQUERADE,
      { tunnelType: 1, tunnelPort: 9, tunnelFlags: 9 },
      [],
    ],
    ['tunnel type 3', IPIP, { tunnelType: 3 }, ['tunnel']],
    ['tunnel type 255', IPIP, { tunnelType: 255 }, ['tunnel']],
    ['tunnel flags 3', GUE, { tunnelFlags: 3 }, ['tunnel']],
    ['tunnel flags 0xffff', IPIP, { tunnelFlags: 0xffff }, ['tunnel']],
    ['remote checksum of GRE', GRE, { tunnelFlags: 2 }, ['tunnel']],
    ['remote checksum of GUE', GUE, { tunnelFlags: 2 }, []],
    ['checksum of IP in IP', IPIP, { tunnelFlags: 1 }, ['tunnel']],
    ['port of IP in IP', IPIP, { tunnelPort: 1 }, ['tunnel']],
    ['port of GRE', GRE, { tunnelPort: 1 }, ['tunnel']],
    ['GUE without a port', GUE, { tunnelPort: 0 }, ['tunnel']],
    ['the highest threshold', MASQUERADE, { upperThreshold: 2147483647 }, []],
    // Kernels up to 6.0 and from 7.1 on store all 32 bits.
    [
      'a threshold above what can be written',
      MASQUERADE,
      { upperThreshold: 2147483648 },
      ['upperThreshold'],
    ],
  ];
  for (const [title, input, fields, unsupported] of rows) {
    it(`${title}: ${unsupported.length === 0 ? 'nothing unsupported' : unsupported.join(', ')}`, () => {
      const entry = readDestination(destinationRow(input, fields));
      assert.deepEqual([...(entry.unsupported ?? [])], unsupported);
      assert.equal('unsupported' in entry, unsupported.length > 0);
    });
  }

  it('shows tunnels that nobody knows by their numbers', () => {
    assert.deepEqual(readDestination(destinationRow(IPIP, { tunnelType: 3 })).tunnel, {
      type: 'tunnel-3',
      checksum: 'none',
    });
    assert.deepEqual(readDestination(destinationRow(GUE, { tunnelFlags: 0xffff })).tunnel, {
      type: 'gue',
      port: 6080,
      checksum: 'checksum-65535',
    });
  });

  it('shows forwarding that nobody knows by its number', () => {
    assert.equal(
      readDestination(destinationRow(MASQUERADE, { forwarding: 4 })).forwarding,
      'bypass',
    );
    assert.equal(
      readDestination(destinationRow(MASQUERADE, { forwarding: 6 })).forwarding,
      'forwarding-6',
    );
  });
});

describe('rows of random bytes', () => {
  const rows = (size: number) =>
    fc.array(fc.uint8Array({ minLength: size, maxLength: size }), { minLength: 1, maxLength: 4 });

  it('never throw as services, and each can be named', () => {
    fc.assert(
      fc.property(rows(layout.serviceRow.size), fc.boolean(), (bytes, byAddress) => {
        // A mark of 0 is no mark to the kernel, too.
        for (const row of bytes) {
          patch(row, SERVICE, byAddress ? { byFwmark: 0, family: 10 } : { fwmark: 7 });
        }
        for (const entry of decodeServices(rowsOf(bytes))) {
          const text = formatKey(entry);
          assert.equal(formatKey(parseKey(text)), text);
          JSON.stringify(entry);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('never throw as destinations, and each can be named', () => {
    fc.assert(
      fc.property(rows(layout.destinationRow.size), fc.boolean(), (bytes, ipv6) => {
        if (ipv6) for (const row of bytes) patch(row, DESTINATION, { family: 10 });
        for (const entry of decodeDestinations(rowsOf(bytes), ipv6)) {
          const text = formatKey(entry);
          assert.equal(formatKey(parseKey(text)), text);
          checkDestinationReference('destination', entry);
          JSON.stringify(entry);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
