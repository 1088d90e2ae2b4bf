/**
 * `npm run soak -- opens [COUNT]`: opens so many clients, by default 10,000, most of them closed and the
 * others left to the garbage collector. Descriptors and memory must be where they were.
 */
import { Ipvs } from 'ipvs';
import { collectGarbage } from '../support/garbage.js';
import { withNamespace } from '../support/netns.js';
import { heapSize, judgeGrowth, type Sample, takeSample, tellSample } from './measure.js';

const SAMPLES = 15;
const TOGETHER = 10;

/** One client of each ten is not closed; every other one is in another namespace. */
async function openTogether(path: string): Promise<void> {
  const clients = Array.from({ length: TOGETHER }, async (_, index) => {
    const ipvs = await Ipvs.open(index % 2 === 0 ? {} : { netns: { path } });
    if (index > 0) await ipvs.close();
  });
  await Promise.all(clients);
}

/** Opens at least `count` clients; what is wrong after that, in words. */
export async function openMany(count: number): Promise<readonly string[]> {
  const samples: Sample[] = [];
  let opened = 0;
  await withNamespace(async ({ path }) => {
    for (let part = 1; part <= SAMPLES; part += 1) {
      for (; opened < (count * part) / SAMPLES; opened += TOGETHER) await openTogether(path);
      await collectGarbage();
      const sample = await takeSample(heapSize());
      samples.push(sample);
      console.log(`soak: ${opened} clients opened: ${tellSample(sample)}`);
    }
  });
  const { line, problems } = judgeGrowth(samples);
  console.log(`soak: ${line}`);
  return problems;
}
