/** What an apply and a reconciler must not do when commands fail, clients are closed and callers change their states. */
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ApplyOptions,
  type DesiredService,
  type Ipvs,
  IpvsApplyError,
  IpvsError,
  type Reconciler,
} from 'ipvs';
import { describe, it } from 'mocha';
import type { CommandName } from '../../lib/native/layout.js';
import { entries } from '../support/desired.js';
import { executed } from '../support/door.js';
import { type Failure, failureOf, rejection } from '../support/failure.js';
import { answerNext, withGuard } from '../support/guarded-door.js';
import { execute, inNamespace, type Namespace } from '../support/netns.js';
import { patience } from '../support/patience.js';
import { until } from '../support/program.js';
import { real, type Told, web, withReconciler, words } from '../support/reconciling.js';
import { writeAll } from '../support/witness.js';

const A = real('10.9.0.1');
const B = real('10.9.0.2');
/** The kernel refuses it: multicast is no server. */
const IMPOSSIBLE = real('224.0.0.1');
const LONG = { scope: 'everything', drain: { deadline: 600_000 }, maxRemovals: 1 } as const;
const REFUSED = executed([{ errno: constants.errno.ENOMEM }]);

/** The weights by ipvsadm's word, by real server. */
async function weights(ns: Namespace): Promise<Record<string, number>> {
  const destinations = (await ns.table()).flatMap((each) => each.destinations);
  return Object.fromEntries(destinations.map(({ address, weight }) => [address, weight]));
}

/** What an apply could not do, each with its reason. */
async function failures(ipvs: Ipvs, desired: DesiredService[], options: ApplyOptions) {
  try {
    await ipvs.apply(desired, options);
  } catch (error) {
    assert.ok(error instanceof IpvsApplyError, String(error));
    return error.report.failed.map(({ change, error: each }) => {
      assert.ok(each instanceof IpvsError, String(each));
      return `${words(change)}: ${each.reason}`;
    });
  }
  return [];
}

describe('an apply', () => {
  it(
    'does not drain under dh, which chooses weight 0 all the same, unless that is allowed',
    inNamespace(async (ns, ipvs) => {
      await writeAll(ipvs, entries([web('10.1.0.1', [A], 'dh')]));
      const desired = [web('10.1.0.1', [B], 'dh')];
      assert.deepEqual(await failures(ipvs, desired, LONG), [
        'drain-destination 10.9.0.1:80: drain-refuses-clients',
      ]);
      assert.deepEqual(await weights(ns), { '10.9.0.1': 1, '10.9.0.2': 1 });
      await ipvs.apply(desired, { ...LONG, drain: { ...LONG.drain, allowRefusals: true } });
      assert.deepEqual(await weights(ns), { '10.9.0.1': 0, '10.9.0.2': 1 });
    }),
  );

  it(
    'does not give the only server weight 0 while the one that is to serve can’t be added',
    inNamespace(async (ns, ipvs) => {
      await writeAll(ipvs, entries([web('10.1.0.1', [real('10.9.0.1', 3)])]));
      const desired = [web('10.1.0.1', [real('10.9.0.1', 0), IMPOSSIBLE])];
      assert.deepEqual(await failures(ipvs, desired, LONG), [
        'add-destination 224.0.0.1:80: invalid-destination',
        'edit-destination 10.9.0.1:80: withheld',
      ]);
      assert.deepEqual(await weights(ns), { '10.9.0.1': 3 });
    }),
  );

  for (const shuffle of [false, true]) {
    it(
      `gives servers weight 0 after others were added and got theirs${shuffle ? ', in any order' : ''}`,
      inNamespace(async (_ns, ipvs) => {
        const last = [1, 2, 3, 4, 5, 6, 7, 8];
        const desired = last.map((each) => real(`10.9.0.${each}`, each % 2));
        for (let round = 0; round < (shuffle ? 10 : 1); round += 1) {
          await ipvs.flush();
          const before = [...[2, 4, 6].map((each) => real(`10.9.0.${each}`)), real('10.9.0.7', 0)];
          await writeAll(ipvs, entries([web('10.1.0.1', before)]));
          const { applied } = await ipvs.apply([web('10.1.0.1', desired)], { ...LONG, shuffle });
          const kinds = applied.map((change) => {
            assert.ok('to' in change && 'weight' in change.to, change.action);
            if (change.action === 'add-destination') return change.action;
            return change.to.weight === 0 ? 'to 0' : 'from 0';
          });
          assert.deepEqual(kinds, [
            ...Array.from({ length: 4 }, () => 'add-destination'),
            ...['from 0', 'to 0', 'to 0', 'to 0'],
          ]);
        }
      }),
    );
  }

  it(
    'refuses a state in which every service has lost its only destination',
    inNamespace(async (ns, ipvs) => {
      const all = Array.from({ length: 20 }, (_, index) => `10.1.0.${index + 1}`);
      await writeAll(ipvs, entries(all.map((address) => web(address, [A]))));
      const lost = all.map((address) => web(address, []));
      const { reason } = await rejection(ipvs.apply(lost, { scope: 'everything' }));
      assert.equal(reason, 'too-many-removals');
      const services = await ns.table();
      assert.equal(services.flatMap(({ destinations }) => destinations).length, 20);
    }),
  );
});

describe('a reconciler that is stopped', () => {
  for (const [what, name] of [
    ['list', 'IPVS_CMD_GET_SERVICE'],
    ['drain', 'IPVS_CMD_SET_DEST'],
    ['deletion of a destination', 'IPVS_CMD_DEL_DEST'],
    ['deletion of a service', 'IPVS_CMD_DEL_SERVICE'],
  ] as const satisfies readonly (readonly [string, CommandName])[]) {
    it(
      `goes on to drain everything after one ${what} failed`,
      inNamespace(async (ns) => {
        await withGuard(ns, async (ipvs, door) => {
          await withReconciler(ipvs, LONG, async (reconciler) => {
            reconciler.setDesired([web('10.1.0.1', [A, B])]);
            await reconciler.reconcile();
            const answered = answerNext(door, { name }, REFUSED);
            await reconciler.stop({ drain: true });
            assert.ok(answered());
          });
        });
        await ns.assertHolds([]);
      }),
    );
  }

  it(
    'can be told to drain everything afterwards',
    inNamespace(async (ns, ipvs) => {
      await withReconciler(ipvs, LONG, async (reconciler) => {
        reconciler.setDesired([web('10.1.0.1', [A, B])]);
        await reconciler.reconcile();
        await reconciler.stop();
        assert.equal((await ns.table()).length, 1);
        await reconciler.stop({ drain: true });
      });
      await ns.assertHolds([]);
    }),
  );

  it(
    'does not wait for its next look when the client is closed while it drains',
    inNamespace(async (ns) => {
      const ipvs = await ns.open();
      const options = { ...LONG, drainInterval: 60_000 };
      await withReconciler(ipvs, options, async (reconciler) => {
        reconciler.setDesired([web('10.1.0.1', [A])]);
        await reconciler.reconcile();
        const stopping = reconciler.stop({ drain: true });
        stopping.catch(() => undefined);
        await until(async () => (await weights(ns))['10.9.0.1'] === 0);
        await ipvs.close();
        await assert.rejects(stopping, { reason: 'closed' });
      });
    }),
  );
});

/** Closes the client of a reconciler in the middle of a drain. */
async function closeWhileDraining(
  ns: Namespace,
  body: (reconciler: Reconciler, told: Told, close: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const ipvs = await ns.open();
  await withReconciler(ipvs, { ...LONG, drainInterval: 100 }, async (reconciler, told) => {
    reconciler.setDesired([web('10.1.0.1', [A, B])]);
    await reconciler.reconcile();
    reconciler.setDesired([web('10.1.0.1', [A])]);
    await reconciler.reconcile();
    assert.equal(reconciler.draining.length, 1);
    await body(reconciler, told, async () => {
      await ipvs.close();
    });
  });
}

/** What comes of a `reconcile()` in a listener of `failed`; undefined where nothing does. */
async function askWhenFailed(reconciler: Reconciler): Promise<Failure | undefined> {
  const late = sleep(5000 * patience, undefined, { ref: false });
  const asked = new Promise<Failure>((resolve, reject) => {
    reconciler.on('failed', () => {
      rejection(reconciler.reconcile()).then(resolve, reject);
    });
  });
  return await Promise.race([asked, late]);
}

/** A program whose client is closed in the middle of a drain, and which stops nothing. */
const FORGETFUL = `
  import { Ipvs, Reconciler } from 'ipvs';
  const ipvs = await Ipvs.open();
  const drain = { deadline: 600_000 };
  const reconciler = new Reconciler(ipvs, { scope: 'everything', maxRemovals: 1, drain });
  reconciler.on('failed', ({ reason }) => console.log(reason));
  const service = { protocol: 'tcp', address: '10.1.0.1', port: 80, scheduler: 'rr' };
  const real = (address) => ({ address, port: 80, forwarding: 'masquerade' });
  reconciler.setDesired([{ ...service, destinations: [real('10.9.0.1'), real('10.9.0.2')] }]);
  await reconciler.reconcile();
  reconciler.setDesired([{ ...service, destinations: [real('10.9.0.1')] }]);
  await reconciler.reconcile();
  console.log(reconciler.draining.length);
  await ipvs.close();
`;

describe('a reconciler whose client is closed while something drains', () => {
  it(
    'says so and is silent from then on',
    inNamespace(async (ns) => {
      await closeWhileDraining(ns, async (_reconciler, told, close) => {
        await close();
        await until(() => told.failed.length > 0);
        await sleep(1000);
        assert.deepEqual(
          told.failed.map((error) => failureOf(error).reason),
          ['closed'],
        );
      });
    }),
  );

  it(
    'rejects who asks it to reconcile when it has said so',
    inNamespace(async (ns) => {
      await closeWhileDraining(ns, async (reconciler, _told, close) => {
        const asked = askWhenFailed(reconciler);
        await close();
        assert.equal((await asked)?.code, 'ERR_IPVS_STOPPED');
      });
    }),
  );

  it(
    'lets its program end',
    inNamespace(async (ns) => {
      const node = [process.execPath, '--input-type=module', '--eval', FORGETFUL];
      const limit = String(20 * patience);
      const { status, stdout, stderr } = await execute(...ns.inside('timeout', limit, ...node));
      assert.deepEqual(
        { status, stdout, stderr },
        { status: 0, stdout: '1\nclosed\n', stderr: '' },
      );
    }),
  );
});

describe('a reconciler whose client is closed before a resync', () => {
  it(
    'rejects who asks it to reconcile when it has said so',
    inNamespace(async (ns) => {
      const ipvs = await ns.open();
      await withReconciler(ipvs, { resync: 1000 }, async (reconciler) => {
        reconciler.setDesired([web('10.1.0.1', [A])]);
        await reconciler.reconcile();
        const asked = askWhenFailed(reconciler);
        await ipvs.close();
        assert.equal((await asked)?.code, 'ERR_IPVS_STOPPED');
      });
    }),
  );
});

describe('a desired state that its caller changes afterwards', () => {
  it(
    'stays what it was when it was set',
    inNamespace(async (ns, ipvs) => {
      await withReconciler(ipvs, {}, async (reconciler) => {
        const destinations = [{ ...A }, { ...B }];
        const service = web('10.1.0.1', destinations);
        const state: DesiredService[] = [service];
        reconciler.setDesired(state);
        const [first] = destinations;
        assert.ok(first !== undefined);
        Object.assign(first, { weight: 7 });
        destinations.pop();
        Object.assign(service, { scheduler: 'rr' });
        state.push(web('10.1.0.2', [A]));
        await reconciler.reconcile();
        const meant = entries([web('10.1.0.1', [A, B])]);
        await ns.assertHolds(meant);
        const { applied, unchanged } = await reconciler.reconcile();
        assert.deepEqual([applied, unchanged], [[], { services: 1, destinations: 2 }]);
        // As the caller's array says by now.
        await ns.ipvsadm(...'-d -t 10.1.0.1:80 -r 10.9.0.2:80'.split(' '));
        await reconciler.reconcile();
        await ns.assertHolds(meant);
      });
    }),
  );
});
