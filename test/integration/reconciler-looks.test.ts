/** What a reconciler does, and does not, between two looks at the whole table: it ends drains. */
import assert from 'node:assert/strict';
import type { DrainStart, Reconciler } from 'ipvs';
import { describe, it } from 'mocha';
import { inNamespace } from '../support/netns.js';
import { until } from '../support/program.js';
import { real, web, withReconciler, words } from '../support/reconciling.js';

const A = real('10.9.0.1');
const B = real('10.9.0.2');
const C = real('10.9.0.3');
const D = real('10.9.0.4');
const OPTIONS = { drainInterval: 1000, drain: { deadline: 60_000 } };

/** What drains, as it is known whenever something is told. */
function watch(reconciler: Reconciler): string[] {
  const seen: string[] = [];
  const drains = (): string =>
    reconciler.draining.map(({ key }: DrainStart) => key.destination).join();
  for (const event of ['applied', 'failed', 'drift', 'drained', 'forced'] as const) {
    reconciler.on(event, () => seen.push(`${event}: ${drains()}`));
  }
  return seen;
}

describe('a reconciler that drains', () => {
  it(
    'knows what drains when it tells that it was applied, or failed',
    inNamespace(async (_ns, ipvs) => {
      await withReconciler(ipvs, OPTIONS, async (reconciler) => {
        reconciler.setDesired([web('10.1.0.1', [A, B])]);
        await reconciler.reconcile();
        const seen = watch(reconciler);
        reconciler.setDesired([web('10.1.0.1', [A])]);
        await until(() => seen.length >= 2);
        assert.deepEqual(seen.slice(0, 2), ['applied: 10.9.0.2:80', 'drained: ']);
        reconciler.setDesired([web('10.1.0.1', [real('224.0.0.1'), B])]);
        await until(() => seen.length >= 3);
        assert.equal(seen[2], 'failed: 10.9.0.1:80');
      });
    }),
  );

  it(
    'ends drains while a state is refused that lacks too much, and drains no more than before',
    inNamespace(async (ns, ipvs) => {
      const options = { ...OPTIONS, maxRemovals: 0.25 };
      await withReconciler(ipvs, options, async (reconciler, told) => {
        reconciler.setDesired([web('10.1.0.1', [A, B, C, D])]);
        await reconciler.reconcile();
        reconciler.setDesired([web('10.1.0.1', [A, B, C])]);
        await reconciler.reconcile();
        reconciler.setDesired([web('10.1.0.1', [A])]);
        await assert.rejects(reconciler.reconcile(), { reason: 'too-many-removals' });
        await until(() => told.drained.length > 0);
        const [service] = await ns.table();
        assert.deepEqual(
          service?.destinations.map(({ address, weight }) => [address, weight]),
          [A, B, C].map(({ address }) => [address, 1]),
        );
        assert.deepEqual(reconciler.draining, []);
      });
    }),
  );

  it(
    'says what it repairs also while something drains',
    inNamespace(async (ns, ipvs) => {
      const options = { ...OPTIONS, drainInterval: 3000 };
      await withReconciler(ipvs, options, async (reconciler, told) => {
        reconciler.setDesired([web('10.1.0.1', [A, B, C])]);
        await reconciler.reconcile();
        reconciler.setDesired([web('10.1.0.1', [A, B])]);
        await reconciler.reconcile();
        await ns.ipvsadm('-d', '-t', '10.1.0.1:80', '-r', '10.9.0.2:80');
        await until(() => told.drained.length > 0);
        const { applied } = await reconciler.reconcile();
        assert.deepEqual(applied.map(words), ['add-destination 10.9.0.2:80']);
        assert.deepEqual(
          told.drift.map((report) => report.applied),
          [applied],
        );
      });
    }),
  );
});
