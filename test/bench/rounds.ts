import { isWarm } from './statistics.js';

/** One run of a contender; what it measured. */
export type Run = () => Promise<number>;

/** What each contender measured in each round, by its name. */
export type Runs<Name extends string> = Record<Name, number[]>;

function empty<Name extends string>(contenders: Record<Name, Run>): Runs<Name> {
  return Object.fromEntries(
    Object.keys(contenders).map((name) => [name, []] as const),
  ) as unknown as Runs<Name>;
}

async function round<Name extends string>(
  contenders: Record<Name, Run>,
  runs: Runs<Name>,
): Promise<void> {
  for (const name of Object.keys(contenders) as Name[]) runs[name].push(await contenders[name]());
}

/** All contenders side by side, so that what disturbs one round disturbs them all. */
export async function rounds<Name extends string>(
  count: number,
  contenders: Record<Name, Run>,
): Promise<Runs<Name>> {
  const runs = empty(contenders);
  for (let index = 0; index < count; index += 1) await round(contenders, runs);
  return runs;
}

/** So many runs don't count before one that does. */
const RUNS_BEFORE = 2;

/**
 * A run by a process that is warm at that moment, not only once was: while the other contenders take
 * their turns, V8 gives memory back, and gets it again by page faults.
 */
export function warm(run: Run): Run {
  return async () => {
    for (let count = 0; count < RUNS_BEFORE; count += 1) await run();
    return await run();
  };
}

/** Runs contenders side by side until all of them are warm; these rounds don't count. */
export async function warmUp<Name extends string>(
  contenders: Record<Name, Run>,
): Promise<Runs<Name>> {
  const runs = empty(contenders);
  do await round(contenders, runs);
  while (!Object.values<number[]>(runs).every(isWarm));
  return runs;
}
