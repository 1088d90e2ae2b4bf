import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './cache.js';
import { notRun } from './failure.js';

const run = promisify(execFile);

/** Debian's stock kernel. Its -cloud- sibling has no 9p, by which the guest sees the host's files. */
const metaPackage = 'linux-image-amd64';

/** The unpacked kernel package: `vmlinuz` and `lib/modules/<release>`. */
export interface Image {
  readonly folder: string;
  readonly release: string;
}

interface Package {
  readonly name: string;
  readonly version: string;
}

/** The newest kernel package that apt knows of. */
async function newestPackage(signal: AbortSignal): Promise<Package | undefined> {
  try {
    const { stdout } = await run('apt-cache', ['show', '--no-all-versions', metaPackage], {
      signal,
    });
    const [, name, version] = /^Depends: (linux-image-\S+) \(= (\S+)\)/m.exec(stdout) ?? [];
    return name === undefined || version === undefined ? undefined : { name, version };
  } catch {
    return undefined;
  }
}

/** Brings an unpacked package into the shape of an Image, in a folder that nobody else uses. */
async function unpack(wanted: Package, folder: string, signal: AbortSignal): Promise<void> {
  const download = join(folder, 'download');
  const content = join(folder, 'content');
  await mkdir(download);
  const specification = `${wanted.name}=${wanted.version}`;
  await run('apt-get', ['download', specification], { cwd: download, signal });
  const archives = await readdir(download);
  await run('dpkg', ['-x', join(download, archives[0] ?? ''), content], { signal });
  const release = wanted.name.replace('linux-image-', '');
  await rename(join(content, `boot/vmlinuz-${release}`), join(folder, 'vmlinuz'));
  await mkdir(join(folder, 'lib'));
  const [modules] = ['lib/modules', 'usr/lib/modules']
    .map((path) => join(content, path))
    .filter((path) => existsSync(path));
  await rename(modules ?? '', join(folder, 'lib/modules'));
  await rm(content, { recursive: true });
  await rm(download, { recursive: true });
  await run('depmod', ['-b', folder, release], { signal, env: withRootFolders() });
}

function withRootFolders(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
}

/** Fetches the package into the cache. Two labs that do it at once both work, and one copy stays. */
async function fetchImage(wanted: Package, cache: string, signal: AbortSignal): Promise<string> {
  const folder = join(cache, `qemu-${wanted.version}`);
  if (existsSync(folder)) return folder;
  console.error(`lab: downloading ${wanted.name} ${wanted.version} into ${cache}`);
  await mkdir(cache, { recursive: true });
  const workplace = await mkdtemp(join(cache, '.unpacking-'));
  try {
    await unpack(wanted, workplace, signal);
    await rename(workplace, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    await rm(workplace, { recursive: true, force: true });
  }
  return folder;
}

/** The image that was used before, for when the archive can't be asked. */
async function newestCached(cache: string): Promise<string | undefined> {
  const entries = existsSync(cache) ? await readdir(cache) : [];
  const images = entries.filter((entry) => entry.startsWith('qemu-'));
  const newest = images.sort(new Intl.Collator('en', { numeric: true }).compare).at(-1);
  return newest === undefined ? undefined : join(cache, newest);
}

export async function qemuImage(signal: AbortSignal): Promise<Image> {
  const cache = cacheFolder();
  const wanted = await newestPackage(signal);
  let folder: string | undefined;
  let cause = `apt knows no ${metaPackage}`;
  try {
    if (wanted !== undefined) folder = await fetchImage(wanted, cache, signal);
  } catch (error) {
    cause = error instanceof Error ? error.message : String(error);
  }
  folder ??= await newestCached(cache);
  const [release] = folder === undefined ? [] : await readdir(join(folder, 'lib/modules'));
  if (folder === undefined || release === undefined) {
    throw notRun(`no kernel for QEMU: ${cause}\nRefresh apt's lists: sudo apt-get update`);
  }
  return { folder, release };
}
