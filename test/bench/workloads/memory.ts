import type { Figure } from '../figures.js';
import { withOurs } from '../ours.js';
import type { Bench } from '../plan.js';
import { type Size, sizeName } from '../table.js';
import { withFilled } from './snapshot.js';

/** How much memory comes to be held while the table is streamed; a fresh process each time. */
export async function measureMemory(bench: Bench, size: Size): Promise<Figure[]> {
  const runs = await withFilled(bench, size, async ({ name }) => {
    const held: number[] = [];
    for (let index = 0; index < bench.rounds; index += 1) {
      held.push(
        await withOurs(
          bench,
          async (ours) => await ours.run({ name: 'stream-memory', size, namespace: name }),
        ),
      );
    }
    return held;
  });
  return [
    {
      work: 'memory',
      size: sizeName(size),
      unit: 'MB',
      contender: 'streamed',
      runs,
      note: 'resident at most, above the idle process',
    },
  ];
}
