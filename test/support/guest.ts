/** What a test may do to a kernel only where that kernel is the lab's own guest. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from 'mocha';
import { execute, run } from './netns.js';

const HELPER = '/proc/sys/kernel/modprobe';

/** Whether the kernel is a guest, there for the tests alone. */
export const IS_GUEST = ['uml', 'qemu', 'qemu-arm64'].includes(process.env['IPVS_LAB_KIND'] ?? '');

/** Leaves out a test that would meddle with the kernel of somebody's machine. */
export function needsGuest(context: Context): void {
  if (!IS_GUEST) context.skip();
}

/** Runs `body` while the kernel runs `helper` wherever it wants to load a module. */
export async function withModuleLoader(helper: string, body: () => Promise<void>): Promise<void> {
  const before = (await readFile(HELPER, 'utf8')).trimEnd();
  await writeFile(HELPER, helper);
  try {
    await body();
  } finally {
    await writeFile(HELPER, before);
  }
}

/**
 * Runs `body` while the kernel takes `seconds` to find out that there is no module that it looks for.
 * The file `loading` is there as soon as it has begun to look.
 */
export async function withSlowLoader(
  seconds: number,
  body: (loading: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'ipvs-test-'));
  try {
    const loader = join(folder, 'loader');
    const loading = join(folder, 'loading');
    await writeFile(loader, `#!/bin/sh\n: >${loading}\nsleep ${seconds}\nexit 1\n`);
    await chmod(loader, 0o755);
    await withModuleLoader(loader, async () => {
      await body(loading);
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The modules of IPVS that are loaded, those that use others first. */
async function ipvsModules(): Promise<string[]> {
  const lines = (await readFile('/proc/modules', 'utf8')).split('\n');
  const names = lines
    .map((line) => line.split(' ')[0] ?? '')
    .filter((name) => name.startsWith('ip_vs'));
  return [...names.filter((name) => name !== 'ip_vs'), ...names.filter((name) => name === 'ip_vs')];
}

/** Unloads IPVS. Namespaces that were deleted just now may still use it for a moment. */
export async function unloadIpvs(): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const { status } = await execute('rmmod', await ipvsModules());
    if (status === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`still loaded: ${(await ipvsModules()).join(' ')}`);
}

/** Loads IPVS. */
export async function loadIpvs(): Promise<void> {
  await run('modprobe', ['ip_vs']);
}
