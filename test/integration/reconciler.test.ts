/** Keeping a table what it should be, on the kernel: when it is looked at, what is repaired, what is tried again. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ipvs, IpvsApplyError, IpvsError, Reconciler } from 'ipvs';
import { describe, it } from 'mocha';
import { createDoor, type Door } from '../../lib/native/addon.js';
import { clientOver } from '../support/door.js';
import { inNamespace, type Namespace, withNamespace } from '../support/netns.js';
import { until } from '../support/program.js';
import { real, web, withReconciler, words } from '../support/reconciling.js';

const A = real('10.9.0.1');
const B = real('10.9.0.2');
const KEPT = ['-A -t 10.2.0.1:80 -s rr', '-a -t 10.2.0.1:80 -r 10.9.0.9:80 -m -w 5'];

/** The table as ipvsadm saves it, without the services of others. */
async function saved(ns: Namespace): Promise<string[]> {
  return (await ns.ipvsadm('-Sn'))
    .split('\n')
    .filter((line) => line !== '' && !KEPT.includes(line));
}

describe('a reconciler', () => {
  it(
    'applies the newest of many desired states, and not each of them',
    inNamespace(async (ns, ipvs) => {
      await withReconciler(ipvs, { delay: 100, maxDelay: 5000 }, async (reconciler, told) => {
        for (let weight = 1; weight <= 30; weight += 1) {
          reconciler.setDesired([web('10.1.0.1', [real('10.9.0.1', weight)])]);
          await sleep(1);
        }
        await until(() => told.applied.length > 0);
        await sleep(200);
        assert.equal(told.applied.length, 1);
        assert.deepEqual(await saved(ns), [
          '-A -t 10.1.0.1:80 -s wrr',
          '-a -t 10.1.0.1:80 -r 10.9.0.1:80 -m -w 30',
        ]);
      });
    }),
  );

  it(
    'does not wait for ever while new ones come',
    inNamespace(async (_ns, ipvs) => {
      await withReconciler(ipvs, { delay: 60_000, maxDelay: 200 }, async (reconciler, told) => {
        for (let weight = 1; told.applied.length < 2; weight += 1) {
          reconciler.setDesired([web('10.1.0.1', [real('10.9.0.1', weight)])]);
          await sleep(10);
        }
      });
    }),
  );

  it(
    'repairs within its scope what others change, says so, and leaves the rest alone',
    inNamespace(async (ns, ipvs) => {
      await ns.restore(KEPT);
      const options = { scope: ['10.1.0.0/16'], resync: 1000, drain: { deadline: 60_000 } };
      await withReconciler(ipvs, options, async (reconciler, told) => {
        reconciler.setDesired([web('10.1.0.1', [A, B])]);
        await reconciler.reconcile();
        const wanted = await saved(ns);
        await ns.restore([
          '-e -t 10.1.0.1:80 -r 10.9.0.1:80 -m -w 7',
          '-d -t 10.1.0.1:80 -r 10.9.0.2:80',
          '-A -t 10.1.0.9:80 -s rr',
        ]);
        const repairs = [
          'add-destination 10.9.0.2:80',
          'delete-service tcp 10.1.0.9:80',
          'edit-destination 10.9.0.1:80',
        ];
        // It may look in between.
        await until(() => told.drift.flatMap(({ applied }) => applied).length >= repairs.length);
        assert.deepEqual(told.drift.flatMap(({ applied }) => applied.map(words)).sort(), repairs);
        assert.deepEqual(await saved(ns), wanted);
        for (const rule of KEPT) assert.ok((await ns.ipvsadm('-Sn')).includes(rule));
        assert.deepEqual(told.failed, []);
      });
    }),
  );

  it(
    'changes nothing and says nothing while the table is as desired',
    inNamespace(async (_ns, ipvs) => {
      await withReconciler(ipvs, { resync: 1000 }, async (reconciler, told) => {
        reconciler.setDesired([web('10.1.0.1', [A, B])]);
        await until(() => told.applied.length > 0);
        await sleep(2500);
        reconciler.setDesired([web('10.1.0.1', [B, A])]);
        const report = await reconciler.reconcile();
        assert.deepEqual(
          [report.applied, report.unchanged],
          [[], { services: 1, destinations: 2 }],
        );
        // One for each state that was reached.
        assert.deepEqual([told.applied.length, told.drift, told.failed], [2, [], []]);
      });
    }),
  );

  it(
    'keeps what was desired before when the new state is wrong',
    inNamespace(async (ns, ipvs) => {
      await withReconciler(ipvs, {}, async (reconciler) => {
        reconciler.setDesired([web('10.1.0.1', [A])]);
        const wrong = [web('10.1.0.1', [{ ...A, weight: -1 }])];
        const refusal = { field: 'services[0].destinations[0].weight' };
        assert.throws(() => {
          reconciler.setDesired(wrong);
        }, refusal);
        await reconciler.reconcile();
        assert.equal((await saved(ns)).length, 2);
      });
    }),
  );

  it(
    'tries again what failed, after longer and longer waits, and does all else',
    inNamespace(async (ns, ipvs) => {
      const backoff = { min: 100, max: 100_000 };
      await withReconciler(ipvs, { resync: false, backoff }, async (reconciler, told) => {
        // The kernel refuses it: multicast is no server.
        reconciler.setDesired([web('10.1.0.1', [A, real('224.0.0.1')])]);
        const times: number[] = [];
        reconciler.on('failed', () => times.push(performance.now()));
        await until(() => times.length >= 4);
        const [first = 0, second = 0, third = 0, fourth = 0] = times;
        assert.ok(
          second - first >= 99 && third - second >= 199 && fourth - third >= 399,
          times.join(),
        );
        assert.deepEqual(await saved(ns), [
          '-A -t 10.1.0.1:80 -s wrr',
          '-a -t 10.1.0.1:80 -r 10.9.0.1:80 -m -w 1',
        ]);
        const [error] = told.failed;
        assert.ok(error instanceof IpvsApplyError);
        assert.deepEqual(
          error.report.failed.map(({ change }) => words(change)),
          ['add-destination 224.0.0.1:80'],
        );
        assert.equal((error.cause as IpvsError).reason, 'invalid-destination');
        reconciler.setDesired([web('10.1.0.1', [A])]);
        await until(() => told.applied.length === 1);
        const { length } = times;
        await sleep(1000);
        assert.equal(times.length, length);
      });
    }),
  );

  it('looks for an unknown scheduler now and then, not whenever it applies', async () => {
    await withNamespace(async (ns) => {
      let attempts = 0;
      const kernel = createDoor(ns.path, 5000);
      const counting = new Proxy(kernel, {
        get: (door, name: keyof Door) => {
          const method = door[name].bind(door) as (...values: unknown[]) => unknown;
          return (...values: unknown[]) => {
            const [bytes] = values;
            if (name === 'transact' && Buffer.from(bytes as Uint8Array).includes('nonesuch'))
              attempts += 1;
            return method(...values);
          };
        },
      });
      await kernel.open();
      const ipvs = clientOver(counting);
      const backoff = { min: 60_000, max: 60_000 };
      await withReconciler(ipvs, { resync: 1000, backoff }, async (reconciler, told) => {
        const missing = web('10.1.0.2', [A], 'nonesuch');
        reconciler.setDesired([web('10.1.0.1', [A]), missing]);
        await until(() => told.failed.length > 0);
        assert.ok(attempts > 0);
        const before = attempts;
        for (let weight = 2; weight < 6; weight += 1) {
          reconciler.setDesired([web('10.1.0.1', [real('10.9.0.1', weight)]), missing]);
          await assert.rejects(reconciler.reconcile(), { reason: 'apply-failed' });
        }
        assert.equal(attempts, before);
        // All else was done meanwhile.
        assert.equal((await saved(ns)).at(-1), '-a -t 10.1.0.1:80 -r 10.9.0.1:80 -m -w 5');
        // Another definition is tried at once.
        reconciler.setDesired([web('10.1.0.1', [A]), web('10.1.0.2', [A], 'rr')]);
        await reconciler.reconcile();
        assert.equal((await saved(ns)).length, 4);
      });
      await ipvs.close();
    });
  });

  it(
    'ends when its client is closed, and says so',
    inNamespace(async (ns) => {
      const ipvs = await ns.open();
      await withReconciler(ipvs, { resync: 1000 }, async (reconciler, told) => {
        reconciler.setDesired([web('10.1.0.1', [A])]);
        await reconciler.reconcile();
        await ipvs.close();
        await until(() => told.failed.length > 0);
        assert.equal((told.failed[0] as IpvsError).reason, 'closed');
        const { failed } = told;
        await sleep(1500);
        assert.equal(failed.length, 1);
        assert.throws(
          () => {
            reconciler.setDesired([]);
          },
          { reason: 'closed' },
        );
      });
    }),
  );

  it(
    'takes no second state after it was stopped, and leaves the table as it is',
    inNamespace(async (ns, ipvs) => {
      const reconciler = new Reconciler(ipvs, { scope: 'everything' });
      reconciler.setDesired([web('10.1.0.1', [A])]);
      await reconciler.reconcile();
      reconciler.setDesired([web('10.1.0.1', [A, B])]);
      await reconciler[Symbol.asyncDispose]();
      await reconciler.stop();
      assert.throws(
        () => {
          reconciler.setDesired([]);
        },
        { code: 'ERR_IPVS_STOPPED' },
      );
      await assert.rejects(reconciler.reconcile(), { code: 'ERR_IPVS_STOPPED' });
      await sleep(200);
      assert.equal((await saved(ns)).length, 2);
    }),
  );
});

describe('two reconcilers with one scope', () => {
  /** Asks for what both desire, again and again, until it is told to stop. */
  async function watch(ipvs: Ipvs, ended: () => boolean): Promise<number> {
    for (let looks = 0; ; looks += 1) {
      if (ended()) return looks;
      const { weight } = await ipvs.getDestination(web('10.1.0.1', []), A);
      assert.notEqual(weight, 0);
    }
  }

  it(
    'find nothing to do where they desire the same; what both desire is there all the time',
    inNamespace(async (ns, ipvs) => {
      const others = await ns.open();
      const options = { resync: 1000, drain: { deadline: 60_000 } };
      await withReconciler(ipvs, options, async (first, told) => {
        await withReconciler(others, options, async (second, toldSecond) => {
          first.setDesired([web('10.1.0.1', [A, B])]);
          await first.reconcile();
          second.setDesired([web('10.1.0.1', [A, B])]);
          assert.deepEqual((await second.reconcile()).applied, []);
          const watching = await ns.open();
          let ended = false;
          const looks = watch(watching, () => ended);
          second.setDesired([web('10.1.0.1', [A, real('10.9.0.3')])]);
          await until(() => told.drift.length >= 2 && toldSecond.drift.length >= 2);
          ended = true;
          assert.ok((await looks) > 10);
          await first.stop();
          await second.reconcile();
          await until(() => toldSecond.drained.length > 0);
          assert.deepEqual(await saved(ns), [
            '-A -t 10.1.0.1:80 -s wrr',
            '-a -t 10.1.0.1:80 -r 10.9.0.1:80 -m -w 1',
            '-a -t 10.1.0.1:80 -r 10.9.0.3:80 -m -w 1',
          ]);
          assert.deepEqual([told.failed, toldSecond.failed], [[], []]);
        });
      });
    }),
  );
});
