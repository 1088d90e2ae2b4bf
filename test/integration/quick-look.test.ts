/** Applies that look quickly, by `/proc/net/ip_vs`: what they see, what they read for that, and what they miss. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ApplyOptions, DesiredService, Ipvs } from 'ipvs';
import { describe, it } from 'mocha';
import { entries, turn } from '../support/desired.js';
import { pass, withGuard } from '../support/guarded-door.js';
import { inNamespace, type Namespace } from '../support/netns.js';
import { until } from '../support/program.js';
import { real, web, withReconciler, words } from '../support/reconciling.js';
import { writeAll } from '../support/witness.js';

const TIME = 10_000;
const MEANT = { scope: 'everything', maxRemovals: 1, allowEmpty: true } as const;
const QUICK: ApplyOptions = { ...MEANT, quick: true };

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}

/** Of most services what the file shows all of: no tunnels and no limits. */
function shown(services: readonly DesiredService[]): readonly DesiredService[] {
  return services.map((each) => {
    const family = each.fwmark === undefined ? familyOf(each.address) : each.family;
    if ((each.fwmark ?? each.port) % 4 === 0) return each;
    const destinations = each.destinations
      .filter(({ address }) => familyOf(address) === family)
      .map(({ tunnel: _, upperThreshold: _upper, lowerThreshold: _lower, ...rest }) => ({
        ...rest,
        forwarding: rest.forwarding === 'tunnel' ? ('direct' as const) : rest.forwarding,
      }));
    return { ...each, destinations } as DesiredService;
  });
}

/** Runs `body` with a client, and a list of the services whose destinations it read. */
async function withReads(
  ns: Namespace,
  body: (ipvs: Ipvs, reads: string[]) => Promise<void>,
): Promise<void> {
  await withGuard(ns, async (ipvs, door) => {
    const reads: string[] = [];
    door.guard = async (passing) => {
      if (passing.name === 'IPVS_CMD_GET_DEST') reads.push(passing.service ?? 'all');
      return await pass(passing);
    };
    await body(ipvs, reads);
  });
}

const STATE: readonly DesiredService[] = [
  ...[1, 2, 3, 4, 5].map((last) => web(`10.1.0.${last}`, [real('10.9.0.1'), real('10.9.0.2', 7)])),
  {
    ...{ protocol: 'udp', address: '2001:db8::1', port: 53, scheduler: 'rr' },
    persistence: { timeout: 60, prefixLength: 64 },
    destinations: [
      { address: '2001:db8:9::1', port: 53, forwarding: 'direct', weight: 65_535 },
      { address: '2001:db8:9::2', port: 53, forwarding: 'local', weight: 0 },
    ],
  },
];

describe('an apply that looks quickly', () => {
  it(
    'plans and does what one that reads everything would',
    inNamespace(async (ns, other) => {
      const end = performance.now() + TIME;
      let rounds = 0;
      let savings = 0;
      const property = fc.asyncProperty(turn, async (states) => {
        if (performance.now() > end) return;
        const [before, desired] = [shown(states.before), shown(states.desired)];
        rounds += 1;
        await other.flush();
        await writeAll(other, entries(before));
        await withReads(ns, async (ipvs, reads) => {
          const whole = await ipvs.apply(desired, { ...MEANT, dryRun: true });
          const all = reads.splice(0).length;
          const { applied, failed, ...quick } = await ipvs.apply(desired, QUICK);
          assert.deepEqual(quick.planned, whole.planned);
          assert.deepEqual(quick.unchanged, whole.unchanged);
          assert.deepEqual([applied.length, failed], [whole.planned.length, []]);
          if (reads.length < all) savings += 1;
        });
        await ns.assertHolds(entries(desired));
      });
      await fc.assert(property, { numRuns: 100, endOnFailure: true });
      assert.ok(savings > rounds / 5);
      console.log(`    ${rounds} rounds, ${savings} with less to read`);
    }),
  ).timeout(180_000);

  it(
    'reads no destinations where everything is as desired',
    inNamespace(async (ns) => {
      await withReads(ns, async (ipvs, reads) => {
        await ipvs.apply(STATE, QUICK);
        reads.length = 0;
        const { planned, unchanged } = await ipvs.apply(STATE, QUICK);
        assert.deepEqual([planned, reads], [[], []]);
        assert.deepEqual(unchanged, { services: 6, destinations: 12 });
      });
    }),
  );

  for (const [what, command, change] of [
    ['another weight', '-e -t 10.1.0.3:80 -r 10.9.0.2:80 -m -w 8', 'edit-destination 10.9.0.2:80'],
    ['another method', '-e -t 10.1.0.3:80 -r 10.9.0.2:80 -g -w 7', 'edit-destination 10.9.0.2:80'],
    ['a destination too few', '-d -t 10.1.0.3:80 -r 10.9.0.2:80', 'add-destination 10.9.0.2:80'],
    ['one too many', '-a -t 10.1.0.3:80 -r 10.9.0.3:80 -m', 'delete-destination 10.9.0.3:80'],
    ['another scheduler', '-E -t 10.1.0.3:80 -s rr', 'edit-service tcp 10.1.0.3:80'],
  ] as const) {
    it(
      `finds ${what}, and reads that service alone`,
      inNamespace(async (ns) => {
        await withReads(ns, async (ipvs, reads) => {
          await ipvs.apply(STATE, QUICK);
          await ns.ipvsadm(...command.split(' '));
          reads.length = 0;
          const { applied } = await ipvs.apply(STATE, QUICK);
          assert.deepEqual(applied.map(words), [change]);
          assert.deepEqual(reads, ['tcp 10.1.0.3:80']);
          await ns.assertHolds(entries(STATE));
        });
      }),
    );
  }

  it(
    'always reads services that are to have what the file does not show, and two of one mark',
    inNamespace(async (ns, other) => {
      const mark = { fwmark: 5, scheduler: 'rr' } as const;
      const hidden: DesiredService[] = [
        { ...mark, family: 'ipv4', destinations: [{ ...real('10.9.0.1'), port: 0 }] },
        { ...mark, family: 'ipv6', destinations: [{ ...real('fd00::1'), port: 0 }] },
        web('10.1.0.9', [{ ...real('10.9.0.1'), upperThreshold: 100 }]),
        web('10.1.0.10', [{ ...real('10.9.0.1'), forwarding: 'tunnel', tunnel: { type: 'ipip' } }]),
      ];
      const desired = [...STATE, ...hidden];
      await other.apply(desired, MEANT);
      await withReads(ns, async (ipvs, reads) => {
        const { planned } = await ipvs.apply(desired, QUICK);
        assert.deepEqual(planned, []);
        assert.deepEqual(
          new Set(reads),
          new Set(['fwmark 5 ipv4', 'fwmark 5 ipv6', 'tcp 10.1.0.9:80', 'tcp 10.1.0.10:80']),
        );
      });
    }),
  );

  it(
    'holds what goes against all that is there, as one that reads everything does',
    inNamespace(async (_ns, ipvs) => {
      await ipvs.apply(STATE, MEANT);
      const less = STATE.map((each, index) => (index === 0 ? web('10.1.0.1', []) : each));
      // Of 18 entries, three: a service without destinations counts with them.
      await assert.rejects(ipvs.apply(less, { ...QUICK, maxRemovals: 0.16 }), {
        reason: 'too-many-removals',
      });
      const { applied } = await ipvs.apply(less, { ...QUICK, maxRemovals: 0.167 });
      assert.equal(applied.length, 2);
    }),
  );

  it(
    'misses a threshold that somebody added, which one that reads everything repairs',
    inNamespace(async (ns, ipvs) => {
      await ipvs.apply(STATE, MEANT);
      await ns.ipvsadm(...'-e -t 10.1.0.3:80 -r 10.9.0.2:80 -m -w 7 -x 100'.split(' '));
      assert.deepEqual((await ipvs.apply(STATE, QUICK)).applied, []);
      const { applied } = await ipvs.apply(STATE, MEANT);
      assert.deepEqual(applied.map(words), ['edit-destination 10.9.0.2:80']);
    }),
  );
});

describe('a reconciler', () => {
  it(
    'looks quickly at its resyncs, and at everything when it is due again',
    inNamespace(async (ns) => {
      await withReads(ns, async (ipvs, reads) => {
        const options = { resync: 1000, fullCheckEvery: 3 };
        await withReconciler(ipvs, options, async (reconciler, told) => {
          reconciler.setDesired(STATE);
          await until(() => told.applied.length > 0);
          reads.length = 0;
          await ns.ipvsadm(...'-e -t 10.1.0.3:80 -r 10.9.0.2:80 -m -w 7 -x 100'.split(' '));
          await ns.ipvsadm(...'-e -t 10.1.0.4:80 -r 10.9.0.1:80 -m -w 9'.split(' '));
          await until(() => told.drift.length > 0);
          assert.deepEqual(reads, ['tcp 10.1.0.4:80']);
          await until(() => told.drift.length > 1);
          assert.deepEqual(
            told.drift.flatMap(({ applied }) => applied.map(words)),
            ['edit-destination 10.9.0.1:80', 'edit-destination 10.9.0.2:80'],
          );
          assert.equal(reads.length, 1 + STATE.length);
        });
      });
    }),
  ).timeout(60_000);
});
