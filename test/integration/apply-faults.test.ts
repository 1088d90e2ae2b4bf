/**
 * Every command of an apply made to fail in turn, on the real kernel: what serves must serve at every moment, what is
 * outside the scope must stay, and the report must say what is true.
 */
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import {
  type ApplyOptions,
  type ApplyReport,
  type Change,
  type DesiredService,
  formatKey,
  type Ipvs,
  IpvsApplyError,
  IpvsError,
  type ServiceState,
} from 'ipvs';
import { describe, it } from 'mocha';
import { entries } from '../support/desired.js';
import { executed, failedJob } from '../support/door.js';
import { type Guard, pass, withGuard } from '../support/guarded-door.js';
import { inNamespace, type Namespace } from '../support/netns.js';
import { patience } from '../support/patience.js';
import { writeAll } from '../support/witness.js';

const { ENOENT, EEXIST, ENOMEM, ETIMEDOUT, EBADF } = constants.errno;

function real(last: number, weight = 1) {
  return { address: `10.8.0.${last}`, port: 8080, forwarding: 'masquerade', weight } as const;
}

function web(last: number, ...destinations: DesiredService['destinations'][number][]) {
  const key = { protocol: 'tcp', address: `10.0.0.${last}`, port: 80 } as const;
  return { ...key, scheduler: 'wrr', destinations } as const;
}

const TUNNEL = {
  ...({ address: '10.8.0.9', port: 80, forwarding: 'tunnel' } as const),
  tunnel: { type: 'gue', port: 6080 } as const,
};
const DNS = {
  ...({ protocol: 'udp', address: '10.0.0.3', port: 53, scheduler: 'rr' } as const),
  ...{ persistence: { timeout: 300 }, destinations: [real(1)] },
};
const MARK = { fwmark: 7, family: 'ipv4', scheduler: 'rr', destinations: [real(1)] } as const;

/** What is edited, what is replaced, what stays, what goes. */
const BEFORE: readonly DesiredService[] = [
  web(1, real(1), real(2, 2), real(3, 3)),
  web(2, real(1)),
  DNS,
  web(4, real(1, 0), real(2, 0)),
  web(5, real(1)),
];
const OUTSIDE: readonly DesiredService[] = [{ ...web(1, real(1)), address: '10.9.0.1' }, MARK];
const DESIRED: readonly DesiredService[] = [
  { ...web(1, real(1, 5), real(2, 2), TUNNEL), scheduler: 'wlc' },
  web(2, real(4)),
  { ...DNS, persistence: { timeout: 100 } },
  web(5, real(1)),
  web(6, real(1), real(2, 0)),
];
const SCOPE = ['10.0.0.0/16'];
/** They were there, and are to be there, each with somebody who serves. */
const SERVING = BEFORE.filter((each) =>
  DESIRED.some((other) => formatKey(other) === formatKey(each)),
);

const WAYS: Readonly<Record<string, ApplyOptions>> = {
  'deleting at once': { scope: SCOPE },
  draining: { scope: SCOPE, drain: { deadline: 60_000 } },
};

/** What becomes of the command that fails, and of those behind it. */
interface Fault {
  readonly strike: Guard;
  readonly afterwards: Guard;
}

function refusal(errno: number): Fault {
  return {
    strike: async () => await Promise.resolve(executed([{ errno, stage: 'kernel' }])),
    afterwards: pass,
  };
}

const UNANSWERED = executed([{ errno: ETIMEDOUT, stage: 'receive' }]);
const CLOSED: Guard = async () => await Promise.resolve(failedJob(EBADF, 'send'));

const FAULTS: Readonly<Record<string, Fault>> = {
  'is refused with ENOENT': refusal(ENOENT),
  'is refused with EEXIST': refusal(EEXIST),
  'is refused with ENOMEM': refusal(ENOMEM),
  'is carried out, and the answer lost': {
    strike: async ({ execute }) => {
      await execute();
      return UNANSWERED;
    },
    afterwards: pass,
  },
  'is lost itself': { strike: async () => await Promise.resolve(UNANSWERED), afterwards: pass },
  'fails in this process': {
    strike: async () => await Promise.reject(new Error('std::bad_alloc')),
    afterwards: pass,
  },
  'finds the socket closed, like all behind it': { strike: CLOSED, afterwards: CLOSED },
};

/** What a change is about. */
function about({ key }: Change): string {
  return key.destination === undefined ? key.service : `${key.service} > ${key.destination}`;
}

/** Asserts that each of these is there by the kernel's word on its key, and that somebody serves it. */
async function assertServing(ipvs: Ipvs): Promise<void> {
  await Promise.all(
    SERVING.map(async (each) => {
      const destinations = await ipvs
        .listDestinations(each)
        .catch((error: unknown) => assert.fail(String(error)));
      const serving = destinations.filter(({ weight }) => weight > 0);
      assert.ok(serving.length > 0, `nobody serves ${formatKey(each)}`);
    }),
  );
}

/** Asserts that a report says of each change, once, that it was made or that it was not. */
function assertAccounts({ planned, applied, failed }: ApplyReport): void {
  const told = [...applied, ...failed.map(({ change }) => change)].map(about);
  assert.deepEqual(told.sort(), planned.map(about).sort());
}

/** Asserts that what is still to be done is what a report says was not done. */
async function assertTrue(
  ipvs: Ipvs,
  options: ApplyOptions,
  { failed, draining }: ApplyReport,
): Promise<void> {
  const { planned } = await ipvs.apply(DESIRED, { ...options, dryRun: true });
  const waiting = new Set(draining.map(({ key }) => `${key.service} > ${key.destination}`));
  const undone = planned.map(about);
  const left = undone.filter((each) => !waiting.has(each));
  const told = failed.map(({ change }) => about(change));
  assert.deepEqual(
    left.filter((each) => !told.includes(each)),
    [],
    'said to be done, and is not',
  );
  const sure = failed.filter(
    ({ error }) => !(error instanceof IpvsError && error.outcome === 'unknown'),
  );
  assert.deepEqual(
    sure.map(({ change }) => about(change)).filter((each) => !undone.includes(each)),
    [],
    'said to be not done, and is done',
  );
}

class Trials {
  readonly #ns: Namespace;
  readonly #watcher: Ipvs;
  readonly #options: ApplyOptions;
  readonly #fault: Fault;
  #goal: readonly ServiceState[] = [];

  constructor(ns: Namespace, watcher: Ipvs, options: ApplyOptions, fault: Fault) {
    this.#ns = ns;
    this.#watcher = watcher;
    this.#options = options;
    this.#fault = fault;
  }

  /** Applies while the first command fails, the second, and so on; how many there were. */
  async run(): Promise<number> {
    await this.#begin();
    await this.#finish();
    await this.#judge();
    // What we read of a table of which ipvsadm says that it is right: to start ipvsadm takes longer than a trial.
    this.#goal = await this.#watcher.snapshot({ stats: false });
    await this.#begin();
    const commands = await this.#tryAll();
    await this.#judge();
    return commands;
  }

  async #tryAll(): Promise<number> {
    for (let which = 1; ; which += 1) {
      const { count, written } = await this.#try(which);
      if (written === 0) continue;
      await this.#finish();
      assert.deepEqual(await this.#watcher.snapshot({ stats: false }), this.#goal);
      if (count < which) return count;
      await this.#begin();
    }
  }

  async #judge(): Promise<void> {
    await this.#ns.assertHolds(entries([...DESIRED, ...OUTSIDE]));
  }

  async #begin(): Promise<void> {
    await this.#watcher.flush();
    await writeAll(this.#watcher, entries([...BEFORE, ...OUTSIDE]));
  }

  /** What is applied without a fault; twice, since the first only begins to drain. */
  async #finish(): Promise<void> {
    await this.#watcher.apply(DESIRED, this.#options);
    if (this.#options.drain === undefined) return;
    await this.#watcher.apply(DESIRED, this.#options);
  }

  async #try(which: number): Promise<{ count: number; written: number }> {
    const watcher = this.#watcher;
    let count = 0;
    let written = 0;
    await withGuard(this.#ns, async (ipvs, door) => {
      door.guard = async (passing) => {
        count += 1;
        const { strike, afterwards } = this.#fault;
        const act = count < which ? pass : count === which ? strike : afterwards;
        if (!passing.writes) return await act(passing);
        written += 1;
        assert.match(passing.service ?? 'all', / 10\.0\.0\./, 'a command for others');
        try {
          return await act(passing);
        } finally {
          // What comes before it has been looked at in the trials before.
          if (count >= which) await assertServing(watcher);
        }
      };
      const report = await this.#apply(ipvs);
      if (report === undefined) {
        assert.equal(written, 0);
      } else {
        assertAccounts(report);
        await assertTrue(watcher, this.#options, report);
      }
    });
    return { count, written };
  }

  /** What an apply reports, in whichever way it ends; nothing where it could not even read. */
  async #apply(ipvs: Ipvs): Promise<ApplyReport | undefined> {
    try {
      const report = await ipvs.apply(DESIRED, this.#options);
      assert.deepEqual(report.failed, []);
      return report;
    } catch (error) {
      assert.ok(error instanceof IpvsError, String(error));
      if (!(error instanceof IpvsApplyError)) return undefined;
      assert.ok(error.report.failed.length > 0);
      assert.equal(error.cause, error.report.failed[0]?.error);
      return error.report;
    }
  }
}

describe('an apply of which one command', () => {
  for (const [name, fault] of Object.entries(FAULTS)) {
    for (const [way, options] of Object.entries(WAYS)) {
      it(
        `${name} cuts off nothing, says so, and is made good by the next (${way})`,
        inNamespace(async (ns, watcher) => {
          const count = await new Trials(ns, watcher, options, fault).run();
          // The reads, and a dozen changes.
          assert.ok(count > 20, `${count} commands`);
        }),
      ).timeout(120_000 * patience);
    }
  }
});
