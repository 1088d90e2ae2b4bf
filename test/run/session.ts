import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import Mocha from 'mocha';
import { patience } from '../support/patience.js';
import { append } from './record.js';
import { kernelKind, Lister, Reporter } from './reporter.js';

/**
 * One run of mocha, in a process of its own: `node session.js PLAN`, on the host or in the lab.
 * It drives mocha by its API because only here, inside, is it known which kernel this is, and with
 * it how patient to be.
 */
export interface Plan {
  files: string[];
  /** A regular expression: the tests whose names it finds. */
  grep: string | null;
  /** The tests are named, not run. */
  dryRun: boolean;
  inLab: boolean;
  color: boolean;
  /** Where the record goes. */
  record: string;
}

/** QEMU without KVM emulates every instruction; user-mode Linux pays for every system call. */
const slowness: Record<string, number> = { 'qemu-arm64': 10, qemu: 10, uml: 3 };
const testTimeout = 10_000;
const exitGrace = 5_000;

const [planFile] = process.argv.slice(2);
if (planFile === undefined) throw new Error('usage: session.js PLAN');
const plan = JSON.parse(readFileSync(planFile, 'utf8')) as Plan;
const factor = (slowness[kernelKind()] ?? 1) * patience;

// Mocha's command line does this; without it mocha would swallow a rejection that nobody handles.
process.on('unhandledRejection', (reason) => {
  throw reason;
});

const mocha = new Mocha({
  reporter: plan.dryRun ? Lister : Reporter,
  reporterOptions: { record: plan.record },
  timeout: testTimeout * factor,
  forbidOnly: true,
  dryRun: plan.dryRun,
  color: plan.color,
  ...(plan.grep === null ? {} : { grep: new RegExp(plan.grep) }),
});
for (const file of plan.files) mocha.addFile(file);
await mocha.loadFilesAsync();

if (plan.inLab && !plan.dryRun) console.log(`\nkernel: ${kernelKind()} ${release()}`);
const failures = await new Promise<number>((resolve) => mocha.run(resolve));
process.exitCode = failures > 0 ? 1 : 0;
if (!plan.dryRun) watchForLeaks();

/**
 * Node ends by itself when nothing is open. This timer does not keep it alive, so it fires only
 * where a test left something open: then it says what, instead of waiting for the time limit.
 */
function watchForLeaks(): void {
  const report = (): void => {
    append(plan.record, { event: 'open-handles', resources: process.getActiveResourcesInfo() });
    process.exit(1);
  };
  setTimeout(report, exitGrace * factor).unref();
}
