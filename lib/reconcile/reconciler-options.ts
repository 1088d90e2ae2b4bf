/** The options of a reconciler. */
import { conflict } from '../argument-errors.js';
import { checkInteger, checkObject, type Fields, Shape } from '../input/checks.js';
import type { ApplyRules } from './apply-model.js';
import { checkInterval, type CheckedRules, checkRules, RULES } from './options.js';

/** How long to wait before trying again what failed; it doubles with each failure in a row. */
export interface Backoff {
  /** Milliseconds before the first repetition, 1..86400000. Default: 1000. */
  readonly min?: number | undefined;
  /** Milliseconds at most, 1..86400000. Default: 60000. */
  readonly max?: number | undefined;
}

/** Options of a `Reconciler`. */
export interface ReconcilerOptions extends ApplyRules {
  /**
   * Milliseconds to wait after a new desired state for newer ones, 0..60000: a burst of them is applied
   * once. Default: 50.
   */
  readonly delay?: number | undefined;
  /** Milliseconds that a desired state waits for newer ones at most, 0..600000. Default: 1000. */
  readonly maxDelay?: number | undefined;
  /**
   * Milliseconds after which the table is compared again although nothing new is desired, 1000..86400000, and
   * what others changed within the scope is repaired; false: never. Default: 30000.
   */
  readonly resync?: number | false | undefined;
  /**
   * Every how many resyncs one compares the whole table, 1..1000; the others look quickly
   * ({@link ApplyOptions.quick}). So what they miss is repaired after `fullCheckEvery` times `resync` at the latest.
   * A new desired state, a repetition after a failure and {@link Reconciler.reconcile} always compare all of it. Default: 10.
   */
  readonly fullCheckEvery?: number | undefined;
  /** Milliseconds between two looks at destinations that drain, 10..3600000. Default: 1000. */
  readonly drainInterval?: number | undefined;
  /** How long to wait before trying again. */
  readonly backoff?: Backoff | undefined;
}

/** {@link ReconcilerOptions}, checked, with every default filled in. */
export interface CheckedReconcilerOptions {
  readonly rules: CheckedRules;
  readonly delay: number;
  readonly maxDelay: number;
  readonly resync: number;
  readonly fullCheckEvery: number;
  readonly drainInterval: number;
  readonly backoff: { readonly min: number; readonly max: number };
}

const DAY = 86_400_000;
const UNIT = ' (milliseconds)';
const OWN = ['delay?', 'maxDelay?', 'resync?', 'fullCheckEvery?', 'drainInterval?', 'backoff?'];
const OPTIONS = Shape.of(...RULES, ...OWN);
const BACKOFF = Shape.of('min?', 'max?');

function checkBackoff(field: string, value: unknown): CheckedReconcilerOptions['backoff'] {
  const fields: Fields = value === undefined ? {} : checkObject(field, value, BACKOFF);
  const min = checkInteger(`${field}.min`, fields['min'] ?? 1000, 1, DAY, UNIT);
  const most = fields['max'] ?? Math.max(min, 60_000);
  const max = checkInteger(`${field}.max`, most, 1, DAY, UNIT);
  if (max < min) throw conflict(`${field}.max`, `must not be less than min (${max} < ${min})`);
  return { min, max };
}

function checkResync(field: string, value: unknown): number {
  if (value === undefined) return 30_000;
  if (value === false) return Infinity;
  if (value === true) throw conflict(field, 'is a number of milliseconds, or false');
  return checkInteger(field, value, 1000, DAY, UNIT);
}

/** The options of a reconciler. */
export function checkReconcilerOptions(value: unknown): CheckedReconcilerOptions {
  const fields = checkObject('options', value, OPTIONS);
  const { delay = 50, maxDelay = 1000, drainInterval, resync, backoff } = fields;
  const { fullCheckEvery = 10 } = fields;
  return {
    rules: checkRules(fields),
    delay: checkInteger('options.delay', delay, 0, 60_000, UNIT),
    maxDelay: checkInteger('options.maxDelay', maxDelay, 0, 600_000, UNIT),
    resync: checkResync('options.resync', resync),
    fullCheckEvery: checkInteger('options.fullCheckEvery', fullCheckEvery, 1, 1000),
    drainInterval: checkInterval('options.drainInterval', drainInterval),
    backoff: checkBackoff('options.backoff', backoff),
  };
}
