import { outOfRange, unknownField, wrongType } from '../errors.js';

/** An argument as it comes from a caller: an object, of which nothing else is known. */
export type Fields = Readonly<Record<string, unknown>>;

/** An object that has no fields but the `allowed` ones. */
export function checkObject(field: string, value: unknown, allowed: ReadonlySet<string>): Fields {
  // Not arrays, maps, promises: taken for objects without fields, they would mean all the defaults.
  if (Object.prototype.toString.call(value) !== '[object Object]') {
    throw wrongType(field, 'an object', value);
  }
  // A copy: what the caller's object says is read once.
  const fields: Record<string, unknown> = {};
  for (const name in value as Fields) {
    if (!allowed.has(name)) throw unknownField(field, name, allowed);
    fields[name] = (value as Fields)[name];
  }
  return fields;
}

/** A whole number within bounds. */
export function checkInteger(
  field: string,
  value: unknown,
  least: number,
  most: number,
  unit = '',
): number {
  const expected = `a whole number from ${least} to ${most}${unit}`;
  if (typeof value !== 'number') throw wrongType(field, expected, value);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw outOfRange(field, expected, value);
  }
  return value === 0 ? 0 : value; // -0 becomes 0
}

/** One of a few words. */
export function checkWord<Word extends string>(
  field: string,
  value: unknown,
  words: readonly Word[],
): Word {
  const expected = `one of ${words.map((word) => `'${word}'`).join(', ')}`;
  if (typeof value !== 'string') throw wrongType(field, expected, value);
  if (!(words as readonly string[]).includes(value)) throw outOfRange(field, expected, value);
  return value as Word;
}

/** A name that the kernel takes as a NUL-terminated string: 1 to `most` printable ASCII characters. */
export function checkName(field: string, value: unknown, most: number): string {
  const expected = `1 to ${most} printable ASCII characters without blanks`;
  if (typeof value !== 'string') throw wrongType(field, expected, value);
  if (value.length > most || !/^[!-~]+$/.test(value)) throw outOfRange(field, expected, value);
  return value;
}

/** A boolean; no truthiness. */
export function checkBoolean(field: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw wrongType(field, 'true or false', value);
  return value;
}
