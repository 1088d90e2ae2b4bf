/** Finds what has to change between two tables, and what it takes to carry that out. */
import { conflict } from '../argument-errors.js';
import type { CheckedDestination, CheckedDestinationKey } from '../input/destination.js';
import type { CheckedService, CheckedServiceKey } from '../input/service.js';
import { protocolName } from '../protocols.js';
import {
  foundDestination,
  foundService,
  plannedDestination,
  plannedService,
  sameButForWeight,
  sameForeign,
  sameService,
} from './definitions.js';
import { outsideError } from './errors.js';
import type {
  AddDestination,
  AddService,
  DeleteDestination,
  DeleteService,
  EditDestination,
  EditService,
} from './plan-model.js';
import type { CheckedPlanOptions } from './options.js';
import type { ServiceRow, Table, TableDestination } from './table.js';

/** A change of a service. */
export interface ServiceStep {
  readonly change: AddService | EditService | DeleteService;
  readonly service: CheckedServiceKey;
  /** What to write; none to delete. */
  readonly definition?: CheckedService;
  /** To delete it because nothing is left in it: it stays, should there be something after all. */
  readonly onlyIfEmpty?: boolean;
}

/** A change of a destination. */
export interface DestinationStep {
  readonly change: AddDestination | EditDestination | DeleteDestination;
  readonly service: CheckedServiceKey;
  readonly destination: CheckedDestinationKey;
  /** What to write; none to delete. */
  readonly definition?: CheckedDestination;
}

/** A change, and what it takes to carry it out. */
export type Step = ServiceStep | DestinationStep;

/** A destination that is not desired, in its service: as that is desired, or else as it was found. */
export interface Leaving {
  readonly service: ServiceRow;
  readonly destination: TableDestination;
}

/** Says when destinations that are not desired and have weight 0 may go. */
export interface Drains {
  isOver(leaving: Leaving): boolean;
}

/** How much of what is there is to go. */
export interface Tally {
  /** Services and destinations within the scope, without destinations that drain already. */
  readonly entries: number;
  /**
   * Those of them that go, without destinations in whose stead others come, and services that lose all their
   * destinations.
   */
  readonly removals: number;
}

/** A plan, and what was learnt on the way. */
export interface Planned {
  /** In the order in which they are to be made. */
  readonly steps: readonly Step[];
  /** Destinations that have weight 0 or get it now, and stay for now. */
  readonly draining: readonly Leaving[];
  readonly tally: Tally;
}

/** The order of changes: what is there serves on until what comes instead does. */
const ORDER = [
  'add-service',
  'add-destination',
  'edit-destination',
  'edit-service',
  'drain-destination',
  'delete-destination',
  'delete-service',
] as const satisfies readonly Step['change']['action'][];

const FOR_EVER: Drains = { isOver: () => false };

/** The definition of what is desired and differs from what is there. */
function writable<Definition>(field: string, definition: Definition | undefined): Definition {
  if (definition !== undefined) return definition;
  throw conflict(
    `${field}.unsupported`,
    'says that another program wrote parts of this entry which cannot be written here; it can stay as it is, and is not there like this',
  );
}

class Planner {
  readonly #options: CheckedPlanOptions;
  readonly #drains: Drains;
  readonly #steps = new Map<string, Step[]>(ORDER.map((action) => [action, []]));
  readonly #draining: Leaving[] = [];
  #entries = 0;
  #removals = 0;

  constructor(options: CheckedPlanOptions, drains: Drains) {
    this.#options = options;
    this.#drains = drains;
  }

  get planned(): Planned {
    return {
      steps: [...this.#steps.values()].flat(),
      draining: this.#draining,
      tally: { entries: this.#entries, removals: this.#removals },
    };
  }

  addService(row: ServiceRow): void {
    const { key, name } = row;
    const definition = writable(row.field, row.definition);
    const change = {
      action: 'add-service',
      key: { service: name },
      to: plannedService(definition),
    } as const;
    this.#push({ change, service: key, definition });
    for (const each of row.all) this.#addDestination(row, each);
  }

  editService(desired: ServiceRow, found: ServiceRow): void {
    this.#editDefinition(desired, found);
    this.#entries += 1;
    if (found.hasJust(desired)) {
      this.#entries += found.size;
    } else {
      this.#editDestinations(desired, found);
    }
  }

  removeService(row: ServiceRow): void {
    const leaving = row.all;
    const drained = leaving.filter((each) => this.#isDrained(row, each)).length;
    this.#entries += 1 + leaving.length - drained;
    // Once is enough: as long as its destinations drain, a service is there.
    this.#removals += (drained > 0 ? 0 : 1) + leaving.length - drained;
    const remaining = leaving.filter((each) => this.#removeDestination(row, each));
    if (remaining.length > 0) return;
    const from = foundService(row.fields, row.definition);
    const change = { action: 'delete-service', key: { service: row.name }, from } as const;
    this.#push({ change, service: row.key, onlyIfEmpty: this.#drainsOf(row.key) });
  }

  #editDefinition(desired: ServiceRow, found: ServiceRow): void {
    const [wanted, there] = [desired.definition, found.definition];
    const same =
      wanted === undefined && there === undefined
        ? sameForeign(desired.fields, found.fields)
        : sameService(wanted, there);
    if (same) return;
    const definition = writable(desired.field, wanted);
    const change = {
      action: 'edit-service',
      key: { service: desired.name },
      from: foundService(found.fields, there),
      to: plannedService(definition),
    } as const;
    this.#push({ change, service: desired.key, definition });
  }

  #editDestinations(desired: ServiceRow, found: ServiceRow): void {
    const [wanted, there] = [desired.destinations, found.destinations];
    let added = 0;
    for (const each of wanted.values()) {
      const before = there.get(each.name);
      if (before === undefined) {
        this.#addDestination(desired, each);
        added += 1;
      } else {
        this.#editDestination(desired, each, before);
      }
    }
    const leaving = [...there.values()].filter(({ name }) => !wanted.has(name));
    const drained = leaving.filter((each) => this.#isDrained(found, each)).length;
    this.#entries += there.size - drained;
    const removed = Math.max(0, leaving.length - drained - added);
    // A service without destinations serves nobody: it counts as gone with them.
    this.#removals += removed + (removed > 0 && wanted.size === 0 ? 1 : 0);
    for (const each of leaving) this.#removeDestination(desired, each);
  }

  #addDestination(service: ServiceRow, destination: TableDestination): void {
    const { field, name, key } = destination;
    const definition = writable(field, destination.definition);
    const change = {
      action: 'add-destination',
      key: { service: service.name, destination: name },
      to: plannedDestination(definition),
    } as const;
    this.#push({ change, service: service.key, destination: key, definition });
  }

  #editDestination(service: ServiceRow, desired: TableDestination, found: TableDestination): void {
    const [one, other] = [desired.definition, found.definition];
    const foreign = one === undefined && other === undefined;
    if (foreign && sameForeign(desired.fields, found.fields)) return;
    const wanted = writable(desired.field, one);
    const weight = this.#weight(wanted, other);
    if (sameButForWeight(wanted, other) && weight === other?.weight) return;
    const definition = { ...wanted, weight };
    const change = {
      action: 'edit-destination',
      key: { service: service.name, destination: desired.name },
      from: foundDestination(found),
      to: plannedDestination(definition),
    } as const;
    this.#push({ change, service: service.key, destination: desired.key, definition });
  }

  /** Weight 0 is not kept: what was drained and is desired again would stay at it for ever. */
  #weight(wanted: CheckedDestination, found: CheckedDestination | undefined): number {
    const kept = this.#options.keepWeights ? (found?.weight ?? 0) : 0;
    return kept === 0 ? wanted.weight : kept;
  }

  /** Whether the destination stays for now. */
  #removeDestination(service: ServiceRow, destination: TableDestination): boolean {
    const { definition } = destination;
    const leaving = { service, destination };
    const isDrained = this.#isDrained(service, destination);
    if (
      definition === undefined ||
      !this.#drainsOf(service.key) ||
      (isDrained && this.#drains.isOver(leaving))
    ) {
      this.#deleteDestination(leaving);
      return false;
    }
    if (!isDrained) this.#drainDestination(leaving, { ...definition, weight: 0 });
    this.#draining.push(leaving);
    return true;
  }

  #deleteDestination({ service, destination }: Leaving): void {
    const change = {
      action: 'delete-destination',
      key: { service: service.name, destination: destination.name },
      from: foundDestination(destination),
    } as const;
    this.#push({ change, service: service.key, destination: destination.key });
  }

  #drainDestination({ service, destination }: Leaving, definition: CheckedDestination): void {
    const change = {
      action: 'drain-destination',
      key: { service: service.name, destination: destination.name },
      from: foundDestination(destination),
      to: plannedDestination(definition),
    } as const;
    this.#push({ change, service: service.key, destination: destination.key, definition });
  }

  /** Whether a destination that is not desired drains already. */
  #isDrained(service: ServiceRow, { definition }: TableDestination): boolean {
    return definition?.weight === 0 && this.#drainsOf(service.key);
  }

  #drainsOf(service: CheckedServiceKey): boolean {
    const protocol = service.fwmark === undefined ? protocolName(service.protocol) : 'tcp';
    return this.#options.drained.has(protocol);
  }

  #push(step: Step): void {
    this.#steps.get(step.change.action)?.push(step);
  }
}

/** What has to change between two tables, within the scope. */
export function planTables(
  desired: Table,
  actual: Table,
  options: CheckedPlanOptions,
  drains = FOR_EVER,
): Planned {
  const planner = new Planner(options, drains);
  for (const row of desired.values()) {
    if (!options.scope(row.key)) {
      throw outsideError(row.field, row.name);
    }
    const found = actual.get(row.name);
    if (found === undefined) planner.addService(row);
    else planner.editService(row, found);
  }
  for (const row of actual.values()) {
    if (!desired.has(row.name) && options.scope(row.key)) planner.removeService(row);
  }
  return planner.planned;
}
