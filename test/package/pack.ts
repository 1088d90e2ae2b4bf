/** The package, as it is published. */
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { cleanEnvironment } from './environment.js';
import { newFolder } from './work.js';

/** Packs the package in a folder; the path of the tarball. */
export function pack(folder: string): string {
  const destination = newFolder('packed');
  const words = ['pack', resolve(folder), '--pack-destination', destination, '--json'];
  const output = execFileSync('npm', words, { encoding: 'utf8', env: cleanEnvironment() });
  const [{ filename }] = JSON.parse(output) as [{ filename: string }];
  return join(destination, filename);
}

/** The variable that names a tarball which was packed before. */
export const TARBALL = 'IPVS_PACKAGE_TARBALL';

let packed = process.env[TARBALL];

/** The tarball of this project, which all the tests are about: packed at the first use, or given. */
export function tarball(): string {
  packed ??= pack('.');
  return packed;
}

/** The folder that a tarball unpacks into. */
export function unpack(path: string): string {
  const folder = newFolder('unpacked');
  execFileSync('tar', ['--extract', '--file', path, '--directory', folder]);
  return join(folder, 'package');
}

/** The files in a tarball, sorted, with a slash in front of those that are not below `package/`. */
export function contents(path: string): string[] {
  const listing = execFileSync('tar', ['--list', '--file', path], { encoding: 'utf8' });
  const names = listing.split('\n').filter((name) => name !== '');
  return names
    .map((name) => (name.startsWith('package/') ? name.slice('package/'.length) : `/${name}`))
    .sort();
}
