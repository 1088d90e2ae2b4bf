/** The floor on the host itself: our JavaScript needs no kernel for that. */
import { release } from 'node:os';
import type { Figure, Measured } from './figures.js';
import { withOurs } from './ours.js';
import { ownFigures } from './own-figures.js';
import type { Plan } from './plan.js';
import { measurePlan } from './workloads/apply.js';
import { rounds, warmUp } from './rounds.js';
import { type Size, sizeName } from './table.js';

async function measureFloor(
  plan: Plan,
  work: 'create' | 'snapshot',
  size: Size,
): Promise<Figure[]> {
  return await withOurs(plan, async (ours) => {
    const floor = async (): Promise<number> =>
      await ours.run({ name: work, size, namespace: null });
    const warming = await warmUp({ floor });
    const runs = await rounds(plan.rounds, { floor });
    const common = { work, size: sizeName(size), unit: 'ms' } as const;
    return ownFigures(common, ours, ['floor'], warming, runs);
  });
}

/** Measures it at every size of the plan. */
export async function measureNatively(plan: Plan): Promise<Measured> {
  const figures: Figure[] = [];
  for (const work of ['create', 'snapshot'] as const) {
    if (!plan.works.includes(work)) continue;
    for (const size of plan.sizes) figures.push(...(await measureFloor(plan, work, size)));
  }
  if (plan.works.includes('plan')) {
    for (const size of plan.sizes) figures.push(...(await measurePlan(plan, size)));
  }
  return { kernel: 'native', release: release(), figures };
}
