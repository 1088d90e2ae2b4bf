/** Services whose scheduler or engine the kernel lacks: each attempt makes it look for a module, which takes long. */
import { hasReason } from '../errors.js';
import type { FailedChange } from './apply-model.js';
import { plannedService } from './definitions.js';
import type { Table } from './table.js';

interface Hold {
  readonly error: Error;
  /** What was desired when it failed; another definition is tried at once. */
  readonly definition: string;
  readonly delay: number;
  readonly until: number;
}

function definitionOf(desired: Table, service: string): string {
  const definition = desired.get(service)?.definition;
  return definition === undefined ? '' : JSON.stringify(plannedService(definition));
}

/** Whether the kernel lacks what a service was to be given. */
function lacksModule({ error }: FailedChange): boolean {
  return hasReason(error, 'unknown-scheduler', 'unknown-engine', 'unknown-scheduler-or-engine');
}

/** Which services are not to be tried for now. */
export class Holds {
  readonly #least: number;
  readonly #most: number;
  readonly #holds = new Map<string, Hold>();

  constructor(least: number, most: number) {
    this.#least = least;
    this.#most = most;
  }

  /** Those of a desired state that are not to be tried at a moment, and why. */
  at(now: number, desired: Table): Map<string, Error> {
    const held = new Map<string, Error>();
    for (const [service, { error, definition, until }] of this.#holds) {
      if (definition !== definitionOf(desired, service)) this.#holds.delete(service);
      else if (until > now) held.set(service, error);
    }
    return held;
  }

  /** Learns from an apply that began with these services held, and ended now. */
  learn(
    failed: readonly FailedChange[],
    held: ReadonlyMap<string, Error>,
    desired: Table,
    now: number,
  ): void {
    const failing = new Map(
      failed.filter(lacksModule).map(({ change, error }) => [change.key.service, error]),
    );
    for (const service of this.#holds.keys()) {
      if (!failing.has(service)) this.#holds.delete(service);
    }
    for (const [service, error] of failing) {
      if (held.has(service)) continue;
      const before = this.#holds.get(service);
      const delay = before === undefined ? this.#least : Math.min(this.#most, before.delay * 2);
      const definition = definitionOf(desired, service);
      this.#holds.set(service, { error, definition, delay, until: now + delay });
    }
  }

  /** When the next of them may be tried again. */
  get next(): number {
    return Math.min(...[...this.#holds.values()].map(({ until }) => until));
  }

  /** Whether nothing failed but what is held, or waits for that. */
  covers(failed: readonly FailedChange[]): boolean {
    return failed.every(({ change }) => this.#holds.has(change.key.service));
  }
}
