/**
 * A worker thread that says that it has begun, and fights over the contested services until it is ended,
 * or ends itself. What else it says are problems.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Ipvs } from 'ipvs';
import { nextOperation } from './generate.js';
import { isPossible } from './judge.js';
import { CONTESTED } from './layout.js';
import { perform } from './operations.js';
import { Random } from './random.js';

export interface PasserData {
  readonly seed: number;
  readonly path: string;
  /** Milliseconds after which it exits with `code`; else it is terminated. */
  readonly after?: number;
  readonly code?: number;
}

const { seed, path, after, code } = workerData as PasserData;
const random = new Random(seed);

parentPort?.postMessage('begun');
if (after !== undefined) setTimeout(() => process.exit(code), after);
const ipvs = await Ipvs.open({ netns: { path }, timeout: 60_000 });
for (;;) {
  const operations = Array.from({ length: 1 + random.below(20) }, () =>
    nextOperation(random, CONTESTED),
  );
  await Promise.all(
    operations.map(async (operation) => {
      const result = await perform(ipvs, operation);
      if (isPossible(CONTESTED, operation, result)) return;
      const [what, how] = [JSON.stringify(operation), JSON.stringify(result)];
      parentPort?.postMessage(`a passer: ${what} gave ${how}, which cannot be`);
    }),
  );
}
