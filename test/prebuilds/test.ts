/**
 * Tests the published binaries: what loads them, what is in them, and, in the lab, what they do. The argument
 * `linux-x64` leaves out those for arm64; files that are named stand for all integration tests.
 */
import { join } from 'node:path';
import { runSuite } from '../run/suite-run.js';
import { Total } from '../run/total.js';
import { testIntegration } from './integration.js';
import { X64_ONLY } from './names.js';

const minute = 60_000;
const suite = { name: 'prebuilds', inLab: false, limit: 30 * minute };

const words = process.argv.slice(2);
const x64Only = words.includes('linux-x64');
if (x64Only) process.env[X64_ONLY] = 'yes';
const args = words.filter((word) => word !== 'linux-x64');
const files = ['licences', 'musl', ...(x64Only ? [] : ['arm64']), 'relink'].map((name) =>
  join('dist/test/prebuilds', `${name}.test.js`),
);

const total = new Total();
total.add(await runSuite({ suite, files }, null));
total.add(await testIntegration('linux-x64-glibc', args));
process.exitCode = total.report();
