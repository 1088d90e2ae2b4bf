import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Ending } from './judge.js';
import { run } from './process.js';
import { type Entry, read } from './record.js';
import type { Plan } from './session.js';

const session = resolve('dist/test/run/session.js');

/**
 * Holds one session, as an argument of the command `through` where there is one; `node` is the program
 * that runs it.
 */
export async function hold(
  plan: Omit<Plan, 'record'>,
  folder: string,
  through: string[],
  limit: number | null,
  node = process.execPath,
): Promise<{ entries: Entry[]; ending: Ending }> {
  const name = plan.dryRun ? 'list' : 'run';
  const record = join(folder, `${name}.jsonl`);
  const planFile = join(folder, `${name}.json`);
  writeFileSync(planFile, JSON.stringify({ ...plan, record } satisfies Plan));
  const command = [...through, node, '--enable-source-maps', session, planFile];
  const ending = await run(command, limit);
  return { entries: read(record), ending };
}

/** The tests in a record: of a dry run, those there are. */
export function namesIn(entries: readonly Entry[]): string[] {
  return entries.flatMap((entry) => (entry.event === 'test' ? [entry.id] : []));
}
