import { join } from 'node:path';
import { arm64Tree } from './arm64-tree.js';
import { notRun } from './failure.js';
import { findProgram } from './programs.js';
import type { Architecture } from './qemu-image.js';

/** A machine that QEMU emulates, and the system that runs on it. */
export interface Board {
  readonly program: string;
  /** QEMU's options for machine and processor. */
  readonly options: readonly string[];
  readonly architecture: Architecture;
  /** The kernel's name of the serial line. */
  readonly console: string;
  /** The first program of the guest. */
  readonly busybox: string;
  /** A folder whose `usr` takes the place of the host's, where the host's programs don't run. */
  readonly system: string | undefined;
}

function program(name: string, debianPackage: string): string {
  const path = findProgram(name);
  if (path === undefined) {
    throw notRun(`${name} is not there: install ${debianPackage} (scripts/setup lab)`);
  }
  return path;
}

/** The host's own programs, on the processor that they are for. */
export function x64Board(): Board {
  return {
    program: program('qemu-system-x86_64', 'qemu-system-x86'),
    // Without the two that make a C library move bytes by one instruction: emulated, it moves them singly.
    options: ['-cpu', 'max,-erms,-fsrm'],
    architecture: 'amd64',
    console: 'ttyS0',
    busybox: program('busybox', 'busybox-static'),
    system: undefined,
  };
}

/** Another processor, with Debian's programs for it. */
export async function arm64Board(signal: AbortSignal): Promise<Board> {
  const emulator = program('qemu-system-aarch64', 'qemu-system-arm');
  const system = await arm64Tree(signal);
  return {
    program: emulator,
    // An old model: what runs there needs no later instruction. Emulated, it is faster than the newest, too.
    options: ['-machine', 'virt', '-cpu', 'cortex-a72'],
    architecture: 'arm64',
    console: 'ttyAMA0',
    busybox: join(system, 'usr/bin/busybox'),
    system,
  };
}
