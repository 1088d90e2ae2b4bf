/// <reference lib="esnext.disposable" preserve="true" />
/** Keeps a table what it should be. */
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { conflict, wrongType } from '../argument-errors.js';
import { hasReason, IpvsError } from '../errors.js';
import { checkBoolean, checkObject, Shape } from '../input/checks.js';
import type { CheckedServiceKey } from '../input/service.js';
import { checkServiceReference } from '../input/service.js';
import { Ipvs } from '../ipvs.js';
import { parseServiceKey } from '../keys.js';
import { Agenda } from './agenda.js';
import type { ApplyReport, DrainingDestination, DrainStart } from './apply-model.js';
import { NO_CONNECTIONS } from './drains.js';
import { IpvsApplyError, nothingDesiredError, stoppedError } from './errors.js';
import { formatChangeKey } from './format.js';
import { Holds } from './holds.js';
import type { Change, DesiredState } from './plan-model.js';
import type { CheckedApplyOptions } from './options.js';
import type { ReconcilerEvents, StopOptions } from './reconciler-model.js';
import {
  type CheckedReconcilerOptions,
  checkReconcilerOptions,
  type ReconcilerOptions,
} from './reconciler-options.js';
import type { Table } from './table.js';
import { checkWish } from './wish.js';

const STOP = Shape.of('drain?');
/** So often {@link Reconciler.stop} tries to drain everything after the deadline has passed. */
const LATE_ROUNDS = 3;

/** A desired state. */
interface Desired {
  readonly table: Table;
  /** Whether it has been reached once. */
  reached: boolean;
}

/** What was asked for while something else was under way, or is waited for. */
interface Waiting {
  readonly resolve: (report: ApplyReport) => void;
  readonly reject: (error: unknown) => void;
}

function codeOf(error: Error): string | undefined {
  return error instanceof IpvsError ? error.code : undefined;
}

function keyOf(service: string): CheckedServiceKey {
  return checkServiceReference('service', parseServiceKey(service));
}

/**
 * Keeps the table within a scope what is desired: applies each new desired state ({@link Ipvs.apply}), one at a
 * time and the newest only; ends drains; looks again now and then and repairs what others changed; and tries
 * again what failed, after longer and longer waits.
 *
 * ```ts
 * const reconciler = new Reconciler(ipvs, { scope: ['10.0.0.0/16'], drain: { deadline: 60_000 } });
 * reconciler.on('failed', (error) => console.error(error.message));
 * reconciler.setDesired(desired); // and again, whenever it changes
 * await once(process, 'SIGTERM');
 * await reconciler.stop(); // the table stays as it is, and goes on serving
 * ```
 *
 * From the first {@link Reconciler.setDesired} until {@link Reconciler.stop} it keeps the process alive, since something is
 * always due; with `resync: false` only while something is to be applied, tried again or drained. `await using`
 * stops it at the end of the block, whatever was applied by then: that is for blocks that last as long as it is to work.
 *
 * It keeps no state of its own but the clocks of drains: what drained when the program ended is seen in the table
 * (weight 0, and not desired) by the next one. Pass {@link Reconciler.draining} on as `drain.since`, so that the
 * deadlines hold across restarts.
 *
 * Two reconcilers with one scope, as during a rolling update: if they desire the same, the second finds nothing to
 * do. If not, each repairs at its resyncs what the other did, and says so (`drift`); what both desire is
 * there all the time, since it is edited and never deleted; what only one of them desires drains and returns. Stop the
 * old one before the new one starts where that matters.
 */
export class Reconciler implements AsyncDisposable {
  readonly #ipvs: Ipvs;
  readonly #options: CheckedReconcilerOptions;
  readonly #events = new EventEmitter();
  readonly #holds: Holds;
  #desired: Desired | undefined;
  #draining: readonly DrainingDestination[] = [];
  /** The clocks of drains: those of the last start, and after the first apply those of {@link draining}. */
  #since: readonly DrainStart[];
  readonly #agenda: Agenda;
  #stopped: Promise<void> | undefined;
  /** The drain of everything that {@link stop} was asked for, while it is under way. */
  #drained: Promise<void> | undefined;
  #waiting: Waiting[] = [];
  #failuresInARow = 0;
  /** Whether a failure was told, and nothing since that everything is well again. */
  #failing = false;
  /** The failure that the process was warned of last, for want of a listener. */
  #warned: string | undefined;
  /** How many resyncs may still look quickly before one compares the whole table; none after a failure. */
  #quickLooks = 0;

  /**
   * Nothing is done before the first {@link Reconciler.setDesired}. The client stays its caller's, who closes it after
   * {@link Reconciler.stop}.
   *
   * @throws {@link ArgumentError}
   */
  constructor(ipvs: Ipvs, options: ReconcilerOptions) {
    if (!(ipvs instanceof Ipvs)) throw wrongType('ipvs', 'an open client (Ipvs)', ipvs);
    this.#ipvs = ipvs;
    this.#options = checkReconcilerOptions(options);
    const { drain } = this.#options.rules;
    this.#since = drain?.since ?? [];
    this.#draining = this.#since.map(({ key, since }) => ({
      ...{ key, since, until: since + (drain?.deadline ?? 0) },
      ...{ waitsFor: 'connections', connections: NO_CONNECTIONS },
    }));
    this.#holds = new Holds(this.#options.backoff.min, this.#options.backoff.max);
    this.#agenda = new Agenda(async () => {
      await this.#work();
    });
  }

  /**
   * Destinations that drain, since when and until when: fit for JSON, and for `drain.since` of the next start. Before the
   * first apply, those of `drain.since`.
   */
  get draining(): readonly DrainingDestination[] {
    return this.#draining;
  }

  /** Calls a function at each of these events. One that throws ends the program, as with any emitter of Node.js. */
  on<Name extends keyof ReconcilerEvents>(
    event: Name,
    listener: (value: ReconcilerEvents[Name]) => void,
  ): this {
    this.#events.on(event, listener);
    return this;
  }

  /** {@link Reconciler.on}, for the next of these events alone. */
  once<Name extends keyof ReconcilerEvents>(
    event: Name,
    listener: (value: ReconcilerEvents[Name]) => void,
  ): this {
    this.#events.once(event, listener);
    return this;
  }

  /** Ends what {@link Reconciler.on} or {@link Reconciler.once} began. */
  off<Name extends keyof ReconcilerEvents>(
    event: Name,
    listener: (value: ReconcilerEvents[Name]) => void,
  ): this {
    this.#events.off(event, listener);
    return this;
  }

  /**
   * Says what the scope is to hold from now on. It is copied and checked at once, and applied soon: newer ones
   * within {@link ReconcilerOptions.delay} are applied in its stead.
   *
   * @throws {@link ArgumentError} with the path of what is wrong, for instance
   * `services[3].destinations[0].weight`; then the state before stays desired. IpvsError with reason `closed` after
   * {@link Reconciler.stop}, or when the client was closed.
   */
  setDesired(state: DesiredState): void {
    this.#admit('setDesired');
    const table = checkWish(state, this.#options.rules);
    this.#desired = { table, reached: false };
    this.#agenda.awaitNewer(this.#options.delay, this.#options.maxDelay);
    if (this.#waiting.length > 0) this.#agenda.hurry();
    this.#agenda.schedule();
  }

  /**
   * Compares and applies at once, without waiting for newer states or the next resync.
   *
   * @returns What came of it.
   * @throws what {@link Ipvs.apply} does; IpvsError with reason `nothing-desired` before the first
   * {@link Reconciler.setDesired}, and `closed` after {@link Reconciler.stop}.
   */
  async reconcile(): Promise<ApplyReport> {
    this.#admit('reconcile');
    if (this.#desired === undefined) throw nothingDesiredError();
    return await new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#agenda.hurry();
      this.#agenda.schedule();
    });
  }

  /**
   * Ends, after what is under way. The table stays as it is and goes on serving, drains stay at weight 0, unless
   * `drain` is passed: then everything within the scope is drained and deleted first.
   *
   * @throws what {@link Ipvs.apply} does, only with `drain`; it has stopped all the same.
   */
  async stop(options: StopOptions = {}): Promise<void> {
    const { drain = false } = checkObject('options', options, STOP);
    if (checkBoolean('options.drain', drain) && this.#options.rules.drain === undefined) {
      throw conflict(
        'options.drain',
        'requires the option drain of the reconciler, with its deadline',
      );
    }
    this.#stopped ??= this.#end();
    await this.#stopped;
    if (drain !== true) return;
    this.#drained ??= this.#drainAll().finally(() => {
      this.#drained = undefined;
    });
    await this.#drained;
  }

  /** {@link Reconciler.stop}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #admit(method: string): void {
    if (this.#stopped !== undefined) throw stoppedError(method);
  }

  async #end(): Promise<void> {
    this.#agenda.halt();
    await this.#agenda.settled();
    this.#refuseWaiting();
  }

  #refuseWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(stoppedError('reconcile'));
  }

  /** A client that was closed does nothing any more. */
  #stopIfClosed(error: unknown): void {
    if (!hasReason(error, 'closed')) return;
    this.#stopped ??= Promise.resolve();
    this.#agenda.halt();
    this.#refuseWaiting();
  }

  /** What fails is tried again until a while after the deadline, when it would have ended in any case. */
  async #drainAll(): Promise<void> {
    const { rules, drainInterval } = this.#options;
    const end = performance.now() + (rules.drain?.deadline ?? 0) + LATE_ROUNDS * drainInterval;
    for (;;) {
      if (await this.#drainOnce(performance.now() >= end)) return;
      // Where the client is closed, the next try says so.
      await sleep(drainInterval, undefined, { signal: this.#ipvs.closing }).catch(() => undefined);
    }
  }

  /** Whether nothing is left; throws what fails where it is the last try. */
  async #drainOnce(isLast: boolean): Promise<boolean> {
    try {
      const report = await this.#apply(new Map(), new Map());
      this.#learnDrains(report);
      this.#tellDrained(report);
      return report.draining.length === 0;
    } catch (error) {
      if (isLast || hasReason(error, 'closed')) throw error;
      if (error instanceof IpvsApplyError) {
        this.#learnDrains(error.report);
        this.#tellDrained(error.report);
      }
      return false;
    }
  }

  async #work(): Promise<void> {
    const now = performance.now();
    if (this.#agenda.whole <= now) await this.#reconcileAll();
    else if (this.#agenda.drain <= now) await this.#reconcileDraining();
    // Else the timer was early.
    this.#agenda.drain =
      this.#draining.length > 0 ? performance.now() + this.#options.drainInterval : Infinity;
  }

  async #reconcileAll(): Promise<void> {
    const desired = this.#desired;
    if (desired === undefined) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#agenda.take();
    const drained = this.#draining;
    const held = this.#holds.at(performance.now(), desired.table);
    const quick = desired.reached && waiting.length === 0 && this.#quickLooks > 0;
    this.#quickLooks = quick ? this.#quickLooks - 1 : 0;
    try {
      const report = await this.#apply(desired.table, held, { quick });
      if (!quick) this.#quickLooks = this.#options.fullCheckEvery - 1;
      this.#succeed(desired, report, drained);
      for (const { resolve } of waiting) resolve(report);
    } catch (error) {
      this.#fail(desired, error as Error, held, waiting.length > 0);
      for (const { reject } of waiting) reject(error);
    }
    this.#agenda.resync = performance.now() + this.#options.resync;
  }

  /** Ends drains, and does nothing else: only their services are read. */
  async #reconcileDraining(): Promise<void> {
    const desired = this.#desired;
    if (desired === undefined) return;
    const services = new Set(this.#draining.map(({ key }) => key.service));
    const held = this.#holds.at(performance.now(), desired.table);
    try {
      const only = [...services].map(keyOf);
      const report = await this.#apply(desired.table, held, { only });
      this.#learnDrains(report);
      this.#tellDrained(report);
    } catch (error) {
      const report = error instanceof IpvsApplyError ? error.report : undefined;
      if (report !== undefined) this.#learnDrains(report);
      this.#stopIfClosed(error);
      this.#tellFailed(error as Error, false);
      if (report !== undefined) this.#tellDrained(report);
    }
  }

  /** Before anything is told: who listens may ask for {@link draining}. */
  #learnDrains({ draining }: ApplyReport): void {
    this.#draining = draining;
    this.#since = draining;
  }

  #tellDrained({ drained }: ApplyReport): void {
    for (const each of drained) this.#tell(each.forced ? 'forced' : 'drained', each);
  }

  /** Nobody shall believe that all is well because nobody listens; who awaits it is told by that. */
  #tellFailed(error: Error, isAwaited: boolean): void {
    this.#failing = true;
    if (this.#events.listenerCount('failed') > 0) {
      this.#tell('failed', error);
    } else if (!isAwaited && error.message !== this.#warned) {
      this.#warned = error.message;
      process.emitWarning(error.message, { type: 'IpvsReconcilerWarning', code: codeOf(error) });
    }
  }

  #tell<Name extends keyof ReconcilerEvents>(event: Name, value: ReconcilerEvents[Name]): void {
    try {
      this.#events.emit(event, value);
    } catch (error) {
      // As with any emitter of Node.js it ends the program, and not what is under way here.
      process.nextTick(() => {
        throw error;
      });
    }
  }

  async #apply(
    desired: Table,
    held: ReadonlyMap<string, Error>,
    { quick = false, only }: { quick?: boolean; only?: readonly CheckedServiceKey[] } = {},
  ): Promise<ApplyReport> {
    const { rules } = this.#options;
    const drain = rules.drain && { ...rules.drain, since: this.#since };
    const rest = { dryRun: false, quick, signal: undefined };
    const options: CheckedApplyOptions = { ...rules, drain, ...rest };
    return await this.#ipvs.applyWish({ desired, options, held, ...(only && { only }) });
  }

  /** After an apply that began while these destinations drained. */
  #succeed(desired: Desired, report: ApplyReport, drained: readonly DrainStart[]): void {
    this.#failuresInARow = 0;
    this.#agenda.retry = Infinity;
    this.#holds.learn([], new Map(), desired.table, performance.now());
    const isNew = !desired.reached;
    desired.reached = true;
    const destinations = new Set(drained.map(({ key }) => formatChangeKey(key)));
    const services = new Set(drained.map(({ key }) => key.service));
    const isDrain = ({ action, key }: Change): boolean =>
      (action === 'delete-destination' && destinations.has(formatChangeKey(key))) ||
      (action === 'delete-service' && services.has(key.service));
    this.#learnDrains(report);
    if (!isNew && report.applied.some((change) => !isDrain(change))) this.#tell('drift', report);
    const isNews = isNew || this.#failing || report.applied.length > 0;
    this.#failing = false;
    this.#warned = undefined;
    if (isNews) this.#tell('applied', report);
    this.#tellDrained(report);
  }

  #fail(
    desired: Desired,
    error: Error,
    held: ReadonlyMap<string, Error>,
    isAwaited: boolean,
  ): void {
    const now = performance.now();
    const { min, max } = this.#options.backoff;
    this.#quickLooks = 0;
    const report = error instanceof IpvsApplyError ? error.report : undefined;
    if (report !== undefined) {
      this.#holds.learn(report.failed, held, desired.table, now);
    }
    if (report !== undefined && this.#holds.covers(report.failed)) {
      this.#failuresInARow = 0;
      this.#agenda.retry = this.#holds.next;
    } else {
      this.#agenda.retry = now + Math.min(max, min * 2 ** this.#failuresInARow);
      this.#failuresInARow += 1;
    }
    if (report !== undefined) this.#learnDrains(report);
    this.#stopIfClosed(error);
    this.#tellFailed(error, isAwaited);
    if (report !== undefined) this.#tellDrained(report);
  }
}
