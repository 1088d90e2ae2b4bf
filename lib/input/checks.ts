import { outOfRange, unknownField, wrongType } from '../argument-errors.js';

/** An argument as it comes from a caller: an object, of which nothing else is known. */
export type Fields = Readonly<Record<string, unknown>>;

/** Which fields an object may have. */
export class Shape {
  /** Those that mean something. */
  readonly known: readonly string[];
  /** Those, and what is accepted and ignored: what reading adds, so that it can be passed in again. */
  readonly allowed: ReadonlySet<string>;
  /** How such an object is written, for messages. */
  readonly text: string;

  constructor(known: readonly string[], ignored: readonly string[], text: string) {
    this.known = known;
    this.allowed = new Set([...known, ...ignored]);
    this.text = text;
  }

  /** Of these fields; a name that ends in `?` may be left out. */
  static of(...fields: readonly string[]): Shape {
    const known = fields.map((field) => field.replace('?', ''));
    return new Shape(known, [], `{ ${fields.join(', ')} }`);
  }
}

/** An object of this shape. */
export function checkObject(
  field: string,
  value: unknown,
  { allowed, known, text }: Shape,
): Fields {
  // Not arrays, maps, promises: taken for objects without fields, they would mean all the defaults.
  if (Object.prototype.toString.call(value) !== '[object Object]') {
    throw wrongType(field, `an object ${text}`, value);
  }
  // A copy: what the caller's object says is read once.
  const fields: Record<string, unknown> = {};
  for (const name in value as Fields) {
    if (!allowed.has(name)) throw unknownField(field, name, known);
    fields[name] = (value as Fields)[name];
  }
  return fields;
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

/** A whole number within bounds. */
export function checkInteger(
  field: string,
  value: unknown,
  least: number,
  most: number,
  unit = '',
): number {
  if (isWithin(value, least, most)) return value === 0 ? 0 : value; // -0 becomes 0
  const expected = `a whole number from ${least} to ${most}${unit}`;
  throw (typeof value === 'number' ? outOfRange : wrongType)(field, expected, value);
}

/**
 * {@link checkInteger} of the field `name` of an object. The whole name is made only for an error: of
 * thousands of calls it would be a third of what they take.
 */
export function checkIntegerIn(
  field: string,
  fields: Fields,
  name: string,
  least: number,
  most: number,
  unit?: string,
): number {
  const value = fields[name];
  if (isWithin(value, least, most)) return value === 0 ? 0 : value;
  return checkInteger(`${field}.${name}`, value, least, most, unit);
}

/** One of a few words; `remark` says why it is these. */
export function checkWord<Word extends string>(
  field: string,
  value: unknown,
  words: readonly Word[],
  remark?: string,
): Word {
  if ((words as readonly unknown[]).includes(value)) return value as Word;
  const list = words.map((word) => `'${word}'`).join(', ');
  const expected = remark === undefined ? `one of ${list}` : `one of ${list}, ${remark}`;
  throw (typeof value === 'string' ? outOfRange : wrongType)(field, expected, value);
}

/** {@link checkWord} of the field `name` of an object; see {@link checkIntegerIn}. */
export function checkWordIn<Word extends string>(
  field: string,
  fields: Fields,
  name: string,
  words: readonly Word[],
): Word {
  const value = fields[name];
  if ((words as readonly unknown[]).includes(value)) return value as Word;
  return checkWord(`${field}.${name}`, value, words);
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
