/**
 * What a binary was made of. Beside each lies a note of it, which is neither committed nor published, so that
 * a binary of other sources than these is known as such: nothing in the binary itself tells.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

/** What scripts/prebuild takes of the project; packaging/ names the versions of libnl and Zig. */
const parts = ['native', 'binding.gyp', 'packaging'] as const;

const addonApi = 'node_modules/node-addon-api';

/** The files of a part, the part itself where it is a file. */
function filesOf(project: string, part: string): string[] {
  if (!statSync(join(project, part)).isDirectory()) return [part];
  return readdirSync(join(project, part), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(project, join(entry.parentPath, entry.name)))
    .sort();
}

/** The headers of node-addon-api become part of the binary, too. */
function addonApiOf(project: string): string {
  const { packages } = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string }>;
  };
  return `${addonApi} ${packages[addonApi]?.version ?? 'none'}`;
}

/** The version of libnl that the published binaries have inside. */
function libnlOf(project: string): string {
  const record = readFileSync(join(project, 'packaging/libnl.sha256'), 'utf8');
  const [, version = 'unknown'] = / libnl3_(.*)\.dsc$/m.exec(record) ?? [];
  return version;
}

/** The note beside a binary that is made now, with libnl of the recorded version or another. */
export function noteOf(project: string, libnl = libnlOf(project)): string {
  const hash = createHash('sha256').update(addonApiOf(project));
  for (const file of parts.flatMap((part) => filesOf(project, part))) {
    const bytes = readFileSync(join(project, file));
    hash.update(`\n${file} ${bytes.length}\n`).update(bytes);
  }
  return `libnl ${libnl}\nsources ${hash.digest('hex')}\n`;
}

/** Where the note of a binary lies. */
export function notePath(binary: string): string {
  return binary.replace(/\.node$/, '.sources');
}

/** What is wrong with what a binary was made of: a sentence, or nothing. */
export function staleness(binary: string, wanted: string): string[] {
  const path = notePath(binary);
  if (!existsSync(path)) return ['is of unknown sources: make it anew with npm run prebuild'];
  const note = readFileSync(path, 'utf8');
  if (note === wanted) return [];
  const [libnl = '', ...others] = note.split('\n');
  const [wantedLibnl = '', ...wantedOthers] = wanted.split('\n');
  return libnl !== wantedLibnl && others.join() === wantedOthers.join()
    ? [`has ${libnl} inside, and should have ${wantedLibnl}`]
    : ['is stale, made of other sources than these: make it anew with npm run prebuild'];
}
