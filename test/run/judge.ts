import type { Entry, State } from './record.js';

/** How the process of a session ended: `status` is null when a signal ended it. */
export interface Ending {
  status: number | null;
  signal: string | null;
  timedOut: boolean;
}

export interface Verdict {
  passed: number;
  failed: number;
  skipped: number;
  /** What mocha's own report does not show: one sentence each, counted in `failed`. */
  problems: string[];
}

/**
 * Compares what was listed with what ran. Mocha alone would be content with the tests it got to:
 * here every listed test must have ended exactly once, in a session that ended well.
 */
export function judge(listed: string[], entries: Entry[], ending: Ending): Verdict {
  const verdict: Verdict = { passed: 0, failed: 0, skipped: 0, problems: [] };
  countTests(listed, entries, verdict);
  verdict.failed += entries.filter((entry) => entry.event === 'hook').length;
  complainOfEnding(entries, ending, verdict);
  return verdict;
}

function complain(verdict: Verdict, problem: string): void {
  verdict.failed += 1;
  verdict.problems.push(problem);
}

function countTests(listed: string[], entries: Entry[], verdict: Verdict): void {
  const expected = occurrences(listed);
  const actual = statesById(entries);
  const kind = kindOf(entries);
  for (const id of new Set([...expected.keys(), ...actual.keys()])) {
    const states = actual.get(id) ?? [];
    for (const state of states) countState(state, id, kind, verdict);

    // Two tests of the same name are two tests: what counts is how often the name appears.
    const surplus = states.length - (expected.get(id) ?? 0);
    if (surplus > 0) complain(verdict, `ran ${surplus} times more than listed: ${id}`);
    for (let i = surplus; i < 0; i++) complain(verdict, `did not run: ${id}`);
  }
}

function occurrences(ids: string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

function statesById(entries: Entry[]): Map<string, State[]> {
  const states = new Map<string, State[]>();
  for (const entry of entries) {
    if (entry.event === 'test') {
      states.set(entry.id, [...(states.get(entry.id) ?? []), entry.state]);
    }
  }
  return states;
}

function countState(state: State, id: string, kind: string, verdict: Verdict): void {
  if (state !== 'skipped') verdict[state] += 1;
  else if (kind === 'host') verdict.skipped += 1;
  else
    complain(verdict, `skipped, which only a host's own kernel excuses (this is ${kind}): ${id}`);
}

function kindOf(entries: Entry[]): string {
  return entries.find((entry) => entry.event === 'begin')?.kind ?? 'unknown';
}

function complainOfEnding(entries: Entry[], ending: Ending, verdict: Verdict): void {
  const leak = entries.find((entry) => entry.event === 'open-handles');
  if (leak) {
    complain(
      verdict,
      `the last test left this open, and it kept Node alive: ${list(leak.resources)}`,
    );
  } else if (ending.timedOut || ending.status === null) {
    complain(verdict, `${howItEnded(ending)} ${whereItWas(entries)}`);
  } else if (!entries.some((entry) => entry.event === 'end')) {
    complain(verdict, `ended early, with status ${ending.status}, ${whereItWas(entries)}`);
  } else if (ending.status !== 0 && verdict.failed === 0) {
    complain(verdict, `every test passed, and yet the status is ${ending.status}`);
  }
}

function list(resources: string[]): string {
  return resources.length > 0 ? resources.join(', ') : 'a handle that Node does not name';
}

function howItEnded(ending: Ending): string {
  return ending.timedOut ? 'the time limit passed' : `ended by ${ending.signal ?? 'a signal'}`;
}

function whereItWas(entries: Entry[]): string {
  const last = entries.findLast((entry) => entry.event === 'test');
  if (entries.some((entry) => entry.event === 'end')) return 'after the last test had ended';
  if (last) return `after this test: ${last.id}`;
  return entries.length > 0 ? 'before the first test ended' : 'before any test file was loaded';
}
