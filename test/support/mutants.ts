/** What becomes of data when one thing in it is changed. */

/** Where something is: names of fields and indexes. */
export type Path = readonly (string | number)[];

function isContainer(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Every place in a value: also of fields that an object lacks, and behind an array's end. */
export function placesIn(value: unknown, fields: readonly string[]): Path[] {
  if (!isContainer(value)) return [[]];
  const names = Array.isArray(value)
    ? [...value.keys(), value.length]
    : [...new Set([...fields, ...Object.keys(value)])];
  const below = names.flatMap((name) =>
    placesIn(value[name], fields).map((path) => [name, ...path]),
  );
  return [[], ...below];
}

/** The value with another one in a place; `undefined` takes out what is there. */
export function withAnother(value: unknown, [name, ...rest]: Path, other: unknown): unknown {
  if (name === undefined) return other;
  const all = value as Readonly<Record<string, unknown>>;
  const inner = withAnother(all[name], rest, other);
  if (Array.isArray(value)) {
    const items: unknown[] = [...(value as unknown[])];
    items.splice(Number(name), 1, ...(inner === undefined ? [] : [inner]));
    return items;
  }
  const { [name]: _, ...others } = all;
  return inner === undefined ? others : { ...others, [name]: inner };
}

/** What stands in a place. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce((inner: unknown, name) => (inner as Record<string, unknown>)[name], value);
}
