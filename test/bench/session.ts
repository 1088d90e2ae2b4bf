/**
 * One session on one kernel: `node session.js PLAN RECORD`, in the lab. Measures what the plan asks for,
 * and writes it down in the record.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { run } from '../support/netns.js';
import type { Figure, Measured, Work } from './figures.js';
import { findLimit } from './limit.js';
import type { Bench, Plan } from './plan.js';
import { type Size, sizeName } from './table.js';
import { measureAlone } from './workloads/alone.js';
import { measureApply, measureCommands, measurePlan } from './workloads/apply.js';
import { measureCalls } from './workloads/calls.js';
import { measureBaseline, measureCreate } from './workloads/create.js';
import { measureDelay } from './workloads/delay.js';
import { measureMemory } from './workloads/memory.js';
import { measureSnapshot } from './workloads/snapshot.js';

const USUAL: Size = { services: 1000, destinations: 10 };

const [planFile, recordFile] = process.argv.slice(2);
if (planFile === undefined || recordFile === undefined) {
  throw new Error('usage: session.js PLAN RECORD');
}
const kernel = process.env['IPVS_LAB_KIND'] ?? 'no lab';
const plan = JSON.parse(readFileSync(planFile, 'utf8')) as Plan;
const figures: Figure[] = [];

/** Says on stderr what is going on: some of it takes minutes. */
async function step(what: string, measure: () => Promise<Figure[]>): Promise<void> {
  console.error(`bench: ${kernel}: ${what}`);
  figures.push(...(await measure()));
}

async function forSizes(
  work: Work,
  sizes: readonly Size[],
  measure: (size: Size) => Promise<Figure[]>,
): Promise<void> {
  if (!plan.works.includes(work)) return;
  for (const size of sizes) {
    await step(`${work} ${sizeName(size)}`, async () => await measure(size));
  }
}

// Loading a scheduler takes the kernel longer than all commands of a round.
await run('modprobe', ['ip_vs_rr']);
console.error(`bench: ${kernel}: looking for the raw loop's best ways`);
const bench: Bench = { ...plan, limit: await findLimit(USUAL) };
const largest = plan.sizes.toSorted((left, right) => right.services - left.services).slice(0, 1);

await forSizes('create', plan.sizes, async (size) => await measureCreate(bench, size));
if (!figures.some(({ work, size }) => work === 'create' && size === sizeName(USUAL))) {
  await step('baseline', async () => await measureBaseline(bench));
}
await forSizes('snapshot', plan.sizes, async (size) => await measureSnapshot(bench, size));
if (plan.works.includes('alone')) await step('alone', async () => await measureAlone(bench));
await forSizes('calls', [USUAL], async (size) => await measureCalls(bench, size));
await forSizes('delay', largest, async (size) => await measureDelay(bench, size));
await forSizes('memory', largest, async (size) => await measureMemory(bench, size));
await forSizes('plan', plan.sizes, async (size) => await measurePlan(bench, size));
// A hundred services are to change.
const many = plan.sizes.filter(({ services }) => services >= 100 && services % 100 === 0);
await forSizes('apply', many, async (size) => await measureApply(bench, size));
await forSizes('commands', many, async (size) => await measureCommands(bench, size));

writeFileSync(
  recordFile,
  JSON.stringify({ kernel, release: release(), figures } satisfies Measured),
);
