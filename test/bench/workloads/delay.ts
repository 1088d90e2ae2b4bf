import type { Figure } from '../figures.js';
import { withFresh } from '../namespaces.js';
import { withOurs } from '../ours.js';
import type { Bench } from '../plan.js';
import { rounds } from '../rounds.js';
import { type Size, sizeName } from '../table.js';
import { withFilled } from './snapshot.js';

/** How long others wait for the event loop meanwhile; beside a loop that has nothing to do. */
export async function measureDelay(bench: Bench, size: Size): Promise<Figure[]> {
  return await withOurs(bench, async (ours) => {
    const contenders = {
      'idle process': async () => await ours.run({ name: 'idle', size, namespace: null }),
      'create, yielding': async () =>
        await withFresh(
          async ({ name }) => await ours.run({ name: 'create-yielding', size, namespace: name }),
        ),
      'create, in turns': async () =>
        await withFresh(
          async ({ name }) => await ours.run({ name: 'create-in-turns', size, namespace: name }),
        ),
      streamed: async () =>
        await withFilled(
          bench,
          size,
          async ({ name }) => await ours.run({ name: 'stream', size, namespace: name }),
        ),
    };
    const cold = await rounds(1, contenders);
    const runs = await rounds(bench.rounds, contenders);
    return (['idle process', 'create, yielding', 'create, in turns', 'streamed'] as const).map(
      (contender) => ({
        work: 'delay',
        size: sizeName(size),
        unit: 'ms',
        contender,
        runs: runs[contender],
        ...(cold[contender][0] === undefined ? {} : { cold: cold[contender][0] }),
        note: '99th percentile',
      }),
    );
  });
}
