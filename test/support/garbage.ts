/** The garbage collector, at once and wherever Node was not started for it. */
import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Collects what nobody refers to any more, and lets its finalizers run. */
export async function collectGarbage(): Promise<void> {
  // What one collection frees may be the last that referred to something else.
  for (let count = 0; count < 3; count += 1) {
    collect();
    await setTimeout(10);
  }
}
