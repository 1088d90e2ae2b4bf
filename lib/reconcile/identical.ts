/**
 * The quick answer to whether two lists of destinations say the same: as they were passed, without checking
 * each. In a large table nearly all do, and checking takes ten times as long as comparing.
 */
import type { Fields } from '../input/checks.js';

/** What a destination has that does not mention it; all else has to be mentioned by both or by none. */
const DEFAULTS: Fields = { weight: 1, upperThreshold: 0, lowerThreshold: 0 };
const DEFINING = [
  ...['address', 'port', 'family', 'forwarding', 'weight', 'upperThreshold', 'lowerThreshold'],
  ...['tunnel', 'unsupported'],
];

function identical(desired: Fields, actual: Fields): boolean {
  // Also finds what is not to be there at all, which checking refuses.
  for (const name in desired) {
    if (desired[name] !== actual[name] && desired[name] !== undefined) return false;
  }
  for (const name of DEFINING) {
    if (desired[name] === undefined && actual[name] !== DEFAULTS[name]) return false;
  }
  return true;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

/**
 * Whether both surely say the same, in the same order. False says nothing: objects in them (tunnels) are not
 * looked into, nor other spellings of an address. What there is, is taken for right: as a kernel's table, in which
 * nothing is twice.
 */
export function areIdentical(desired: unknown, actual: unknown): boolean {
  if (!Array.isArray(desired) || !Array.isArray(actual)) return false;
  if (desired.length !== actual.length) return false;
  // `every` passes over holes, which checking refuses.
  return Array.from(desired).every((each: unknown, index) => {
    const other: unknown = actual[index];
    return isObject(each) && isObject(other) && identical(each, other);
  });
}
