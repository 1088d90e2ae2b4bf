/** Desired states applied to the kernel's own table, seen by ipvsadm. */
import assert from 'node:assert/strict';
import { BlockList } from 'node:net';
import fc from 'fast-check';
import {
  type ApplyOptions,
  type DesiredService,
  formatKey,
  type Ipvs,
  plan,
  type Scope,
  type ServiceReference,
} from 'ipvs';
import { describe, it } from 'mocha';
import { entries, type Turn, turn } from '../support/desired.js';
import { rejection } from '../support/failure.js';
import { pass, withGuard } from '../support/guarded-door.js';
import { inNamespace, type Namespace } from '../support/netns.js';
import { writeAll } from '../support/witness.js';

/** How many rounds the property has; by default as many as there is time for. */
const ROUNDS = Number(process.env['IPVS_TEST_ROUNDS'] ?? 0);
const TIME = 20_000;

/** A scope, and whose a service is by another's word than ours. */
interface Border {
  readonly scope: Scope;
  readonly isOurs: (service: ServiceReference) => boolean;
}

const NETWORKS = ['0.0.0.0/2', '64.0.0.0/3', '128.0.0.0/1', '2000::/4', '3000::/4', 'fd00::/8'];

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}

function listed(words: readonly string[]): Border {
  const networks = new BlockList();
  for (const word of words.filter((each) => !each.includes(' '))) {
    const [address = '', length] = word.split('/');
    if (length === undefined) networks.addAddress(address, familyOf(address));
    else networks.addSubnet(address, Number(length), familyOf(address));
  }
  return {
    scope: words,
    isOurs: (service) =>
      words.includes(formatKey(service)) ||
      (service.fwmark === undefined && networks.check(service.address, familyOf(service.address))),
  };
}

function isEven({ fwmark, port }: ServiceReference): boolean {
  return (fwmark ?? port) % 2 === 0;
}

/** A way to divide these services into ours and others'. */
function border(services: readonly DesiredService[]): fc.Arbitrary<Border> {
  const keys = services.map((each) => formatKey(each as ServiceReference));
  const addresses = services.flatMap(({ address }) => (address === undefined ? [] : [address]));
  return fc.oneof(
    fc.constant<Border>({ scope: 'everything', isOurs: () => true }),
    fc.constant<Border>({ scope: isEven, isOurs: isEven }),
    ...[NETWORKS, keys, [...NETWORKS, ...keys, ...addresses]].map((words) =>
      fc.shuffledSubarray(words, { minLength: 1 }).map(listed),
    ),
  );
}

const round = turn.chain(({ before, desired }) => {
  const all = [...before, ...desired];
  return fc.record({
    ...{ before: fc.constant(before), desired: fc.constant(desired), border: border(all) },
    // Whether the other program goes ahead between our commands, or beside them.
    between: fc.boolean(),
    shuffle: fc.boolean(),
  });
});

/** What the other program does, a move at a time: it deletes what it has, by ipvsadm, and makes it anew. */
function movesOf(ns: Namespace, other: Ipvs, { before, desired }: Turn) {
  const deletions = before.map((each) => {
    const [protocol = '', name = '', family] = formatKey(each).split(' ');
    const flags = { tcp: '-t', udp: '-u', sctp: '--sctp-service', fwmark: '-f' };
    const flag = flags[protocol as 'tcp'];
    return `-D ${flag} ${name}${family === 'ipv6' ? ' -6' : ''}`;
  });
  return [
    async () => {
      if (deletions.length > 0) await ns.restore(deletions);
    },
    ...entries(desired).map((entry) => async () => {
      await writeAll(other, [entry]);
      await other.deleteService(entry.service);
      await writeAll(other, [entry]);
    }),
  ];
}

const MEANT = { maxRemovals: 1, allowEmpty: true } as const;

describe('an apply', () => {
  let rounds = 0;

  it(
    'makes its scope what is desired, while another program changes all that is outside',
    inNamespace(async (ns, other) => {
      const until = performance.now() + TIME;
      const property = fc.asyncProperty(round, async ({ border: { scope, isOurs }, ...rest }) => {
        if (ROUNDS === 0 && performance.now() > until) return;
        rounds += 1;
        const { before, desired, between, shuffle } = rest;
        const isTheirs = (each: DesiredService): boolean => !isOurs(each);
        const ours = desired.filter((each) => !isTheirs(each));
        const options: ApplyOptions = { scope, shuffle, ...MEANT };
        await other.flush();
        await writeAll(other, entries(before));
        const moves = movesOf(ns, other, {
          before: before.filter(isTheirs),
          desired: desired.filter(isTheirs),
        });
        const move = async (): Promise<void> => {
          await moves.shift()?.();
        };
        const moveOn = async (): Promise<void> => {
          while (moves.length > 0) await move();
        };
        await withGuard(ns, async (ipvs, door) => {
          if (between) {
            door.guard = async (passing) => {
              await move();
              return await pass(passing);
            };
          }
          const [report] = await Promise.all([
            ipvs.apply(ours, options),
            between ? undefined : moveOn(),
          ]);
          assert.deepEqual(report.failed, []);
          await moveOn();
          await ns.assertHolds(entries(desired));
          const { applied, planned, unchanged } = await ipvs.apply(ours, options);
          assert.deepEqual({ applied, planned }, { applied: [], planned: [] });
          assert.deepEqual(unchanged, {
            services: ours.length,
            destinations: ours.flatMap(({ destinations }) => destinations).length,
          });
          assert.deepEqual(plan(ours, await ipvs.snapshot(), { scope }), []);
        });
      });
      // To make a failing round smaller takes many more, for which the time is not limited then.
      const settings = { numRuns: ROUNDS === 0 ? 100 : ROUNDS, endOnFailure: ROUNDS > 0 };
      await fc.assert(property, settings);
      assert.ok(rounds > 0);
    }),
  ).timeout(ROUNDS === 0 ? 180_000 : 0);

  after(() => {
    console.log(`    ${rounds} rounds`);
  });
});

const WEB = { protocol: 'tcp', address: '10.0.0.1', port: 80, scheduler: 'wrr' } as const;
const REALS = [1, 2, 3, 4].map((last) => ({
  ...({ address: `10.8.0.${last}`, port: 8080, forwarding: 'masquerade' } as const),
  weight: last,
}));

function web(...which: readonly number[]): DesiredService {
  return { ...WEB, destinations: REALS.filter(({ weight }) => which.includes(weight)) };
}

describe('an apply of too little', () => {
  const other: DesiredService = { ...WEB, port: 81, destinations: REALS.slice(0, 1) };

  it(
    'is refused when it would remove more than it may, and changes nothing',
    inNamespace(async (ns, ipvs) => {
      const before = [web(1, 2, 3, 4), other];
      await writeAll(ipvs, entries(before));
      const scope = ['10.0.0.0/8'];
      // Of seven entries, four: three destinations that nobody replaces, and a service, whose own also goes.
      const failure = await rejection(ipvs.apply([web(1, 2)], { scope }));
      assert.equal(failure.reason, 'too-many-removals');
      assert.equal(failure.outcome, 'not-applied');
      await ns.assertHolds(entries(before));
      await rejection(ipvs.apply([web(1, 2)], { scope, dryRun: true }));
      await ipvs.apply([web(1, 2)], { scope, maxRemovals: 4 / 7 });
      await ns.assertHolds(entries([web(1, 2)]));
    }),
  );

  it(
    'is refused when it is empty, unless that is meant',
    inNamespace(async (ns, ipvs) => {
      await writeAll(ipvs, entries([web(1), other]));
      await assert.rejects(ipvs.apply([], { scope: 'everything', maxRemovals: 1 }), {
        field: 'services',
      });
      await ns.assertHolds(entries([web(1), other]));
      await ipvs.apply([], { scope: ['tcp 10.0.0.1:81'], allowEmpty: true });
      await ns.assertHolds(entries([web(1)]));
    }),
  );

  it(
    'is none when a server comes in the stead of another',
    inNamespace(async (ns, ipvs) => {
      await writeAll(ipvs, entries([web(1)]));
      await ipvs.apply([web(2)], { scope: 'everything', maxRemovals: 0 });
      await ns.assertHolds(entries([web(2)]));
      const failure = await rejection(
        ipvs.apply([web()], { scope: 'everything', maxRemovals: 0.49 }),
      );
      assert.equal(failure.reason, 'too-many-removals');
      await ns.assertHolds(entries([web(2)]));
    }),
  );
});

describe('a dry run', () => {
  it(
    'says what an apply would do, and changes nothing',
    inNamespace(async (ns, ipvs) => {
      await writeAll(ipvs, entries([web(1, 2)]));
      const desired = [web(2, 3), { ...WEB, port: 82, destinations: REALS.slice(3) }];
      const drain = { deadline: 1 } as const;
      await withGuard(ns, async (guarded, door) => {
        door.guard = async (passing) => {
          assert.equal(passing.writes, false, passing.name);
          return await pass(passing);
        };
        const options = { scope: 'everything', drain, dryRun: true } as const;
        const report = await guarded.apply(desired, options);
        assert.deepEqual(
          report.planned.map(({ action, key }) => `${action} ${key.destination ?? key.service}`),
          [
            'add-service tcp 10.0.0.1:82',
            'add-destination 10.8.0.3:8080',
            'add-destination 10.8.0.4:8080',
            'drain-destination 10.8.0.1:8080',
          ],
        );
        assert.deepEqual([report.applied, report.failed, report.drained], [[], [], []]);
        assert.deepEqual(report.unchanged, { services: 1, destinations: 1 });
      });
      await ns.assertHolds(entries([web(1, 2)]));
    }),
  );
});
