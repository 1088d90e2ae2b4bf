import { type Address, type Family, parseAddress } from '../address.js';
import { conflict, outOfRange, wrongType } from '../errors.js';
import { checkWord, type Fields } from './checks.js';

/** The two families, as an argument names them. */
export const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];

/** Calls about the destinations of a service name its address again and again. */
let latest: { readonly text: string; readonly address: Address } | undefined;

/** An address; IPv4-mapped IPv6 becomes IPv4. */
export function checkAddress(field: string, value: unknown): Address {
  if (latest !== undefined && latest.text === value) return latest.address;
  const expected =
    'an IPv4 or IPv6 address: no name, brackets, port, prefix length, zone or leading zeros';
  if (typeof value !== 'string') throw wrongType(field, expected, value);
  const address = parseAddress(value);
  if (address === undefined) throw outOfRange(field, expected, value);
  latest = { text: value, address };
  return address;
}

/** The IPv6 address under which others stored an IPv4 one; it is not the same key as that. */
function mapped(address: Address): Address {
  const bytes = new Uint8Array(16);
  bytes.fill(0xff, 10, 12);
  bytes.set(address.bytes, 12);
  return { family: 'ipv6', bytes, text: `::ffff:${address.text}` };
}

/**
 * The address of something that is only named. An entry that others stored under an IPv4-mapped
 * IPv6 address says so by `family: 'ipv6'`; it could not be named otherwise.
 */
export function checkReferenceAddress(field: string, fields: Fields): Address {
  const address = checkAddress(`${field}.address`, fields['address']);
  if (fields['family'] === undefined) return address;
  const family = checkWord(`${field}.family`, fields['family'], FAMILIES);
  if (family === address.family) return address;
  if (family === 'ipv6' && String(fields['address']).includes(':')) return mapped(address);
  throw conflict(`${field}.family`, `is ${family}, and ${address.text} is not`);
}
