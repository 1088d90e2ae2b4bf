import { strict as assert } from 'node:assert';
import { BlockList, SocketAddress, isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import {
  type Address,
  type Cidr,
  type Family,
  familyOf,
  formatAddress,
  parseAddress as readAddress,
  parseCidr as readCidr,
} from '../../lib/address.js';

/** Whether the bytes are in a typed array is nobody's business. */
function typed<Read extends { readonly bytes: ArrayLike<number> }>(
  read: Read | undefined,
): (Omit<Read, 'bytes'> & { bytes: Uint8Array }) | undefined {
  return read && { ...read, bytes: Uint8Array.from(read.bytes) };
}

function parseAddress(text: string): ReturnType<typeof typed<Address>> {
  return typed(readAddress(text));
}

function parseCidr(text: string): ReturnType<typeof typed<Cidr>> {
  return typed(readCidr(text));
}

// The upstream tables are those of Kubernetes, where a family test was once
// inverted (kubernetes/kubernetes#54774). Each is named by the place it comes from.

interface Table {
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
  readonly neither: readonly string[];
}

/** kubernetes, 2017, next to the repaired expression: `IsIPv6String`. */
const IS_IPV6_STRING: Table = {
  ipv4: ['127.0.0.1', '192.168.0.0', '1.2.3.4'],
  ipv6: ['::1', 'fd00::600d:f00d', '2001:db8::5'],
  neither: ['bad ip'],
};

/**
 * kubernetes, 2017: `IsIPv6(net.IP)`. Go holds the IPv4 ones of these in 16 mapped
 * bytes, so that both forms are tried below. Its `nil` is the empty text.
 */
const IS_IPV6: Table = {
  ipv4: ['0.0.0.0', '255.255.255.255', '127.0.0.1', '10.20.40.40', '172.17.3.0'],
  ipv6: ['::1', '::', 'fd00::600d:f00d', '2001:db8::5'],
  neither: [''],
};

/** kubernetes, February 2018: `IsIPv6CIDR`. */
const IS_IPV6_CIDR: Table = {
  ipv4: ['10.0.0.0/8', '192.168.0.0/16'],
  ipv6: ['::/1', '2000::/10', '2001:db8::/32'],
  neither: [],
};

/** kubernetes/utils 5c9db06, November 2022: `IPFamilyOfString`. */
const FAMILY_OF_STRING_2022: Table = {
  ipv4: ['127.0.0.1', '192.168.0.0', '1.2.3.4', '001.002.003.004', '::FFFF:1.2.3.4'],
  ipv6: ['::1', 'fd00::600d:f00d', '2001:db8::5'],
  neither: [
    '1.2.3.400',
    '2001:db8::10005',
    '1.2..4',
    '2001::db8::5',
    '1.2.3.4/32',
    '2001:db8::/64',
    '1.2.3.4:80',
    '[2001:db8::5]',
    '[2001:db8::5]:80',
    'fe80::1234%eth0',
    ' 1.2.3.4',
    '1.2.3.4 ',
    ' 2001:db8::5',
    'bad ip',
  ],
};

/** kubernetes/utils 5c9db06, November 2022: `IPFamilyOfCIDRString`, the unknown ones. */
const FAMILY_OF_CIDR_2022: Table = {
  ipv4: [],
  ipv6: [],
  neither: [
    'foo',
    '1.2.3.400/32',
    '2001:db8::10005/64',
    '1.2.3.4/64',
    '2001:db8::5/192',
    '1.2..4/32',
    '2001::db8::5/64',
    '192.168.0.0',
    '2001:db8::',
    ' 1.2.3.4/32',
    '1.2.3.4/32 ',
    ' 2001:db8::5/64',
  ],
};

/** kubernetes/utils 5c9db06, November 2022: `IPFamilyOf` of raw bytes. */
const BYTES_2022 = {
  ipv4: [Uint8Array.of(255, 255, 255, 0)], // the mask of 192.168.1.1/24
  ipv6: [Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0)], // of /64
  neither: [0, 3, 10, 18].map((length) => new Uint8Array(length)),
};

/** kubernetes/utils 263db5a, October 2025: each line is one address in several spellings. */
const SPELLINGS_2025: Record<Family, readonly (readonly string[])[]> = {
  ipv4: [
    ['192.168.0.5', '192.168.000.005'],
    ['0.0.0.0', '000.000.000.000'],
    ['255.255.255.255'],
    ['::ffff:192.168.0.5', '::ffff:0192.0168.0000.0005'],
  ],
  ipv6: [
    ['2001:db8::5', '2001:0db8::0005', '2001:DB8::5'],
    ['::', '0:0:0:0:0:0:0:0', '0000:0000:0000:0000:0000:0000:0000:0000', '0::0'],
    ['::1', '0000:0000:0000:0000:0000:0000:0000:0001'],
  ],
};

/** kubernetes/utils 263db5a, October 2025: no address. */
const BAD_2025 = [
  '',
  'bad ip',
  'www.example.com',
  '1.2.3.400',
  '1.2..4',
  '1.2.3',
  '1.2.3.4.5',
  '1:2::12345',
  '1::2::3',
  '1:2:::3',
  '1:2:3',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4::6:7:8:9',
  '1.2.3.4:80',
  '[2001:db8::5]',
  '[2001:db8::5]:80',
  'www.example.com:80',
  '169.254.169.254%eth0',
  'fe80::1234%eth0',
  '1.2.3.0/24',
  '2001:db8::/64',
  ' 1.2.3.4',
  '1.2.3.4 ',
  ' 2001:db8::5',
  '2001:db8::5 ',
];

/** kubernetes/utils 263db5a, October 2025: networks, one line per network. */
const CIDR_SPELLINGS_2025: Record<Family, readonly (readonly string[])[]> = {
  ipv4: [
    ['1.2.3.0/24'],
    ['1.1.1.1/32'],
    ['0.0.0.0/0', '000.000.000.000/000'],
    ['1.2.3.4/24'],
    ['1.2.3.255/24'],
    ['::ffff:1.1.1.0/120', '::ffff:01.01.01.00/0120'],
  ],
  ipv6: [
    ['2001:db8::/64', '2001:db8:0:0:0:0:0:0/64', '2001:DB8::/64'],
    ['::/0'],
    ['::1/128'],
    ['2001:db8::1/64'],
    ['2001:db8::f00f:f0f0:0f0f:000f/64'],
  ],
};

/** kubernetes/utils 263db5a, October 2025: no network. */
const BAD_CIDR_2025 = [
  '',
  'bad cidr',
  '1.2.300.0/24',
  '2001:db8000::/64',
  '1.2.3.4/64',
  '2001:db8::5/192',
  '1.2.3.0/-8',
  '1.2.3.0/+24',
  'www.example.com/24',
  '192.168.0.1/0/99',
  '1.2.3.4',
  '2001:db8::1',
  ' 1.2.3.0/24',
  '1.2.3.0/24 ',
];

const OCTAL =
  'a leading zero is octal to inet_aton and decimal to ParseIPSloppy: two programs, two hosts';
const SAME_RULE = 'the rule against leading zeros holds for the prefix length too';

/**
 * Where this package answers differently from Kubernetes, on purpose. `kubernetes` is what
 * the upstream tables say; here every one of these is refused.
 */
const DELIBERATE_DIFFERENCES: readonly {
  text: string;
  kubernetes: Family;
  reason: string;
}[] = [
  { text: '001.002.003.004', kubernetes: 'ipv4', reason: OCTAL },
  { text: '192.168.000.005', kubernetes: 'ipv4', reason: OCTAL },
  { text: '000.000.000.000', kubernetes: 'ipv4', reason: OCTAL },
  { text: '::ffff:0192.0168.0000.0005', kubernetes: 'ipv4', reason: OCTAL },
  { text: '000.000.000.000/000', kubernetes: 'ipv4', reason: `${OCTAL}; ${SAME_RULE}` },
  { text: '::ffff:01.01.01.00/0120', kubernetes: 'ipv4', reason: `${OCTAL}; ${SAME_RULE}` },
];

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];
const DIFFERENT = new Set(DELIBERATE_DIFFERENCES.map(({ text }) => text));

function familyOfCidr(text: string): Family | undefined {
  return parseCidr(text)?.family;
}

/** Declares one test for every entry of a table that is not a deliberate difference. */
function judge(table: Table, family: (text: string) => Family | undefined): void {
  for (const expected of FAMILIES) {
    for (const text of table[expected]) {
      if (DIFFERENT.has(text)) continue;
      it(`${JSON.stringify(text)} is ${expected}`, () => {
        assert.equal(family(text), expected);
      });
    }
  }
  for (const text of table.neither) {
    it(`${JSON.stringify(text)} is neither`, () => {
      assert.equal(family(text), undefined);
    });
  }
}

/** Declares tests that every line is one family and, in all its spellings, one text. */
function judgeSpellings(
  lines: Record<Family, readonly (readonly string[])[]>,
  parse: (text: string) => { family: Family; text: string } | undefined,
): void {
  for (const family of FAMILIES) {
    for (const line of lines[family]) {
      const spellings = line.filter((text) => !DIFFERENT.has(text));
      it(`${spellings.join(', ')}: one ${family}`, () => {
        const parsed = spellings.map(parse);
        for (const one of parsed) assert.equal(one?.family, family);
        assert.equal(new Set(parsed.map((one) => one?.text)).size, 1);
      });
    }
  }
}

describe('address: the tables of Kubernetes', () => {
  describe('2017, IsIPv6String', () => {
    judge(IS_IPV6_STRING, familyOf);
  });
  describe('2017, IsIPv6', () => {
    judge(IS_IPV6, familyOf);
    for (const text of IS_IPV6.ipv4) {
      it(`::ffff:${text}, the form in which Go holds ${text}, is ipv4`, () => {
        assert.equal(familyOf(`::ffff:${text}`), 'ipv4');
        assert.equal(parseAddress(`::ffff:${text}`)?.text, text);
      });
    }
  });
  describe('2018, IsIPv6CIDR', () => {
    judge(IS_IPV6_CIDR, familyOfCidr);
  });
  describe('2022, IPFamilyOfString', () => {
    judge(FAMILY_OF_STRING_2022, familyOf);
  });
  describe('2022, IPFamilyOf bytes', () => {
    it('4 bytes are IPv4 and nothing else', () => {
      for (const bytes of BYTES_2022.ipv4) {
        assert.equal(formatAddress('ipv4', bytes), '255.255.255.0');
        assert.throws(() => formatAddress('ipv6', bytes), RangeError);
      }
    });
    it('16 bytes are IPv6 and nothing else', () => {
      for (const bytes of BYTES_2022.ipv6) {
        assert.equal(formatAddress('ipv6', bytes), 'ffff:ffff:ffff:ffff::');
        assert.throws(() => formatAddress('ipv4', bytes), RangeError);
      }
    });
    it('0, 3, 10 and 18 bytes are neither', () => {
      for (const bytes of BYTES_2022.neither) {
        for (const family of FAMILIES) {
          assert.throws(() => formatAddress(family, bytes), RangeError);
        }
      }
    });
  });
  describe('2022, IPFamilyOfCIDRString', () => {
    judge(FAMILY_OF_CIDR_2022, familyOfCidr);
  });
  describe('2025, spellings of addresses', () => {
    judgeSpellings(SPELLINGS_2025, parseAddress);
    judge({ ipv4: [], ipv6: [], neither: BAD_2025 }, familyOf);
  });
  describe('2025, spellings of networks', () => {
    judgeSpellings(CIDR_SPELLINGS_2025, parseCidr);
    judge({ ipv4: [], ipv6: [], neither: BAD_CIDR_2025 }, familyOfCidr);
  });
});

describe('address: deliberate differences from Kubernetes', () => {
  const upstream = new Set([
    ...[IS_IPV6_STRING, IS_IPV6, IS_IPV6_CIDR, FAMILY_OF_STRING_2022].flatMap(({ ipv4 }) => ipv4),
    ...SPELLINGS_2025.ipv4.flat(),
    ...CIDR_SPELLINGS_2025.ipv4.flat(),
  ]);
  for (const { text, kubernetes, reason } of DELIBERATE_DIFFERENCES) {
    it(`${text}, ${kubernetes} there, is refused: ${reason}`, () => {
      assert.ok(upstream.has(text), 'stands in one of the upstream tables');
      assert.equal(familyOf(text), undefined);
      assert.equal(familyOfCidr(text), undefined);
    });
  }
  // Not in any upstream table; Go reads all three as IPv6 networks.
  for (const text of ['::ffff:1.1.1.0/95', '::ffff:1.2.3.4/64', '::ffff:1.2.3.4/0']) {
    it(`${text} is refused: an IPv4 address whose network reaches into IPv6 has no one family`, () => {
      assert.equal(parseCidr(text), undefined);
    });
  }
});

describe('address: reading', () => {
  it('gives the bytes in network order and the canonical text', () => {
    assert.deepEqual(parseAddress('192.0.2.1'), {
      family: 'ipv4',
      bytes: Uint8Array.of(192, 0, 2, 1),
      text: '192.0.2.1',
    });
    assert.deepEqual(parseAddress('2001:0DB8::0A:1'), {
      family: 'ipv6',
      bytes: Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 1),
      text: '2001:db8::a:1',
    });
  });

  const MAPPED = [
    '::ffff:192.0.2.1',
    '::FFFF:192.0.2.1',
    '::ffff:c000:201',
    '::ffff:c000:0201',
    '0:0:0:0:0:ffff:192.0.2.1',
    '0000:0000:0000:0000:0000:ffff:c000:0201',
    '0::ffff:c000:201',
    '::0:ffff:c000:201',
    '0:0:0:0:0:ffff:c000:201',
  ];
  for (const text of MAPPED) {
    it(`${text} is 192.0.2.1`, () => {
      assert.deepEqual(parseAddress(text), parseAddress('192.0.2.1'));
    });
  }

  it('leaves what only looks like a mapped address to IPv6', () => {
    const look = ['::fffe:1.2.3.4', '::1.2.3.4', '::ffff:0:1.2.3.4', '64:ff9b::1.2.3.4', '::ffff'];
    for (const text of look) assert.equal(familyOf(text), 'ipv6', text);
    assert.equal(parseAddress('::1.2.3.4')?.text, '::102:304');
  });

  const REFUSED = [
    '.',
    '1',
    '1.2.3.',
    '.1.2.3',
    '1.2.3.4.',
    '256.0.0.1',
    '1.2.3.-4',
    '1.2.3.+4',
    '0x1.2.3.4',
    '1e1.2.3.4',
    '010.0.0.1',
    '1.2.3.00',
    '1.2.3.4\n',
    '1.2.3.4\0',
    '１.2.3.4',
    '2130706433',
    ':',
    ':::',
    '::1:',
    ':1::',
    '1:',
    '1:2:3:4:5:6:7:',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7::8:9',
    '00001::',
    'g::',
    '::1%',
    '::1.2.3',
    '::1.2.3.4:5',
    '::1.2.3.4.5',
    '::01.2.3.4',
    '1:2:3:4:5:6:7:1.2.3.4',
    '1:2:3:4:5:1.2.3.4',
    '1.2.3.4::',
    '::a.2.3.4',
    '::\u0131',
    '::1\n',
    `${'0'.repeat(100_000)}::`,
    '1.'.repeat(100_000),
  ];
  for (const text of REFUSED) {
    it(`refuses ${JSON.stringify(text.length > 40 ? `${text.slice(0, 10)}...` : text)}`, () => {
      assert.equal(parseAddress(text), undefined);
    });
  }

  it('takes a double colon for a single group on either side', () => {
    assert.equal(parseAddress('1:2:3:4:5:6:7::')?.text, '1:2:3:4:5:6:7:0');
    assert.equal(parseAddress('::2:3:4:5:6:7:8')?.text, '0:2:3:4:5:6:7:8');
    assert.equal(parseAddress('1:2:3::5:6:7:8')?.text, '1:2:3:0:5:6:7:8');
  });
});

describe('address: writing', () => {
  const CANONICAL: Record<string, string> = {
    '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1', // two equal runs: the first
    '2001:0:0:1:0:0:0:1': '2001:0:0:1::1', // the longer one
    '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1', // a single group stays
    '1:0:0:0:0:0:0:0': '1::',
    '0:0:0:0:0:0:0:a': '::a',
    '0:1:0:1:0:1:0:1': '0:1:0:1:0:1:0:1',
    '0:0:1:0:0:1:0:0': '::1:0:0:1:0:0',
    'ABCD:EF01:2345:6789:ABCD:EF01:2345:6789': 'abcd:ef01:2345:6789:abcd:ef01:2345:6789',
  };
  for (const [text, canonical] of Object.entries(CANONICAL)) {
    it(`${text} is ${canonical}`, () => {
      assert.equal(parseAddress(text)?.text, canonical);
    });
  }

  it('shows a mapped address that is held as IPv6 as what it is', () => {
    const bytes = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4);
    assert.equal(formatAddress('ipv6', bytes), '::ffff:1.2.3.4');
  });
});

describe('address: networks', () => {
  it('keeps the host bits', () => {
    assert.deepEqual(parseCidr('1.2.3.4/24'), {
      family: 'ipv4',
      bytes: Uint8Array.of(1, 2, 3, 4),
      prefixLength: 24,
      text: '1.2.3.4/24',
    });
    assert.equal(
      parseCidr('2001:db8::f00f:f0f0:0f0f:000f/64')?.text,
      '2001:db8::f00f:f0f0:f0f:f/64',
    );
  });

  it('makes IPv4 networks of mapped ones, the prefix less 96', () => {
    assert.equal(parseCidr('::ffff:1.1.1.0/120')?.text, '1.1.1.0/24');
    assert.equal(parseCidr('::FFFF:101:101/128')?.text, '1.1.1.1/32');
    assert.equal(parseCidr('::ffff:0:0/96')?.text, '0.0.0.0/0');
    assert.equal(parseCidr('::ffff:1.1.1.1/129'), undefined);
  });

  it('takes every prefix length of the family and no other', () => {
    for (let n = 0; n < 300; n++) {
      assert.equal(parseCidr(`1.2.3.4/${n}`)?.prefixLength, n <= 32 ? n : undefined);
      assert.equal(parseCidr(`2001:db8::/${n}`)?.prefixLength, n <= 128 ? n : undefined);
    }
  });

  const REFUSED = [
    '',
    ' 24',
    '24 ',
    '-0',
    '+24',
    '024',
    '00',
    '1e1',
    '0x8',
    '2.0',
    '1:',
    '4294967320',
  ];
  for (const prefix of REFUSED) {
    it(`refuses ${JSON.stringify(`1.2.3.0/${prefix}`)}`, () => {
      assert.equal(parseCidr(`1.2.3.0/${prefix}`), undefined);
    });
  }
  for (const text of ['/24', '/', '1.2.3/24', '[2001:db8::]/32', 'fe80::%eth0/64', '24/1.2.3.0']) {
    it(`refuses ${text}`, () => {
      assert.equal(parseCidr(text), undefined);
    });
  }
});

// Mostly zero groups, so that runs of every length and place occur.
const group = fc.oneof(fc.constant(0), fc.constant(0xffff), fc.integer({ min: 0, max: 0xffff }));
const groups = fc.oneof(
  fc.array(group, { minLength: 8, maxLength: 8 }),
  fc.tuple(group, group).map((low) => [0, 0, 0, 0, 0, 0xffff, ...low]),
);
const octets = fc.uint8Array({ minLength: 4, maxLength: 4 });

function bytesOf(eight: readonly number[]): Uint8Array {
  return Uint8Array.from(eight.flatMap((value) => [value >>> 8, value & 0xff]));
}

function isMapped(eight: readonly number[]): boolean {
  return eight.slice(0, 6).join() === '0,0,0,0,0,65535';
}

/** What decides how an address is spelled. */
const style = fc.record({
  upper: fc.boolean(),
  width: fc.integer({ min: 1, max: 4 }),
  dotted: fc.boolean(),
  gap: fc.option(fc.tuple(fc.nat(7), fc.nat(7)), { nil: undefined }),
});
type Style = typeof style extends fc.Arbitrary<infer T> ? T : never;

/** One of the many spellings of an IPv6 address. */
function spell(eight: readonly number[], { upper, width, dotted, gap }: Style): string {
  const parts = eight.map((value) => value.toString(16).padStart(width, '0'));
  if (dotted) parts.splice(6, 2, bytesOf(eight).slice(12).join('.'));
  const end = dotted ? 6 : 8;
  let text = parts.join(':');
  if (gap !== undefined) {
    const from = Math.min(...gap);
    const to = Math.min(Math.max(...gap) + 1, end);
    if (from < to && eight.slice(from, to).every((value) => value === 0)) {
      text = `${parts.slice(0, from).join(':')}::${parts.slice(to).join(':')}`;
    }
  }
  return upper ? text.toUpperCase() : text;
}

describe('address: properties', () => {
  it('reads back the IPv4 bytes it wrote', () => {
    fc.assert(
      fc.property(octets, (bytes) => {
        const text = formatAddress('ipv4', bytes);
        assert.deepEqual(parseAddress(text), { family: 'ipv4', bytes, text });
      }),
    );
  });

  it('reads back the IPv6 bytes it wrote, mapped ones as IPv4', () => {
    fc.assert(
      fc.property(groups, (eight) => {
        const bytes = bytesOf(eight);
        const text = formatAddress('ipv6', bytes);
        if (isMapped(eight)) {
          const inner = bytes.slice(12);
          const expected = { family: 'ipv4', bytes: inner, text: inner.join('.') };
          assert.deepEqual(parseAddress(text), expected);
        } else {
          assert.deepEqual(parseAddress(text), { family: 'ipv6', bytes, text });
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('gives one canonical text for every spelling of an address', () => {
    fc.assert(
      fc.property(groups, style, (eight, how) => {
        const spelling = spell(eight, how);
        const parsed = parseAddress(spelling);
        assert.ok(parsed, spelling);
        assert.equal(parsed.family, isMapped(eight) ? 'ipv4' : 'ipv6');
        assert.deepEqual(parsed.bytes, bytesOf(eight).slice(isMapped(eight) ? 12 : 0));
        assert.equal(parsed.text, formatAddress(parsed.family, parsed.bytes));
        assert.deepEqual(parseAddress(parsed.text), parsed);
      }),
      { numRuns: 1000 },
    );
  });

  it('writes IPv6 as the WHATWG URL serialiser does, except mapped ones', () => {
    fc.assert(
      fc.property(groups, (eight) => {
        fc.pre(!isMapped(eight));
        const host = new URL(`http://[${spell(eight, plain)}]/`).hostname;
        assert.equal(`[${formatAddress('ipv6', bytesOf(eight))}]`, host);
      }),
      { numRuns: 1000 },
    );
  });

  it('names the address that node:net.SocketAddress and BlockList understand', () => {
    fc.assert(
      fc.property(groups, style, (eight, how) => {
        const spelling = spell(eight, how);
        const { family, text } = parseAddress(spelling) ?? assert.fail(spelling);
        const address = new SocketAddress({ address: text, family });
        // uv_inet_ntop prints ::/96 with a dotted quad, which RFC 5952 has no call for.
        if (eight.slice(0, 6).some((value) => value !== 0)) assert.equal(address.address, text);
        const list = new BlockList();
        list.addAddress(text, family);
        assert.ok(list.check(spelling, 'ipv6'), `${spelling} is ${text}`);
      }),
      { numRuns: 300 },
    );
  });

  it('accepts what node:net does, zones aside, and finds the same family, mapped aside', () => {
    const piece = fc.oneof(
      fc.constantFrom(':', '::', '.', '0', '00', '255', '256', 'ffff', 'F', '12345', ' ', '/', '-'),
      fc.integer({ min: 0, max: 300 }).map(String),
      fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16)),
    );
    const spelling = fc.tuple(groups, style).map(([eight, how]) => spell(eight, how));
    const quad = octets.map((bytes) => bytes.join('.'));
    // A valid text with one piece put in or one character taken out is the likeliest to be misread.
    const broken = fc
      .tuple(fc.oneof(spelling, quad), fc.nat(), piece, fc.boolean())
      .map(([text, where, added, put]) => {
        const at = where % (text.length + 1);
        return text.slice(0, at) + (put ? added : '') + text.slice(put ? at : at + 1);
      });
    const random = fc.array(piece, { maxLength: 17 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(fc.oneof(broken, random, spelling, quad, fc.string()), (text) => {
        fc.pre(!text.includes('%'));
        const family = familyOf(text);
        assert.equal(family !== undefined, isIPv4(text) || isIPv6(text), JSON.stringify(text));
        if (isIPv4(text)) assert.equal(family, 'ipv4');
        if (family === 'ipv6') assert.ok(isIPv6(text));
      }),
      { numRuns: 5000 },
    );
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        parseAddress(text);
        parseCidr(text);
      }),
    );
  });

  it('reads a network as the address and the prefix length it consists of', () => {
    fc.assert(
      fc.property(groups, style, fc.integer({ min: 0, max: 128 }), (eight, how, prefix) => {
        const spelling = spell(eight, how);
        const parsed = parseCidr(`${spelling}/${prefix}`);
        if (isMapped(eight) && prefix < 96) {
          assert.equal(parsed, undefined);
          return;
        }
        assert.ok(parsed);
        const { family, bytes, text } = parseAddress(spelling) ?? assert.fail(spelling);
        const prefixLength = isMapped(eight) ? prefix - 96 : prefix;
        const expected = { family, bytes, prefixLength, text: `${text}/${prefixLength}` };
        assert.deepEqual(parsed, expected);
        assert.deepEqual(parseCidr(parsed.text), parsed);
      }),
      { numRuns: 500 },
    );
  });
});

const plain: Style = { upper: false, width: 1, dotted: false, gap: undefined };
