import type { SchedulerFlag } from './model.js';

/** net/netfilter/ipvs/ip_vs_sh.c and ip_vs_mh.c give names to the first two flag bits. */
const HASHING = new Set(['sh', 'mh']);

const HASHING_FLAGS: readonly SchedulerFlag[] = ['fallback', 'port', 'flag-3'];
const OTHER_FLAGS: readonly SchedulerFlag[] = ['flag-1', 'flag-2', 'flag-3'];

/** The flags that a scheduler can be given, by the order of their bits. */
export function flagsOfScheduler(scheduler: string): readonly SchedulerFlag[] {
  return HASHING.has(scheduler) ? HASHING_FLAGS : OTHER_FLAGS;
}

/** Why a scheduler has not the other flags, for who takes one of them. */
export function flagAdvice(scheduler: string): string {
  return HASHING.has(scheduler)
    ? `as the flags of ${scheduler} are called`
    : `as ${scheduler} gives its flags no names: 'fallback' and 'port' are of sh and mh`;
}

/** Every name of a flag. */
export const SCHEDULER_FLAGS: readonly SchedulerFlag[] = [
  ...new Set([...HASHING_FLAGS, ...OTHER_FLAGS]),
];

/** The names that the same bits have under another scheduler. */
export function translateFlags(
  flags: readonly SchedulerFlag[],
  scheduler: string,
): SchedulerFlag[] {
  return flagsOfScheduler(scheduler).filter((_, bit) =>
    flags.some((flag) => flag === HASHING_FLAGS[bit] || flag === OTHER_FLAGS[bit]),
  );
}
