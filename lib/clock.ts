/**
 * Milliseconds since 1970, as `Date.now()` gave them when the program started, and without the jumps that it makes when
 * somebody sets the clock: what is to end after a while must end neither early nor never.
 */
export function steadyNow(): number {
  return Math.floor(performance.timeOrigin + performance.now());
}
