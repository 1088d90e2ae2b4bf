import type { Contender, Figure } from '../figures.js';
import { withFresh } from '../namespaces.js';
import { Ours } from '../ours.js';
import type { Bench } from '../plan.js';
import { rounds } from '../rounds.js';
import { type Size, sizeName } from '../table.js';
import { withFilled } from './snapshot.js';

type Delayed = Extract<
  Contender,
  'idle process' | 'create, yielding' | 'create, in turns' | 'streamed'
>;

/**
 * Each contender in a process of its own: what one of them has made its heap grow to, V8 collects during the
 * others' turns.
 */
function contendersOf(
  bench: Bench,
  size: Size,
  start: () => Ours,
): Readonly<Record<Delayed, () => Promise<number>>> {
  const [idle, yielding, inTurns, streaming] = [start(), start(), start(), start()];
  return {
    'idle process': async () => await idle.run({ name: 'idle', size, namespace: null }),
    'create, yielding': async () =>
      await withFresh(
        async ({ name }) => await yielding.run({ name: 'create-yielding', size, namespace: name }),
      ),
    'create, in turns': async () =>
      await withFresh(
        async ({ name }) => await inTurns.run({ name: 'create-in-turns', size, namespace: name }),
      ),
    streamed: async () =>
      await withFilled(
        bench,
        size,
        async ({ name }) => await streaming.run({ name: 'stream', size, namespace: name }),
      ),
  };
}

/** How long others wait for the event loop meanwhile; beside a loop that has nothing to do. */
export async function measureDelay(bench: Bench, size: Size): Promise<Figure[]> {
  const processes: Ours[] = [];
  try {
    const contenders = contendersOf(bench, size, () => {
      const ours = new Ours(bench);
      processes.push(ours);
      return ours;
    });
    const cold = await rounds(1, contenders);
    const runs = await rounds(bench.rounds, contenders);
    return (Object.keys(contenders) as Delayed[]).map((contender) => ({
      work: 'delay',
      size: sizeName(size),
      unit: 'ms',
      contender,
      runs: runs[contender],
      ...(cold[contender][0] === undefined ? {} : { cold: cold[contender][0] }),
      note: '99th percentile',
    }));
  } finally {
    for (const each of processes) await each.end();
  }
}
