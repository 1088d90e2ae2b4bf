import { outOfRange, wrongType } from '../argument-errors.js';
import { SYSCTL_BOUNDS } from '../sysctls.js';
import { checkInteger } from './checks.js';

/** The name of a sysctl, which becomes a file's name: nothing else can be smuggled into a path. */
export function checkSysctlName(field: string, value: unknown): string {
  const expected = 'a name such as expire_nodest_conn';
  if (typeof value !== 'string') throw wrongType(field, expected, value);
  if (!/^[a-z0-9_]{1,64}$/.test(value)) throw outOfRange(field, expected, value);
  return value;
}

function checkThreshold(field: string, value: unknown): string {
  const expected =
    '[packets before the first sync, packets between two syncs] for sync_threshold: two whole numbers, ' +
    'the first less than the second unless that is 0, such as [3, 50]';
  if (!Array.isArray(value) || value.length !== 2) throw wrongType(field, expected, value);
  const [threshold, period] = value.map((each: unknown, index) =>
    checkInteger(`${field}[${index}]`, each, 0, 2147483647),
  ) as [number, number];
  if (period !== 0 && threshold >= period) throw outOfRange(field, expected, value);
  return `${threshold} ${period}`;
}

function checkNumber(field: string, name: string, value: unknown): string {
  const [least, most] = SYSCTL_BOUNDS.get(name) ?? [0, 0];
  const number = checkInteger(field, value, least, most, ` for ${name}`);
  // The kernel would refuse any other count of ports.
  if (name === 'sync_ports' && (number & (number - 1)) !== 0) {
    throw outOfRange(field, 'a power of two from 1 to 64 for sync_ports', value);
  }
  return String(number);
}

/** The value of a sysctl that nobody here knows: the kernel judges it. */
function checkUnknown(field: string, value: unknown): string {
  const expected = 'a number, an array of numbers, or one line of printable ASCII text';
  const numbers: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (numbers.length > 0 && numbers.every((each) => Number.isSafeInteger(each))) {
    return numbers.join(' ');
  }
  if (typeof value !== 'string') throw wrongType(field, expected, value);
  if (!/^[ -~]{0,1000}$/.test(value)) throw outOfRange(field, expected, value);
  return value;
}

/** The text that sets a sysctl. */
export function checkSysctlValue(field: string, name: string, value: unknown): string {
  if (name === 'sync_threshold') return checkThreshold(field, value);
  return SYSCTL_BOUNDS.has(name) ? checkNumber(field, name, value) : checkUnknown(field, value);
}
