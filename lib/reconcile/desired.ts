/** Desired states from files and other places that no compiler looks into. */
import type { DesiredState } from './plan-model.js';
import { checkWholeTable } from './table.js';

/**
 * Checks all of a desired state, as it comes from a file for instance, whatever the table holds.
 * `ipvs/desired-state.schema.json` is its JSON schema, for editors and for programs in other languages. This
 * also finds what a schema can't say: a service or a destination that is there twice, a text that is no IPv6
 * address, thresholds in the wrong order, what does not go with the family of an address.
 *
 * What another program wrote and cannot be written here, marked `unsupported` as a snapshot gives it, is part of
 * a desired state if it is to stay as it is: whether it is there shows only with {@link plan}.
 *
 * @returns The value itself.
 * @throws TypeError or RangeError ({@link ArgumentError}) with the path of what is wrong, for instance
 * `services[3].destinations[0].weight`; of several the first.
 */
export function checkDesiredState(value: unknown): DesiredState {
  checkWholeTable('services', value);
  return value as DesiredState;
}
