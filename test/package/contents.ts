/** Which files the package has: exactly those that follow from the sources that are in git. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { targets } from '../prebuilds/targets.js';

const fixed = [
  ...['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE', 'THIRD-PARTY-LICENSES'],
  ...['CMakeLists.txt', 'prebuilds/README.md'],
];

/** The binaries that must be there: those that scripts/test-package was asked for, or all. */
const required = process.env['IPVS_PACKAGE_TARGETS']?.split(' ') ?? targets.map(({ name }) => name);

/** The paths of these. */
export const requiredBinaries = targets
  .filter(({ name }) => required.includes(name))
  .map(({ file }) => file);

/** What git knows below a folder; a file that nobody has added to it is not to be published. */
function tracked(folder: string): string[] {
  const listing = execFileSync('git', ['ls-files', '-z', folder], { encoding: 'utf8' });
  return listing.split('\0').filter((name) => name !== '');
}

/** Declarations of others' modules are for our own compiler alone. */
function compiled(source: string): string[] {
  if (source.endsWith('.d.ts')) return [];
  const path = `dist/${source.replace(/\.ts$/, '')}`;
  return ['.js', '.js.map', '.d.ts'].map((ending) => path + ending);
}

export function expectedContents(): string[] {
  const binaries = targets.filter(({ name, file }) => required.includes(name) || existsSync(file));
  return [
    ...fixed,
    ...tracked('lib').flatMap(compiled),
    ...tracked('native'),
    ...tracked('schema'),
    ...binaries.map(({ file }) => file),
  ].sort();
}
