/** What a process that runs under a sanitizer knows about that. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../lab/paths.js';

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: npm run test:asan does so`);
  return value;
}

/** The libraries that are preloaded: the run-time library of the sanitizer, and what comes with it. */
export const libraries = variable('IPVS_SANITIZER').split(':');

/** The folder of the build under test: where node-gyp-build looks for the addon. */
const build = variable('IPVS_PREBUILD');

/** The one addon that may be loaded. */
export const addon = join(build, 'build/Debug/ipvs.node');

/** The module of mistakes. */
export const planted = join(build, 'build/test/planted.node');

/** A file in this folder is the report of something that was found in earnest. */
export const reportFolder = join(build, 'reports');

/** Reports of what was planted. */
export const plantedReportFolder = join(build, 'planted-reports');

/** The program that is node under the sanitizer. */
export const sanitizedNode = join(projectRoot, 'test/sanitizers/node');

/** The files that are mapped into this process, each once. */
export function mappedFiles(): string[] {
  const lines = readFileSync('/proc/self/maps', 'utf8').split('\n');
  return [...new Set(lines.flatMap((line) => /^(?:\S+ +){5}(\/.+)$/.exec(line)?.[1] ?? []))];
}

/** The addon that this process has loaded; more than one would be a mistake. */
export function mappedAddons(): string[] {
  return mappedFiles().filter((path) => path.endsWith('/ipvs.node'));
}
