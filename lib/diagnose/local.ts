/** Which addresses the kernel delivers to this machine itself. */
import { type Address, type Cidr, contains, formatAddress, parseCidr } from '../address.js';
import { malformedFileError } from '../proc/failures.js';
import type { Files } from '../proc/files.js';
import { lineGroups } from '../proc/lines.js';

/** net/ipv4/fib_trie.c, fib_trie_seq_show: a leaf, and below it its prefixes with scope and type. */
const LEAF = /^ *\|-- ([0-9.]+)$/;
const LOCAL_PREFIX = /^ *\/(\d+) \S+ LOCAL\b/;

/** include/uapi/linux/ipv6_route.h */
const RTF_LOCAL = 0x80000000;
/** net/ipv6/route.c: destination, its prefix length, source, its prefix length, next hop, … flags. */
const ROUTE6 =
  /^([0-9a-f]{32}) ([0-9a-f]{2}) [0-9a-f]{32} [0-9a-f]{2} [0-9a-f]{32} (?:[0-9a-f]{8} ){3}([0-9a-f]{8}) /;

async function* localIpv4(files: Files, method: string): AsyncGenerator<Cidr, void, void> {
  const subject = { method, path: '/proc/net/fib_trie' };
  let leaf = '';
  let lineCount = 0;
  for await (const lines of lineGroups(files, subject)) {
    lineCount += lines.length;
    for (const line of lines) {
      leaf = LEAF.exec(line)?.[1] ?? leaf;
      const length = LOCAL_PREFIX.exec(line)?.[1];
      const network = length === undefined ? undefined : parseCidr(`${leaf}/${length}`);
      if (network !== undefined) yield network;
    }
  }
  // A text of another form must not look like a machine without addresses.
  if (lineCount > 0 && leaf === '') throw malformedFileError(subject, 'no route in it');
}

async function* localIpv6(files: Files, method: string): AsyncGenerator<Cidr, void, void> {
  const subject = { method, path: '/proc/net/ipv6_route' };
  for await (const lines of lineGroups(files, subject)) {
    for (const line of lines) {
      const match = ROUTE6.exec(line);
      if (match === null) throw malformedFileError(subject, line);
      const [, address = '', length = '', flags = ''] = match;
      if ((Number.parseInt(flags, 16) & RTF_LOCAL) === 0) continue;
      const bytes = Uint8Array.from(Buffer.from(address, 'hex'));
      const prefixLength = Number.parseInt(length, 16);
      const text = `${formatAddress('ipv6', bytes)}/${prefixLength}`;
      yield { family: 'ipv6', bytes, prefixLength, text };
    }
  }
}

/** Of these addresses, those that are local, in canonical text. Tables of a million routes are streamed. */
export async function findLocal(
  files: Files,
  method: string,
  addresses: readonly Address[],
): Promise<Set<string>> {
  const found = new Set<string>();
  for (const [family, networks] of [
    ['ipv4', localIpv4],
    ['ipv6', localIpv6],
  ] as const) {
    const wanted = addresses.filter((address) => address.family === family);
    if (wanted.length === 0) continue;
    for await (const network of networks(files, method)) {
      for (const address of wanted) if (contains(network, address)) found.add(address.text);
    }
  }
  return found;
}
