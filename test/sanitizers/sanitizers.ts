/** The sanitizers: how each is set up, and what runs under it. */
import { resolve } from 'node:path';

export interface Sanitizer {
  readonly name: string;
  /** Where the addon was built for it (scripts/asan). */
  readonly build: string;
  /** The name that the compiler knows its run-time library by. */
  readonly runtime: string;
  /** What else of the build is preloaded. */
  readonly preloaded: readonly string[];
  /**
   * The variables in which it and its companions look for options, and these. `log` makes it report to
   * files; given to its companions, that would go to AddressSanitizer, too.
   */
  readonly options: (log: string) => Readonly<Record<string, readonly string[]>>;
  /** What runs before and after the tests, in the same process: is it at work? */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** The tests that between them walk every native path. */
  readonly walk: readonly string[];
  /** Those among them that take long, and lead where others have been. */
  readonly long: readonly string[];
}

/** Tests that can't be combined with a sanitizer. */
export const apart: readonly string[] = [
  // Its way to make memory run out is a malloc of its own, and the sanitizers' comes before that.
  'that runs out of memory fails its job, and does not end the process',
];

const own = (name: string): string => `dist/test/sanitizers/${name}.test.js`;
const suppressions = (name: string): string =>
  `suppressions=${resolve('test/sanitizers', `${name}.supp`)}`;

export const sanitizers: readonly Sanitizer[] = [
  {
    name: 'address',
    build: 'build/asan',
    runtime: 'libasan.so',
    preloaded: ['edges.so'],
    options: (log) => ({
      // Two frames of each stack tell who asked for the memory: lsan.supp relies on it. What was freed
      // is kept from reuse, and new memory costs much in an emulated machine.
      ASAN_OPTIONS: [log, 'malloc_context_size=2', 'quarantine_size_mb=16'],
      LSAN_OPTIONS: [suppressions('lsan'), 'print_suppressions=0'],
      UBSAN_OPTIONS: ['print_stacktrace=1'],
    }),
    before: [own('mapped'), own('address')],
    after: [own('leaks')],
    walk: [
      'test/unit/layout.test.ts',
      'test/integration/walk.test.ts',
      'test/integration/lifecycle.test.ts',
      'test/integration/lost-answers.test.ts',
      'test/integration/hindrances.test.ts',
    ],
    long: [
      'leaves no descriptor open, whether opening succeeds or fails',
      'is one of as many as a process has descriptors for',
      'does not keep the process alive',
      'does not end when nobody refers to it while a command is under way',
      'while signals interrupt',
      'while fewer datagrams',
      'while its receive buffer',
      'while its send buffer',
      'while its buffers are',
      'while the answer to a list',
      'while files are read by a few',
      ...['lose', 'overflow', 'empty', 'cut'].map(
        (fault) => `the client goes on afterwards (${fault})`,
      ),
    ],
  },
  {
    name: 'thread',
    build: 'build/tsan',
    runtime: 'libtsan.so',
    preloaded: [],
    options: (log) => ({
      // Node itself is not built for it: how its threads agree with each other is not all seen.
      TSAN_OPTIONS: [log, 'ignore_noninstrumented_modules=1'],
    }),
    before: [own('mapped'), own('thread')],
    after: [],
    walk: [
      'test/unit/layout.test.ts',
      'test/integration/walk.test.ts',
      'test/integration/threads.test.ts',
    ],
    long: [
      'loads more than once in one process, there and in a worker thread of it',
      'waits for a lost answer no longer than it may, and goes on',
    ],
  },
];
