/** What an apply looks at before it plans: the whole table, what a quick look suspects, or some services alone. */
import { type CheckedServiceKey, checkServiceReference } from '../input/service.js';
import { formatCheckedKey, parseServiceKey } from '../keys.js';
import type { Session } from '../session.js';
import { glance } from './glance.js';
import { readActual, readServices } from './read.js';
import type { Table } from './table.js';
import type { Wish } from './wish.js';

/** A table that was looked at. */
export interface Look {
  /** What is desired of what was read. */
  readonly desired: Table;
  readonly actual: Table;
  /** How many entries were seen to be as desired, and were not read. */
  readonly settled: number;
}

/** What is desired of some services. */
export function partOf(desired: Table, services: readonly CheckedServiceKey[]): Table {
  const names = services.map((key) => formatCheckedKey(key));
  return new Map(
    names.flatMap((name) => {
      const row = desired.get(name);
      return row === undefined ? [] : [[name, row] as const];
    }),
  );
}

/**
 * A table, with those services read again in which a drain is known that it does not show: that a list of a table that
 * others change lacks something does not mean that it is not there, and a drain that is forgotten does not end.
 */
async function withDrains(session: Session, wish: Wish, actual: Table): Promise<Table> {
  const { desired, options } = wish;
  const unseen = new Map<string, CheckedServiceKey>();
  for (const { key } of options.drain?.since ?? []) {
    const { service, destination } = key;
    if (actual.get(service)?.destinations.has(destination) === true) continue;
    if (desired.get(service)?.destinations.has(destination) === true) continue;
    const name = checkServiceReference('service', parseServiceKey(service));
    if (options.scope(name)) unseen.set(service, name);
  }
  if (unseen.size === 0) return actual;
  return new Map([
    ...actual,
    ...(await readServices(session, [...unseen.values()], options.signal)),
  ]);
}

/** Looks at what may differ from what is wished. */
export async function lookAt(session: Session, wish: Wish): Promise<Look> {
  const { desired, options, only } = wish;
  const { quick, scope, signal } = options;
  const seen =
    only === undefined && quick ? await glance(session, desired, scope, signal) : undefined;
  const services = only ?? seen?.suspects;
  if (services === undefined) {
    const actual = await withDrains(session, wish, await readActual(session, signal));
    return { desired, actual, settled: 0 };
  }
  const read: Table =
    services.length === 0 ? new Map() : await readServices(session, services, signal);
  const actual = await withDrains(session, wish, read);
  const keys = [...services, ...[...actual.values()].map(({ key }) => key)];
  return { desired: partOf(desired, keys), actual, settled: seen?.settled ?? 0 };
}
