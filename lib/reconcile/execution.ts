/** Carries out a plan: in its order, each change for itself, and none that an earlier failure makes dangerous. */
import { abortError, hasReason } from '../errors.js';
import type { IpvsError } from '../errors.js';
import type { Session } from '../session.js';
import type { Writer } from '../writer.js';
import { interferenceError, refusalError, withheldError } from './errors.js';
import type { Change, EditService, FoundService } from './plan-model.js';
import type { DestinationStep, ServiceStep, Step } from './planner.js';
import type { Table } from './table.js';

/** Whether a change takes a destination out of service. */
function takesAway(change: Change): boolean {
  const { action } = change;
  if (action === 'edit-destination') return change.to.weight === 0;
  return action === 'drain-destination' || action === 'delete-destination';
}

/** Changes that need not wait for the end of each other: what comes is there before anything goes. */
const PHASES: readonly ((change: Change) => boolean)[] = [
  ({ action }) => action === 'add-service',
  ({ action }) => action === 'add-destination',
  (change) => change.action === 'edit-destination' && !takesAway(change),
  ({ action }) => action === 'edit-service',
  takesAway,
  ({ action }) => action === 'delete-service',
];

/** So many commands are handed over at once; the queue of a client takes more than that by default. */
const CHUNK = 1024;

/** A step that was not made. */
export interface Failure {
  readonly step: Step;
  readonly error: Error;
}

/** What a plan is carried out with. */
export interface Means {
  readonly session: Session;
  readonly writer: Writer;
  readonly signal: AbortSignal | undefined;
  readonly desired: Table;
  /** Whether to drain where that makes the kernel refuse clients. */
  readonly allowRefusals: boolean;
  /** Services that are not to be tried now, by their names, and why. */
  readonly held: ReadonlyMap<string, Error>;
  /** By the names of services, a destination of theirs that drains already. */
  readonly draining: ReadonlyMap<string, string>;
}

function isAboutService(step: Step): step is ServiceStep {
  return !('destination' in step);
}

function* chunksOf<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += CHUNK) yield items.slice(at, at + CHUNK);
}

/**
 * Whether the kernel refuses clients of a service that has a destination of weight 0: these schedulers choose it all the
 * same (ip_vs_dh.c, ip_vs_mh.c, ip_vs_sh.c), and `dh` has no flag against it.
 */
export function refusesClients(scheduler: unknown, flags: unknown): boolean {
  if (scheduler === 'dh') return true;
  const hashes = scheduler === 'mh' || scheduler === 'sh';
  return hashes && !(Array.isArray(flags) && flags.includes('fallback'));
}

/** One plan under way. */
export class Execution {
  /** What was done, in this order. */
  readonly applied: Change[] = [];
  /** What was not. */
  readonly failures: Failure[] = [];
  readonly #means: Means;
  /** Why a service could not be added, by its name. */
  readonly #lacking = new Map<string, Error>();
  /** The first failure of a service, or of what adds to it or edits its destinations, by its name. */
  readonly #additions = new Map<string, Error>();
  /** Destinations that are desired to serve and are not what they should be, by their service. */
  readonly #missing = new Map<string, number>();
  /** Services that could not be edited, as they were found, by their names. */
  readonly #unedited = new Map<string, FoundService>();
  /** The first failure of what is to go before a service, by its name. */
  readonly #removals = new Map<string, Error>();

  constructor(means: Means) {
    this.#means = means;
  }

  /** Carries out steps; those that fail are in {@link failures} afterwards. */
  async run(steps: readonly Step[]): Promise<void> {
    for (const phase of PHASES) {
      const due = steps.filter(({ change }) => phase(change));
      for (const chunk of chunksOf(due)) await this.#runChunk(chunk);
    }
  }

  async #runChunk(chunk: readonly Step[]): Promise<void> {
    let due = chunk;
    while (due.length > 0) {
      const late = await Promise.all(due.map(async (step) => await this.#attempt(step)));
      due = due.filter((_, index) => late[index]);
      // Other callers have filled the client's queue.
      if (due.length > 0) await this.#means.session.drained();
    }
  }

  /** Makes a change, if nothing is in its way; whether it is to be tried again, since the queue is full. */
  async #attempt(step: Step): Promise<boolean> {
    const hindrance = this.#hindrance(step);
    if (hindrance !== undefined) {
      this.#fail(step, hindrance);
      return false;
    }
    try {
      await (isAboutService(step) ? this.#writeService(step) : this.#writeDestination(step));
      this.applied.push(step.change);
      return false;
    } catch (error) {
      if (hasReason(error, 'queue-full')) return true;
      this.#fail(step, error instanceof Error ? error : new Error(String(error)));
      return false;
    }
  }

  #fail(step: Step, error: Error): void {
    this.failures.push({ step, error });
    const { change } = step;
    const { service } = change.key;
    const { action } = change;
    if (takesAway(change)) {
      if (!this.#removals.has(service)) this.#removals.set(service, error);
      return;
    }
    if (action === 'edit-service') this.#unedited.set(service, change.from);
    if (action === 'edit-service' || action === 'delete-service') return;
    if (action === 'add-service') this.#lacking.set(service, error);
    if (!this.#additions.has(service)) this.#additions.set(service, error);
    const isServer = change.action === 'add-destination' || change.action === 'edit-destination';
    if (isServer && change.to.weight > 0) {
      this.#missing.set(service, (this.#missing.get(service) ?? 0) + 1);
    }
  }

  /** Why a change must not be made. */
  #hindrance(step: Step): Error | undefined {
    const { signal, held } = this.#means;
    if (signal?.aborted === true) return abortError(signal);
    const { change } = step;
    const { service } = change.key;
    switch (change.action) {
      case 'add-service': {
        return held.get(service);
      }
      case 'edit-service': {
        return held.get(service) ?? this.#hindranceOfScheduler(change);
      }
      case 'add-destination': {
        // Without it the kernel would say no more than that there is no such service.
        const cause = this.#lacking.get(service);
        return cause && withheldError(change, cause);
      }
      case 'edit-destination': {
        return takesAway(change) ? this.#hindranceOfRemoval(step as DestinationStep) : undefined;
      }
      case 'drain-destination':
      case 'delete-destination': {
        return this.#hindranceOfRemoval(step as DestinationStep);
      }
      case 'delete-service': {
        const cause = this.#removals.get(service);
        return cause && withheldError(change, cause);
      }
    }
  }

  /** What drains would turn clients away under the new scheduler. */
  #hindranceOfScheduler({ key: { service }, to }: EditService): IpvsError | undefined {
    const { draining, allowRefusals } = this.#means;
    const destination = draining.get(service);
    if (destination === undefined || allowRefusals) return undefined;
    return refusesClients(to.scheduler, to.schedulerFlags)
      ? refusalError('edit-service', service, destination, to.scheduler, 'drain.allowRefusals')
      : undefined;
  }

  #hindranceOfRemoval({ change }: DestinationStep): IpvsError | undefined {
    const { service, destination = '' } = change.key;
    const cause = this.#additions.get(service);
    // What serves is not taken away while nothing of what was to come instead is there.
    if (cause !== undefined && this.#servesNobody(service)) return withheldError(change, cause);
    const row = this.#means.desired.get(service);
    if (change.action !== 'drain-destination' || row === undefined || this.#means.allowRefusals) {
      return undefined;
    }
    const { scheduler, schedulerFlags } =
      this.#unedited.get(service) ?? row.definition ?? row.fields;
    return refusesClients(scheduler, schedulerFlags)
      ? refusalError(change.action, service, destination, String(scheduler), 'drain.allowRefusals')
      : undefined;
  }

  #servesNobody(service: string): boolean {
    const destinations = [...(this.#means.desired.get(service)?.destinations.values() ?? [])];
    const serving = destinations.filter(({ definition }) => definition?.weight !== 0);
    return serving.length <= (this.#missing.get(service) ?? 0);
  }

  async #writeService(step: ServiceStep): Promise<void> {
    const { writer, signal } = this.#means;
    const { service, definition } = step;
    if (definition === undefined) {
      if (step.onlyIfEmpty === true) await this.#requireEmpty(step);
      await writer.deleteService(service, signal);
    } else if (step.change.action === 'add-service') {
      await writer.addService(definition, signal);
    } else {
      await writer.setService(definition, signal);
    }
  }

  // eslint-disable-next-line @typescript-eslint/promise-function-async -- there are many, and a promise each is enough
  #writeDestination({ change, service, destination, definition }: DestinationStep): Promise<void> {
    const { writer, signal } = this.#means;
    if (definition === undefined) return writer.deleteDestination(service, destination, signal);
    return change.action === 'add-destination'
      ? writer.addDestination(service, definition, signal)
      : writer.setDestination(service, definition, signal);
  }

  /** That nothing was seen in a service while others wrote does not mean that nothing was there. */
  async #requireEmpty({ change, service }: ServiceStep): Promise<void> {
    const command = { name: 'IPVS_CMD_GET_DEST', service, verify: true } as const;
    const { session, signal } = this.#means;
    const { count } = await session.dump('deleteService', command, signal);
    if (count > 0) throw interferenceError(change.key.service);
  }
}
