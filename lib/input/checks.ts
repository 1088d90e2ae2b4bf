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
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) {
    return value === 0 ? 0 : (value as number); // -0 becomes 0
  }
  const expected = `a whole number from ${least} to ${most}${unit}`;
  throw (typeof value === 'number' ? outOfRange : wrongType)(field, expected, value);
}

/** One of a few words. */
export function checkWord<Word extends string>(
  field: string,
  value: unknown,
  words: readonly Word[],
): Word {
  if ((words as readonly unknown[]).includes(value)) return value as Word;
  const expected = `one of ${words.map((word) => `'${word}'`).join(', ')}`;
  throw (typeof value === 'string' ? outOfRange : wrongType)(field, expected, value);
}

/** A name that the kernel takes as a NUL-terminated string: 1 to `most` printable ASCII characters. */
export function checkName(field: string, value: unknown, most: number): string {
  if (typeof value === 'string' && value.length <= most && /^[!-~]+$/.test(value)) return value;
  const expected = `1 to ${most} printable ASCII characters without blanks`;
  throw (typeof value === 'string' ? outOfRange : wrongType)(field, expected, value);
}

/** A boolean; no truthiness. */
export function checkBoolean(field: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw wrongType(field, 'true or false', value);
  return value;
}
