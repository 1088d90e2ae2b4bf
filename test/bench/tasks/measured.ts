import { existsSync } from 'node:fs';
import { MARK } from '../tasks.js';

/** How long `body` takes, in milliseconds; strace sees where it begins and ends. */
export async function measured(body: () => Promise<void>): Promise<number> {
  existsSync(MARK);
  const begun = performance.now();
  await body();
  const took = performance.now() - begun;
  existsSync(MARK);
  return took;
}
