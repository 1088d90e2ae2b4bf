/** Draining one destination, until it is gone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { steadyNow } from '../clock.js';
import { hasOutcome, hasReason, throwIfAborted } from '../errors.js';
import { checkBoolean, checkInteger, checkObject, Shape } from '../input/checks.js';
import { takesPortZero } from '../input/destination.js';
import { checkSignal } from '../input/options.js';
import { formatCheckedKey } from '../keys.js';
import type { CallOptions, DestinationEntry } from '../model.js';
import { decodeDestination, decodeService } from '../native/decode.js';
import { type DestinationSubject, findRow } from '../sequences/destination.js';
import type { Session } from '../session.js';
import type { Writer } from '../writer.js';
import type { DrainedDestination } from './apply-model.js';
import { closedError } from '../failures.js';
import { NO_CONNECTIONS, readExpireTemplates, waitsFor } from './drains.js';
import { overruledError, refusalError, undrainedError } from './errors.js';
import { refusesClients } from './execution.js';
import { checkDeadline, checkInterval } from './options.js';

/** Options of `drain`. */
export interface DrainCallOptions extends CallOptions {
  /**
   * Milliseconds until the destination goes even though it still has connections, 1..2592000000 (30 days).
   * There is no default.
   */
  readonly deadline: number;
  /** Since when it drains, in milliseconds since 1970, to go on with a drain. Default: from now on. */
  readonly since?: number | undefined;
  /** Milliseconds between two looks at its connections, 10..3600000. Default: 1000. */
  readonly interval?: number | undefined;
  /** As in {@link DrainOptions.allowRefusals}. Default: false. */
  readonly allowRefusals?: boolean | undefined;
}

/** {@link DrainCallOptions}, checked. */
export interface CheckedDrainCall {
  readonly deadline: number;
  readonly since: number | undefined;
  readonly interval: number;
  readonly allowRefusals: boolean;
  readonly signal: AbortSignal | undefined;
}

const OPTIONS = Shape.of('deadline', 'since?', 'interval?', 'allowRefusals?', 'signal?');

/** The options of `drain`. */
export function checkDrainCall(value: unknown): CheckedDrainCall {
  const fields = checkObject('options', value, OPTIONS);
  const { deadline, since, interval, allowRefusals = false, signal } = fields;
  const unit = ' (milliseconds)';
  return {
    deadline: checkDeadline('options.deadline', deadline),
    since:
      since === undefined
        ? undefined
        : checkInteger('options.since', since, 0, Number.MAX_SAFE_INTEGER, unit),
    interval: checkInterval('options.interval', interval),
    allowRefusals: checkBoolean('options.allowRefusals', allowRefusals),
    signal: checkSignal('options.signal', signal),
  };
}

const METHOD = 'drain';
/** So often it is tried to delete a destination after the deadline has passed. */
const LATE_TRIES = 3;

/** Whether clients that persistence has bound keep a destination: they come back to it. */
async function doTemplatesCount(
  session: Session,
  { service }: DestinationSubject,
  { allowRefusals, signal }: CheckedDrainCall,
  destination: string,
): Promise<boolean> {
  const command = { name: 'IPVS_CMD_GET_SERVICE', service } as const;
  const { reply, row } = await session.fetch(METHOD, command, signal);
  const { scheduler, schedulerFlags, persistence } = decodeService(reply, row);
  if (!allowRefusals && refusesClients(scheduler, schedulerFlags)) {
    throw refusalError(METHOD, formatCheckedKey(service), destination, scheduler, 'allowRefusals');
  }
  if (persistence === undefined) return false;
  return (await readExpireTemplates(session, METHOD, signal)) !== 1;
}

/** The destination as it is, or undefined when it has gone. */
async function look(
  writer: Writer,
  subject: DestinationSubject,
  signal: AbortSignal | undefined,
): Promise<DestinationEntry | undefined> {
  try {
    const { answer, row } = await writer.runFor(
      subject,
      'IPVS_CMD_GET_DEST',
      findRow(subject),
      signal,
    );
    return decodeDestination(answer.reply, row, takesPortZero(subject.service));
  } catch (error) {
    if (hasReason(error, 'service-not-found', 'destination-not-found')) return undefined;
    throw error;
  }
}

/** A client for whom the destination was chosen just before has a connection by then. */
const SETTLING = 100;

/** Waits; rejects when the signal is aborted or the client is closed. */
async function pause(
  session: Session,
  milliseconds: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const signals = signal === undefined ? [session.closing] : [session.closing, signal];
  try {
    await sleep(milliseconds, undefined, { signal: AbortSignal.any(signals) });
  } catch {
    throwIfAborted(signal);
    throw closedError(METHOD);
  }
}

/** Deletes the destination, unless somebody else was quicker. */
async function remove(
  writer: Writer,
  { service, destination }: DestinationSubject,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await writer.deleteDestination(service, destination, signal);
  } catch (error) {
    if (!hasReason(error, 'service-not-found', 'destination-not-found')) throw error;
  }
}

/** Whether it may go well another time: others fill the queue, keep the kernel busy, or change the table all the time. */
function isPassing(error: unknown): boolean {
  return hasReason(error, 'queue-full', 'timeout', 'out-of-memory', 'table-changing');
}

/** What has been seen of a destination that drains. */
interface Watched {
  connections: DrainedDestination['connections'];
  /** Whether it had connections when it was told to go: whether it went, a lost answer does not tell. */
  forced: boolean;
  /** Whether the answer to its deletion was lost, and it has not been seen since. */
  mayBeGone: boolean;
}

/** A drain under way. */
interface Drain {
  readonly key: DrainedDestination['key'];
  readonly since: number;
  readonly watched: Watched;
  readonly templatesCount: boolean;
  /** Milliseconds until the deadline; negative after it. */
  readonly left: () => number;
}

/** Looks at a destination of weight 0 and deletes it if it may go: whether it was forced, once it has gone. */
async function endIfOver(
  writer: Writer,
  subject: DestinationSubject,
  { signal }: CheckedDrainCall,
  { key, watched, templatesCount, left }: Drain,
): Promise<boolean | undefined> {
  const entry = await look(writer, subject, signal);
  if (entry === undefined) return watched.forced;
  watched.mayBeGone = false;
  if (entry.weight !== 0) throw overruledError(key, entry.weight);
  watched.connections = entry.connections;
  const forced = waitsFor(entry.connections, templatesCount) !== undefined;
  if (forced && left() > 0) return undefined;
  watched.forced = forced;
  try {
    await remove(writer, subject, signal);
  } catch (error) {
    watched.mayBeGone = hasOutcome(error, 'unknown');
    throw error;
  }
  return forced;
}

/** Looks at a destination of weight 0 again and again, until it has gone. */
async function untilGone(
  session: Session,
  writer: Writer,
  subject: DestinationSubject,
  options: CheckedDrainCall,
  drain: Drain,
): Promise<DrainedDestination> {
  const { signal, interval } = options;
  const { key, since, watched, left } = drain;
  let wait = Math.min(SETTLING, interval);
  for (let late = 0; ;) {
    await pause(session, left() > 0 ? Math.min(wait, left()) : late * interval, signal);
    wait = interval;
    try {
      const forced = await endIfOver(writer, subject, options, drain);
      if (forced !== undefined) return { key, since, forced, connections: watched.connections };
    } catch (error) {
      if (left() <= 0) late += 1;
      if (!isPassing(error) || late > LATE_TRIES) throw error;
    }
  }
}

/** Gives a destination weight 0, and deletes it when nothing keeps it any more, or at the deadline. */
export async function drainDestination(
  session: Session,
  writer: Writer,
  subject: DestinationSubject,
  options: CheckedDrainCall,
): Promise<DrainedDestination> {
  const key = {
    service: formatCheckedKey(subject.service),
    destination: formatCheckedKey(subject.destination),
  };
  const templatesCount = await doTemplatesCount(session, subject, options, key.destination);
  await writer.updateDestination(subject, { weight: 0 }, options.signal);
  const since = Math.min(steadyNow(), options.since ?? steadyNow());
  const left = (): number => since + options.deadline - steadyNow();
  const watched: Watched = { connections: NO_CONNECTIONS, forced: false, mayBeGone: false };
  try {
    const drain = { key, since, watched, templatesCount, left };
    return await untilGone(session, writer, subject, options, drain);
  } catch (error) {
    // Each command tells of itself alone, and weight 0 was set before.
    throw hasOutcome(error, 'not-applied') ? undrainedError(key, error, watched.mayBeGone) : error;
  }
}
