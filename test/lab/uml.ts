import { mkdirSync, readFileSync, statfsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { notRun } from './failure.js';
import type { Job } from './job.js';
import type { Machine } from './machine.js';
import { guestScript, projectRoot } from './paths.js';
import { findProgram } from './programs.js';
import type { Settings } from './settings.js';

function bytes(size: string): number {
  return parseInt(size) * (size.endsWith('G') ? 2 ** 30 : 2 ** 20);
}

/**
 * The guest's memory is a file that is mapped executable. By itself UML puts it into /dev/shm, which
 * in a container is often too small (the guest would die of SIGBUS) or mounted noexec.
 */
function memoryFolder(memory: string, fallback: string): string {
  const mount = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .findLast((fields) => fields[1] === '/dev/shm');
  if (mount?.[2] !== 'tmpfs' || mount[3]?.split(',').includes('noexec')) return fallback;
  const { bavail, bsize } = statfsSync('/dev/shm');
  return bavail * bsize > bytes(memory) ? '/dev/shm' : fallback;
}

/** User-mode Linux over the host's files: a kernel that is an ordinary program. */
export function umlMachine(job: Job, settings: Settings): Machine {
  const program = findProgram('linux.uml');
  if (program === undefined) {
    throw notRun('linux.uml is not there: install the package user-mode-linux (scripts/setup lab)');
  }
  const memory = settings.memory ?? '1G';
  // Without a folder of the job's own UML writes into ~/.uml.
  const umlFolder = join(job.directory, 'uml');
  mkdirSync(umlFolder);
  // The loader takes no path that has a space or a colon in it, as the project's may.
  const registers = join(job.directory, 'xstate.so');
  symlinkSync(join(projectRoot, 'build/test/xstate.so'), registers);
  return {
    argv: [
      'env',
      // Without it the guest dies on processors with more registers than it knows.
      `LD_PRELOAD=${registers}`,
      program,
      `uml_dir=${umlFolder}`,
      `mem=${memory}`,
      'root=/dev/root',
      'rootfstype=hostfs',
      'rootflags=/',
      'rw',
      `init="${guestScript('uml.sh')}"`,
      `LAB_JOB="${job.directory}"`,
      'console=ttyS0',
      'ssl=null',
      'ssl0=null,fd:1',
      'con=null',
      'con0=null,fd:3',
      'con1=null,fd:4',
      'con2=null,fd:5',
      ...settings.parameters,
    ],
    env: { ...process.env, TMPDIR: memoryFolder(memory, job.directory) },
    inheritsOutput: false,
  };
}
