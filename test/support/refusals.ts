/** Wrong arguments, and what is thrown for them. */
import assert from 'node:assert/strict';
import type { ArgumentError } from '../../lib/argument-errors.js';

/** What a refusal must be. */
export interface Refusal {
  readonly error: 'TypeError' | 'RangeError';
  readonly code: string;
  readonly field: string;
}

/** Whether `error` is that refusal, exactly, and says which field it is about. */
export function assertRefusal(error: unknown, expected: Refusal, what = ''): true {
  assert.ok(error instanceof Error, `${what}: ${String(error)}`);
  const { name, code, field, message } = error as ArgumentError;
  assert.deepEqual({ error: name, code, field }, { ...expected }, `${what}: ${message}`);
  const Kind = expected.error === 'TypeError' ? TypeError : RangeError;
  assert.equal(Object.getPrototypeOf(error), Kind.prototype, what);
  const parent = field.replace(/\.[^.]*$/, '');
  assert.ok(message.startsWith(code === 'ERR_IPVS_UNKNOWN_FIELD' ? parent : field), message);
  assert.ok(message.length < 500, message);
  return true;
}

/** Asserts that `check` throws that refusal. */
export function assertRefused(check: () => unknown, expected: Refusal, what = ''): void {
  assert.throws(check, (error) => assertRefusal(error, expected, what), what);
}

/** The refusal of a field, its code by the field's last name where no other is said. */
export function refusal(error: Refusal['error'], field: string, code?: string): Refusal {
  const last = field.replace(/\[\d+\]$/, '').replace(/^.*\./, '');
  const word = last.replace(/[A-Z]/g, '_$&').toUpperCase();
  return { error, field, code: code ?? `ERR_IPVS_INVALID_${word}` };
}

/** A value for a table's title: short, and one spelling for each. */
export function show(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (Object.is(value, -0)) return '-0';
  if (typeof value === 'string' && value.length > 60) return `${value.length} characters`;
  if (typeof value === 'object' && value !== null) {
    return JSON.stringify(value, (_, inner: unknown) =>
      typeof inner === 'bigint' ? `${inner}n` : inner === undefined ? 'undefined' : inner,
    );
  }
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

type Kind = 'number' | 'string' | 'boolean' | 'object' | 'array';

function kindOf(value: unknown): Kind | 'other' {
  if (Array.isArray(value)) return 'array';
  const kind = typeof value;
  if (kind === 'object') return value === null ? 'other' : 'object';
  return kind === 'number' || kind === 'string' || kind === 'boolean' ? kind : 'other';
}

/**
 * Everything that is no value of the wanted kind, above all what converts into `valid`: nothing is
 * converted. Without undefined, which stands for a missing field.
 */
export function wrongTypes(valid: unknown): ReadonlyMap<string, unknown> {
  const wanted = kindOf(valid);
  const all: [string, unknown][] = [
    ['null', null],
    ['a boolean', true],
    ['a number', 1],
    ['NaN as a value of another type', NaN],
    ['an empty string', ''],
    ['a string', 'text'],
    ['its text', String(valid)],
    ['a bigint', 1n],
    ['a symbol', Symbol('field')],
    ['a function', () => valid],
    ['an empty array', []],
    ['an array of it', [valid]],
    ['an empty object', {}],
    ['an object with valueOf', { valueOf: () => valid, toString: () => String(valid) }],
    ['an object of a wrapper class', Object(valid) as unknown],
    ['a date', new Date(1)],
  ];
  return new Map(all.filter(([, value]) => kindOf(value) !== wanted));
}
