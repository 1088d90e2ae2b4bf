import { strict as assert } from 'node:assert';
import { describe, it } from 'mocha';
import {
  type AdmForwarding,
  type AdmService,
  parseList,
  parseStats,
  parseThresholds,
  parseTunInfo,
  readTable,
  sortTable,
} from '../support/ipvsadm.js';
import { COUNTED, EMPTY, ENGINES, FULL, OTHER } from './fixtures/ipvsadm.js';

interface Listings {
  list: string;
  thresholds: string;
  tunInfo: string;
}

/** An ipvsadm that answers with stored text. */
function printing({ list, thresholds, tunInfo }: Listings) {
  return async (args: string[]): Promise<string> => {
    const answers = new Map([
      ['-Ln --nosort', list],
      ['-Ln --nosort --thresholds', thresholds],
      ['-Ln --nosort --tun-info', tunInfo],
    ]);
    return await Promise.resolve(answers.get(args.join(' ')) ?? assert.fail(args.join(' ')));
  };
}

const LONG = 'fd00:1234:5678:9abc:def0:1234:5678:9abc';
const LONG_DESTINATION = 'fd00:1234:5678:9abc:def0:ffff:eeee:dddd';

const idle = { upperThreshold: 0, lowerThreshold: 0, active: 0, inactive: 0 };
const common = { flags: [], onePacket: false, destinations: [] };
const to = (address: string, port: number, forwarding: AdmForwarding, weight = 1) => ({
  address,
  port,
  forwarding,
  weight,
  ...idle,
});
const through = (address: string, port: number, tunnelInfo: string, weight = 1) => ({
  ...to(address, port, 'tunnel', weight),
  tunnelInfo,
});

/** The table that the commands behind {@link FULL} asked for. */
const FULL_TABLE: AdmService[] = [
  {
    ...common,
    protocol: 'fwmark',
    family: 'ipv4',
    fwmark: 9,
    scheduler: 'rr',
    persistent: { timeout: 30, mask: '255.255.255.0' },
    destinations: [
      to('10.9.9.8', 80, 'masquerade', 4),
      to('10.9.9.9', 0, 'direct', 4),
      through('2001:db8::77', 0, 'ipip', 5),
    ],
  },
  {
    ...common,
    protocol: 'fwmark',
    family: 'ipv4',
    fwmark: 4294967295,
    scheduler: 'mh',
    flags: ['mh-port'],
  },
  {
    ...common,
    protocol: 'fwmark',
    family: 'ipv6',
    fwmark: 9,
    scheduler: 'rr',
    onePacket: true,
    destinations: [through('10.7.7.7', 0, 'ipip', 5), to('2001:db8::99', 80, 'masquerade')],
  },
  {
    ...common,
    protocol: 'fwmark',
    family: 'ipv6',
    fwmark: 2147483648,
    scheduler: 'lblcr',
    persistent: { timeout: 5, mask: 1 },
  },
  {
    ...common,
    protocol: 'sctp',
    family: 'ipv4',
    address: '10.0.0.1',
    port: 9,
    scheduler: 'mh',
    flags: ['mh-fallback', 'mh-port'],
    destinations: [
      through('10.0.0.82', 9, 'gue:6080:r+c'),
      through('10.0.0.83', 9, 'gue:65535:-c'),
      through('10.0.0.84', 9, 'gre:+c'),
      through('10.0.0.85', 9, 'gre:-c'),
      through('10.0.0.86', 9, 'ipip'),
      through('10.0.0.87', 9, 'gue:6081:+c'),
    ],
  },
  {
    ...common,
    protocol: 'sctp',
    family: 'ipv6',
    address: '2001:db8::2',
    port: 0,
    scheduler: 'rr',
    persistent: { timeout: 360 },
  },
  {
    ...common,
    protocol: 'tcp',
    family: 'ipv4',
    address: '10.0.0.1',
    port: 80,
    scheduler: 'rr',
    destinations: [
      { ...to('10.0.0.80', 80, 'masquerade'), upperThreshold: 100, lowerThreshold: 50 },
      to('10.0.0.81', 8080, 'masquerade', 0),
      {
        ...to('10.0.0.82', 80, 'direct', 2147483647),
        upperThreshold: 2147483647,
        lowerThreshold: 2147483647,
      },
      to('127.0.0.1', 80, 'masquerade', 7),
      through('2001:db8::66', 80, 'ipip', 6),
    ],
  },
  {
    ...common,
    protocol: 'tcp',
    family: 'ipv4',
    address: '10.0.0.5',
    port: 1,
    scheduler: 'wlc',
    flags: ['flag-1', 'flag-2', 'flag-3'],
  },
  {
    ...common,
    protocol: 'tcp',
    family: 'ipv4',
    address: '10.0.0.5',
    port: 2,
    scheduler: 'sh',
    flags: ['sh-port'],
  },
  {
    ...common,
    protocol: 'tcp',
    family: 'ipv4',
    address: '10.0.0.5',
    port: 3,
    scheduler: 'rr',
    flags: ['flag-2'],
  },
  {
    ...common,
    protocol: 'tcp',
    family: 'ipv4',
    address: '192.168.0.1',
    port: 0,
    scheduler: 'wrr',
    persistent: { timeout: 360 },
    destinations: [to('10.1.1.1', 0, 'direct')],
  },
  {
    ...common,
    protocol: 'tcp',
    family: 'ipv4',
    address: '255.255.255.254',
    port: 65535,
    scheduler: 'wlc',
    persistent: { timeout: 2678400, mask: '255.255.255.0' },
    destinations: [to('223.255.255.254', 65535, 'masquerade', 65535)],
  },
  {
    ...common,
    protocol: 'tcp',
    family: 'ipv6',
    address: '2001:db8::1',
    port: 443,
    scheduler: 'wlc',
    destinations: [
      { ...to('2001:db8::80', 8443, 'masquerade', 3), upperThreshold: 9, lowerThreshold: 4 },
      to('::1', 443, 'masquerade'),
    ],
  },
  {
    ...common,
    protocol: 'tcp',
    family: 'ipv6',
    address: '::ffff:1.2.3.4',
    port: 80,
    scheduler: 'rr',
  },
  {
    ...common,
    protocol: 'tcp',
    family: 'ipv6',
    address: LONG,
    port: 65535,
    scheduler: 'sed',
    persistent: { timeout: 10, engine: 'sip' },
  },
  {
    ...common,
    protocol: 'udp',
    family: 'ipv4',
    address: '10.0.0.1',
    port: 5060,
    scheduler: 'rr',
    persistent: { timeout: 120, engine: 'sip' },
  },
  {
    ...common,
    protocol: 'udp',
    family: 'ipv4',
    address: '10.0.0.3',
    port: 53,
    scheduler: 'sh',
    flags: ['sh-fallback', 'sh-port'],
    onePacket: true,
    destinations: [to('10.1.1.2', 5353, 'masquerade')],
  },
  {
    ...common,
    protocol: 'udp',
    family: 'ipv4',
    address: '10.0.0.4',
    port: 53,
    scheduler: 'rr',
    onePacket: true,
    persistent: { timeout: 60, mask: '255.255.0.0' },
  },
  {
    ...common,
    protocol: 'udp',
    family: 'ipv6',
    address: '2001:db8::1:1',
    port: 53,
    scheduler: 'rr',
    persistent: { timeout: 60, mask: 64 },
    destinations: [
      {
        ...to(LONG, 53, 'direct', 2147483647),
        upperThreshold: 2147483647,
        lowerThreshold: 1,
      },
    ],
  },
  {
    ...common,
    protocol: 'udp',
    family: 'ipv6',
    address: LONG,
    port: 65535,
    scheduler: 'sed',
    persistent: { timeout: 10, mask: 64, engine: 'sip' },
    destinations: [through(LONG_DESTINATION, 65535, 'gue:6080:-c', 2)],
  },
];

describe('ipvsadm parser: the whole table', () => {
  it('combines what the listings say', async () => {
    assert.deepEqual(await readTable(printing(FULL)), FULL_TABLE);
  });

  it('reads an empty table', async () => {
    assert.deepEqual(await readTable(printing(EMPTY)), []);
    assert.deepEqual(parseStats(EMPTY.stats), []);
  });

  it('names every forwarding method as ipvsadm does', async () => {
    const table = await readTable(printing(OTHER));
    const methods = table.find(({ address }) => address === '10.0.0.9')?.destinations;
    assert.deepEqual(
      methods?.map(({ forwarding }) => forwarding),
      ['masquerade', 'local', 'tunnel', 'direct', '(null)', '(null)', '(null)', '(null)'],
    );
    assert.deepEqual(methods[0], {
      ...to('10.2.0.0', 80, 'masquerade', 0),
      upperThreshold: 4294967295,
      lowerThreshold: 4294967294,
    });
  });

  it('reads a long IPv6 destination of an IPv4 service, and the reverse', async () => {
    const table = await readTable(printing(OTHER));
    assert.deepEqual(table.find(({ address }) => address === '10.0.0.8')?.destinations, [
      through(LONG, 80, 'ipip'),
    ]);
    assert.deepEqual(table.find(({ fwmark }) => fwmark === 10)?.destinations, [
      through('10.7.7.7', 0, 'gre:-c'),
    ]);
  });

  it('gives one order, whatever the order of the listings', () => {
    const backwards = FULL_TABLE.toReversed().map((service) => ({
      ...service,
      destinations: service.destinations.toReversed(),
    }));
    assert.deepEqual(sortTable(backwards), FULL_TABLE);
  });

  it('orders destinations of one address by their ports as numbers', () => {
    const destinations = [10000, 443, 80].map((port) => ({ address: '10.0.0.1', port }));
    const [service] = sortTable([{ protocol: 'tcp', family: 'ipv4', destinations }]);
    assert.deepEqual(service?.destinations, destinations.toReversed());
  });

  it('refuses listings between which the table changed', async () => {
    const changed = [
      { ...FULL, thresholds: EMPTY.thresholds },
      { ...FULL, tunInfo: OTHER.tunInfo },
      { ...EMPTY, tunInfo: OTHER.tunInfo },
      { ...FULL, thresholds: FULL.thresholds.replace('-> 10.0.0.80:80  ', '-> 10.0.0.79:80  ') },
      { ...FULL, tunInfo: FULL.tunInfo.replace('10.0.0.1:80 rr', '10.0.0.1:80 wlc') },
    ];
    for (const listings of changed) {
      await assert.rejects(readTable(printing(listings)), /did the table change/);
    }
  });
});

describe('ipvsadm parser: single listings', () => {
  it('leaves out of each what it does not say', () => {
    const [service] = parseList(COUNTED.list).filter(({ family }) => family === 'ipv4');
    assert.deepEqual(service?.destinations, [
      {
        address: '127.0.0.2',
        port: 7778,
        forwarding: 'masquerade',
        weight: 1,
        active: 0,
        inactive: 2,
      },
      {
        address: '127.0.0.1',
        port: 7778,
        forwarding: 'masquerade',
        weight: 1,
        active: 0,
        inactive: 1,
      },
    ]);
    assert.deepEqual(parseThresholds(OTHER.thresholds)[0]?.destinations, [
      { address: LONG, port: 80, ...idle },
    ]);
  });

  it('reads a single service, which comes without the version', () => {
    const single = COUNTED.list.slice(COUNTED.list.indexOf('\n') + 1);
    assert.deepEqual(parseList(single), parseList(COUNTED.list));
  });

  it('reads flags, an engine and one-packet scheduling on one line', () => {
    assert.deepEqual(parseList(ENGINES.list)[0], {
      ...common,
      protocol: 'udp',
      family: 'ipv4',
      address: '10.0.0.4',
      port: 5060,
      scheduler: 'rr',
      flags: ['flag-1'],
      onePacket: true,
      persistent: { timeout: 9, engine: 'sip' },
    });
  });

  it('reads the counters', () => {
    const count = (...[c = 0, ip = 0, op = 0, ib = 0, ob = 0]: number[]) => ({
      connections: BigInt(c),
      inPackets: BigInt(ip),
      outPackets: BigInt(op),
      inBytes: BigInt(ib),
      outBytes: BigInt(ob),
    });
    assert.deepEqual(parseStats(COUNTED.stats), [
      {
        protocol: 'tcp',
        family: 'ipv6',
        address: '::1',
        port: 7777,
        ...count(3, 3, 3, 240, 180),
        destinations: [{ address: '::1', port: 7778, ...count(3, 3, 3, 240, 180) }],
      },
      {
        protocol: 'tcp',
        family: 'ipv4',
        address: '127.0.0.1',
        port: 7777,
        ...count(3, 3, 3, 180, 120),
        destinations: [
          { address: '127.0.0.2', port: 7778, ...count(2, 2, 2, 120, 80) },
          { address: '127.0.0.1', port: 7778, ...count(1, 1, 1, 60, 40) },
        ],
      },
    ]);
  });

  it('finds the same names in the counters as in the list', () => {
    const names = (services: readonly Parameters<typeof sortTable>[0][number][]) =>
      sortTable(services).map(({ protocol, family, address, port, fwmark, destinations }) => ({
        ...{ protocol, family, address, port, fwmark },
        destinations: destinations.map((destination) => [destination.address, destination.port]),
      }));
    assert.deepEqual(names(parseStats(FULL.stats)), names(FULL_TABLE));
  });
});

describe('ipvsadm parser: what it cannot read', () => {
  /** A listing in which one piece of text is another. */
  function broken(text: string, from: string, into: string): string {
    assert.ok(text.includes(from), from);
    return text.replace(from, into);
  }

  const LINES: Record<string, [from: string, into: string, line: string]> = {
    'another version line': ['IP Virtual', 'IP virtual', 'IP virtual Server'],
    'another title': ['Forward Weight', 'Weight Forward', 'Weight Forward'],
    'a protocol without a name': ['SCTP 10.0.0.1:9', '?    10.0.0.1:9', '?    10.0.0.1:9 mh'],
    'another protocol': ['SCTP 10.0.0.1:9', 'ESP  10.0.0.1:9', 'ESP  10.0.0.1:9'],
    'a name that was cut': ['192.168.0.1:0', '192.168.0.1:', '192.168.0.1: wrr'],
    'an IPv6 address that was cut': [`[${LONG}]:53`, '[fd00:1234:5678:9abc:def0:', 'fd00:1234'],
    'a port that does not exist': ['10.0.0.4:53', '10.0.0.4:65536', '10.0.0.4:65536 rr'],
    'a host name': ['10.0.0.5:1 ', 'localhost:1 ', 'localhost:1 wlc'],
    'a word after the service': ['10.0.0.5:3 rr (flag-2)', '10.0.0.5:3 rr new', 'rr new'],
    'another mask': ['mask 255.255.0.0', 'mask 16', 'mask 16 ops'],
    'another IPv6 mask': ['mask 64', 'mask 129', 'mask 129'],
    'a mark that is no number': ['FWM  9 rr', 'FWM  web rr', 'FWM  web rr'],
    'a mark of more than 32 bits': ['FWM  9 rr', 'FWM  4294967296 rr', '4294967296 rr'],
    'another forwarding method': ['Tunnel ', 'Bypass ', 'Bypass  1'],
    'a column too few': ['Masq    65535  0', 'Masq    65535', '223.255.255.254:65535'],
    'a column too many': ['Masq    65535', 'Masq    65535  5', 'Masq    65535  5'],
    'a negative weight': ['Masq    65535', 'Masq    -1', 'Masq    -1'],
    'an empty line': ['TCP  10.0.0.5:2 sh (sh-port)\n', '\n', '""'],
    'a destination of no service': [
      'SCTP 10.0.0.1:9 mh (mh-fallback,mh-port)\n',
      '',
      '10.0.0.87:9',
    ],
  };
  for (const [name, [from, into, line]] of Object.entries(LINES)) {
    it(`refuses ${name} and shows the line`, () => {
      assert.throws(
        () => parseList(broken(FULL.list, from, into)),
        (error) => error instanceof Error && error.message.includes(line),
      );
    });
  }

  it('refuses a text that was cut off, or is none', () => {
    assert.throws(() => parseList(FULL.list.trimEnd()), /FWM|10\.9\.9\.9/);
    assert.throws(() => parseList(''), /""/);
    assert.throws(() => parseList('No such service\n'), /No such service/);
  });

  it('refuses the listing of another mode', () => {
    assert.throws(() => parseList(FULL.thresholds), /Uthreshold/);
    assert.throws(() => parseThresholds(FULL.list), /Scheduler/);
    assert.throws(() => parseTunInfo(FULL.list), /Forward Weight/);
    assert.throws(() => parseStats(FULL.list), /Scheduler/);
  });

  it('refuses tunnel information without a tunnel, and a tunnel without it', () => {
    const tunnel = broken(FULL.tunInfo, 'Masq    n/a ', 'Masq    ipip');
    assert.throws(() => parseTunInfo(tunnel), /Masq {4}ipip/);
    assert.throws(() => parseTunInfo(broken(FULL.tunInfo, ' ipip ', ' n/a  ')), /Tunnel {2}n\/a/);
    assert.throws(() => parseTunInfo(broken(FULL.tunInfo, 'gre:-c', 'gre:?c')), /gre:\?c/);
  });

  it('refuses counters that were abbreviated', () => {
    const rounded = broken(COUNTED.stats, '      240 ', '     240K ');
    assert.throws(() => parseStats(rounded), /240K/);
    const service = broken(COUNTED.stats, '        3      180 ', '       3K      180 ');
    assert.throws(() => parseStats(service), /3K/);
    // Six numbers: more than a title says.
    const more = broken(COUNTED.stats, '[::1]:7777    ', '[::1]:7777 5  ');
    assert.throws(() => parseStats(more), /7777 5/);
  });
});
