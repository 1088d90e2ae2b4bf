/** Copies of this package, in folders of their own. */
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PACKAGE_ROOT } from './child.js';

/** The addon as it was built here. */
export const ADDON = join(PACKAGE_ROOT, 'build/Release/ipvs.node');

/** Makes the package once more in a folder, but for the addon; the URL of its entry point. */
export async function copyPackage(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const path of ['package.json', 'dist/lib', 'node_modules/node-gyp-build']) {
    await cp(join(PACKAGE_ROOT, path), join(folder, path), { recursive: true });
  }
  return pathToFileURL(join(folder, 'dist/lib/index.js')).href;
}

/** Runs `body` with a new folder for copies. Beside the addon: a hard link does not leave its mount. */
export async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(dirname(ADDON), 'copies-'));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
