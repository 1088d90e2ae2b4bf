/** Counts system calls in what `strace -f -o FILE` wrote. */
import { MARK } from './tasks.js';

/** The words that run a command under strace. */
export function underStrace(file: string): string[] {
  return ['strace', '--follow-forks', '--quiet=all', '--signal=none', `--output=${file}`];
}

/** A call; one that another thread interrupted in the log goes on in a second line. */
const CALL = /^\d+ +(\w+)\(/;

/** How often each system call was made between the last two marks. */
export function callsBetweenMarks(log: string): Map<string, number> {
  const lines = log.split('\n');
  const end = lines.findLastIndex((line) => line.includes(MARK));
  const begin = lines.slice(0, Math.max(end, 0)).findLastIndex((line) => line.includes(MARK));
  if (begin < 0) throw new RangeError('strace saw no two marks');
  const counts = new Map<string, number>();
  for (const line of lines.slice(begin + 1, end)) {
    const name = CALL.exec(line)?.[1];
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

const SOCKET_CALL = /^(send|recv|socket|bind|connect|p?poll|[gs]etsock)/;

/**
 * Those that were made on sockets, of which there is the client's alone. How many others there are
 * depends on Node.js, on its garbage and on how busy the machine is; and reading the clock is a
 * system call in user-mode Linux only.
 */
export function socketCalls(counts: ReadonlyMap<string, number>): number {
  return [...counts].reduce(
    (sum, [name, count]) => (SOCKET_CALL.test(name) ? sum + count : sum),
    0,
  );
}

/** The counts, the most frequent first: `recvmsg 20, sendmsg 10`. */
export function describeCalls(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([, left], [, right]) => right - left)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}
