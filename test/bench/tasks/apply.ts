import assert from 'node:assert/strict';
import { type ApplyReport, type DesiredService, Ipvs, plan } from 'ipvs';
import { createDoor } from '../../../lib/native/addon.js';
import { checkApplyOptions } from '../../../lib/reconcile/options.js';
import { checkWish } from '../../../lib/reconcile/wish.js';
import { clientOver } from '../../support/door.js';
import { GuardedDoor, pass } from '../../support/guarded-door.js';
import type { Entry } from '../table.js';
import type { Task } from '../tasks.js';
import { measured } from './measured.js';

const SCOPE = { scope: 'everything' } as const;
const CHANGES = 100;

function stateOf(table: readonly Entry[]): DesiredService[] {
  return table.map(({ service, destinations }) => ({ ...service, destinations }));
}

/** Plans between a state and the same as a client reads it. */
export async function planSame(ipvs: Ipvs, table: readonly Entry[]): Promise<number> {
  const [state, actual] = [stateOf(table), await ipvs.snapshot()];
  return await measured(async () => {
    assert.deepEqual(plan(state, actual, SCOPE), []);
    await Promise.resolve();
  });
}

async function timed(apply: () => Promise<ApplyReport>, changes: number): Promise<number> {
  let report: ApplyReport | undefined;
  const took = await measured(async () => {
    report = await apply();
  });
  assert.equal(report?.applied.length, changes);
  return took;
}

/** Applies what is there. */
export async function applySame(
  ipvs: Ipvs,
  table: readonly Entry[],
  quick: boolean,
): Promise<number> {
  const state = stateOf(table);
  return await timed(async () => await ipvs.apply(state, { ...SCOPE, quick }), 0);
}

/** Looks quickly for differences from a state that was checked before. */
export async function resync(ipvs: Ipvs, table: readonly Entry[]): Promise<number> {
  const options = checkApplyOptions({ ...SCOPE, quick: true });
  const wish = { desired: checkWish(stateOf(table), options), options, held: new Map() };
  return await timed(async () => await ipvs.applyWish(wish), 0);
}

/** Applies what is not there. */
export async function applyNew(ipvs: Ipvs, table: readonly Entry[]): Promise<number> {
  const state = stateOf(table);
  const commands = table.reduce((sum, { destinations }) => sum + 1 + destinations.length, 0);
  return await timed(async () => await ipvs.apply(state, SCOPE), commands);
}

/** The state with a hundred other weights than are there. */
async function changed(ipvs: Ipvs, table: readonly Entry[]): Promise<DesiredService[]> {
  const [first] = await ipvs.snapshot();
  const weight = first?.destinations[0]?.weight === 1 ? 2 : 1;
  const every = table.length / CHANGES;
  const other = table.map(({ service, destinations: [head, ...rest] }, index) => {
    const first = head === undefined ? [] : [index % every === 0 ? { ...head, weight } : head];
    return { service, destinations: [...first, ...rest] };
  });
  return stateOf(other);
}

/** Applies a state in which a hundred destinations have another weight than they have. */
export async function applyChanged(ipvs: Ipvs, table: readonly Entry[]): Promise<number> {
  const desired = await changed(ipvs, table);
  return await timed(async () => await ipvs.apply(desired, SCOPE), CHANGES);
}

/** How many commands that takes more than a snapshot does, counted one by one at the door. */
export async function extraCommands({ namespace }: Task, table: readonly Entry[]): Promise<number> {
  const door = new GuardedDoor(createDoor(`/run/netns/${namespace}`, 10_000));
  await door.open();
  const ipvs = clientOver(door);
  let count = 0;
  door.guard = async (passing) => {
    count += 1;
    return await pass(passing);
  };
  try {
    const desired = await changed(ipvs, table);
    count = 0;
    await ipvs.snapshot();
    const reading = count;
    await ipvs.apply(desired, SCOPE);
    return count - 2 * reading;
  } finally {
    await ipvs.close();
  }
}
