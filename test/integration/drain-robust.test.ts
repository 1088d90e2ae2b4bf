/** Drains that neither clocks, lists, failures nor other programs end early, prolong or make forgotten. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DesiredService,
  type DrainStart,
  type Ipvs,
  IpvsApplyError,
  type Reconciler,
} from 'ipvs';
import { describe, it } from 'mocha';
import { type Clients, FIRST, SECOND, VIRTUAL, withClients } from '../support/clients.js';
import { withClockOff } from '../support/clock.js';
import { entries } from '../support/desired.js';
import { executed } from '../support/door.js';
import { failureOf, rejection } from '../support/failure.js';
import { answerNext, type GuardedDoor, pass, withGuard } from '../support/guarded-door.js';
import { inNamespace, type Namespace } from '../support/netns.js';
import { patience } from '../support/patience.js';
import { until } from '../support/program.js';
import { real, web, withReconciler, words } from '../support/reconciling.js';
import { writeAll } from '../support/witness.js';

const A = real('10.9.0.1');
const B = real('10.9.0.2');
const SERVICE = web('10.1.0.1', []);
const KEY = `tcp ${VIRTUAL}:80`;
const HOUR = 3_600_000;
const LONG = { scope: 'everything', drain: { deadline: 600_000 }, maxRemovals: 1 } as const;
const REFUSED = executed([{ errno: constants.errno.ENOMEM }]);
const UNANSWERED = executed([{ errno: constants.errno.ETIMEDOUT, stage: 'receive' }]);

/** The weights by ipvsadm's word, by real server. */
async function weights(ns: Namespace): Promise<Record<string, number>> {
  const destinations = (await ns.table()).flatMap((each) => each.destinations);
  return Object.fromEntries(destinations.map(({ address, weight }) => [address, weight]));
}

/** A virtual server whose clients have connections, with these real servers. */
function busy(scheduler: string, ...addresses: readonly string[]): DesiredService[] {
  const destinations = addresses.map((address) => ({ ...real(address), port: 8080 }));
  return [web(VIRTUAL, destinations, scheduler)];
}

/** Gives the first real server a connection. */
async function connect(ipvs: Ipvs, clients: Clients, scheduler = 'wrr'): Promise<void> {
  await writeAll(ipvs, entries(busy(scheduler, FIRST)));
  assert.equal(await clients.open(), FIRST);
}

/** Makes a reconciler drain the first real server; since when it does. */
async function drainFirst(reconciler: Reconciler): Promise<number> {
  reconciler.setDesired(busy('wrr', SECOND));
  await reconciler.reconcile();
  return sinceOf(reconciler.draining);
}

/** Since when the only drain lasts. */
function sinceOf(draining: readonly DrainStart[]): number {
  const [only] = draining;
  assert.ok(only !== undefined && draining.length === 1, `${draining.length} drains`);
  return only.since;
}

/** The first real server of a virtual server that is drained by a call of its own. */
const BUSY = { service: web(VIRTUAL, []), destination: { address: FIRST, port: 8080 } };

async function untilDrains(ns: Namespace): Promise<void> {
  await until(async () => (await weights(ns))[FIRST] === 0);
}

/** Fills the queue of a client that takes one call, by one that is not answered until the end. */
async function fill(ipvs: Ipvs, door: GuardedDoor): Promise<AbortController> {
  const end = new AbortController();
  let isHeld = false;
  door.guard = async (passing) => {
    if (passing.name !== 'IPVS_CMD_GET_INFO') return await pass(passing);
    isHeld = true;
    await once(end.signal, 'abort');
    return await pass(passing);
  };
  await until(() => {
    // A look may be in the queue.
    if (!isHeld) ipvs.getInfo().catch(() => undefined);
    return isHeld;
  });
  return end;
}

describe('a drain by apply', () => {
  it(
    'keeps the scheduler from being changed to one that refuses its clients',
    withClients(async (ns, ipvs, clients) => {
      await connect(ipvs, clients, 'rr');
      await ipvs.apply(busy('rr', SECOND), LONG);
      await assert.rejects(ipvs.apply(busy('sh', SECOND), LONG), (error) => {
        assert.ok(error instanceof IpvsApplyError);
        const [first, ...others] = error.report.failed;
        assert.deepEqual([first && words(first.change), others], [`edit-service ${KEY}`, []]);
        assert.equal(failureOf(first?.error).reason, 'drain-refuses-clients');
        return true;
      });
      assert.equal((await ns.table())[0]?.scheduler, 'rr');
      const flags = ['fallback'] as const;
      const falling = busy('sh', SECOND).map((each) => ({ ...each, schedulerFlags: flags }));
      const { applied, draining } = await ipvs.apply(falling, LONG);
      assert.deepEqual(applied.map(words), [`edit-service ${KEY}`]);
      assert.equal(draining.length, 1);
    }),
  );
});

describe('a drain of a reconciler', () => {
  for (const [direction, by] of [
    ['back', -HOUR],
    ['forward', HOUR],
  ] as const) {
    it(
      `is not forced early when the clock is set ${direction} for a while`,
      withClients(async (ns, ipvs, clients) => {
        await connect(ipvs, clients);
        await withReconciler(ipvs, LONG, async (reconciler, told) => {
          const since = await drainFirst(reconciler);
          await withClockOff(by, async () => {
            await reconciler.reconcile();
            await sleep(300);
          });
          await reconciler.reconcile();
          await sleep(300);
          assert.equal(sinceOf(reconciler.draining), since);
          assert.deepEqual([told.forced, told.drained, told.failed], [[], [], []]);
        });
        assert.deepEqual(await weights(ns), { [FIRST]: 0, [SECOND]: 1 });
      }),
    );
  }

  it(
    'is known after lists that skipped it, and ends at its deadline without a resync',
    withClients(async (ns, other, clients) => {
      await connect(other, clients);
      await withGuard(ns, async (ipvs, door) => {
        const options = { ...LONG, drain: { deadline: 4000 * patience }, resync: false } as const;
        await withReconciler(ipvs, options, async (reconciler, told) => {
          // What is to be added beside it would show that the list is wrong.
          reconciler.setDesired([web('10.1.0.1', [A])]);
          await reconciler.reconcile();
          const since = sinceOf(reconciler.draining);
          const destinations = { name: 'IPVS_CMD_GET_DEST', of: KEY } as const;
          for (const list of [destinations, { name: 'IPVS_CMD_GET_SERVICE', of: 'all' }] as const) {
            const isSkipped = answerNext(door, list, executed([{}]));
            await reconciler.reconcile();
            assert.ok(isSkipped());
            assert.equal(sinceOf(reconciler.draining), since);
          }
          // A look at the drains alone, which adds nothing.
          reconciler.setDesired(busy('wrr', SECOND));
          await reconciler.reconcile();
          const isSkipped = answerNext(door, destinations, executed([{}]));
          await until(isSkipped);
          await sleep(200);
          assert.equal(sinceOf(reconciler.draining), since);
          assert.equal(told.forced.length, 0);
          await until(() => told.forced.length > 0);
          assert.equal(told.forced[0]?.since, since);
          assert.deepEqual([told.failed, reconciler.draining], [[], []]);
        });
      });
      assert.deepEqual(await weights(ns), { [SECOND]: 1 });
    }),
  );

  it(
    'keeps its clock when the deletion at its end fails, and is ended later',
    inNamespace(async (ns) => {
      await withGuard(ns, async (ipvs, door) => {
        await withReconciler(ipvs, { ...LONG, resync: false }, async (reconciler, told) => {
          reconciler.setDesired([web('10.1.0.1', [A, B])]);
          await reconciler.reconcile();
          answerNext(door, { name: 'IPVS_CMD_DEL_DEST' }, REFUSED);
          const seen: (readonly DrainStart[])[] = [];
          reconciler.on('failed', () => seen.push(reconciler.draining));
          reconciler.setDesired([web('10.1.0.1', [A])]);
          await reconciler.reconcile();
          const since = sinceOf(reconciler.draining);
          await until(() => told.drained.length > 0);
          assert.deepEqual(seen.map(sinceOf), [since]);
          assert.equal(told.drained[0]?.since, since);
        });
      });
      assert.deepEqual(await weights(ns), { '10.9.0.1': 1 });
    }),
  );

  it(
    'is known before the first apply, from what was kept of an earlier program',
    inNamespace(async (_ns, ipvs) => {
      const key = { service: 'tcp 10.1.0.1:80', destination: '10.9.0.1:80' };
      const since = Date.now() - HOUR;
      const drain = { deadline: 2 * HOUR, since: [{ key, since }] };
      await withReconciler(ipvs, { drain }, async (reconciler) => {
        const kept = JSON.parse(JSON.stringify(reconciler.draining)) as DrainStart[];
        assert.deepEqual(kept, [
          {
            ...{ key, since, until: since + 2 * HOUR, waitsFor: 'connections' },
            connections: { active: 0, inactive: 0, persistent: 0 },
          },
        ]);
        // Fit to be handed on.
        const again = { drain: { deadline: HOUR, since: kept } };
        await withReconciler(ipvs, again, async (next) => {
          await Promise.resolve();
          assert.equal(sinceOf(next.draining), since);
        });
      });
    }),
  );
});

describe('a drain by a call of its own', () => {
  it(
    'is refused under dh, which chooses weight 0 all the same, unless that is allowed',
    inNamespace(async (ns, ipvs) => {
      await writeAll(ipvs, entries([web('10.1.0.1', [A, B], 'dh')]));
      const { reason } = await rejection(ipvs.drain(SERVICE, A, { deadline: 600_000 }));
      assert.equal(reason, 'drain-refuses-clients');
      assert.deepEqual(await weights(ns), { '10.9.0.1': 1, '10.9.0.2': 1 });
      await ipvs.drain(SERVICE, A, { deadline: 600_000, allowRefusals: true });
      assert.deepEqual(await weights(ns), { '10.9.0.2': 1 });
    }),
  );

  it(
    'does not outlast its deadline when the clock is set back',
    withClients(async (ns, ipvs, clients) => {
      await connect(ipvs, clients);
      const begin = performance.now();
      const options = { deadline: 3000 * patience, interval: 50 };
      const draining = ipvs.drain(BUSY.service, BUSY.destination, options);
      await untilDrains(ns);
      await withClockOff(-HOUR, async () => {
        const late = sleep(10_000 * patience, undefined, { ref: false });
        assert.equal((await Promise.race([draining, late]))?.forced, true);
      });
      const took = performance.now() - begin;
      assert.ok(took >= options.deadline, `${took} ms`);
    }),
  );

  it(
    'is not forced early when the clock is set forward',
    withClients(async (ns, ipvs, clients) => {
      await connect(ipvs, clients);
      const controller = new AbortController();
      const options = { deadline: 600_000, interval: 50, signal: controller.signal };
      const ending = ipvs.drain(BUSY.service, BUSY.destination, options).catch((error: unknown) => {
        assert.equal((error as Error).name, 'AbortError');
        return undefined;
      });
      await untilDrains(ns);
      await withClockOff(HOUR, async () => {
        await sleep(500);
      });
      controller.abort();
      assert.equal(await ending, undefined);
      assert.deepEqual(await weights(ns), { [FIRST]: 0 });
    }),
  );

  it(
    'goes on after a look that was not answered in time',
    inNamespace(async (ns, other) => {
      await writeAll(other, entries([web('10.1.0.1', [A, B])]));
      await withGuard(ns, async (ipvs, door) => {
        let isAnswered = (): boolean => false;
        door.guard = async (passing) => {
          const reply = await pass(passing);
          if (passing.writes)
            isAnswered = answerNext(door, { name: 'IPVS_CMD_GET_DEST' }, UNANSWERED);
          return reply;
        };
        const { forced } = await ipvs.drain(SERVICE, A, { deadline: 600_000, interval: 50 });
        assert.deepEqual([isAnswered(), forced], [true, false]);
      });
      assert.deepEqual(await weights(ns), { '10.9.0.2': 1 });
    }),
  );

  it(
    'goes on while other calls fill the queue',
    withClients(async (ns, other, clients) => {
      await connect(other, clients);
      const test = async (ipvs: Ipvs, door: GuardedDoor): Promise<void> => {
        const options = { deadline: 3000 * patience, interval: 50 };
        const draining = ipvs.drain(BUSY.service, BUSY.destination, options);
        const ending = draining.then(({ forced }) => ({ forced }), failureOf);
        await untilDrains(ns);
        const end = await fill(ipvs, door);
        await sleep(500);
        const refused = await ipvs.getInfo().catch(failureOf);
        end.abort();
        assert.ok('reason' in refused && refused.reason === 'queue-full');
        assert.deepEqual(await ending, { forced: true });
      };
      await withGuard(ns, test, 1);
    }),
  );

  it(
    'is said to have been forced also where the answer to the deletion was lost',
    withClients(async (ns, other, clients) => {
      await connect(other, clients);
      await withGuard(ns, async (ipvs, door) => {
        door.guard = async (passing) => {
          const reply = await pass(passing);
          return passing.name === 'IPVS_CMD_DEL_DEST' ? UNANSWERED : reply;
        };
        const options = { deadline: 500, interval: 50 };
        const ended = await ipvs.drain(BUSY.service, BUSY.destination, options);
        assert.deepEqual([ended.forced, ended.connections.active], [true, 1]);
      });
      assert.deepEqual(await weights(ns), {});
    }),
  );

  it(
    'has ended when another program deletes the destination after the last look',
    inNamespace(async (ns, other) => {
      await writeAll(other, entries([web('10.1.0.1', [A, B])]));
      await withGuard(ns, async (ipvs, door) => {
        let deletions = 0;
        door.guard = async (passing) => {
          if (passing.name === 'IPVS_CMD_DEL_DEST') {
            deletions += 1;
            await other.deleteDestination(SERVICE, A);
          }
          return await pass(passing);
        };
        const { forced } = await ipvs.drain(SERVICE, A, { deadline: 600_000, interval: 50 });
        assert.deepEqual([deletions, forced], [1, false]);
      });
      assert.deepEqual(await weights(ns), { '10.9.0.2': 1 });
    }),
  );

  it(
    'is given up at once when its client is closed, however long it pauses',
    withClients(async (ns, other, clients) => {
      await connect(other, clients);
      const ipvs = await ns.open();
      const options = { deadline: 600_000, interval: 60_000 };
      const draining = ipvs.drain(BUSY.service, BUSY.destination, options);
      const ending = rejection(draining);
      await untilDrains(ns);
      // By then it has looked for the first time.
      await sleep(500 * patience);
      const begin = performance.now();
      await ipvs.close();
      const late = sleep(5000 * patience, undefined, { ref: false });
      const failure = await Promise.race([ending, late]);
      assert.deepEqual(failure && [failure.reason, failure.outcome], ['closed', 'partly-applied']);
      const took = performance.now() - begin;
      assert.ok(took < 1000 * patience, `${took} ms`);
    }),
  );

  for (const [what, errno, stage, outcome] of [
    ['a look is refused', 'EIO', 'kernel', 'partly-applied'],
    ['a look is not understood', 'EBADMSG', 'reply', 'partly-applied'],
    ['its deletion is refused', 'EPERM', 'kernel', 'partly-applied'],
    ['the answer to its deletion is not understood', 'EBADMSG', 'reply', 'unknown'],
  ] as const) {
    it(
      `that fails because ${what} says that weight 0 was set, or that more may have been`,
      inNamespace(async (ns, other) => {
        await writeAll(other, entries([web('10.1.0.1', [A, B])]));
        await withGuard(ns, async (ipvs, door) => {
          const name = what.includes('deletion') ? 'IPVS_CMD_DEL_DEST' : 'IPVS_CMD_GET_DEST';
          let isWritten = false;
          door.guard = async (passing) => {
            if (isWritten && passing.name === name) {
              return executed([{ errno: constants.errno[errno], stage }]);
            }
            isWritten ||= passing.writes;
            return await pass(passing);
          };
          const failure = await rejection(ipvs.drain(SERVICE, A, { deadline: 600_000 }));
          const keys = { service: 'tcp 10.1.0.1:80', destination: '10.9.0.1:80' };
          assert.deepEqual(failure, { ...failure, ...keys, outcome, syscall: name });
          assert.ok(stage === 'reply' || failure.errno === -constants.errno[errno]);
        });
        assert.deepEqual(await weights(ns), { '10.9.0.1': 0, '10.9.0.2': 1 });
      }),
    );
  }

  it(
    'does not say that its destination is there when the answer to the deletion was lost before',
    inNamespace(async (ns, other) => {
      await writeAll(other, entries([web('10.1.0.1', [A, B])]));
      await withGuard(ns, async (ipvs, door) => {
        let isDeleted = false;
        door.guard = async (passing) => {
          if (isDeleted) return executed([{ errno: constants.errno.EPERM }]);
          const reply = await pass(passing);
          isDeleted = passing.name === 'IPVS_CMD_DEL_DEST';
          return isDeleted ? UNANSWERED : reply;
        };
        const { reason, outcome } = await rejection(
          ipvs.drain(SERVICE, A, { deadline: 600_000, interval: 50 }),
        );
        assert.deepEqual([reason, outcome], ['permission-denied', 'unknown']);
      });
      assert.deepEqual(await weights(ns), { '10.9.0.2': 1 });
    }),
  );

  it(
    'that fails before weight 0 was set says that nothing was',
    inNamespace(async (ns, other) => {
      await writeAll(other, entries([web('10.1.0.1', [A, B])]));
      await withGuard(ns, async (ipvs, door) => {
        answerNext(door, { name: 'IPVS_CMD_SET_DEST' }, REFUSED);
        const { reason, outcome } = await rejection(ipvs.drain(SERVICE, A, { deadline: 1000 }));
        assert.deepEqual([reason, outcome], ['out-of-memory', 'not-applied']);
      });
      assert.deepEqual(await weights(ns), { '10.9.0.1': 1, '10.9.0.2': 1 });
    }),
  );
});
