/** What the process holds, and whether it grows. */
import { readFileSync } from 'node:fs';
import { descriptors } from '../support/descriptors.js';

/** At most so many bytes may the process have grown by {@link growthOf}. */
const MOST_HEAP = 2 * 1024 * 1024;
const MOST_MEMORY = 8 * 1024 * 1024;

/** What the process held when nothing was under way and garbage had been collected. */
export interface Sample {
  readonly descriptors: readonly string[];
  /** Bytes that JavaScript holds, in all threads. */
  readonly heap: number;
  /** Bytes of memory that are not pages of files. */
  readonly memory: number;
}

/** Bytes that JavaScript of this thread holds, in V8's heap and outside of it. */
export function heapSize(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function anonymousMemory(): number {
  const match = /^RssAnon:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'));
  if (match === null) throw new Error('The kernel does not tell the anonymous memory');
  return 1024 * Number(match[1]);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
}

/**
 * How much the samples, taken at equal intervals, have grown: the median of their last third over that
 * of the third before. In the first one a process warms up: caches fill, code is compiled.
 */
export function growthOf(samples: readonly number[]): number {
  const third = Math.floor(samples.length / 3);
  if (third === 0) throw new RangeError('Too few samples to tell growth');
  return median(samples.slice(-third)) - median(samples.slice(-2 * third, -third));
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

/** Looks at what the process holds now, `heap` being what JavaScript holds. */
export async function takeSample(heap: number): Promise<Sample> {
  return { descriptors: await descriptors(), heap, memory: anonymousMemory() };
}

/** A sample in words. */
export function tellSample({ descriptors: open, heap, memory }: Sample): string {
  const sizes = `${megabytes(heap)} of JavaScript, ${megabytes(memory)} in all`;
  return `${open.length} descriptors, ${sizes}`;
}

/** How the samples have grown, and what is wrong with that, in words. */
export function judgeGrowth(samples: readonly Sample[]): { line: string; problems: string[] } {
  const counts = samples.map(({ descriptors: open }) => open.length);
  const open = growthOf(counts);
  const heap = growthOf(samples.map((sample) => sample.heap));
  const memory = growthOf(samples.map((sample) => sample.memory));
  const line =
    `grown by ${open} descriptors, ${megabytes(heap)} of JavaScript (${megabytes(MOST_HEAP)} at most), ` +
    `${megabytes(memory)} in all (${megabytes(MOST_MEMORY)} at most)`;
  const problems: string[] = [];
  if (open !== 0) {
    const last = samples.at(-1)?.descriptors ?? [];
    problems.push(`descriptors: ${counts.join(', ')} were open; at last ${last.join(', ')}`);
  }
  if (heap > MOST_HEAP) problems.push(`memory grew by ${megabytes(heap)} of JavaScript`);
  if (memory > MOST_MEMORY) problems.push(`memory grew by ${megabytes(memory)}`);
  return { line, problems };
}
