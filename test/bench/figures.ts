/** What was measured, as it goes from the guest to the report. */

/** What is measured. */
export const WORKS = [
  ...(['create', 'snapshot', 'alone', 'calls', 'delay', 'memory'] as const),
  ...(['plan', 'apply', 'commands'] as const),
] as const;
export type Work = (typeof WORKS)[number];

/** Who does it. `floor` is our own JavaScript without what lies behind the native door. */
export type Contender =
  | 'raw C'
  | 'libnl C'
  | 'ipvsadm'
  | 'ours'
  | 'floor'
  | 'thread-pool hop'
  | 'idle process'
  | 'create'
  | 'snapshot'
  | 'create, yielding'
  | 'create, in turns'
  | 'streamed'
  | 'plan'
  | 'apply, no change'
  | 'quick apply, no change'
  | 'resync, no change'
  | 'apply, 100 changes'
  | 'apply, all new'
  | 'keepalived, 100 changes'
  | 'keepalived, all new';

/** All runs of one contender at one work of one size. */
export interface Figure {
  readonly work: Work;
  /** As `sizeName` has it. */
  readonly size: string;
  readonly contender: Contender;
  readonly unit: 'ms' | 'µs' | 'MB' | 'calls' | 'commands';
  readonly runs: readonly number[];
  /** The first run of a process, where later ones are warm. */
  readonly cold?: number;
  /** Which way of several was the best, and the like. */
  readonly note?: string;
}

/** Everything that was measured on one kernel, in one boot. */
export interface Measured {
  readonly kernel: string;
  readonly release: string;
  readonly figures: readonly Figure[];
}
