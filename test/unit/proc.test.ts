/** What `/proc` says, read from texts that kernels wrote. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { contains, parseAddress, parseCidr } from '../../lib/address.js';
import type { Connection, ConnectionsOptions, IpvsError } from '../../lib/index.js';
import { checkSysctlName, checkSysctlValue } from '../../lib/input/sysctls.js';
import { readApplications } from '../../lib/proc/applications.js';
import { streamConnections } from '../../lib/proc/connections.js';
import { parseSysctlValue, readSysctls } from '../../lib/proc/sysctls.js';
import { readObservedInfo, readObservedTable } from '../../lib/proc/table.js';
import { readCpuTotals, readTotals } from '../../lib/proc/totals.js';
import { SYSCTL_BOUNDS } from '../../lib/sysctls.js';
import { FakeFiles } from '../support/files.js';

const CONNECTIONS = `Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
UDP 2001:0db8:0000:0000:0000:0000:0000:0001 E639 2001:0db8:0000:0000:0000:0000:0000:0001 0035 2001:0db8:0000:0000:0000:0000:0000:0002 0035 UDP             299
TCP 0A090001 8F10 0A090001 0036 20010DB8 14E9 ESTABLISHED     899
TCP 0A090001 8F11 0A090001 0036 2001:0db8:0000:0000:0000:0000:0000:0002 0050 FIN_WAIT        119
UDP 0A090000 0000 0A090001 0035 0A090002 14E9 NONE            299
IP  0A090000 0000 FFFFFFFE 0000 0A090002 0000 ASSURED        4294967
IP  2001:0db8:0000:0000:0000:0000:0000:0000 0000 0000:0007:0000:0000:0000:0000:0000:0000 0000 2001:0db8:0000:0000:0000:0000:0000:0002 0000 NONE            63
UDP 0A000001 0000 0A000001 13C4 0A00004E 13C4 NONE            119 sip abc 123@\xff10.0.0.1 
SCTP 0A000001 0001 0A000001 13C4 0A00004E 13C4 S-ACK-SENT        1
IP_47 0A000001 0001 0A000001 0000 0A00004E 0000 NONE        1
`;

const ORIGINS = `Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Origin Expires
UDP 0A090001 8F10 0A090001 0036 0A090002 14E9 UDP         LOCAL      299
TCP 0A090001 8F11 0A090001 0036 0A090002 14E9 ESTABLISHED SYNC         1
`;

async function read(
  text: string,
  options?: ConnectionsOptions,
  piece?: number,
): Promise<Connection[]> {
  const name = options?.origin === true ? 'ip_vs_conn_sync' : 'ip_vs_conn';
  const files = new FakeFiles({ [`/proc/net/${name}`]: text }, piece);
  const found: Connection[] = [];
  for await (const each of streamConnections(() => files, options)) found.push(each);
  assert.equal(files.open, 0);
  return found;
}

describe('the connection table', () => {
  it('is read in full, whatever the pieces it comes in', async () => {
    const whole = await read(CONNECTIONS);
    assert.equal(whole.length, 9);
    assert.deepEqual(whole[0], {
      protocol: 'udp',
      client: { address: '2001:db8::1', port: 58937 },
      virtual: { address: '2001:db8::1', port: 53 },
      destination: { address: '2001:db8::2', port: 53 },
      state: 'UDP',
      expires: 299,
      template: false,
    });
    assert.equal(whole[2]?.destination.address, '2001:db8::2');
    assert.equal(whole[7]?.protocol, 'sctp');
    assert.equal(whole[8]?.protocol, 'protocol-47');
    for (const piece of [1, 7, 100]) assert.deepEqual(await read(CONNECTIONS, {}, piece), whole);
    assert.deepEqual(await read(CONNECTIONS.replace(/\n$/, '')), whole);
  });

  it('knows templates, and those of firewall marks by their mark', async () => {
    const templates = (await read(CONNECTIONS)).filter(({ template }) => template);
    assert.deepEqual(
      templates.map(({ protocol, fwmark, virtual }) => [protocol, fwmark, virtual?.port]),
      [
        ['udp', undefined, 53],
        ['any', 4294967294, undefined],
        ['any', 7, undefined],
        ['udp', undefined, 5060],
      ],
    );
  });

  it('gives the data of a persistence engine as bytes, blanks included', async () => {
    const [found] = (await read(CONNECTIONS)).filter(({ engine }) => engine !== undefined);
    assert.equal(found?.engine, 'sip');
    assert.deepEqual(
      Buffer.from(found.engineData ?? []),
      Buffer.from('abc 123@\xff10.0.0.1 ', 'latin1'),
    );
  });

  it('knows a newline in the data of an engine from the next connection', async () => {
    const [row = ''] = CONNECTIONS.split('\n').filter((line) => line.includes(' sip '));
    const data = row.slice(row.indexOf(' sip ') + 5);
    assert.notEqual(data, '');
    for (const more of ['\n', '\nsecond\n\nfourth', '\nTCP nonsense']) {
      const amid = CONNECTIONS.replace(row, row + more);
      const last = `${CONNECTIONS}${row}${more}\n`;
      for (const table of [amid, last]) {
        for (const piece of [1, 65536]) {
          const all = await read(table, {}, piece);
          assert.equal(all.length, table === amid ? 9 : 10);
          const found = all.filter(({ engine }) => engine !== undefined).at(-1);
          assert.equal(Buffer.from(found?.engineData ?? []).toString('latin1'), data + more);
        }
      }
    }
  });

  it('tells origins when asked', async () => {
    assert.deepEqual(
      (await read(ORIGINS, { origin: true })).map(({ origin, expires }) => [origin, expires]),
      [
        ['local', 299],
        ['sync', 1],
      ],
    );
  });

  const web = { protocol: 'tcp', address: '10.9.0.1', port: 54 } as const;
  const filters: readonly [string, ConnectionsOptions, number][] = [
    ['a service', { service: web }, 2],
    ['a service of another port', { service: { ...web, port: 53 } }, 0],
    ['a service with port 0', { service: { ...web, protocol: 'udp', port: 0 } }, 1],
    ['a mark', { service: { fwmark: 7, family: 'ipv6' } }, 1],
    ['a mark of the other family', { service: { fwmark: 7, family: 'ipv4' } }, 0],
    ['a destination', { destination: { address: '10.9.0.2', port: 5353 } }, 1],
    ['a destination with port 0', { destination: { address: '10.9.0.2', port: 0 } }, 2],
    ['a destination of the other family', { destination: { address: '2001:DB8::2', port: 80 } }, 1],
    ['a client', { client: '10.9.0.1' }, 2],
    ['a client, IPv4-mapped', { client: '::ffff:10.9.0.1' }, 2],
    ['a network', { client: '10.0.0.0/8' }, 7],
    ['every network', { client: '0.0.0.0/0' }, 7],
    ['an IPv6 network', { client: '2001:db8::/127' }, 2],
    [
      'all at once',
      { service: web, client: '10.9.0.1', destination: { address: '2001:db8::2', port: 0 } },
      1,
    ],
    ['undefined', { service: undefined, client: undefined, destination: undefined }, 9],
  ];
  for (const [what, options, count] of filters) {
    it(`can be filtered by ${what}`, async () => {
      assert.equal((await read(CONNECTIONS, options)).length, count);
    });
  }

  const wrong: readonly [unknown, string][] = [
    [null, 'options'],
    [{ port: 1 }, 'options.port'],
    [{ service: 'tcp 10.0.0.1:80' }, 'options.service'],
    [{ destination: { address: '10.0.0.1' } }, 'options.destination.port'],
    [{ client: 7 }, 'options.client'],
    [{ client: '10.0.0.0/33' }, 'options.client'],
    [{ client: 'host' }, 'options.client'],
    [{ origin: 1 }, 'options.origin'],
  ];
  for (const [options, field] of wrong) {
    it(`refuses wrong options when the first connection is asked for: ${field}`, async () => {
      await assert.rejects(read(CONNECTIONS, options as object), { field });
    });
  }

  it('closes its file when the loop is left, and when a line makes no sense', async () => {
    const files = new FakeFiles({ '/proc/net/ip_vs_conn': CONNECTIONS }, 200);
    for await (const each of streamConnections(() => files, undefined)) {
      assert.equal(files.open, 1);
      assert.equal(each.protocol, 'udp');
      break;
    }
    assert.equal(files.open, 0);
    const bad = new FakeFiles({ '/proc/net/ip_vs_conn': `${CONNECTIONS}TCP nonsense\n` });
    const exhaust = async (): Promise<void> => {
      for await (const each of streamConnections(() => bad, undefined)) assert.ok(each);
    };
    await assert.rejects(exhaust(), {
      code: 'ERR_IPVS_MALFORMED_FILE',
      reason: 'malformed-file',
      message: /connections .*ip_vs_conn.*"TCP nonsense"/,
    });
    assert.equal(bad.open, 0);
  });

  it('is never read wrongly from garbage: rows that make sense, or the error', async () => {
    const lines = CONNECTIONS.split('\n');
    const spoilt = fc.tuple(
      fc.nat(lines.length - 1),
      fc.nat(150),
      fc.integer({ min: 0, max: 255 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(spoilt, { minLength: 1, maxLength: 3 }), async (changes) => {
        const changed = [...lines];
        for (const [line, at, byte] of changes) {
          const text = changed[line] ?? '';
          changed[line] = text.slice(0, at) + String.fromCharCode(byte) + text.slice(at + 1);
        }
        try {
          for (const each of await read(changed.join('\n'))) {
            const { client, virtual, destination, expires } = each;
            for (const { address, port } of [client, destination, ...(virtual ? [virtual] : [])]) {
              assert.ok(parseAddress(address) !== undefined && port >= 0 && port < 65536);
            }
            assert.ok(Number.isSafeInteger(expires));
          }
        } catch (error) {
          assert.equal((error as IpvsError).reason, 'malformed-file');
        }
      }),
    );
  });
});

describe('networks', () => {
  it('hold what shares their prefix, bit by bit', () => {
    const check = fc.tuple(fc.ipV4(), fc.ipV4(), fc.integer({ min: 0, max: 32 }));
    const number = (text: string): bigint =>
      text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
    fc.assert(
      fc.property(check, ([left, right, length]) => {
        const network = parseCidr(`${left}/${length}`);
        const address = parseAddress(right);
        assert.ok(network && address);
        const shift = BigInt(32 - length);
        const expected = number(left) >> shift === number(right) >> shift;
        assert.equal(contains(network, address), expected);
        const own = parseAddress(left);
        assert.ok(own && contains(network, own));
      }),
    );
    const network = parseCidr('::/0');
    const address = parseAddress('10.0.0.1');
    assert.ok(network && address && !contains(network, address));
  });
});

describe('totals', () => {
  const STATS = `   Total Incoming Outgoing         Incoming         Outgoing
   Conns  Packets  Packets            Bytes            Bytes
       A       1F        0 FFFFFFFFFFFFFFFF               10

 Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s
       1        2        3               4F                5
`;
  const PERCPU = `       Total Incoming Outgoing         Incoming         Outgoing
CPU    Conns  Packets  Packets            Bytes            Bytes
  0        3        3        2               6B               72
 1F FFFFFFFFF        0        0                0                0
  ~        0        0        0                0                0

     Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s
           0        0        0                0                0
`;

  it('are hexadecimal, 64 bits wide', async () => {
    const totals = await readTotals(new FakeFiles({ '/proc/net/ip_vs_stats': STATS }));
    assert.deepEqual(Object.fromEntries(Object.entries(totals)), {
      ...{ connections: 10n, inPackets: 31n, outPackets: 0n },
      ...{ inBytes: 18446744073709551615n, outBytes: 16n },
      ...{ connectionRate: 1, inPacketRate: 2, outPacketRate: 3 },
      ...{ inByteRate: 79, outByteRate: 5 },
    });
  });

  it('are told by CPU, whose number is hexadecimal too', async () => {
    const path = '/proc/net/ip_vs_stats_percpu';
    const [first, second, ...others] = await readCpuTotals(new FakeFiles({ [path]: PERCPU }));
    assert.deepEqual(first, {
      ...{ cpu: 0, connections: 3n, inPackets: 3n, outPackets: 2n },
      ...{ inBytes: 107n, outBytes: 114n },
    });
    assert.deepEqual([second?.cpu, second?.connections], [31, 0xfffffffffn]);
    assert.deepEqual(others, []);
  });

  it('of another form are an error', async () => {
    for (const text of ['', STATS.replace(' 1F ', ' 1G '), `${STATS}${STATS}`]) {
      const files = new FakeFiles({ '/proc/net/ip_vs_stats': text });
      await assert.rejects(readTotals(files), { reason: 'malformed-file' });
    }
    for (const text of ['', PERCPU.replace('~', '2'), PERCPU.replace('  0  ', '  x  ')]) {
      const files = new FakeFiles({ '/proc/net/ip_vs_stats_percpu': text });
      await assert.rejects(readCpuTotals(files), { reason: 'malformed-file' });
    }
  });
});

describe('application helpers', () => {
  it('are listed with protocol and port', async () => {
    const text = 'prot port    usecnt name\nTCP  21      7      ftp              \n';
    const files = new FakeFiles({ '/proc/net/ip_vs_app': text });
    assert.deepEqual(await readApplications(files), [
      { name: 'ftp', protocol: 'tcp', port: 21, users: 7 },
    ]);
    const bad = new FakeFiles({ '/proc/net/ip_vs_app': `${text}TCP x y z\n` });
    await assert.rejects(readApplications(bad), { reason: 'malformed-file' });
  });
});

describe('the table that everybody may read', () => {
  const TABLE = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
UDP  0A090001:0036 rr ops 
UDP  0A090001:0035 rr  persistent 30000 FFFFFF00
  -> 0A090003:14E9      Route   -1     0          1         
  -> 0A090002:14E9      Masq    2147483647 4000000000          1         
TCP  0A090001:0035 none  persistent 30000 FF00FF00
SCTP  [2001:0db8:0000:0000:0000:0000:0000:0001]:0035 rr persistent 6400 40000000
  -> [2001:0db8:0000:0000:0000:0000:0000:0002]:0035      Tunnel  1      0          1         
IP_47  0A090001:0000 rr  
FWM  FFFFFFFF rr ops persistent 10000 FFFFFFFF
  -> 0A090002:0000      Local   1      0          0         
FWM  00000007 mh 
`;

  it('has a protocol for every service by address, whoever wrote it', async () => {
    const [title, one, two] = TABLE.split('\n');
    for (const [name, protocol] of [
      ['IP', 'protocol-0'],
      ['ICMP', 'protocol-1'],
      ['ICMPv6', 'protocol-58'],
      ['IP_255', 'protocol-255'],
      ['IP_65535', 'protocol-65535'],
    ]) {
      const text = [title, one, two, `${name}  0A090001:0001 rr  `, ''].join('\n');
      const [service] = await readObservedTable(new FakeFiles({ '/proc/net/ip_vs': text }));
      assert.equal(service?.protocol, protocol);
    }
  });

  it('is read in full and sorted', async () => {
    const services = await readObservedTable(new FakeFiles({ '/proc/net/ip_vs': TABLE }, 33));
    assert.deepEqual(
      services.map(({ destinations, ...service }) => [service, destinations.length]),
      [
        [
          {
            protocol: 'protocol-47',
            address: '10.9.0.1',
            port: 0,
            scheduler: 'rr',
            onePacket: false,
          },
          0,
        ],
        [
          {
            ...{ protocol: 'tcp', address: '10.9.0.1', port: 53, scheduler: 'none' },
            ...{ onePacket: false, persistence: { timeoutJiffies: 30000 } },
          },
          0,
        ],
        [
          {
            ...{
              protocol: 'udp',
              address: '10.9.0.1',
              port: 53,
              scheduler: 'rr',
              onePacket: false,
            },
            persistence: { timeoutJiffies: 30000, prefixLength: 24 },
          },
          2,
        ],
        [{ protocol: 'udp', address: '10.9.0.1', port: 54, scheduler: 'rr', onePacket: true }, 0],
        [
          {
            ...{ protocol: 'sctp', address: '2001:db8::1', port: 53, scheduler: 'rr' },
            persistence: { timeoutJiffies: 6400, prefixLength: 64 },
          },
          1,
        ],
        [{ fwmark: 7, scheduler: 'mh', onePacket: false }, 0],
        [
          {
            ...{ fwmark: 4294967295, scheduler: 'rr', onePacket: true },
            persistence: { timeoutJiffies: 10000 },
          },
          1,
        ],
      ],
    );
    assert.deepEqual(services[2]?.destinations, [
      {
        ...{ address: '10.9.0.2', port: 5353, forwarding: 'masquerade', weight: 2147483647 },
        connections: { active: 4000000000, inactive: 1 },
      },
      {
        ...{ address: '10.9.0.3', port: 5353, forwarding: 'direct', weight: -1 },
        connections: { active: 0, inactive: 1 },
      },
    ]);
    const files = new FakeFiles({ '/proc/net/ip_vs': TABLE });
    assert.deepEqual(await readObservedInfo(files, { method: 'getInfo' }), {
      version: '1.2.1',
      connectionTableSize: 4096,
    });
  });

  it('of another form is an error', async () => {
    const spoilt = [
      TABLE.replace(' Masq ', ' Mask '),
      TABLE.replace('UDP  0A090001:0036', 'UDP  0A09001:0036'),
      TABLE.replace('persistent 6400', 'persistent x'),
      TABLE.replace('FWM  00000007', 'FWM  7'),
    ];
    for (const text of spoilt) {
      const files = new FakeFiles({ '/proc/net/ip_vs': text });
      await assert.rejects(readObservedTable(files), { reason: 'malformed-file' });
    }
    const other = new FakeFiles({ '/proc/net/ip_vs': 'something else\n' });
    await assert.rejects(readObservedInfo(other, { method: 'getInfo' }), {
      reason: 'malformed-file',
    });
  });
});

describe('sysctls', () => {
  it('are numbers, several numbers, or text', async () => {
    const files = new FakeFiles({
      '/proc/sys/net/ipv4/vs/sync_threshold': '3\t50\n',
      '/proc/sys/net/ipv4/vs/conntrack': '1\n',
      '/proc/sys/net/ipv4/vs/am_droprate': '-1\n',
      '/proc/sys/net/ipv4/vs/future_list': '0-3\n',
      '/proc/sys/net/ipv4/vs/future_huge': '18446744073709551615\n',
      '/proc/sys/net/ipv4/vs/future_empty': '\n',
    });
    assert.deepEqual(await readSysctls(files), {
      am_droprate: -1,
      conntrack: 1,
      future_empty: '',
      future_huge: '18446744073709551615',
      future_list: '0-3',
      sync_threshold: [3, 50],
    });
  });

  it('have names that are nothing but names', () => {
    for (const name of ['conntrack', 'a', 'a_1']) assert.equal(checkSysctlName('name', name), name);
    for (const name of ['', '.', '..', '../x', 'a/b', 'a\0', 'A', 'a b', 'a'.repeat(65), 7, null]) {
      assert.throws(() => checkSysctlName('name', name), { code: 'ERR_IPVS_INVALID_NAME' });
    }
  });

  for (const [name, [least, most]] of SYSCTL_BOUNDS) {
    it(`${name} takes ${least} to ${most}, and nothing else`, () => {
      const check = (value: unknown): string => checkSysctlValue('value', name, value);
      assert.equal(check(least), String(least));
      assert.equal(check(most), String(most));
      for (const value of [least - 1, most + 1, 0.5, NaN, String(least), true, null, [least], 1n]) {
        assert.throws(() => check(value), { code: 'ERR_IPVS_INVALID_VALUE', field: 'value' });
      }
    });
  }

  it('sync_ports is a power of two, sync_threshold two numbers in order', () => {
    for (const value of [3, 5, 63]) {
      assert.throws(() => checkSysctlValue('value', 'sync_ports', value), RangeError);
    }
    const threshold = (value: unknown): string =>
      checkSysctlValue('value', 'sync_threshold', value);
    assert.equal(threshold([0, 50]), '0 50');
    assert.equal(threshold([9, 0]), '9 0');
    for (const value of [3, [3], [3, 50, 1], [50, 50], [51, 50], [-1, 50], [3, 'x']]) {
      assert.throws(
        () => threshold(value),
        (error) => error instanceof Error && 'field' in error,
      );
    }
  });

  it('that nobody here knows take what one line can say', () => {
    const check = (value: unknown): string => checkSysctlValue('value', 'future', value);
    assert.equal(check(7), '7');
    assert.equal(check([1, -2]), '1 -2');
    assert.equal(check('0-3'), '0-3');
    for (const value of ['a\nb', 'ü', true, null, {}, [], [1, 'x'], 0.5]) {
      assert.throws(() => check(value), { code: 'ERR_IPVS_INVALID_VALUE' });
    }
    assert.deepEqual(parseSysctlValue('1\t2\t3\n'), [1, 2, 3]);
  });
});
