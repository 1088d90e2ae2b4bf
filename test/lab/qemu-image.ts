import { execFile, type ExecFileOptions } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './cache.js';
import { notRun } from './failure.js';
import { projectRoot } from './paths.js';

const run = promisify(execFile);

/** As Debian calls a processor. */
export type Architecture = 'amd64' | 'arm64';

/** Debian's archive of packages for a processor. */
interface Archive {
  /** Debian's stock kernel. Its -cloud- sibling has no 9p, by which the guest sees the host's files. */
  readonly metaPackage: string;
  /** What the names of its unpacked kernels in the cache begin with; the version follows. */
  readonly prefix: string;
  /** The words before an apt command that see this archive. */
  readonly apt: readonly string[];
}

function archiveOf(architecture: Architecture, cache: string): Archive {
  const metaPackage = `linux-image-${architecture}`;
  if (architecture === 'amd64') return { metaPackage, prefix: 'qemu-', apt: [] };
  const privateApt = join(projectRoot, 'scripts/lib/private-apt');
  const apt = [privateApt, join(cache, `apt-${architecture}`), architecture];
  return { metaPackage, prefix: `qemu-${architecture}-`, apt };
}

async function runApt(archive: Archive, words: readonly string[], options: ExecFileOptions) {
  const [program = '', ...args] = [...archive.apt, ...words];
  return await run(program, args, { ...options, encoding: 'utf8' });
}

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
async function newestPackage(archive: Archive, signal: AbortSignal): Promise<Package> {
  const { metaPackage } = archive;
  const words = ['apt-cache', 'show', '--no-all-versions', metaPackage];
  const { stdout } = await runApt(archive, words, { signal });
  const [, name, version] = /^Depends: (linux-image-\S+) \(= (\S+)\)/m.exec(stdout) ?? [];
  if (name === undefined || version === undefined) throw new Error(`apt knows no ${metaPackage}`);
  return { name, version };
}

/** Brings an unpacked package into the shape of an Image, in a folder that nobody else uses. */
async function unpack(
  archive: Archive,
  wanted: Package,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const download = join(folder, 'download');
  const content = join(folder, 'content');
  await mkdir(download);
  const specification = `${wanted.name}=${wanted.version}`;
  await runApt(archive, ['apt-get', 'download', specification], { cwd: download, signal });
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
async function fetchImage(archive: Archive, cache: string, signal: AbortSignal): Promise<string> {
  const wanted = await newestPackage(archive, signal);
  const folder = join(cache, archive.prefix + wanted.version);
  if (existsSync(folder)) return folder;
  console.error(`lab: downloading ${wanted.name} ${wanted.version} into ${cache}`);
  await mkdir(cache, { recursive: true });
  const workplace = await mkdtemp(join(cache, '.unpacking-'));
  try {
    await unpack(archive, wanted, workplace, signal);
    await rename(workplace, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    await rm(workplace, { recursive: true, force: true });
  }
  return folder;
}

/** The host's lists of packages are its owner's to refresh; those that we keep are nobody else's. */
async function fetchFresh(archive: Archive, cache: string, signal: AbortSignal): Promise<string> {
  try {
    return await fetchImage(archive, cache, signal);
  } catch (error) {
    if (archive.apt.length === 0 || signal.aborted) throw error;
    await runApt(archive, ['apt-get', '-q', 'update'], { signal });
    return await fetchImage(archive, cache, signal);
  }
}

/** The image that was used before, for when the archive can't be asked. */
async function newestCached({ prefix }: Archive, cache: string): Promise<string | undefined> {
  const entries = existsSync(cache) ? await readdir(cache) : [];
  const images = entries.filter(
    (entry) => entry.startsWith(prefix) && /^\d/.test(entry.slice(prefix.length)),
  );
  const newest = images.sort(new Intl.Collator('en', { numeric: true }).compare).at(-1);
  return newest === undefined ? undefined : join(cache, newest);
}

export async function qemuImage(architecture: Architecture, signal: AbortSignal): Promise<Image> {
  const cache = cacheFolder();
  const archive = archiveOf(architecture, cache);
  let folder: string | undefined;
  let cause = '';
  try {
    folder = await fetchFresh(archive, cache, signal);
  } catch (error) {
    cause = error instanceof Error ? error.message : String(error);
    folder = await newestCached(archive, cache);
  }
  const [release] = folder === undefined ? [] : await readdir(join(folder, 'lib/modules'));
  if (folder === undefined || release === undefined) {
    throw notRun(`no kernel for QEMU: ${cause}\nRefresh apt's lists: sudo apt-get update`);
  }
  return { folder, release };
}
