import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { notRun } from './failure.js';
import { guestScript } from './paths.js';
import { findProgram } from './programs.js';
import type { Image } from './qemu-image.js';

/** What it takes to see the host's files and the ports of the lab, and is not in the kernel itself. */
const neededModules = ['virtio_pci', 'virtio_console', '9pnet_virtio', '9p'];

/** Paths of the needed modules, each after those that it depends on. */
async function modulePaths(image: Image): Promise<string[]> {
  const modprobe = findProgram('modprobe');
  if (modprobe === undefined) throw notRun('modprobe is not there: install kmod');
  const where = ['-d', image.folder, '-S', image.release];
  const { stdout } = await promisify(execFile)(modprobe, [
    ...where,
    '--show-depends',
    '--all',
    ...neededModules,
  ]);
  const paths = [...stdout.matchAll(/^insmod (\S.*?)\s*$/gm)].map((match) => match[1] ?? '');
  return [...new Set(paths)];
}

/** Makes the initrd anew for each run, so that it is never older than the scripts of the guest. */
export async function makeInitrd(
  image: Image,
  busybox: string,
  jobDirectory: string,
): Promise<string> {
  const packer = findProgram('busybox');
  if (packer === undefined) throw notRun('busybox is not there: install busybox-static');
  const tree = join(jobDirectory, 'initrd');
  mkdirSync(join(tree, 'bin'), { recursive: true });
  mkdirSync(join(tree, 'modules'));
  copyFileSync(busybox, join(tree, 'bin/busybox'));
  copyFileSync(guestScript('initrd.sh'), join(tree, 'init'));
  chmodSync(join(tree, 'init'), 0o755);
  const paths = await modulePaths(image);
  for (const path of paths) copyFileSync(path, join(tree, 'modules', basename(path)));
  writeFileSync(join(tree, 'modules/order'), paths.map((path) => `${basename(path)}\n`).join(''));
  const files = ['bin', 'bin/busybox', 'init', 'modules', 'modules/order'].concat(
    paths.map((path) => `modules/${basename(path)}`),
  );
  const initrd = join(jobDirectory, 'initrd.cpio');
  execFileSync(packer, ['cpio', '-o', '-H', 'newc', '-F', initrd], {
    cwd: tree,
    input: files.map((file) => `${file}\n`).join(''),
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  return initrd;
}
