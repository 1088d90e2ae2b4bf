/** Destinations that drain when a desired state is applied, with connections that stay open meanwhile. */
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ApplyOptions,
  type DesiredService,
  type DestinationEntry,
  type Ipvs,
  IpvsApplyError,
  IpvsError,
  type Service,
} from 'ipvs';
import { describe, it } from 'mocha';
import { FIRST, SECOND, VIRTUAL, withClients } from '../support/clients.js';
import { executed } from '../support/door.js';
import { pass, withGuard } from '../support/guarded-door.js';
import { inNamespace, type Namespace } from '../support/netns.js';
import { writeAll } from '../support/witness.js';

const WEB = { protocol: 'tcp', address: VIRTUAL, port: 80, scheduler: 'wrr' } as const;
const KEY = { service: `tcp ${VIRTUAL}:80`, destination: `${FIRST}:8080` };
const DNS = { ...WEB, protocol: 'udp', port: 53 } as const;
const LONG = { scope: 'everything', drain: { deadline: 600_000 }, maxRemovals: 1 } as const;

function real(address: string, weight = 1) {
  return { address, port: 8080, forwarding: 'masquerade', weight } as const;
}

function state(service: Service, ...addresses: readonly string[]): DesiredService[] {
  return [{ ...service, destinations: addresses.map((address) => real(address)) }];
}

/** The weights by ipvsadm's word, by real server; nothing where there is none. */
async function weights(ns: Namespace): Promise<Record<string, number>> {
  const destinations = (await ns.table()).flatMap((each) => each.destinations);
  return Object.fromEntries(destinations.map(({ address, weight }) => [address, weight]));
}

/** The first real server, as soon as the kernel has summed up what it counted: every two seconds. */
async function counted(ipvs: Ipvs): Promise<DestinationEntry> {
  for (;;) {
    const entry = await ipvs.getDestination(WEB, real(FIRST));
    if (entry.stats.connections > 0n) return entry;
    await sleep(100);
  }
}

function actions(changes: readonly { readonly action: string }[]): string[] {
  return changes.map(({ action }) => action);
}

describe('a destination that is not desired any more', () => {
  it(
    'gets weight 0, keeps its connections, and goes when they have ended',
    withClients(async (ns, ipvs, clients) => {
      await writeAll(ipvs, [{ service: WEB, destinations: [real(FIRST)] }]);
      assert.equal(await clients.open(), FIRST);
      const begin = Date.now();
      const desired = state(WEB, SECOND);
      const first = await ipvs.apply(desired, LONG);
      assert.deepEqual(actions(first.applied), ['add-destination', 'drain-destination']);
      assert.deepEqual(await weights(ns), { [FIRST]: 0, [SECOND]: 1 });
      const [draining] = first.draining;
      assert.ok(draining !== undefined && first.draining.length === 1);
      const { since } = draining;
      assert.ok(since >= begin && since <= Date.now(), `${since}`);
      assert.deepEqual(draining, {
        ...{ key: KEY, since, until: since + 600_000, waitsFor: 'connections' },
        connections: { active: 1, inactive: 0, persistent: 0 },
      });
      assert.equal(await clients.open(), SECOND);
      assert.equal(await clients.speak(), `${FIRST} ${SECOND}`);
      // Another client, as after a restart, goes on with the clock that it is told of.
      const drain = { ...LONG.drain, since: first.draining };
      const second = await (await ns.open()).apply(desired, { ...LONG, drain });
      assert.deepEqual([second.planned, second.drained], [[], []]);
      assert.deepEqual(second.draining, first.draining);
      assert.equal(await clients.speak(), `${FIRST} ${SECOND}`);
      await clients.forget(ipvs);
      const third = await ipvs.apply(desired, { ...LONG, drain });
      assert.deepEqual(actions(third.applied), ['delete-destination']);
      assert.deepEqual(third.draining, []);
      const connections = { active: 0, inactive: 0, persistent: 0 };
      assert.deepEqual(third.drained, [{ key: KEY, since, forced: false, connections }]);
      assert.deepEqual(await weights(ns), { [SECOND]: 1 });
    }),
  );

  it(
    'goes at its deadline even though it has connections, which began when it was said to have',
    withClients(async (ns, ipvs, clients) => {
      await writeAll(ipvs, [{ service: WEB, destinations: [real(FIRST)] }]);
      await clients.open();
      const desired = state(WEB, SECOND);
      await ipvs.apply(desired, LONG);
      const hour = 3_600_000;
      const since = Date.now() - hour;
      const at = (deadline: number) =>
        ({ ...LONG, drain: { deadline, since: [{ key: KEY, since }] } }) as const;
      const early = await ipvs.apply(desired, at(hour + 600_000));
      assert.deepEqual(
        early.draining.map((each) => each.until),
        [since + hour + 600_000],
      );
      assert.deepEqual(await weights(ns), { [FIRST]: 0, [SECOND]: 1 });
      const late = await ipvs.apply(desired, at(hour));
      assert.deepEqual(late.draining, []);
      const connections = { active: 1, inactive: 0, persistent: 0 };
      assert.deepEqual(late.drained, [{ key: KEY, since, forced: true, connections }]);
      assert.deepEqual(await weights(ns), { [SECOND]: 1 });
    }),
  );

  it(
    'and then is again gets its weight by an edit: its connections and counters stay',
    withClients(async (ns, ipvs, clients) => {
      await writeAll(ipvs, [{ service: WEB, destinations: [real(FIRST)] }]);
      await clients.open();
      await ipvs.apply(state(WEB, SECOND), LONG);
      const before = await counted(ipvs);
      const report = await ipvs.apply(state(WEB, FIRST, SECOND), LONG);
      assert.deepEqual(actions(report.applied), ['edit-destination']);
      assert.deepEqual([report.draining, report.drained], [[], []]);
      const after = await ipvs.getDestination(WEB, real(FIRST));
      assert.deepEqual(after.connections, before.connections);
      assert.equal(after.stats.connections, 1n);
      assert.deepEqual(await weights(ns), { [FIRST]: 1, [SECOND]: 1 });
      assert.equal(await clients.speak(), FIRST);
      // A clock of before is none of the next drain's, which begins now.
      const since = [{ key: KEY, since: 1 }];
      const again = await ipvs.apply(state(WEB, SECOND), {
        ...LONG,
        drain: { ...LONG.drain, since },
      });
      assert.ok(again.draining.every((each) => each.since > 1) && again.draining.length === 1);
      assert.deepEqual(await weights(ns), { [FIRST]: 0, [SECOND]: 1 });
    }),
  );

  it(
    'has the clock of its beginning, also when it is read again because something else raced',
    withClients(async (ns, ipvs, clients) => {
      await writeAll(ipvs, [{ service: WEB, destinations: [real(FIRST)] }]);
      await clients.open();
      const drain = { ...LONG.drain, since: [{ key: KEY, since: 1 }] };
      await withGuard(ns, async (guarded, door) => {
        door.guard = async (passing) => {
          if (passing.name === 'IPVS_CMD_NEW_DEST') {
            await ns.ipvsadm('-a', '-t', `${VIRTUAL}:80`, '-r', `${SECOND}:8080`, '-m', '-w', '7');
            door.guard = pass;
          }
          return await pass(passing);
        };
        // Something serves besides, so that the drain need not wait for what raced.
        const desired = state(WEB, SECOND, '10.99.0.4');
        const report = await guarded.apply(desired, { ...LONG, drain });
        assert.deepEqual(actions(report.applied), [
          ...['add-destination', 'drain-destination', 'edit-destination'],
        ]);
        assert.ok((report.draining[0]?.since ?? 0) > 1);
      });
      assert.deepEqual(await weights(ns), { [FIRST]: 0, [SECOND]: 1, '10.99.0.4': 1 });
    }),
  );

  it(
    'goes at once where it serves UDP, unless that is to drain too',
    withClients(async (ns, ipvs, clients) => {
      await writeAll(ipvs, [{ service: DNS, destinations: [real(FIRST)] }]);
      await clients.send();
      const drain = { ...LONG.drain, protocols: ['udp'] } as const;
      const draining = await ipvs.apply(state(DNS, SECOND), { ...LONG, drain });
      assert.deepEqual(draining.draining[0]?.connections, {
        active: 0,
        inactive: 1,
        persistent: 0,
      });
      assert.deepEqual(await weights(ns), { [FIRST]: 0, [SECOND]: 1 });
      const report = await ipvs.apply(state(DNS, SECOND), LONG);
      assert.deepEqual(actions(report.applied), ['delete-destination']);
      assert.deepEqual([report.draining, report.drained], [[], []]);
      assert.deepEqual(await weights(ns), { [SECOND]: 1 });
    }),
  );

  for (const [protocol, flag] of [
    ['udp', '-u'],
    ['sctp', '--sctp-service'],
  ] as const) {
    it(
      `of ${protocol} is deleted with a warning while the kernel keeps its clients from any other`,
      inNamespace(async (ns, ipvs) => {
        const service = { ...DNS, protocol };
        const key = `${protocol} ${VIRTUAL}:53`;
        const warnings = async (options: Partial<ApplyOptions>): Promise<string[]> => {
          await ipvs.flush();
          await writeAll(ipvs, [{ service, destinations: [real(FIRST), real(SECOND)] }]);
          const report = await ipvs.apply(state(service, SECOND), { ...LONG, ...options });
          return report.warnings.map(({ id, severity, message, remedy }) => {
            assert.ok(message.includes(key), message);
            assert.equal(remedy, 'sysctl -w net.ipv4.vs.expire_nodest_conn=1');
            return `${severity} ${id}`;
          });
        };
        const undrained = { drain: undefined };
        const warning = ['warning udp-blackhole'];
        assert.deepEqual(await warnings(LONG), warning);
        assert.deepEqual(await warnings(undrained), warning);
        assert.deepEqual(await warnings({ dryRun: true }), warning);
        // Weight 0 first, and then nothing that could be cut off.
        const drain = { ...LONG.drain, protocols: [protocol] };
        assert.deepEqual(await warnings({ drain }), []);
        const ended = await ipvs.apply(state(service, SECOND), { ...LONG, drain });
        assert.deepEqual([ended.drained.length, ended.warnings], [1, []]);
        assert.deepEqual((await ipvs.apply(state(service, SECOND), LONG)).warnings, []);
        // TCP drains, or its clients notice.
        const web = state(WEB, SECOND);
        await ipvs.apply([...state(WEB, FIRST), ...state(service, SECOND)], LONG);
        const replaced = await ipvs.apply([...web, ...state(service, SECOND)], {
          ...{ ...LONG, ...undrained },
        });
        assert.deepEqual([actions(replaced.applied).length, replaced.warnings], [2, []]);
        await ns.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/vs/expire_nodest_conn');
        assert.deepEqual(await warnings(LONG), []);
        const left = `^-A ${flag} ${VIRTUAL}:53 .*\\n-a ${flag} ${VIRTUAL}:53 -r ${SECOND}:8080 .*\\n$`;
        assert.match(await ns.ipvsadm('-Sn'), new RegExp(left));
      }),
    );
  }

  it(
    'of one-packet scheduling has no clients to keep, and is deleted without a warning',
    inNamespace(async (_ns, ipvs) => {
      const service = { ...DNS, onePacket: true };
      await writeAll(ipvs, [{ service, destinations: [real(FIRST)] }]);
      const { applied, warnings } = await ipvs.apply(state(service, SECOND), LONG);
      assert.deepEqual(actions(applied), ['add-destination', 'delete-destination']);
      assert.deepEqual(warnings, []);
    }),
  );

  it(
    'of UDP that is forced at its deadline is deleted with a warning',
    withClients(async (_ns, ipvs, clients) => {
      await writeAll(ipvs, [{ service: DNS, destinations: [real(FIRST)] }]);
      await clients.send();
      const drain = { deadline: 1000, protocols: ['udp'] } as const;
      const since = [
        { key: { service: `udp ${VIRTUAL}:53`, destination: KEY.destination }, since: 1 },
      ];
      const first = await ipvs.apply(state(DNS, SECOND), { ...LONG, drain });
      assert.deepEqual([first.draining.length, first.warnings], [1, []]);
      const last = await ipvs.apply(state(DNS, SECOND), { ...LONG, drain: { ...drain, since } });
      assert.deepEqual(
        [last.drained.map(({ forced }) => forced), last.warnings.length],
        [[true], 1],
      );
    }),
  );

  it(
    'drains together with its service, which goes last',
    withClients(async (ns, ipvs, clients) => {
      await writeAll(ipvs, [{ service: WEB, destinations: [real(FIRST), real(SECOND)] }]);
      const [one, other] = [await clients.open(), await clients.open()];
      const options = { ...LONG, allowEmpty: true };
      const report = await ipvs.apply([], options);
      assert.deepEqual(actions(report.applied), ['drain-destination', 'drain-destination']);
      assert.deepEqual(await weights(ns), { [FIRST]: 0, [SECOND]: 0 });
      assert.equal(await clients.speak(), `${one} ${other}`);
      assert.deepEqual((await ipvs.apply([], options)).applied, []);
      await clients.forget(ipvs);
      const last = await ipvs.apply([], options);
      assert.deepEqual(actions(last.applied), [
        ...['delete-destination', 'delete-destination', 'delete-service'],
      ]);
      assert.equal(last.drained.length, 2);
      await ns.assertHolds([]);
    }),
  );

  it(
    'of a persistent service stays for its clients, unless the kernel sends them elsewhere',
    withClients(async (ns, ipvs, clients) => {
      const service = { ...WEB, persistence: { timeout: 600 } };
      await writeAll(ipvs, [{ service, destinations: [real(FIRST)] }]);
      await clients.open();
      await clients.forget(ipvs);
      const desired = state(service, SECOND);
      const first = await ipvs.apply(desired, LONG);
      assert.deepEqual(
        first.warnings.map(({ id }) => id),
        ['persistence-outlasts-weight-0'],
      );
      const second = await ipvs.apply(desired, LONG);
      assert.deepEqual(
        second.draining.map(({ waitsFor, connections }) => ({ waitsFor, connections })),
        [{ waitsFor: 'persistence', connections: { active: 0, inactive: 0, persistent: 1 } }],
      );
      assert.equal(second.warnings.length, 1);
      assert.deepEqual(await weights(ns), { [FIRST]: 0, [SECOND]: 1 });
      const file = '/proc/sys/net/ipv4/vs/expire_quiescent_template';
      await ns.run('sh', '-c', `echo 1 > ${file}`);
      const third = await ipvs.apply(desired, LONG);
      assert.deepEqual([third.draining, third.warnings], [[], []]);
      assert.deepEqual(
        third.drained.map(({ forced }) => forced),
        [false],
      );
      assert.deepEqual(await weights(ns), { [SECOND]: 1 });
    }),
  );
});

describe('a drain that would make the kernel refuse clients', () => {
  it(
    'is not begun while the scheduler that does is still there, since its change failed',
    inNamespace(async (ns, ipvs) => {
      const before = { ...WEB, scheduler: 'mh' };
      await writeAll(ipvs, [{ service: before, destinations: [real(FIRST)] }]);
      await withGuard(ns, async (guarded, door) => {
        door.guard = async (passing) => {
          if (passing.name !== 'IPVS_CMD_SET_SERVICE') return await pass(passing);
          return executed([{ errno: constants.errno.ENOMEM }]);
        };
        await assert.rejects(guarded.apply(state(WEB, SECOND), LONG), (error) => {
          assert.ok(error instanceof IpvsApplyError);
          const { failed } = error.report;
          assert.deepEqual(
            failed.map(({ error: each }) => (each as { reason?: unknown }).reason),
            ['out-of-memory', 'drain-refuses-clients'],
          );
          return true;
        });
      });
      assert.deepEqual(await weights(ns), { [FIRST]: 1, [SECOND]: 1 });
      await ipvs.apply(state(WEB, SECOND), LONG);
      assert.deepEqual(await weights(ns), { [FIRST]: 0, [SECOND]: 1 });
    }),
  );

  for (const scheduler of ['mh', 'sh'] as const) {
    const hashing = { ...WEB, scheduler };

    it(
      `is not begun under ${scheduler}, and fails for itself`,
      inNamespace(async (ns, ipvs) => {
        await writeAll(ipvs, [{ service: hashing, destinations: [real(FIRST)] }]);
        const desired = [...state(hashing, SECOND), ...state({ ...WEB, port: 81 }, SECOND)];
        await assert.rejects(ipvs.apply(desired, LONG), (error) => {
          assert.ok(error instanceof IpvsApplyError);
          const { applied, failed, draining } = error.report;
          assert.equal(error.outcome, 'partly-applied');
          assert.deepEqual(actions(applied), [
            ...['add-service', 'add-destination', 'add-destination'],
          ]);
          assert.deepEqual(draining, []);
          const [only] = failed;
          assert.ok(only?.error instanceof IpvsError && failed.length === 1);
          assert.equal(only.change.action, 'drain-destination');
          assert.deepEqual(
            { ...only.change.key, reason: only.error.reason },
            { ...KEY, reason: 'drain-refuses-clients' },
          );
          return true;
        });
        assert.match(await ns.ipvsadm('-Sn'), new RegExp(`:80 -r ${FIRST}:8080 -m -w 1$`, 'm'));
      }),
    );

    it(
      `is begun under ${scheduler} where that is allowed, or the kernel falls back`,
      inNamespace(async (ns, ipvs) => {
        await writeAll(ipvs, [{ service: hashing, destinations: [real(FIRST)] }]);
        const drain = { ...LONG.drain, allowRefusals: true };
        await ipvs.apply(state(hashing, SECOND), { ...LONG, drain });
        assert.deepEqual(await weights(ns), { [FIRST]: 0, [SECOND]: 1 });
        await ipvs.apply(state(hashing, FIRST, SECOND), LONG);
        const falling = { ...hashing, schedulerFlags: ['fallback'] } as const;
        const report = await ipvs.apply(state(falling, SECOND), LONG);
        assert.deepEqual(actions(report.applied), ['edit-service', 'drain-destination']);
        assert.deepEqual(await weights(ns), { [FIRST]: 0, [SECOND]: 1 });
      }),
    );
  }
});
