/** What a `Reconciler` does to its process: warnings where nobody listens, and timers that keep it alive. */
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Reconciler, type ReconcilerOptions } from 'ipvs';
import { describe, it } from 'mocha';
import { clientOver, executed, failedJob, FakeDoor, success } from '../support/door.js';
import { rejection } from '../support/failure.js';
import { until } from '../support/program.js';

const WEB = { protocol: 'tcp', address: '10.0.0.1', port: 80, scheduler: 'rr' } as const;
const DESIRED = [{ ...WEB, destinations: [] }];
const OPTIONS = { scope: 'everything', delay: 0, backoff: { min: 1, max: 1 } } as const;

/** How a kernel answers that can be made to fail. */
class Kernel {
  errno = 0;
  readonly door = new FakeDoor((job) =>
    this.errno === 0 ? success(job) : failedJob(this.errno, 'send'),
  );

  get reads(): number {
    return this.door.jobs.length;
  }

  /** Waits for some more attempts. */
  async again(): Promise<void> {
    const before = this.reads;
    await until(() => this.reads >= before + 5);
  }
}

/** Runs `body` with a reconciler; the warnings of the process meanwhile. */
async function warningsOf(
  body: (reconciler: Reconciler, kernel: Kernel) => Promise<void>,
  options: Partial<ReconcilerOptions> = {},
): Promise<(Error & { readonly code?: string })[]> {
  const warnings: Error[] = [];
  const listener = (warning: Error): void => {
    if (warning.name === 'IpvsReconcilerWarning') warnings.push(warning);
  };
  process.on('warning', listener);
  const kernel = new Kernel();
  const reconciler = new Reconciler(clientOver(kernel.door), { ...OPTIONS, ...options });
  try {
    await body(reconciler, kernel);
  } finally {
    await reconciler.stop();
    await sleep(10);
    process.off('warning', listener);
  }
  return warnings;
}

describe('a failure of a reconciler', () => {
  it('becomes a warning of the process where nobody listens, once as long as it is the same', async () => {
    const warnings = await warningsOf(async (reconciler, kernel) => {
      kernel.errno = constants.errno.EPERM;
      reconciler.setDesired(DESIRED);
      await kernel.again();
      kernel.errno = constants.errno.ENOMEM;
      await kernel.again();
    });
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['EPERM', 'ENOMEM'],
    );
    assert.match(warnings[0]?.message ?? '', /^apply: /);
  });

  it('becomes one again after all was well', async () => {
    const warnings = await warningsOf(async (reconciler, kernel) => {
      let applied = 0;
      reconciler.on('applied', () => (applied += 1));
      kernel.errno = constants.errno.EPERM;
      reconciler.setDesired(DESIRED);
      await kernel.again();
      kernel.errno = 0;
      await until(() => applied > 0);
      kernel.errno = constants.errno.EPERM;
      reconciler.setDesired(DESIRED);
      await kernel.again();
    });
    assert.equal(warnings.length, 2);
  });

  it('becomes none where somebody listens, or awaits it', async () => {
    const failures: Error[] = [];
    const warnings = await warningsOf(async (reconciler, kernel) => {
      kernel.errno = constants.errno.EPERM;
      reconciler.on('failed', (error) => failures.push(error));
      reconciler.setDesired(DESIRED);
      await kernel.again();
    });
    assert.ok(failures.length > 1);
    const awaited = await warningsOf(
      async (reconciler, kernel) => {
        kernel.errno = constants.errno.EPERM;
        reconciler.setDesired(DESIRED);
        assert.equal((await rejection(reconciler.reconcile())).reason, 'permission-denied');
      },
      { backoff: { min: 60_000 } },
    );
    assert.deepEqual([warnings, awaited], [[], []]);
  });
});

describe('a reconciler keeps its process alive', () => {
  /** What keeps it so. */
  const timers = (): number =>
    process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;

  /** How many timers are there more: before there is a desired state, after it was applied, and at the end. */
  async function more(options: Partial<ReconcilerOptions>): Promise<number[]> {
    const door = new FakeDoor(({ names }) => executed(names.map(() => ({}))));
    const reconciler = new Reconciler(clientOver(door), { ...OPTIONS, ...options });
    // By then the timer of the test itself is set.
    await sleep(1);
    const before = timers();
    const reconciled = [timers() - before];
    reconciler.setDesired(DESIRED);
    await reconciler.reconcile();
    await sleep(10);
    reconciled.push(timers() - before);
    await reconciler.stop();
    return [...reconciled, timers() - before];
  }

  it('from the first desired state until it is stopped', async () => {
    assert.deepEqual(await more({}), [0, 1, 0]);
  });

  it('only while something is to be done where there are no resyncs', async () => {
    assert.deepEqual(await more({ resync: false }), [0, 0, 0]);
  });
});
