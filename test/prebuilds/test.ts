/** Tests the published binaries: what loads them, what is in them, and, in the lab, what they do. */
import { join } from 'node:path';
import { runSuite } from '../run/suite-run.js';
import { Total } from '../run/total.js';
import { testIntegration } from './integration.js';

const minute = 60_000;
const suite = { name: 'prebuilds', inLab: false, limit: 30 * minute };
const files = ['licences', 'musl', 'arm64', 'relink'].map((name) =>
  join('dist/test/prebuilds', `${name}.test.js`),
);

const args = process.argv.slice(2);
const total = new Total();
if (args.length === 0) total.add(await runSuite({ suite, files }, null));
total.add(await testIntegration('linux-x64-glibc', args));
process.exitCode = total.report();
