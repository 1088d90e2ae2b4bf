/** Which services are ours. */
import { type Cidr, contains, parseAddress, parseCidr } from '../address.js';
import { conflict, outOfRange, wrongType } from '../argument-errors.js';
import type { CheckedServiceKey } from '../input/service.js';
import { formatCheckedKey, keyOfChecked, parseServiceKey } from '../keys.js';
import type { ServiceReference } from '../model.js';

/** Whether a service is within a scope. */
export type CheckedScope = (service: CheckedServiceKey) => boolean;

const EXPECTED =
  "a service's key ('tcp 10.0.0.1:443', 'fwmark 7 ipv4'), an address or a network ('10.0.0.0/8')";

function isKey(text: string): boolean {
  return text.includes(' ');
}

function hasHostBits({ bytes, prefixLength }: Cidr): boolean {
  return Array.from(bytes).some((byte, index) => {
    const free = Math.min(8, Math.max(0, (index + 1) * 8 - prefixLength));
    return (byte & ((1 << free) - 1)) !== 0;
  });
}

function network(field: string, text: string): CheckedScope {
  const address = parseAddress(text);
  const cidr = parseCidr(
    address === undefined ? text : `${address.text}/${address.bytes.length * 8}`,
  );
  if (cidr === undefined) throw outOfRange(field, EXPECTED, text);
  // 10.9.9.9/8 is more likely a slip than all of 10.0.0.0/8.
  if (hasHostBits(cidr))
    throw conflict(
      field,
      `(${text}) has bits behind its prefix length: is one address meant, or a network?`,
    );
  return (service) => service.fwmark === undefined && contains(cidr, service.address);
}

function key(field: string, text: string): string {
  try {
    parseServiceKey(text);
    return text;
  } catch {
    throw outOfRange(field, EXPECTED, text);
  }
}

function checkEntries(field: string, values: readonly unknown[]): CheckedScope {
  // An empty one is a slip: nothing at all would be done, without a word.
  if (values.length === 0) throw conflict(field, 'is empty: no service would be ours');
  const names = new Set<string>();
  const networks: CheckedScope[] = [];
  Array.from(values).forEach((value, index) => {
    const path = `${field}[${index}]`;
    if (typeof value !== 'string') throw wrongType(path, EXPECTED, value);
    if (isKey(value)) names.add(key(path, value));
    else networks.push(network(path, value));
  });
  return (service) =>
    names.has(formatCheckedKey(service)) || networks.some((holds) => holds(service));
}

function checkAnswer(field: string, answer: unknown, service: ServiceReference): boolean {
  if (typeof answer === 'boolean') return answer;
  // A promise, for one, would be true of everything.
  throw wrongType(
    field,
    `a function that returns true or false (of ${JSON.stringify(service)})`,
    answer,
  );
}

/** A scope as it comes from a caller. */
export function checkScope(field: string, value: unknown): CheckedScope {
  if (value === 'everything') return () => true;
  if (Array.isArray(value)) return checkEntries(field, value);
  if (typeof value === 'function') {
    return (service) => {
      const reference = keyOfChecked(service);
      return checkAnswer(
        field,
        (value as (service: ServiceReference) => unknown)(reference),
        reference,
      );
    };
  }
  throw wrongType(
    field,
    "an array of keys and networks (['10.0.0.0/16']), a function, or 'everything'",
    value,
  );
}
