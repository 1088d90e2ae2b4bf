import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { projectRoot } from './paths.js';

export const labProgram = join(projectRoot, 'dist/test/lab/main.js');

const emulated = process.env['IPVS_LAB']?.startsWith('qemu') === true;

/** Milliseconds for a test that boots machines, also when others keep the host busy. */
export const bootingTimeout = emulated ? 240_000 : 60_000;

/** Seconds that surely suffice for a machine to boot and to begin with a command. */
export const secondsToBegin = emulated ? 60 : 20;

export interface Outcome {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export function startLab(command: readonly string[], options: SpawnOptions = {}): ChildProcess {
  return spawn(process.execPath, [labProgram, ...command], options);
}

/** Runs the lab to its end. */
export async function lab(
  command: readonly string[],
  options: SpawnOptions = {},
): Promise<Outcome> {
  const child = startLab(command, options);
  const outputs = [child.stdout, child.stderr].map((stream) => {
    const chunks: Buffer[] = [];
    stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
    return chunks;
  });
  await once(child, 'close');
  const [stdout, stderr] = outputs.map((chunks) => Buffer.concat(chunks));
  return {
    status: child.exitCode,
    stdout: stdout ?? Buffer.of(),
    stderr: stderr ?? Buffer.of(),
  };
}

/**
 * Processes that live and were started with this TMPDIR: the lab, its helpers and its guest all are,
 * and nothing else of this machine.
 */
export function processesWith(directory: string): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && entry !== String(process.pid))
    .filter((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
        const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
        return (environment + words).includes(directory);
      } catch {
        return false;
      }
    });
}

/** Waits until a condition holds; the test's own time limit ends what never comes true. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setTimeout(20);
}
