/** Tests the package as a user gets it; the arguments name the binaries that it must have, or else all. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { targetsOf } from '../prebuilds/targets.js';
import { runSuite } from '../run/suite-run.js';
import { Total } from '../run/total.js';
import { WORK } from './work.js';

const minute = 60_000;
const suite = { name: 'package', inLab: false, limit: 15 * minute };
const files = ['tarball', 'install', 'use'].map((name) =>
  join('dist/test/package', `${name}.test.js`),
);

process.env['IPVS_PACKAGE_TARGETS'] = targetsOf(process.argv.slice(2))
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
