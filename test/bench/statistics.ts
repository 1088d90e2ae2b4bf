/** The few numbers that stand for many. */

function sorted(values: readonly number[]): number[] {
  return [...values].sort((left, right) => left - right);
}

/** The one in the middle; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const ordered = sorted(values);
  const low = ordered[Math.floor((ordered.length - 1) / 2)];
  const high = ordered[Math.ceil((ordered.length - 1) / 2)];
  if (low === undefined || high === undefined) throw new RangeError('No value has no median');
  return (low + high) / 2;
}

/** The least and the greatest. */
export function spread(values: readonly number[]): readonly [least: number, greatest: number] {
  return [Math.min(...values), Math.max(...values)];
}

/** So many rounds are discarded at least, and at most. */
const LEAST_ROUNDS = 10;
const MOST_ROUNDS = 40;
/** Between the medians of three rounds and of the three before. */
const STEADY = 0.05;

/**
 * Whether a process that took so long in one round after the other has warmed up: it does not get
 * faster any more, or there is no hope.
 */
export function isWarm(rounds: readonly number[]): boolean {
  if (rounds.length < LEAST_ROUNDS) return false;
  if (rounds.length >= MOST_ROUNDS) return true;
  return median(rounds.slice(-3)) >= median(rounds.slice(-6, -3)) * (1 - STEADY);
}
