/**
 * IP addresses: the one place of this package where an address family is judged.
 *
 * The family of an address is never guessed from a piece of its text, from a
 * length or from a test somebody wrote at the place of use. It is read here,
 * once, and travels with the address. (kube-proxy once asked
 * `clusterIP.To4() != nil` where it meant `== nil` and cleaned up the conntrack
 * entries of the wrong family: kubernetes/kubernetes#54774.)
 *
 * `node:net` does not answer the same question: `net.isIPv6` accepts a zone
 * (`fe80::1%eth0`), which the kernel's IPVS has no place for, and calls an
 * IPv4-mapped address IPv6, so that an IPv4 service would be created under the
 * wrong family.
 *
 * @module
 */

/** The two families that IPVS knows. */
export type Family = 'ipv4' | 'ipv6';

/** An address whose family is known. */
export interface Address {
  readonly family: Family;
  /**
   * In network order: 4 bytes for `ipv4`, 16 for `ipv6`. Not always a typed array, which takes more memory
   * than all else of an IPv4 address.
   */
  readonly bytes: ArrayLike<number>;
  /**
   * The canonical text: dotted decimal for IPv4, RFC 5952 for IPv6. Two
   * addresses are the same exactly when their texts are.
   */
  readonly text: string;
}

/** A network, or an address with the length of its network's prefix. */
export interface Cidr {
  readonly family: Family;
  /** The address as it was written, in network order, host bits included. */
  readonly bytes: ArrayLike<number>;
  /** 0 to 32 for `ipv4`, 0 to 128 for `ipv6`. */
  readonly prefixLength: number;
  /** The canonical text of the address, host bits included, then `/` and the prefix length. */
  readonly text: string;
}

const ZERO = 0x30;
const NINE = 0x39;
const DOT = 0x2e;
const COLON = 0x3a;
const LOWER_A = 0x61;
const LOWER_F = 0x66;

/** The bits of a 16-byte address that precede the IPv4 address in an IPv4-mapped one. */
const MAPPED_PREFIX_LENGTH = 96;

/**
 * Reads an address.
 *
 * - An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`, `::FFFF:c000:201`, and
 *   every other spelling) *is* the IPv4 address: the result has the family
 *   `ipv4` and 4 bytes.
 * - Leading zeros in an IPv4 octet are refused, also inside an IPv6 address.
 *   `010.0.0.1` is 10.0.0.1 to Kubernetes' `ParseIPSloppy`, and 8.0.0.1 to
 *   everything that uses `inet_aton`, such as ping or ipvsadm: an address
 *   that means two hosts to two programs must not reach a load balancer. Go
 *   itself (since 1.17) and `node:net` refuse it too.
 * - A zone, a port, brackets, a prefix length and surrounding blanks are refused.
 *
 * @returns The address, or `undefined` when the text is not one.
 */
export function parseAddress(text: string): Address | undefined {
  const quad = readIPv4(text, 0, text.length);
  // What was accepted has no second spelling: it is its own canonical text.
  if (quad >= 0) return { family: 'ipv4', bytes: bytesOfQuad(quad), text };
  const bytes = readIPv6(text);
  if (bytes === undefined) return undefined;
  if (isMapped(bytes, 0)) {
    const inner = bytes.slice(12);
    return { family: 'ipv4', bytes: inner, text: dotted(inner, 0) };
  }
  return { family: 'ipv6', bytes, text: formatIPv6(bytes, 0) };
}

/**
 * The canonical text of an address that is held as bytes, such as one the kernel
 * reported together with its family.
 *
 * Unlike {@link parseAddress} this changes nothing: an IPv4-mapped address that
 * the kernel holds as IPv6 is shown as what it is, `::ffff:192.0.2.1`.
 *
 * @param bytes - In network order, 4 for `ipv4` and 16 for `ipv6`.
 * @throws RangeError when the number of bytes is not the family's.
 */
export function formatAddress(family: Family, bytes: Uint8Array): string {
  const length = family === 'ipv4' ? 4 : 16;
  if (bytes.length !== length) {
    throw new RangeError(`an ${family} address has ${length} bytes, not ${bytes.length}`);
  }
  return formatAddressAt(family, bytes, 0);
}

/** {@link formatAddress} of the bytes at `offset`, of which there must be enough. */
export function formatAddressAt(family: Family, bytes: Uint8Array, offset: number): string {
  return family === 'ipv4' ? dotted(bytes, offset) : formatIPv6(bytes, offset);
}

/** The family of the address that {@link parseAddress} reads, `undefined` when it is not one. */
export function familyOf(text: string): Family | undefined {
  return parseAddress(text)?.family;
}

/**
 * Reads an address with a prefix length, `192.0.2.0/24` or `2001:db8::/32`.
 *
 * - The address follows the rules of {@link parseAddress}.
 * - Host bits may be set (`192.0.2.7/24`); they are kept, as in Go's `ParseCIDR`.
 * - The prefix length is decimal digits only, without sign, blanks or leading
 *   zeros. Go takes `/000` and `/0120`; here the rule for octets holds for the
 *   whole text, for the same reason.
 * - An IPv4-mapped address becomes IPv4, its prefix length less 96. One whose
 *   prefix is shorter than 96 is refused: its address says IPv4, while its
 *   network reaches into IPv6, so no single family is right. Go answers by the
 *   network alone, hence IPv6, contrary to its answer for the address. `::/0`
 *   and the like stay what they say, IPv6.
 *
 * @returns The network, or `undefined` when the text is not one.
 */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const address = parseAddress(text.slice(0, slash));
  const written = readDecimal(text, slash + 1, text.length, 128);
  if (address === undefined || written < 0) return undefined;
  const { family, bytes } = address;
  // Of all texts only the mapped ones are IPv4 and yet contain a colon.
  const mapped = family === 'ipv4' && text.includes(':');
  const prefixLength = mapped ? written - MAPPED_PREFIX_LENGTH : written;
  if (prefixLength < 0 || prefixLength > bytes.length * 8) return undefined;
  return { family, bytes, prefixLength, text: `${address.text}/${prefixLength}` };
}

/** The order of two addresses of one family: that of their bytes. */
export function compareAddresses(left: Address, right: Address): number {
  for (let index = 0; index < left.bytes.length; index += 1) {
    const difference = (left.bytes[index] ?? 0) - (right.bytes[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether an address lies in a network. Families never mix. */
export function contains(network: Cidr, address: Address): boolean {
  if (network.family !== address.family) return false;
  const whole = network.prefixLength >>> 3;
  for (let index = 0; index < whole; index += 1) {
    if (network.bytes[index] !== address.bytes[index]) return false;
  }
  const mask = (0xff00 >>> (network.prefixLength & 7)) & 0xff;
  return (((network.bytes[whole] ?? 0) ^ (address.bytes[whole] ?? 0)) & mask) === 0;
}

/**
 * Reads a whole number without leading zeros that fills `text` from `start` to `end`.
 *
 * @returns -1 when it is something else, or above `max`.
 */
function readDecimal(text: string, start: number, end: number, max: number): number {
  if (start >= end || end - start > 3) return -1;
  if (text.charCodeAt(start) === ZERO && end - start > 1) return -1;
  let value = 0;
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code < ZERO || code > NINE) return -1;
    value = value * 10 + (code - ZERO);
  }
  return value <= max ? value : -1;
}

/**
 * Reads the dotted quad that fills `text` from `start` to `end`, without
 * creating anything: of 11,000 addresses each is read on its own.
 *
 * @returns The address as a number from 0 to 2^32 - 1, or -1.
 */
function readIPv4(text: string, start: number, end: number): number {
  let quad = 0;
  let octet = 0;
  let digits = 0;
  let dots = 0;
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code === DOT) {
      if (digits === 0 || ++dots > 3) return -1;
      quad = quad * 256 + octet;
      octet = 0;
      digits = 0;
    } else {
      if (code < ZERO || code > NINE) return -1;
      // A second digit after a zero is a leading zero.
      if (octet === 0 && digits > 0) return -1;
      octet = octet * 10 + (code - ZERO);
      if (octet > 255) return -1;
      digits++;
    }
  }
  return dots === 3 && digits > 0 ? quad * 256 + octet : -1;
}

/** Reads an IPv6 address, zone excluded; mapped ones come back as the 16 bytes they are. */
function readIPv6(text: string): Uint8Array | undefined {
  const end = text.length;
  const bytes = new Uint8Array(16);
  /** How many bytes are filled. */
  let filled = 0;
  /** Where, in bytes, the `::` stands. */
  let gap = -1;
  let i = 0;
  if (text.charCodeAt(0) === COLON) {
    if (text.charCodeAt(1) !== COLON) return undefined;
    gap = 0;
    i = 2;
  }
  while (i < end) {
    const start = i;
    let group = 0;
    for (; i < end && i - start < 4; i++) {
      const digit = hexDigit(text.charCodeAt(i));
      if (digit < 0) break;
      group = group * 16 + digit;
    }
    if (i === start) return undefined;
    if (i < end && text.charCodeAt(i) === DOT) {
      const quad = readIPv4(text, start, end);
      if (quad < 0 || filled > 12) return undefined;
      putQuad(bytes, filled, quad);
      filled += 4;
      break;
    }
    if (filled > 14) return undefined;
    bytes[filled++] = group >>> 8;
    bytes[filled++] = group & 0xff;
    if (i === end) break;
    if (text.charCodeAt(i) !== COLON) return undefined;
    if (++i === end) return undefined;
    if (text.charCodeAt(i) === COLON) {
      if (gap >= 0) return undefined;
      gap = filled;
      i++;
    }
  }
  if (gap < 0) return filled === 16 ? bytes : undefined;
  // "::" stands for at least one group.
  if (filled > 14) return undefined;
  // By hand: for so few bytes copyWithin and fill take longer.
  for (let from = filled - 1, to = 15; from >= gap; from--, to--) {
    bytes[to] = byteAt(bytes, from);
    bytes[from] = 0;
  }
  return bytes;
}

/** The value of a hexadecimal digit of either case, -1 for everything else. */
function hexDigit(code: number): number {
  if (code >= ZERO && code <= NINE) return code - ZERO;
  const lower = code | 0x20;
  return lower >= LOWER_A && lower <= LOWER_F ? lower - LOWER_A + 10 : -1;
}

/** Whether the 16 bytes at `offset` are an IPv4 address in `::ffff:0:0/96`. */
function isMapped(bytes: Uint8Array, offset: number): boolean {
  for (let i = 0; i < 10; i++) {
    if (bytes[offset + i] !== 0) return false;
  }
  return bytes[offset + 10] === 0xff && bytes[offset + 11] === 0xff;
}

function bytesOfQuad(quad: number): readonly number[] {
  return [quad >>> 24, (quad >>> 16) & 0xff, (quad >>> 8) & 0xff, quad & 0xff];
}

function putQuad(bytes: Uint8Array, offset: number, quad: number): void {
  bytes[offset] = quad >>> 24;
  bytes[offset + 1] = (quad >>> 16) & 0xff;
  bytes[offset + 2] = (quad >>> 8) & 0xff;
  bytes[offset + 3] = quad & 0xff;
}

/** The octets of an address in decimal, and with a dot behind: fewer pieces to join, of thousands of addresses. */
const OCTETS = Array.from({ length: 256 }, (_, octet) => String(octet));
const DOTTED_OCTETS = OCTETS.map((octet) => `${octet}.`);

/** The four bytes at `offset` in dotted decimal. */
function dotted(bytes: ArrayLike<number>, offset: number): string {
  const front = (at: number): string => DOTTED_OCTETS[byteAt(bytes, offset + at)] ?? '';
  return front(0) + front(1) + front(2) + (OCTETS[byteAt(bytes, offset + 3)] ?? '');
}

/** RFC 5952, sections 4 and 5, of the 16 bytes at `offset`. */
function formatIPv6(bytes: Uint8Array, offset: number): string {
  if (isMapped(bytes, offset)) return `::ffff:${dotted(bytes, offset + 12)}`;
  // The longest run of two and more zero groups, the first of equally long ones.
  let longest = -1;
  let longestLength = 1;
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && groupAt(bytes, offset, i + length) === 0) length++;
    if (length > longestLength) {
      longest = i;
      longestLength = length;
    }
    i += length;
  }
  let text = '';
  for (let i = 0; i < 8; i++) {
    if (i === longest) {
      text += '::';
      i += longestLength - 1;
    } else {
      if (text !== '' && i !== longest + longestLength) text += ':';
      text += groupAt(bytes, offset, i).toString(16);
    }
  }
  return text;
}

/** One of the eight 16-bit groups. */
function groupAt(bytes: Uint8Array, offset: number, group: number): number {
  const at = offset + group * 2;
  return (byteAt(bytes, at) << 8) | byteAt(bytes, at + 1);
}

/** An octet whose presence the caller has checked. */
function byteAt(bytes: ArrayLike<number>, index: number): number {
  return bytes[index] ?? 0;
}
