/** What a table is to be made, and how. */
import { conflict } from '../argument-errors.js';
import type { CheckedServiceKey } from '../input/service.js';
import { outsideError } from './errors.js';
import type { CheckedApplyOptions } from './options.js';
import { checkWholeTable, type Table } from './table.js';

/** What a table is made to be. */
export interface Wish {
  readonly desired: Table;
  readonly options: CheckedApplyOptions;
  /** Services that are not to be tried now, by their names, and why. */
  readonly held: ReadonlyMap<string, Error>;
  /**
   * Services of which nothing but the drains is looked after, to end them. All else is done where the table is
   * looked at as a whole: only then it is known how much would go, and what others changed.
   */
  readonly only?: readonly CheckedServiceKey[];
}

/** A desired state, all of it checked against its scope. */
export function checkWish(
  value: unknown,
  { scope, allowEmpty }: Pick<CheckedApplyOptions, 'scope' | 'allowEmpty'>,
): Table {
  const desired = checkWholeTable('services', value);
  if (desired.size === 0 && !allowEmpty) {
    throw conflict(
      'services',
      'is empty: everything within the scope would go. If that is meant, pass allowEmpty: true',
    );
  }
  for (const { field, name, key } of desired.values()) {
    if (!scope(key)) throw outsideError(field, name);
  }
  return desired;
}
