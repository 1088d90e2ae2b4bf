/** What our own process is asked to do, and is measured at; ours-process.ts does it. */
import type { Size } from './table.js';

/** Each task has one number for its result. */
export type TaskName =
  /** Creates the table, all calls issued together; milliseconds. */
  | 'create'
  /** Reads the table that is there by one `snapshot()`; milliseconds. */
  | 'snapshot'
  /** Adds destinations, each when the one before is there; the median in microseconds. */
  | 'alone'
  /** Goes to the thread pool and back with nothing to do there; the median in microseconds. */
  | 'hop'
  /** Does nothing for a while; the event loop's delay in milliseconds. */
  | 'idle'
  /** Creates the table, yielding now and then; the event loop's delay in milliseconds. */
  | 'create-yielding'
  /** Creates the table, waiting for the calls of each turn; the event loop's delay in milliseconds. */
  | 'create-in-turns'
  /** Reads the table that is there by the streaming form; the event loop's delay in milliseconds. */
  | 'stream'
  /** The same; the memory that came to be held, in megabytes. */
  | 'stream-memory'
  /** Plans between two equal states, neither of which is from the kernel's door; milliseconds. */
  | 'plan'
  /** Applies the table that is there already; milliseconds. */
  | 'apply-same'
  /** The same, looking quickly; milliseconds. */
  | 'apply-same-quickly'
  /** What a reconciler does at most of its resyncs: the same without checking the state again; milliseconds. */
  | 'resync'
  /** Applies the table with 100 weights that are not there yet; milliseconds. */
  | 'apply-changed'
  /** Applies the table where nothing is; milliseconds. */
  | 'apply-new'
  /** Applies the table with 100 other weights; how many commands that takes more than a snapshot. */
  | 'apply-commands';

/** One task. */
export interface Task {
  readonly name: TaskName;
  readonly size: Size;
  /** The name of the network namespace to do it in; null is the floor, with a stub for a door. */
  readonly namespace: string | null;
}

/** What a task measured, and how often it met memory that the process did not hold yet. */
export interface TaskResult {
  readonly value: number;
  readonly pageFaults: number;
}

/** How a task went. */
export type TaskAnswer = TaskResult | { readonly error: string };

/** What strace shows around the part of a task that is measured. */
export const MARK = '/ipvs-benchmark-mark';
