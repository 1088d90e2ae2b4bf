/** Counts system calls in what `strace -f -o FILE` wrote. */
import { MARK } from './tasks.js';

/** What existsSync makes of the mark: `access` where a processor has it. */
const MARKING = ['access', 'faccessat', 'faccessat2'];

/**
 * The words that run a command under strace, which shows the calls on sockets, of which there is the
 * client's alone, and the marks. How many others there are depends on Node.js, on its garbage and on
 * how busy the machine is. A filter in the kernel lets those pass: stopped at each call, Node.js needs
 * a minute to start in an emulated machine.
 */
export function underStrace(file: string): string[] {
  const shown = ['%network', 'poll', 'ppoll', ...MARKING].map((call) => `?${call}`);
  return [
    ...['strace', '--follow-forks', '--seccomp-bpf', '--quiet=all', '--signal=none'],
    ...[`--trace=${shown.join(',')}`, `--output=${file}`],
  ];
}

/** A call; one that another thread interrupted in the log goes on in a second line. */
const CALL = /^\d+ +(\w+)\(/;

/** How often each call on a socket was made between the last two marks. */
export function callsBetweenMarks(log: string): Map<string, number> {
  const lines = log.split('\n');
  const end = lines.findLastIndex((line) => line.includes(MARK));
  const begin = lines.slice(0, Math.max(end, 0)).findLastIndex((line) => line.includes(MARK));
  if (begin < 0) throw new RangeError('strace saw no two marks');
  const counts = new Map<string, number>();
  for (const line of lines.slice(begin + 1, end)) {
    const name = CALL.exec(line)?.[1];
    if (name === undefined || MARKING.includes(name)) continue;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** How many they are in all. */
export function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}

/** The counts, the most frequent first: `recvmsg 20, sendmsg 10`. */
export function describeCalls(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([, left], [, right]) => right - left)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}
