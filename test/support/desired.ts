/** Desired states: random ones, and as tables in the words of the witness. */
import fc from 'fast-check';
import { type DesiredService, type Destination, formatKey, type Service } from 'ipvs';
import { destination, service } from './arbitraries.js';
import type { TableEntry } from './witness.js';

const desiredService: fc.Arbitrary<DesiredService> = service.chain((each) =>
  fc
    .uniqueArray(destination(each), { maxLength: 5, selector: formatKey })
    .map((destinations) => ({ ...each, destinations })),
);

/** A table and what it should become. */
export interface Turn {
  readonly before: readonly DesiredService[];
  readonly desired: readonly DesiredService[];
}

/** Up to a dozen services, of which many are in both states, with some destinations of both. */
export const turn: fc.Arbitrary<Turn> = fc
  .uniqueArray(desiredService, { minLength: 5, maxLength: 12, selector: formatKey, size: 'max' })
  .chain((all) =>
    fc.array(fc.nat(4), { minLength: all.length, maxLength: all.length }).map((choices) => {
      const before = all.filter((_, index) => choices[index] !== 0);
      const desired = all.flatMap((each, index) => {
        const choice = choices[index] ?? 0;
        if (choice === 1) return [];
        const kept = each.destinations.filter((_, at) => (at + choice) % 3 !== 0);
        const destinations =
          choice < 3 ? each.destinations : kept.map((real, at) => ({ ...real, weight: at }));
        return [{ ...each, destinations } as DesiredService];
      });
      return { before, desired };
    }),
  );

/** A state as a table to write or to compare. */
export function entries(state: readonly DesiredService[]): TableEntry[] {
  return state.map(({ destinations, ...of }) => ({
    service: of as Service,
    destinations: destinations as Destination[],
  }));
}
