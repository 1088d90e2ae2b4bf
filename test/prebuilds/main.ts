/**
 * Judges the published binaries in a folder, all of them or those that are named: what they are, and whether
 * they are made of these sources, with the recorded libnl unless `--libnl` names another.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readSharedObject } from './elf.js';
import { judge } from './gate.js';
import { noteOf, staleness } from './sources.js';
import { type Target, targetsOf } from './targets.js';

interface Request {
  folder: string;
  /** The note that each binary must have beside it. */
  note: string;
  wanted: readonly Target[];
}

function read(): Request {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { folder: { type: 'string', default: '.' }, libnl: { type: 'string' } },
  });
  const note = noteOf(process.cwd(), values.libnl);
  return { folder: values.folder, note, wanted: targetsOf(positionals) };
}

/** Prints one line for a good file, and what is wrong with a bad one. */
function isGood({ folder, note }: Request, target: Target): boolean {
  const path = join(folder, target.file);
  const file = existsSync(path) ? readSharedObject(path) : undefined;
  const problems =
    file === undefined ? ['is not there'] : [...judge(target, file), ...staleness(path, note)];
  const verdict = problems.length === 0 ? 'ok' : 'FAILED';
  console.log(
    `${verdict.padEnd(6)}  ${String(file?.bytes ?? 0).padStart(6)} bytes  ${target.file}`,
  );
  for (const problem of problems) console.log(`  ${problem}`);
  return problems.length === 0;
}

const request = read();
const verdicts = request.wanted.map((target) => isGood(request, target));
process.exitCode = verdicts.every(Boolean) ? 0 : 1;
