import { compareAddresses } from './address.js';
import { conflict, outOfRange, wrongType } from './argument-errors.js';
import { checkDestinationReference, type CheckedDestinationKey } from './input/destination.js';
import { checkServiceReference, type CheckedServiceKey } from './input/service.js';
import type {
  DestinationKey,
  DestinationReference,
  ForeignProtocol,
  ServiceKey,
  ServiceReference,
} from './model.js';
import { protocolName } from './protocols.js';

/** A service or a destination, its key or all of it. */
export type Keyed = ServiceReference | DestinationReference;

type CheckedKey = CheckedServiceKey | CheckedDestinationKey;

function isService(value: object): boolean {
  return 'protocol' in value || 'fwmark' in value;
}

function isCheckedService(key: CheckedKey): key is CheckedServiceKey {
  return 'protocol' in key || 'fwmark' in key;
}

function check(value: unknown): CheckedKey {
  if (typeof value !== 'object' || value === null) {
    throw wrongType('key', 'a service or a destination', value);
  }
  return isService(value)
    ? checkServiceReference('service', value)
    : checkDestinationReference('destination', value);
}

/** The key of a checked service; see {@link keyOf}. */
export function keyOfChecked(key: CheckedServiceKey): ServiceReference {
  if (key.fwmark !== undefined) return { fwmark: key.fwmark, family: key.family };
  return {
    protocol: protocolName(key.protocol),
    ...addressFields(key),
    port: key.port,
  };
}

function addressFields(key: CheckedDestinationKey): { address: string; family?: 'ipv6' } {
  const { text } = key.address;
  const mapped = key.family === 'ipv6' && text.startsWith('::ffff:') && text.includes('.');
  return mapped ? { address: text, family: 'ipv6' } : { address: text };
}

/**
 * The key of a service or destination: its identifying fields alone, in canonical form (addresses in
 * their one spelling, IPv4-mapped IPv6 as IPv4).
 *
 * @throws TypeError or RangeError ({@link ArgumentError}) when it is neither.
 */
export function keyOf(service: ServiceKey): ServiceKey;
export function keyOf(service: ServiceReference): ServiceReference;
export function keyOf(destination: DestinationKey): DestinationKey;
export function keyOf(destination: DestinationReference): DestinationReference;
export function keyOf(value: Keyed): Keyed {
  const key = check(value);
  return isCheckedService(key) ? keyOfChecked(key) : { ...addressFields(key), port: key.port };
}

function formatEndpoint(key: CheckedDestinationKey): string {
  const { text } = key.address;
  return key.family === 'ipv6' ? `[${text}]:${key.port}` : `${text}:${key.port}`;
}

/** The text of a checked key; see {@link formatKey}. */
export function formatCheckedKey(key: CheckedKey): string {
  if (!isCheckedService(key)) return formatEndpoint(key);
  return key.fwmark === undefined
    ? `${protocolName(key.protocol)} ${formatEndpoint(key)}`
    : `fwmark ${key.fwmark} ${key.family}`;
}

/**
 * One text for each key, for a `Map`, a log line or a label: `tcp 10.0.0.1:443`,
 * `udp [2001:db8::1]:53`, `fwmark 7 ipv4` for services, `10.0.0.2:8443`, `[2001:db8::2]:8443` for
 * destinations. Whatever spells the same key gives the same text; {@link parseKey} reads it back.
 *
 * @throws TypeError or RangeError ({@link ArgumentError}) when it is neither.
 */
export function formatKey(value: Keyed): string {
  return formatCheckedKey(check(value));
}

const SERVICE_TEXT = /^([a-z]+(?:-\d+)?) (.+)$/;
const MARK_TEXT = /^fwmark (\d{1,10}) (ipv[46])$/;
const ENDPOINT_TEXT = /^(?:\[([0-9a-f:.]+)\]|(\d[\d.]*)):(0|[1-9]\d{0,4})$/;

function parseEndpoint(text: string): DestinationReference | undefined {
  const match = ENDPOINT_TEXT.exec(text);
  if (match === null) return undefined;
  const [, ipv6, ipv4, port] = match;
  const address = ipv6 ?? ipv4 ?? '';
  // In a key an IPv4-mapped address stands only where the kernel stores it as IPv6.
  const family = ipv6?.startsWith('::ffff:') === true && ipv6.includes('.') ? 'ipv6' : undefined;
  return { address, port: Number(port), ...(family === undefined ? {} : { family }) };
}

function parseService(text: string): ServiceReference | undefined {
  const mark = MARK_TEXT.exec(text);
  if (mark !== null) return { fwmark: Number(mark[1]), family: mark[2] as 'ipv4' | 'ipv6' };
  const [, protocol, rest = ''] = SERVICE_TEXT.exec(text) ?? [];
  const endpoint = parseEndpoint(rest);
  return endpoint && { protocol: protocol as ForeignProtocol, ...endpoint };
}

function parseText(text: string): Keyed | undefined {
  return parseService(text) ?? parseEndpoint(text);
}

/** The key that `parse` finds in a text, if it is just what {@link formatKey} makes of that key. */
function parseWith<Key extends Keyed>(
  parse: (text: string) => Key | undefined,
  text: unknown,
  which: string,
): Key {
  const expected = `a key as formatKey writes it, ${which}`;
  if (typeof text !== 'string') throw wrongType('key', expected, text);
  const parsed = parse(text);
  if (parsed === undefined) throw outOfRange('key', expected, text);
  const key = keyOf(parsed as ServiceReference);
  if (formatKey(key) !== text) throw outOfRange('key', expected, text);
  return key as Key;
}

/**
 * The key that {@link formatKey} wrote, of a service or of a destination.
 *
 * @throws TypeError or RangeError ({@link ArgumentError}) when it is not such a text.
 */
export function parseKey(text: string): Keyed {
  return parseWith(parseText, text, "such as 'tcp 10.0.0.1:443' or '10.0.0.2:80'");
}

/** {@link parseKey} of a service's key, for instance {@link IpvsError.service}; another text is refused. */
export function parseServiceKey(text: string): ServiceReference {
  return parseWith(parseService, text, "of a service, such as 'tcp 10.0.0.1:443'");
}

/** {@link parseKey} of a destination's key; another text is refused. */
export function parseDestinationKey(text: string): DestinationReference {
  return parseWith(parseEndpoint, text, "of a destination, such as '10.0.0.2:80'");
}

function compareEndpoints(left: CheckedDestinationKey, right: CheckedDestinationKey): number {
  return compareAddresses(left.address, right.address) || left.port - right.port;
}

function compareServices(left: CheckedServiceKey, right: CheckedServiceKey): number {
  const families = left.family.localeCompare(right.family);
  if (left.fwmark !== undefined || right.fwmark !== undefined) {
    // Marks come after addresses; none is less than every mark.
    return (left.fwmark ?? 0) - (right.fwmark ?? 0) || families;
  }
  return families || left.protocol - right.protocol || compareEndpoints(left, right);
}

/**
 * The order in which lists are sorted, for `Array.prototype.sort`: services by protocol, address and
 * port before services by firewall mark; IPv4 before IPv6; tcp, udp, sctp; addresses by value, then
 * ports; marks by value. Destinations: IPv4 before IPv6, by address, then port.
 *
 * @returns A negative number, 0 (the same key) or a positive number.
 * @throws TypeError or RangeError ({@link ArgumentError}) when one is no key, or one is a service's
 * and the other a destination's.
 */
export function compareKeys(left: Keyed, right: Keyed): number {
  const first = check(left);
  const second = check(right);
  if (isCheckedService(first) && isCheckedService(second)) return compareServices(first, second);
  if (isCheckedService(first) || isCheckedService(second)) {
    throw conflict('key', 'must be of a service on both sides, or of a destination on both');
  }
  return first.family.localeCompare(second.family) || compareEndpoints(first, second);
}
