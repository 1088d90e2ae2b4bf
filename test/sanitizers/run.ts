import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Selection } from '../run/selection.js';
import { runSuite } from '../run/suite-run.js';
import type { Total } from '../run/total.js';
import type { Sanitizer } from './sanitizers.js';

/** How many times as long as usual everything may take. */
const patience = 4;

/**
 * Runs tests under a sanitizer, each session between those tests which show that it is at work. What it
 * reports of any process is a failure, whatever the tests say.
 */
export async function runUnder(
  sanitizer: Sanitizer,
  selections: readonly Selection[],
  grep: string,
  total: Total,
): Promise<void> {
  const { name, build, before, after } = sanitizer;
  const reports = freshFolder(resolve(build, 'reports'));
  freshFolder(resolve(build, 'planted-reports'));
  setVariables(sanitizer, reports);
  for (const { suite, files } of selections) {
    const sanitized = {
      ...{ ...suite, name: `${name}-sanitized ${suite.name}` },
      limit: suite.limit === null ? null : suite.limit * patience,
    };
    const selection = { suite: sanitized, files: [...before, ...files, ...after] };
    total.add(await runSuite(selection, grep, resolve('test/sanitizers/node')));
  }
  for (const file of readdirSync(reports)) {
    const report = join(build, 'reports', file);
    console.log(`\n${readFileSync(report, 'utf8').trimEnd()}`);
    total.complain(`something was found: ${report}, shown above`);
  }
}

/** A folder for the files of every process, also of one that has become nobody. */
function freshFolder(path: string): string {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path);
  chmodSync(path, 0o1777);
  return path;
}

/** Sets what the processes under the sanitizer read; the user's own options come last, and win. */
function setVariables({ build, runtime, preloaded, options }: Sanitizer, reports: string): void {
  process.env['IPVS_TEST_PATIENCE'] = String(patience);
  process.env['IPVS_PREBUILD'] = resolve(build);
  const library = execFileSync('g++', [`-print-file-name=${runtime}`], { encoding: 'utf8' });
  const others = preloaded.map((name) => resolve(build, 'build/test', name));
  process.env['IPVS_SANITIZER'] = [library.trimEnd(), ...others].join(':');
  const log = `log_path=${join(reports, 'report')}`;
  for (const [variable, values] of Object.entries(options(log))) {
    process.env[variable] = [...values, process.env[variable] ?? ''].join(':');
  }
}
