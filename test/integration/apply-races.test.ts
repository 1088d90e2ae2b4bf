/** What another program changes within the scope between the reading of an apply and its first change. */
import assert from 'node:assert/strict';
import {
  type ApplyOptions,
  type ApplyReport,
  type DesiredService,
  IpvsApplyError,
  type IpvsErrorReason,
} from 'ipvs';
import { describe, it } from 'mocha';
import { entries } from '../support/desired.js';
import { pass, withGuard } from '../support/guarded-door.js';
import { inNamespace, type Namespace } from '../support/netns.js';

const DESIRED: readonly DesiredService[] = [
  {
    ...({ protocol: 'tcp', address: '10.0.0.1', port: 80, scheduler: 'wrr' } as const),
    destinations: [
      { address: '10.8.0.1', port: 80, forwarding: 'masquerade', weight: 5 },
      { address: '10.8.0.2', port: 80, forwarding: 'masquerade', weight: 5 },
    ],
  },
];
const SERVICE = '-t 10.0.0.1:80';
const OTHER = '-t 10.0.0.2:80';
const FIRST = `${SERVICE} -r 10.8.0.1:80 -m`;
const SECOND = `${SERVICE} -r 10.8.0.2:80 -m`;
const THIRD = `${SERVICE} -r 10.8.0.3:80 -m`;
/** As desired but for the weights. */
const THERE = [`-A ${SERVICE} -s wrr`, `-a ${FIRST} -w 1`, `-a ${SECOND} -w 1`];

interface Race {
  /** What was there when it was read, in ipvsadm's words. */
  readonly before: readonly string[];
  /** What another program does then. */
  readonly meanwhile: readonly string[];
  /** What was to be done, and what was done, by their actions. */
  readonly planned: string;
  readonly applied: string;
}

const RACES: Readonly<Record<string, Race>> = {
  'a service that was to be added is there, with other destinations': {
    before: [],
    meanwhile: [`-A ${SERVICE} -s rr -p 60`, `-a ${SECOND} -w 7`, `-a ${THIRD}`],
    planned: 'add-service add-destination add-destination',
    applied: 'add-destination edit-destination edit-service delete-destination',
  },
  'a service that was to be added is there as desired': {
    before: [],
    meanwhile: [`-A ${SERVICE} -s wrr`, `-a ${FIRST} -w 5`, `-a ${SECOND} -w 5`],
    planned: 'add-service add-destination add-destination',
    applied: '',
  },
  'a destination that was to be added is there, with another weight': {
    before: [`-A ${SERVICE} -s wrr`, `-a ${FIRST} -w 5`],
    meanwhile: [`-a ${SECOND} -w 7`],
    planned: 'add-destination',
    applied: 'edit-destination',
  },
  'a service that was to be edited has gone': {
    before: [`-A ${SERVICE} -s rr`, `-a ${FIRST} -w 5`, `-a ${SECOND} -w 5`],
    meanwhile: [`-D ${SERVICE}`],
    planned: 'edit-service',
    applied: 'add-service add-destination add-destination',
  },
  'a service whose destinations were to be edited has gone': {
    before: THERE,
    meanwhile: ['-C'],
    planned: 'edit-destination edit-destination',
    applied: 'add-service add-destination add-destination',
  },
  'a destination that was to be edited has gone': {
    before: THERE,
    meanwhile: [`-d ${FIRST.replace(' -m', '')}`],
    planned: 'edit-destination edit-destination',
    applied: 'edit-destination add-destination',
  },
  'a destination that was to be deleted has gone': {
    before: [`-A ${SERVICE} -s wrr`, `-a ${FIRST} -w 5`, `-a ${SECOND} -w 5`, `-a ${THIRD}`],
    meanwhile: [`-d ${THIRD.replace(' -m', '')}`],
    planned: 'delete-destination',
    applied: '',
  },
  'a service that was to be deleted has gone, with its destinations': {
    before: [...THERE, `-A ${OTHER} -s rr`, `-a ${OTHER} -r 10.8.0.1:80 -m`],
    meanwhile: [`-D ${OTHER}`],
    planned: 'edit-destination edit-destination delete-destination delete-service',
    applied: 'edit-destination edit-destination',
  },
};

const OPTIONS = { scope: 'everything', maxRemovals: 1 } as const;

function actions(changes: readonly { readonly action: string }[]): string {
  return changes.map(({ action }) => action).join(' ');
}

/** Applies while another program acts before our first change. */
async function race(ns: Namespace, rules: readonly string[], options: ApplyOptions = OPTIONS) {
  let report: ApplyReport | undefined;
  await withGuard(ns, async (ipvs, door) => {
    let acted = false;
    door.guard = async (passing) => {
      if (passing.writes && !acted) {
        acted = true;
        await ns.restore(rules);
      }
      return await pass(passing);
    };
    report = await ipvs.apply(DESIRED, options);
  });
  assert.ok(report);
  return report;
}

describe('an apply that another program outruns', () => {
  for (const [name, { before, meanwhile, planned, applied }] of Object.entries(RACES)) {
    it(
      `settles it: ${name}`,
      inNamespace(async (ns) => {
        if (before.length > 0) await ns.restore(before);
        const report = await race(ns, meanwhile);
        await ns.assertHolds(entries(DESIRED));
        assert.deepEqual(report.failed, []);
        assert.equal(actions(report.planned), planned);
        assert.equal(actions(report.applied), applied);
      }),
    );
  }

  it(
    'keeps a destination that joined a service which was to go when its last had drained',
    inNamespace(async (ns, ipvs) => {
      await ns.restore([...THERE, `-A ${OTHER} -s rr`, `-a ${OTHER} -r 10.8.0.1:80 -m -w 0`]);
      const options = { ...OPTIONS, drain: { deadline: 60_000 } };
      const report = await race(ns, [`-a ${OTHER} -r 10.8.0.4:80 -m -w 3`], options);
      assert.match(await ns.ipvsadm('-Sn'), /^-a -t 10\.0\.0\.2:80 -r 10\.8\.0\.4:80 -m -w 0$/m);
      assert.deepEqual(report.failed, []);
      assert.deepEqual(
        report.draining.map(({ key }) => key.destination),
        ['10.8.0.4:80'],
      );
      await ipvs.apply(DESIRED, options);
      await ns.assertHolds(entries(DESIRED));
    }),
  );

  it(
    'again and again gives up in the end, and has changed nothing else',
    inNamespace(async (ns, ipvs) => {
      await ns.restore([`-A ${OTHER} -s rr`]);
      let additions = 0;
      await withGuard(ns, async (guarded, door) => {
        door.guard = async (passing) => {
          // It is there whenever we add it, and gone whenever we look.
          const adds = passing.name === 'IPVS_CMD_NEW_SERVICE';
          const key = { protocol: 'tcp', address: '10.0.0.1', port: 80 } as const;
          if (adds) {
            additions += 1;
            await ipvs.addService({ ...key, scheduler: 'rr' });
          }
          const reply = await pass(passing);
          if (adds) await ipvs.deleteService(key);
          return reply;
        };
        const options = { scope: ['10.0.0.1'] };
        await assert.rejects(guarded.apply(DESIRED, options), (error) => {
          assert.ok(error instanceof IpvsApplyError);
          const { applied, failed } = error.report;
          assert.deepEqual(applied, []);
          const reasons = failed.map((each) => (each.error as { reason?: IpvsErrorReason }).reason);
          assert.deepEqual(reasons, ['service-exists', 'withheld', 'withheld']);
          return true;
        });
      });
      assert.equal(additions, 4);
      assert.equal(await ns.ipvsadm('-Sn'), `-A ${OTHER} -s rr\n`);
      await ipvs.apply(DESIRED, OPTIONS);
      await ns.assertHolds(entries(DESIRED));
    }),
  );
});
