/** Programs that load a binary: of this system, and of another. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { arm64Tree } from '../lab/arm64-tree.js';
import type { Ended } from '../support/child.js';
import { X64_ONLY } from './names.js';

/** Whether the binaries for arm64 are tested, too. */
export const withArm64 = process.env[X64_ONLY] === undefined;

/** The root folder of a system for arm64, which is downloaded at the first use. */
const arm64Root = withArm64 ? await arm64Tree() : '';

/** The words that run a program of that system, whose interpreter and libraries lie there. */
export function onArm64(program: string): string[] {
  return ['qemu-aarch64', '-L', arm64Root, join(arm64Root, program)];
}

/** Runs a command to its end. */
export function start(command: readonly string[], env: NodeJS.ProcessEnv = {}): Ended {
  const [program = '', ...args] = command;
  const { status, signal, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: 600_000,
    env: { ...process.env, ...env },
  });
  return { status, signal, stdout, stderr };
}
