import { appendFileSync, existsSync, readFileSync } from 'node:fs';

export type State = 'passed' | 'failed' | 'skipped';

/**
 * What a session tells about itself, in this order. A hook has an entry only when it failed.
 * `open-handles` follows `end` when something kept the process alive after its last test.
 */
export type Entry =
  | { event: 'begin'; kind: string; release: string }
  | { event: 'test'; id: string; state: State }
  | { event: 'hook'; id: string }
  | { event: 'end' }
  | { event: 'open-handles'; resources: string[] };

/**
 * One line an entry, written at once: whatever ends the session, what it did until then is told.
 * A file, not a pipe: the lab's guest shares the host's files and nothing else.
 */
export function append(file: string, entry: Entry): void {
  appendFileSync(file, JSON.stringify(entry) + '\n');
}

/** The entries of a file; its last line may be cut short by a crash, and counts for nothing then. */
export function read(file: string): Entry[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Entry);
}
