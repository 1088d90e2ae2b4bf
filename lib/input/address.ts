import { type Address, type Family, parseAddress } from '../address.js';
import { conflict, outOfRange, wrongType } from '../argument-errors.js';
import { checkWord, type Fields } from './checks.js';

/** The two families, as an argument names them. */
export const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];

/** An address; IPv4-mapped IPv6 becomes IPv4. */
export function checkAddress(field: string, value: unknown): Address {
  const address = typeof value === 'string' ? parseAddress(value) : undefined;
  if (address !== undefined) return address;
  const expected =
    'an IPv4 or IPv6 address: no name, brackets, port, prefix length, zone or leading zeros';
  throw (typeof value === 'string' ? outOfRange : wrongType)(field, expected, value);
}

/** {@link checkAddress} of the field `address` of an object. */
export function checkAddressIn(field: string, { address: value }: Fields): Address {
  const address = typeof value === 'string' ? parseAddress(value) : undefined;
  return address ?? checkAddress(`${field}.address`, value);
}

let latest: { readonly text: unknown; readonly address: Address } | undefined;

/** {@link checkAddressIn} of a service: calls about its destinations name it again and again. */
export function checkServiceAddress(field: string, fields: Fields): Address {
  const { address: text } = fields;
  if (latest === undefined || latest.text !== text) {
    latest = { text, address: checkAddressIn(field, fields) };
  }
  return latest.address;
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
export function checkReferenceAddress(
  field: string,
  fields: Fields,
  check = checkAddressIn,
): Address {
  const address = check(field, fields);
  if (fields['family'] === undefined) return address;
  const family = checkWord(`${field}.family`, fields['family'], FAMILIES);
  if (family === address.family) return address;
  if (family === 'ipv6' && String(fields['address']).includes(':')) return mapped(address);
  throw conflict(`${field}.family`, `is ${family}, and ${address.text} is not`);
}
