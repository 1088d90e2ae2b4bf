import { readFile, rm } from 'node:fs/promises';
import type { Figure } from '../figures.js';
import { withFresh } from '../namespaces.js';
import { type Ours, withOurs } from '../ours.js';
import type { Bench } from '../plan.js';
import { callsBetweenMarks, describeCalls, sum, underStrace } from '../strace.js';
import { rowsOf, type Size, sizeName } from '../table.js';
import { withFilled } from './snapshot.js';

const LOG = '/dev/shm/ipvs-benchmark-strace';
/** A process that has made its heap and started its threads does not do so again. */
const WARM_ROUNDS = 5;
const PER = 1000;

async function countCalls(
  bench: Bench,
  round: (ours: Ours) => Promise<number>,
): Promise<{ runs: number[]; note: string }> {
  try {
    return await withOurs({ ...bench, through: underStrace(LOG) }, async (ours) => {
      const runs: number[] = [];
      let note = '';
      for (let index = 0; index < WARM_ROUNDS + bench.rounds; index += 1) {
        await round(ours);
        if (index < WARM_ROUNDS) continue;
        const counts = callsBetweenMarks(await readFile(LOG, 'latin1'));
        runs.push(sum(counts));
        note = describeCalls(counts);
      }
      return { runs, note };
    });
  } finally {
    await rm(LOG, { force: true });
  }
}

/** The system calls that our process makes on its socket, counted by strace; the note tells which. */
export async function measureCalls(bench: Bench, size: Size): Promise<Figure[]> {
  const creating = await countCalls(
    bench,
    async (ours) =>
      await withFresh(
        async ({ name }) => await ours.run({ name: 'create', size, namespace: name }),
      ),
  );
  const reading = await withFilled(
    bench,
    size,
    async ({ name }) =>
      await countCalls(
        bench,
        async (ours) => await ours.run({ name: 'snapshot', size, namespace: name }),
      ),
  );
  const common = { work: 'calls', size: sizeName(size), unit: 'calls' } as const;
  const per = (runs: readonly number[], units: number): number[] =>
    runs.map((count) => (count * PER) / units);
  return [
    {
      ...common,
      contender: 'create',
      runs: per(creating.runs, rowsOf(size)),
      note: `on the socket, per 1,000 commands; for the whole table: ${creating.note}`,
    },
    {
      ...common,
      contender: 'snapshot',
      runs: per(reading.runs, size.services),
      note: `on the socket, per 1,000 services; for the whole table: ${reading.note}`,
    },
  ];
}
