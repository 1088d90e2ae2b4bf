/** One destination drained by a call of its own, with connections that stay open meanwhile. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ipvs } from 'ipvs';
import { describe, it } from 'mocha';
import { type Clients, FIRST, SECOND, VIRTUAL, withClients } from '../support/clients.js';
import { rejection } from '../support/failure.js';
import { inNamespace, type Namespace } from '../support/netns.js';
import { patience } from '../support/patience.js';
import { writeAll } from '../support/witness.js';

const WEB = { protocol: 'tcp', address: VIRTUAL, port: 80, scheduler: 'wrr' } as const;
const KEY = { service: `tcp ${VIRTUAL}:80`, destination: `${FIRST}:8080` };
const REAL = { address: FIRST, port: 8080, forwarding: 'masquerade', weight: 2 } as const;
const OTHER = { ...REAL, address: SECOND, weight: 1 } as const;
const NONE = { active: 0, inactive: 0, persistent: 0 };
const LONG = { deadline: 600_000, interval: 50 };
const TARGET = ['-t', `${VIRTUAL}:80`, '-r', `${FIRST}:8080`] as const;

/** A service whose first server has a connection. */
async function serve(ipvs: Ipvs, clients: Clients): Promise<void> {
  await writeAll(ipvs, [{ service: WEB, destinations: [REAL] }]);
  assert.equal(await clients.open(), FIRST);
  await ipvs.addDestination(WEB, OTHER);
}

/** The weights by ipvsadm's word, by real server; nothing where there is none. */
async function weights(ns: Namespace): Promise<Record<string, number>> {
  const destinations = (await ns.table()).flatMap((each) => each.destinations);
  return Object.fromEntries(destinations.map(({ address, weight }) => [address, weight]));
}

async function untilDrains(ns: Namespace): Promise<void> {
  while ((await weights(ns))[FIRST] !== 0) await sleep(20);
}

describe('drain', () => {
  it(
    'waits for the connections of a destination that gets no new ones, and deletes it then',
    withClients(async (ns, ipvs, clients) => {
      await serve(ipvs, clients);
      const begin = Date.now();
      let ended = false;
      const draining = ipvs.drain(WEB, REAL, LONG).finally(() => {
        ended = true;
      });
      await untilDrains(ns);
      assert.equal(await clients.open(), SECOND);
      assert.equal(await clients.speak(), `${FIRST} ${SECOND}`);
      await sleep(300);
      assert.deepEqual(await weights(ns), { [FIRST]: 0, [SECOND]: 1 });
      assert.ok(!ended);
      const [{ since, ...rest }] = await Promise.all([draining, clients.forget(ipvs)]);
      assert.ok(since >= begin && since <= Date.now());
      assert.deepEqual(rest, { key: KEY, forced: false, connections: NONE });
      assert.deepEqual(await weights(ns), { [SECOND]: 1 });
    }),
  );

  it(
    'does not wait beyond the deadline, counted from when it is said to have begun',
    withClients(async (ns, ipvs, clients) => {
      await serve(ipvs, clients);
      const begin = performance.now();
      // The pause between two looks does not prolong it.
      const { since, ...rest } = await ipvs.drain(WEB, REAL, { deadline: 700, interval: 60_000 });
      const took = performance.now() - begin;
      assert.ok(took >= 700 && took < 5000 * patience, `${took} ms`);
      assert.ok(since > 0);
      const connections = { ...NONE, active: 1 };
      assert.deepEqual(rest, { key: KEY, forced: true, connections });
      assert.deepEqual(await weights(ns), { [SECOND]: 1 });
      await ipvs.addDestination(WEB, REAL);
      await ipvs.deleteDestination(WEB, OTHER);
      const long = { deadline: 3_600_000, since: Date.now() - 3_600_000 };
      assert.equal(await clients.open(), FIRST);
      const late = await ipvs.drain(WEB, REAL, long);
      assert.deepEqual([late.since, late.forced], [long.since, true]);
      assert.deepEqual(await weights(ns), {});
    }),
  );

  it(
    'given up leaves the destination at weight 0',
    withClients(async (ns, ipvs, clients) => {
      await serve(ipvs, clients);
      const controller = new AbortController();
      const draining = ipvs.drain(WEB, REAL, { ...LONG, signal: controller.signal });
      const ending = assert.rejects(draining, { name: 'AbortError', code: 'ABORT_ERR' });
      await untilDrains(ns);
      controller.abort();
      await ending;
      assert.deepEqual(await weights(ns), { [FIRST]: 0, [SECOND]: 1 });
      assert.equal(await clients.speak(), FIRST);
      const aborted = AbortSignal.abort();
      await assert.rejects(ipvs.drain(WEB, OTHER, { ...LONG, signal: aborted }), {
        name: 'AbortError',
      });
      assert.deepEqual(await weights(ns), { [FIRST]: 0, [SECOND]: 1 });
    }),
  );

  it(
    'yields to whoever gives the destination a weight, or deletes it',
    withClients(async (ns, ipvs, clients) => {
      await serve(ipvs, clients);
      const overruled = rejection(ipvs.drain(WEB, REAL, LONG));
      await untilDrains(ns);
      await ns.ipvsadm('-e', ...TARGET, '-m', '-w', '3');
      const { reason, outcome, ...keys } = await overruled;
      assert.deepEqual([reason, outcome], ['drain-overruled', 'partly-applied']);
      assert.deepEqual({ service: keys.service, destination: keys.destination }, KEY);
      assert.deepEqual(await weights(ns), { [FIRST]: 3, [SECOND]: 1 });
      const draining = ipvs.drain(WEB, REAL, LONG);
      await untilDrains(ns);
      // By then it has looked at the connection.
      await sleep(500 * patience);
      await ns.ipvsadm('-d', ...TARGET);
      const { forced, connections } = await draining;
      assert.deepEqual(
        { forced, connections },
        { forced: false, connections: { ...NONE, active: 1 } },
      );
      assert.deepEqual(await weights(ns), { [SECOND]: 1 });
    }),
  );

  it(
    'in a persistent service waits for its clients too, unless the kernel sends them elsewhere',
    withClients(async (ns, ipvs, clients) => {
      const service = { ...WEB, persistence: { timeout: 600 } };
      await writeAll(ipvs, [{ service, destinations: [REAL, OTHER] }]);
      const address = await clients.open();
      await clients.forget(ipvs);
      const bound = { ...REAL, address };
      const { forced, connections } = await ipvs.drain(WEB, bound, { deadline: 400 });
      assert.deepEqual(
        { forced, connections },
        { forced: true, connections: { ...NONE, persistent: 1 } },
      );
      await ipvs.addDestination(WEB, bound);
      await ns.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/vs/expire_quiescent_template');
      assert.equal((await ipvs.drain(WEB, bound, LONG)).forced, false);
    }),
  );

  it(
    'is refused where it would make the kernel refuse clients, and where there is nothing',
    inNamespace(async (ns, ipvs) => {
      const hashing = { ...WEB, scheduler: 'mh' };
      await writeAll(ipvs, [{ service: hashing, destinations: [REAL, OTHER] }]);
      const failure = await rejection(ipvs.drain(WEB, REAL, LONG));
      assert.equal(failure.reason, 'drain-refuses-clients');
      assert.deepEqual(await weights(ns), { [FIRST]: 2, [SECOND]: 1 });
      await ipvs.drain(WEB, REAL, { ...LONG, allowRefusals: true });
      assert.deepEqual(await weights(ns), { [SECOND]: 1 });
      await ipvs.updateService(WEB, { schedulerFlags: ['fallback'] });
      await ipvs.drain(WEB, OTHER, LONG);
      assert.deepEqual(await weights(ns), {});
      const noDestination = await rejection(ipvs.drain(WEB, REAL, LONG));
      assert.equal(noDestination.reason, 'destination-not-found');
      const noService = await rejection(ipvs.drain({ ...WEB, port: 81 }, REAL, LONG));
      assert.equal(noService.reason, 'service-not-found');
    }),
  );
});
