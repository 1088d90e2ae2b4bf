import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { compareKeys, formatKey } from '../../lib/index.js';
import { checkDestination } from '../../lib/input/destination.js';
import { checkService, type CheckedServiceKey } from '../../lib/input/service.js';
import type { DestinationEntry, ServiceEntry } from '../../lib/model.js';
import { decodeDestination, decodeInfo, decodeService } from '../../lib/native/decode.js';
import { encodeCommands, LITTLE_ENDIAN } from '../../lib/native/encode.js';
import { layout } from '../../lib/native/layout.js';
import { decodeDestinations, decodeServices } from '../../lib/native/lists.js';
import { serviceAndDestination, service as anyService } from '../support/arbitraries.js';
import { canonicalDestination, canonicalService } from '../support/canonical.js';
import { firstOf, rowOf, rowsOf } from '../support/door.js';

const { service: SERVICE, destination: DESTINATION, constants } = layout;
const SERVICE_INPUT = { protocol: 'tcp', address: '192.0.2.1', port: 80, scheduler: 'rr' };
const DESTINATION_INPUT = { address: '192.0.2.2', port: 80, forwarding: 'masquerade' };

function serviceRow(input: object): Uint8Array {
  const definition = checkService('service', input);
  return rowOf('service', { name: 'IPVS_CMD_NEW_SERVICE', service: definition.key, definition });
}

function destinationRow(input: object, key: CheckedServiceKey): Uint8Array {
  const definition = checkDestination('destination', input, key);
  return rowOf('destination', {
    name: 'IPVS_CMD_NEW_DEST',
    destination: definition.key,
    destinationDefinition: definition,
  });
}

const MARK_KEY = checkService('service', { fwmark: 1, family: 'ipv4', scheduler: 'rr' }).key;

/** A row in which one field holds something else. */
function patched(row: Uint8Array, patch: (view: DataView) => void): Uint8Array {
  const copy = row.slice();
  patch(new DataView(copy.buffer));
  return copy;
}

const service = (row: Uint8Array): ServiceEntry => decodeService(...firstOf(row));
const destination = (row: Uint8Array): DestinationEntry => decodeDestination(...firstOf(row), true);

function uncounted(entry: ServiceEntry | DestinationEntry): object {
  const counted = ['stats', 'connections'];
  return Object.fromEntries(Object.entries(entry).filter(([name]) => !counted.includes(name)));
}

describe('what was written, read again', () => {
  it('is the canonical service, and can be written again as the same bytes', () => {
    fc.assert(
      fc.property(anyService, (input) => {
        const row = serviceRow(input);
        const entry = service(row);
        assert.deepEqual(uncounted(entry), canonicalService(input));
        assert.deepEqual(serviceRow(entry), row);
      }),
      { numRuns: 500 },
    );
  });

  it('is the canonical destination, and can be written again as the same bytes', () => {
    fc.assert(
      fc.property(serviceAndDestination, ([of, input]) => {
        const { key } = checkService('service', of);
        const row = destinationRow(input, key);
        const entry = destination(row);
        assert.deepEqual(uncounted(entry), canonicalDestination(input));
        assert.deepEqual(destinationRow(entry, key), row);
      }),
      { numRuns: 500 },
    );
  });

  it('is not disturbed by what the kernel adds: the flag HASHED', () => {
    const row = serviceRow({ ...SERVICE_INPUT, schedulerFlags: ['flag-2'] });
    const hashed = patched(row, (view) => {
      const flags = view.getUint32(SERVICE.flags, LITTLE_ENDIAN);
      view.setUint32(SERVICE.flags, flags | constants.IP_VS_SVC_F_HASHED, LITTLE_ENDIAN);
    });
    assert.deepEqual(service(hashed), service(row));
  });

  it('carries every counter in its own place, totals with 64 bits', () => {
    const counters = new BigUint64Array(10).map((_, index) => 2n ** 53n + BigInt(index));
    const rates = [100, 101, 102, 103, 104];
    counters.set(rates.map(BigInt), 5);
    const row = serviceRow(SERVICE_INPUT);
    row.set(new Uint8Array(counters.buffer), layout.serviceRow.statistics);
    assert.deepEqual(Object.fromEntries(Object.entries(service(row).stats)), {
      connections: 2n ** 53n,
      inPackets: 2n ** 53n + 1n,
      outPackets: 2n ** 53n + 2n,
      inBytes: 2n ** 53n + 3n,
      outBytes: 2n ** 53n + 4n,
      connectionRate: 100,
      inPacketRate: 101,
      outPacketRate: 102,
      inByteRate: 103,
      outByteRate: 104,
    });
    const other = destinationRow(DESTINATION_INPUT, MARK_KEY);
    other.set(new Uint8Array(counters.buffer), layout.destinationRow.statistics);
    other.set(
      new Uint8Array(Uint32Array.of(1, 2, 4294967295).buffer),
      layout.destinationRow.active,
    );
    const { connections, stats } = destination(other);
    assert.deepEqual(connections, { active: 1, inactive: 2, persistent: 4294967295 });
    assert.deepEqual(stats, service(row).stats);
  });

  it('IPVS_CMD_GET_INFO gives the version as ipvsadm shows it', () => {
    const row = new Uint8Array(Uint32Array.of(0x010201, 4096).buffer);
    const info = decodeInfo(...firstOf(row));
    assert.deepEqual(info, { version: '1.2.1', connectionTableSize: 4096 });
  });

  it('a batch is its commands, one after another, each as if alone', () => {
    fc.assert(
      fc.property(fc.array(anyService, { minLength: 1, maxLength: 5 }), (inputs) => {
        const commands = inputs.map((input) => {
          const definition = checkService('service', input);
          return { name: 'IPVS_CMD_SET_SERVICE', service: definition.key, definition } as const;
        });
        const alone = commands.map((command) => encodeCommands([command]));
        assert.deepEqual(Buffer.from(encodeCommands(commands)), Buffer.concat(alone));
      }),
    );
  });
});

describe('IPv4 masks', () => {
  const persistent = (prefixLength: number): Uint8Array =>
    serviceRow({ ...SERVICE_INPUT, persistence: { timeout: 1, prefixLength } });

  it('are written as the number in host byte order, for every prefix length', () => {
    for (const [prefixLength, mask] of [
      [1, 0x80000000],
      [8, 0xff000000],
      [24, 0xffffff00],
      [31, 0xfffffffe],
      [32, 0xffffffff],
    ] as const) {
      const view = new DataView(persistent(prefixLength).buffer);
      assert.equal(view.getUint32(SERVICE.netmask, LITTLE_ENDIAN), mask);
    }
    for (let prefixLength = 1; prefixLength <= 32; prefixLength += 1) {
      assert.equal(service(persistent(prefixLength)).persistence?.prefixLength, prefixLength);
    }
  });

  it('that are no prefix are read without one, and marked', () => {
    const masks = [0, 1, 0xff00ff00, 0xffffff01, 0x7fffffff, 0x0000ffff, 0xfffffffd];
    for (const mask of masks) {
      const row = patched(persistent(24), (view) => {
        view.setUint32(SERVICE.netmask, mask, LITTLE_ENDIAN);
      });
      const { persistence, unsupported } = service(row);
      assert.deepEqual(persistence, { timeout: 1 });
      assert.deepEqual(unsupported, ['persistence.prefixLength']);
    }
  });

  it('stand in a record without persistence too: the kernel wants them', () => {
    for (const [address, mask] of [
      ['192.0.2.1', 0xffffffff],
      ['2001:db8::1', 128],
    ] as const) {
      const row = serviceRow({ ...SERVICE_INPUT, address });
      assert.equal(new DataView(row.buffer).getUint32(SERVICE.netmask, LITTLE_ENDIAN), mask);
    }
  });
});

describe('lists', () => {
  it('show an entry once that the kernel repeated, the first of them', () => {
    const rows = ['203.0.113.9', '9.0.0.1', '203.0.113.9', '10.0.0.1', '9.0.0.1'].map(
      (address, index) => {
        const row = serviceRow({ ...SERVICE_INPUT, address });
        row[layout.serviceRow.statistics] = index;
        return row;
      },
    );
    const listed = decodeServices(rowsOf(rows)).map((entry) => [
      formatKey(entry),
      entry.stats.connections,
    ]);
    assert.deepEqual(listed, [
      ['tcp 9.0.0.1:80', 1n],
      ['tcp 10.0.0.1:80', 3n],
      ['tcp 203.0.113.9:80', 0n],
    ]);
  });

  it('may be empty', () => {
    assert.deepEqual(decodeServices(rowsOf([])), []);
    assert.deepEqual(decodeDestinations(rowsOf([]), true), []);
  });

  it('keep apart what differs in any part of the key', () => {
    const inputs = [
      SERVICE_INPUT,
      { ...SERVICE_INPUT, port: 81 },
      { ...SERVICE_INPUT, protocol: 'udp' },
      { ...SERVICE_INPUT, address: '192.0.2.2' },
      { ...SERVICE_INPUT, address: '2001:db8::1' },
      { ...SERVICE_INPUT, address: '2001:db8::2' },
      { fwmark: 1, family: 'ipv4', scheduler: 'rr' },
      { fwmark: 1, family: 'ipv6', scheduler: 'rr' },
      { fwmark: 2, family: 'ipv4', scheduler: 'rr' },
    ];
    assert.equal(decodeServices(rowsOf(inputs.map(serviceRow))).length, inputs.length);
  });

  it('in order, backwards or in any order show each key once, in order', () => {
    const address = fc.constantFrom(
      '9.0.0.1',
      '10.0.0.1',
      '10.0.0.200',
      '2001:db8::9',
      '2001:db8::a',
    );
    const order = fc.constantFrom<'up' | 'down' | 'any'>('up', 'down', 'any');
    const keys = fc.array(fc.record({ address, port: fc.integer({ min: 1, max: 3 }) }), {
      maxLength: 6,
    });
    const listed = (inputs: readonly object[]): DestinationEntry[] => {
      const rows = inputs.map((key) =>
        destinationRow({ ...key, forwarding: 'tunnel' as const }, MARK_KEY),
      );
      return decodeDestinations(rowsOf(rows), true);
    };
    fc.assert(
      fc.property(keys, order, (inputs, how) => {
        const sorted = inputs.toSorted(compareKeys);
        const given = { up: sorted, down: sorted.toReversed(), any: inputs }[how];
        const expected = sorted
          .map(({ address, port }) => `${address} ${port}`)
          .filter((key, index, all) => key !== all[index - 1]);
        assert.deepEqual(
          listed(given).map(({ address, port }) => `${address} ${port}`),
          expected,
        );
      }),
      { numRuns: 500 },
    );
  });

  it('of 3,000 rows are sorted and de-duplicated whatever their order', () => {
    const rows = Array.from({ length: 3000 }, (_, index) =>
      destinationRow({ ...DESTINATION_INPUT, port: ((index * 7919) % 1500) + 1 }, MARK_KEY),
    );
    const ports = decodeDestinations(rowsOf(rows), true).map((entry) => entry.port);
    assert.deepEqual(
      ports,
      Array.from({ length: 1500 }, (_, index) => index + 1),
    );
  });
});

describe('a record of a destination', () => {
  it('has its address in the first bytes and the rest zero', () => {
    const row = destinationRow(DESTINATION_INPUT, MARK_KEY);
    assert.deepEqual(
      [...row.subarray(DESTINATION.address, DESTINATION.address + 16)],
      [192, 0, 2, 2, ...new Array<number>(12).fill(0)],
    );
  });
});
