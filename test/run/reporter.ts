import { release } from 'node:os';
import { relative } from 'node:path';
import Mocha from 'mocha';
import { append, type Entry } from './record.js';

/** Prints nothing; for a dry run, whose only use is its record. */
export class Lister extends Mocha.reporters.Base {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    keepRecord(runner, options);
  }
}

/** Mocha's readable report, and the record beside it. */
export class Reporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    keepRecord(runner, options);
  }
}

/** The kernel a session runs on: the lab says which one it booted; outside the lab there is none. */
export function kernelKind(): string {
  return process.env['IPVS_LAB_KIND'] ?? 'no lab';
}

function keepRecord(runner: Mocha.Runner, options: Mocha.MochaOptions): void {
  const { record } = options.reporterOptions as { record: string };
  const write = (entry: Entry): void => {
    append(record, entry);
  };
  const { constants } = Mocha.Runner;
  runner.on(constants.EVENT_RUN_BEGIN, () => {
    write({ event: 'begin', kind: kernelKind(), release: release() });
  });
  runner.on(constants.EVENT_TEST_PASS, (test) => {
    write({ event: 'test', id: idOf(test), state: 'passed' });
  });
  runner.on(constants.EVENT_TEST_PENDING, (test) => {
    write({ event: 'test', id: idOf(test), state: 'skipped' });
  });
  // A test that passes at its second attempt has failed: it then ran more often than listed, too.
  runner.on(constants.EVENT_TEST_RETRY, (test: Mocha.Test) => {
    write({ event: 'test', id: idOf(test), state: 'failed' });
  });
  runner.on(constants.EVENT_TEST_FAIL, (failed: Mocha.Runnable) => {
    const id = idOf(failed);
    const isTest = failed instanceof Mocha.Test;
    write(isTest ? { event: 'test', id, state: 'failed' } : { event: 'hook', id });
  });
  runner.on(constants.EVENT_RUN_END, () => {
    write({ event: 'end' });
  });
}

/** The source file and the path of titles: the same on the host and in the lab. */
function idOf(runnable: Mocha.Runnable): string {
  const file = relative('dist', runnable.file ?? '').replace(/\.js$/, '.ts');
  return [file, ...runnable.titlePath()].join(' › ');
}
