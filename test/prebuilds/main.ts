/** Judges the published binaries in a folder, all of them or those that are named. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readSharedObject } from './elf.js';
import { judge } from './gate.js';
import { type Target, targetsOf } from './targets.js';

function read(): { folder: string; wanted: readonly Target[] } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { folder: { type: 'string', default: '.' } },
  });
  return { folder: values.folder, wanted: targetsOf(positionals) };
}

/** Prints one line for a good file, and what is wrong with a bad one. */
function isGood(folder: string, target: Target): boolean {
  const path = join(folder, target.file);
  const file = existsSync(path) ? readSharedObject(path) : undefined;
  const problems = file === undefined ? ['is not there'] : judge(target, file);
  const verdict = problems.length === 0 ? 'ok' : 'FAILED';
  console.log(
    `${verdict.padEnd(6)}  ${String(file?.bytes ?? 0).padStart(6)} bytes  ${target.file}`,
  );
  for (const problem of problems) console.log(`  ${problem}`);
  return problems.length === 0;
}

const { folder, wanted } = read();
const verdicts = wanted.map((target) => isGood(folder, target));
process.exitCode = verdicts.every(Boolean) ? 0 : 1;
