import type { Work } from './figures.js';
import type { Limit } from './limit.js';
import type { Size } from './table.js';

/** What a session in a guest is to measure; the command line says so (options.ts). */
export interface Plan {
  readonly works: readonly Work[];
  readonly sizes: readonly Size[];
  readonly rounds: number;
  /** Options of Node for our own process. */
  readonly nodeOptions: readonly string[];
}

/** What a workload needs to know. */
export interface Bench extends Plan {
  readonly limit: Limit;
}
