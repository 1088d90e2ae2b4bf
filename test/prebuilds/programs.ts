/** Programs that load a binary: of this system, and of another. */
import { spawnSync } from 'node:child_process';
import { arm64Tree } from '../lab/arm64-tree.js';
import type { Ended } from '../support/child.js';

/** The root folder of a system for arm64. */
export const arm64Root = await arm64Tree();

/** Runs a program of that system, whose interpreter and libraries lie there. */
export const onArm64 = ['qemu-aarch64', '-L', arm64Root];

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
