/**
 * Tests the package as a user gets it; the arguments name the binaries that it must have, or else all, and with
 * `--tarball` a package that was packed before.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { targetsOf } from '../prebuilds/targets.js';
import { runSuite } from '../run/suite-run.js';
import { Total } from '../run/total.js';
import { TARBALL } from './pack.js';
import { WORK } from './work.js';

const minute = 60_000;
const suite = { name: 'package', inLab: false, limit: 15 * minute };
const files = ['tarball', 'install', 'built', 'use'].map((name) =>
  join('dist/test/package', `${name}.test.js`),
);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { tarball: { type: 'string' } },
});
if (values.tarball !== undefined) process.env[TARBALL] = resolve(values.tarball);
process.env['IPVS_PACKAGE_TARGETS'] = targetsOf(positionals)
  .map(({ name }) => name)
  .join(' ');
// On the file system of the tools, so that they need not be copied.
mkdirSync('build/package', { recursive: true });
const work = mkdtempSync(resolve('build/package/work-'));
process.env[WORK] = work;
const total = new Total();
total.add(await runSuite({ suite, files }, null));
rmSync(work, { recursive: true });
process.exitCode = total.report();
