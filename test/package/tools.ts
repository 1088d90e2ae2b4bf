/** What the package is tested with; tools/package.json names the versions, and scripts/test-package installs them. */
import { join, resolve } from 'node:path';

const folder = resolve('build/package/tools/node_modules');

/** The lines of Node.js: that of the oldest two is the first version that we support. */
export const lines = ['node-20', 'node-22', 'node-24', 'node-26'] as const;

export type Line = (typeof lines)[number];

/** Each npm beside a line of Node.js on which it runs; the newest npm refuses the oldest line. */
export const installers = [
  { npm: 'npm-10', line: 'node-20' },
  { npm: 'npm-11', line: 'node-22' },
  { npm: 'npm-12', line: 'node-24' },
] as const;

export type Installer = (typeof installers)[number];

export function nodeOf(line: Line): string {
  return join(folder, line, 'bin/node');
}

export function npmOf({ npm }: Installer): string {
  return join(folder, npm, 'bin/npm-cli.js');
}
