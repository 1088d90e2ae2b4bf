/** Tables of fields: what each takes and what it refuses, with which error. */
import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { assertRefused, show, wrongTypes } from './refusals.js';

export const NOT_WHOLE = [NaN, Infinity, -Infinity, 1.5, Number.MAX_VALUE, Number.MIN_VALUE];
export const NOT_ADDRESSES = [
  '',
  'localhost',
  '192.0.2.1 ',
  '192.0.2.1:80',
  '192.0.2.0/24',
  '192.0.2',
  '192.0.2.256',
  '192.0.02.1',
  '0xc0000201',
  '3221225985',
  '[2001:db8::1]',
  '2001:db8::1%eth0',
  '2001:db8::/32',
  '2001:db8:::1',
];

/** One field of an argument. */
export interface Field {
  /** Its path within the argument; `flags[0]` is an element of an array. */
  readonly field: string;
  readonly code: string;
  /** A valid argument to put it into. */
  readonly base: object;
  /** What a missing one means; `elsewhere`: it is of the other kind. Default: `taken`. */
  readonly missing?: 'taken' | 'refused' | 'elsewhere';
  /** Values that it takes, bounds included; the first tells its type. */
  readonly takes: readonly unknown[];
  /** Values of the right type that it refuses. */
  readonly refuses: readonly unknown[];
}

/** `base` with `value` at `path`. */
function put(base: object, path: string, value: unknown): object {
  const [name = '', ...rest] = path.split('.');
  if (name.endsWith('[0]')) return { ...base, [name.slice(0, -3)]: [value] };
  const before = (base as Record<string, object | undefined>)[name] ?? {};
  return { ...base, [name]: rest.length === 0 ? value : put(before, rest.join('.'), value) };
}

/** Tests of one field of the argument `name`, which `check` judges. */
export function describeField(
  name: string,
  { field, code, base, missing = 'taken', takes, refuses }: Field,
  check: (argument: object) => unknown,
): void {
  const path = `${name}.${field}`;
  const checkWith = (value: unknown): unknown => check(put(base, field, value));
  const range = { error: 'RangeError', code, field: path } as const;
  const type = { ...range, error: 'TypeError' } as const;

  describe(`${path} in ${show(base)}`, () => {
    for (const value of takes) {
      it(`takes ${show(value)}`, () => {
        assert.doesNotThrow(() => checkWith(value));
      });
    }

    for (const value of refuses) {
      it(`refuses ${show(value)}: RangeError ${code}`, () => {
        assertRefused(() => checkWith(value), range);
      });
    }

    if (takes.length > 0) {
      it(`refuses every value of another type, converting nothing: TypeError ${code}`, () => {
        for (const [what, value] of wrongTypes(takes[0])) {
          assertRefused(() => checkWith(value), type, what);
        }
      });
    }

    if (missing === 'refused') {
      it(`is required: TypeError ${code}`, () => {
        assertRefused(() => checkWith(undefined), type);
      });
    } else if (missing === 'taken') {
      it('may be undefined', () => {
        assert.doesNotThrow(() => checkWith(undefined));
      });
    }
  });
}
