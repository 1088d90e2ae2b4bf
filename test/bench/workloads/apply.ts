import type { Namespace } from '../../support/netns.js';
import type { Contender, Figure } from '../figures.js';
import { keepalivedChange, keepalivedCreate } from '../keepalived.js';
import { withFresh } from '../namespaces.js';
import { Ours, withOurs } from '../ours.js';
import type { Bench, Plan } from '../plan.js';
import { type Run, rounds, warm, warmUp } from '../rounds.js';
import { type Size, sizeName } from '../table.js';
import type { TaskName } from '../tasks.js';
import { withFilled } from './snapshot.js';

type Own = Extract<
  Contender,
  | 'snapshot'
  | 'apply, no change'
  | 'quick apply, no change'
  | 'resync, no change'
  | 'apply, 100 changes'
  | 'create'
  | 'apply, all new'
>;

const TASKS: Record<Own, TaskName> = {
  snapshot: 'snapshot',
  'apply, no change': 'apply-same',
  'quick apply, no change': 'apply-same-quickly',
  'resync, no change': 'resync',
  'apply, 100 changes': 'apply-changed',
  create: 'create',
  'apply, all new': 'apply-new',
};
/** Those that begin with an empty table. */
const MAKING: readonly Own[] = ['create', 'apply, all new'];

/** One contender of ours: three runs, of which the last counts. */
function runOf(bench: Bench, size: Size, contender: Own, ours: Ours): Run {
  const task = async (ns: Namespace): Promise<number> =>
    await ours.run({ name: TASKS[contender], size, namespace: ns.name });
  if (MAKING.includes(contender)) return warm(async () => await withFresh(task));
  return async () =>
    await withFilled(bench, size, async (ns) => await warm(async () => await task(ns))());
}

/**
 * Applying a desired state, beside reading the table and making it by calls; and beside keepalived. Each contender has a
 * process of its own: what one of them has made its heap grow to, V8 collects during the others' turns.
 */
export async function measureApply(bench: Bench, size: Size): Promise<Figure[]> {
  const processes: Ours[] = [];
  try {
    const own = Object.fromEntries(
      (Object.keys(TASKS) as Own[]).map((contender) => {
        const ours = new Ours(bench);
        processes.push(ours);
        return [contender, runOf(bench, size, contender, ours)];
      }),
    ) as Record<Own, Run>;
    const warming = await warmUp(own);
    const runs = await rounds(bench.rounds, {
      ...own,
      'keepalived, all new': async () =>
        await withFresh(async (ns) => await keepalivedCreate(ns, size)),
      'keepalived, 100 changes': async () =>
        await withFresh(async (ns) => await keepalivedChange(ns, size)),
    });
    return Object.entries(runs).map(([contender, each]): Figure => {
      const cold = contender in warming ? warming[contender as Own][0] : undefined;
      return {
        ...{ work: 'apply', size: sizeName(size), unit: 'ms', runs: each },
        contender: contender as Contender,
        ...(cold === undefined ? {} : { cold }),
      };
    });
  } finally {
    for (const each of processes) await each.end();
  }
}

/** How many commands an apply of 100 changes takes besides those of a snapshot. */
export async function measureCommands(bench: Bench, size: Size): Promise<Figure[]> {
  const runs = await withOurs(bench, async (ours) => {
    const count = async ({ name }: Namespace): Promise<number> =>
      await ours.run({ name: 'apply-commands', size, namespace: name });
    return [await withFilled(bench, size, count)];
  });
  const common = { work: 'commands', size: sizeName(size), unit: 'commands' } as const;
  return [{ ...common, contender: 'apply, 100 changes', runs, note: 'beyond those of a snapshot' }];
}

/** A plan of two equal states: it needs no kernel. */
export async function measurePlan(plan: Plan, size: Size): Promise<Figure[]> {
  return await withOurs(plan, async (ours) => {
    const own = {
      plan: async () => await ours.run({ name: 'plan', size, namespace: null }),
    };
    const [cold = NaN] = (await warmUp(own)).plan;
    const runs = await rounds(plan.rounds, own);
    const common = { work: 'plan', size: sizeName(size), unit: 'ms' } as const;
    return [{ ...common, contender: 'plan', runs: runs.plan, cold }];
  });
}
