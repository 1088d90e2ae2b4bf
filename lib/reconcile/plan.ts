/** What has to change so that a table becomes what it should be. Pure: nothing is read, nothing is changed. */
import { conflict, wrongType } from '../errors.js';
import { checkBoolean, checkObject, checkWord, Shape } from '../input/checks.js';
import type { CheckedDestination } from '../input/destination.js';
import type { CheckedServiceKey } from '../input/service.js';
import type { Protocol, ServiceState, ServiceSnapshot } from '../model.js';
import { PROTOCOLS, protocolName } from '../protocols.js';
import {
  foundDestination,
  foundService,
  plannedDestination,
  plannedService,
  sameButForWeight,
  sameForeign,
  sameService,
} from './definitions.js';
import { areIdentical } from './identical.js';
import type { Change, DesiredState, PlanOptions } from './model.js';
import { type CheckedScope, checkScope } from './scope.js';
import {
  checkDefinition,
  checkDestinationsOf,
  checkTable,
  type ServiceRow,
  type Table,
  type TableDestination,
} from './table.js';

/** The order of changes: what is there serves on until what comes instead does. */
const ORDER = [
  'add-service',
  'add-destination',
  'edit-destination',
  'edit-service',
  'drain-destination',
  'delete-destination',
  'delete-service',
] as const satisfies readonly Change['action'][];

/** Options of a plan, checked. */
export interface CheckedPlanOptions {
  readonly scope: CheckedScope;
  readonly keepWeights: boolean;
  /** Of which protocols' services destinations drain. */
  readonly drained: ReadonlySet<string>;
}

const OPTIONS = Shape.of('scope', 'keepWeights?', 'drain?');
const DRAIN = Shape.of('protocols?');

function checkDrain(field: string, value: unknown): ReadonlySet<Protocol> {
  if (value === undefined) return new Set();
  const { protocols = ['tcp'] } = checkObject(field, value, DRAIN);
  if (!Array.isArray(protocols)) {
    throw wrongType(`${field}.protocols`, 'an array of protocols', protocols);
  }
  return new Set(
    Array.from(protocols, (each: unknown, index) =>
      checkWord(`${field}.protocols[${index}]`, each, PROTOCOLS),
    ),
  );
}

function checkPlanOptions(value: unknown): CheckedPlanOptions {
  const { scope, keepWeights = false, drain } = checkObject('options', value, OPTIONS);
  return {
    scope: checkScope('options.scope', scope),
    keepWeights: checkBoolean('options.keepWeights', keepWeights),
    drained: checkDrain('options.drain', drain),
  };
}

/** The definition of what is desired and differs from what is there. */
function writable<Definition>(field: string, definition: Definition | undefined): Definition {
  if (definition !== undefined) return definition;
  throw conflict(
    `${field}.unsupported`,
    'says that another program wrote parts of this entry which cannot be written here; it can stay as it is, and is not there like this',
  );
}

/** The changes of one plan. */
class Planner {
  readonly #options: CheckedPlanOptions;
  readonly #changes: Change[] = [];

  constructor(options: CheckedPlanOptions) {
    this.#options = options;
  }

  /** All of them, in the order in which they are made. */
  get changes(): Change[] {
    return ORDER.flatMap((action) => this.#changes.filter((change) => change.action === action));
  }

  addService(row: ServiceRow): void {
    const to = plannedService(writable(row.field, checkDefinition(row)));
    this.#changes.push({ action: 'add-service', key: { service: row.name }, to });
    for (const each of checkDestinationsOf(row).values()) this.#addDestination(row, each);
  }

  editService(desired: ServiceRow, found: ServiceRow): void {
    const [wanted, there] = [checkDefinition(desired), checkDefinition(found)];
    const same =
      wanted === undefined && there === undefined
        ? sameForeign(desired.fields, found.fields)
        : sameService(wanted, there);
    if (!same) {
      const key = { service: desired.name };
      const to = plannedService(writable(desired.field, wanted));
      const from = foundService(found.fields, there);
      this.#changes.push({ action: 'edit-service', key, from, to });
    }
    if (areIdentical(desired.fields['destinations'], found.fields['destinations'])) return;
    this.#editDestinations(desired, found);
  }

  removeService(row: ServiceRow): void {
    const remaining = [...checkDestinationsOf(row).values()].filter((each) =>
      this.#removeDestination(row, each),
    );
    if (remaining.length > 0) return;
    const from = foundService(row.fields, checkDefinition(row));
    this.#changes.push({ action: 'delete-service', key: { service: row.name }, from });
  }

  #editDestinations(desired: ServiceRow, found: ServiceRow): void {
    const [wanted, there] = [checkDestinationsOf(desired), checkDestinationsOf(found)];
    for (const each of wanted.values()) {
      const before = there.get(each.name);
      if (before === undefined) this.#addDestination(desired, each);
      else this.#editDestination(desired, each, before);
    }
    for (const each of there.values()) {
      if (!wanted.has(each.name)) this.#removeDestination(found, each);
    }
  }

  #addDestination(service: ServiceRow, destination: TableDestination): void {
    const { field, name, definition } = destination;
    const to = plannedDestination(writable(field, definition));
    const key = { service: service.name, destination: name };
    this.#changes.push({ action: 'add-destination', key, to });
  }

  #editDestination(service: ServiceRow, desired: TableDestination, found: TableDestination): void {
    const [one, other] = [desired.definition, found.definition];
    const foreign = one === undefined && other === undefined;
    if (foreign && sameForeign(desired.fields, found.fields)) return;
    const wanted = writable(desired.field, one);
    const weight = this.#weight(wanted, other);
    if (sameButForWeight(wanted, other) && weight === other?.weight) return;
    const key = { service: service.name, destination: desired.name };
    const to = plannedDestination({ ...wanted, weight });
    this.#changes.push({ action: 'edit-destination', key, from: foundDestination(found), to });
  }

  /** Weight 0 is not kept: what was drained and is desired again would stay at it for ever. */
  #weight(wanted: CheckedDestination, found: CheckedDestination | undefined): number {
    const kept = this.#options.keepWeights ? (found?.weight ?? 0) : 0;
    return kept === 0 ? wanted.weight : kept;
  }

  /** Whether the destination stays for now. */
  #removeDestination(service: ServiceRow, found: TableDestination): boolean {
    const key = { service: service.name, destination: found.name };
    const from = foundDestination(found);
    const { definition } = found;
    if (definition === undefined || !this.#drains(service.key)) {
      this.#changes.push({ action: 'delete-destination', key, from });
      return false;
    }
    if (definition.weight !== 0) {
      const to = plannedDestination({ ...definition, weight: 0 });
      this.#changes.push({ action: 'drain-destination', key, from, to });
    }
    return true;
  }

  #drains(service: CheckedServiceKey): boolean {
    const protocol = service.fwmark === undefined ? protocolName(service.protocol) : 'tcp';
    return this.#options.drained.has(protocol);
  }
}

/** The changes between two tables. */
export function planTables(desired: Table, actual: Table, options: CheckedPlanOptions): Change[] {
  const planner = new Planner(options);
  for (const row of desired.values()) {
    if (!options.scope(row.key)) {
      throw conflict(row.field, `is ${row.name}, which is outside the scope`);
    }
    const found = actual.get(row.name);
    if (found === undefined) planner.addService(row);
    else planner.editService(row, found);
  }
  for (const row of actual.values()) {
    if (!desired.has(row.name) && options.scope(row.key)) planner.removeService(row);
  }
  return planner.changes;
}

/**
 * What has to change so that the table becomes what is desired, within the scope: a list, in the order in
 * which the changes are to be made, so that what serves goes on serving until what comes instead does. Empty
 * where nothing has to. Destinations are compared as sets, and edited rather than deleted and added.
 *
 * The result is plain data, fit for JSON; {@link formatPlan} prints it.
 *
 * @param desired - What the table should be, within the scope.
 * @param actual - What it is: a snapshot, with or without what the kernel counted.
 * @throws TypeError or RangeError ({@link ArgumentError}) with the path of what is wrong, for instance
 * `services[3].destinations[0].weight`: also for a service or a destination that is there twice, for a
 * desired service outside the scope, and for one that another program wrote, that cannot be written here, and
 * that is not there as it is desired.
 */
export function plan(
  desired: DesiredState,
  actual: readonly (ServiceSnapshot | ServiceState)[],
  options: PlanOptions,
): Change[] {
  const checked = checkPlanOptions(options);
  return planTables(checkTable('services', desired), checkTable('actual', actual), checked);
}
