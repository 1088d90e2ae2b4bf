/** Pieces of the text that the kernel writes into `/proc/net/ip_vs*`. */
import { type Family, formatAddress } from '../address.js';
import type { ForeignProtocol, Protocol } from '../model.js';
import { protocolName } from '../protocols.js';

/** `0A000001` or `2001:0db8:…`, all eight groups of four digits (ip_vs_conn.c, ip_vs_ctl.c). */
export const ADDRESS = '([0-9A-F]{8}|[0-9a-f]{4}(?::[0-9a-f]{4}){7})';

/** Four hexadecimal digits. */
export const PORT = '([0-9A-F]{4})';

/** The bytes of an address in the kernel's text. */
export function addressBytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(':', ''), 'hex'));
}

/** The family of an address in the kernel's text. */
export function familyOf(text: string): Family {
  return text.includes(':') ? 'ipv6' : 'ipv4';
}

/** An address in canonical text. */
export function readAddress(text: string): string {
  return formatAddress(familyOf(text), addressBytes(text));
}

/** A number in hexadecimal digits. */
export function readHex(text: string): number {
  return Number.parseInt(text, 16);
}

/** The names that the kernel gives protocols (ip_vs_core.c, ip_vs_proto_name). */
const PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ['IP', 0],
  ['ICMP', 1],
  ['TCP', 6],
  ['UDP', 17],
  ['ICMPv6', 58],
  ['SCTP', 132],
]);

/** A protocol of the kernel's name for it, undefined where that is new; others go by their number. */
export function readProtocol(name: string): Protocol | ForeignProtocol | undefined {
  const number = PROTOCOLS.get(name) ?? /^IP_(\d{1,5})$/.exec(name)?.[1];
  return number === undefined ? undefined : protocolName(Number(number));
}
