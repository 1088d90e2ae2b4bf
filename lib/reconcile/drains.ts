/** When destinations that drain may go. */
import type { ConnectionGauges } from '../model.js';
import type { DrainedDestination, DrainingDestination } from './apply-model.js';
import type { ChangeKey } from './model.js';
import type { CheckedDrain } from './options.js';
import type { Drains, Leaving } from './planner.js';
import type { ServiceRow } from './table.js';

const NONE: ConnectionGauges = { active: 0, inactive: 0, persistent: 0 };

/** What keeps a destination, if anything does. */
export function waitsFor(
  { active, inactive, persistent }: ConnectionGauges,
  templatesCount: boolean,
): DrainingDestination['waitsFor'] | undefined {
  if (active + inactive > 0) return 'connections';
  return templatesCount && persistent > 0 ? 'persistence' : undefined;
}

/** One text for a destination of any service. */
function nameOf({ service, destination }: Required<ChangeKey>): string {
  return `${service} > ${destination}`;
}

function keyOf({ service, destination }: Leaving): Required<ChangeKey> {
  return { service: service.name, destination: destination.name };
}

/** Whether clients of a service are bound to its destinations. */
export function isPersistent({ fields }: ServiceRow): boolean {
  return fields['persistence'] !== undefined;
}

function connectionsOf({ destination }: Leaving): ConnectionGauges {
  return (destination.fields['connections'] as ConnectionGauges | undefined) ?? NONE;
}

/** The clocks of drains, as of one moment. */
export class DrainClocks implements Drains {
  readonly #rule: CheckedDrain;
  readonly #since: ReadonlyMap<string, number>;
  readonly #now: number;
  /** Whether clients that persistence has bound come back to a destination of weight 0. */
  readonly #templatesCount: boolean;
  readonly #over = new Map<string, DrainedDestination>();
  readonly #begun = new Set<string>();

  constructor(rule: CheckedDrain, now: number, templatesCount: boolean) {
    this.#rule = rule;
    this.#since = new Map(rule.since.map(({ key, since }) => [nameOf(key), since]));
    this.#now = now;
    this.#templatesCount = templatesCount;
  }

  /** A destination got weight 0 just now: it stays for now, and what was said of an earlier drain does not count. */
  began({ service, destination = '' }: ChangeKey): void {
    this.#begun.add(nameOf({ service, destination }));
  }

  isOver(leaving: Leaving): boolean {
    const key = keyOf(leaving);
    if (this.#begun.has(nameOf(key))) return false;
    const since = this.#start(key);
    const connections = connectionsOf(leaving);
    const forced = this.#waitsFor(leaving) !== undefined;
    if (forced && this.#now < since + this.#rule.deadline) return false;
    this.#over.set(nameOf(key), { key, since, forced, connections });
    return true;
  }

  /** What a destination that has been deleted was, if its drain was over. */
  ended(key: ChangeKey): DrainedDestination | undefined {
    const { service, destination = '' } = key;
    return this.#over.get(nameOf({ service, destination }));
  }

  /** What is told of a destination that stays for now. */
  report(leaving: Leaving): DrainingDestination {
    const key = keyOf(leaving);
    // One that had its weight until just now may have drained before, and served again.
    const isNew = leaving.destination.definition?.weight !== 0;
    const since = isNew ? this.#now : this.#start(key);
    return {
      key,
      since,
      until: since + this.#rule.deadline,
      waitsFor: this.#waitsFor(leaving) ?? 'connections',
      connections: connectionsOf(leaving),
    };
  }

  /** A clock that was set back must not make a drain longer. */
  #start(key: Required<ChangeKey>): number {
    const name = nameOf(key);
    const since = this.#begun.has(name) ? undefined : this.#since.get(name);
    return Math.min(this.#now, since ?? this.#now);
  }

  #waitsFor(leaving: Leaving): DrainingDestination['waitsFor'] | undefined {
    const templatesCount = this.#templatesCount && isPersistent(leaving.service);
    return waitsFor(connectionsOf(leaving), templatesCount);
  }
}
