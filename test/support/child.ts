/** Programs that must not take the tests with them when they crash. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { patience } from './patience.js';

/** The package's root; this file runs from dist/test/support. */
export const PACKAGE_ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** How a child ended, and what it said. */
export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs an ES module's text in the package's root; `addon` is the addon, `library` the entry point. */
export function runModule(text: string, options: readonly string[] = []): Ended {
  const prelude = `
    import assert from 'node:assert/strict';
    import { createRequire } from 'node:module';
    const addon = () => createRequire(${JSON.stringify(import.meta.url)})('node-gyp-build')(${JSON.stringify(PACKAGE_ROOT)});
    const library = ${JSON.stringify(new URL('../../lib/index.js', import.meta.url).href)};
  `;
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    [...options, '--input-type=module', '--eval', prelude + text],
    { cwd: PACKAGE_ROOT, encoding: 'utf8', timeout: 60_000 * patience },
  );
  return { status, signal, stdout, stderr };
}
