/** Tables as they are compared: a desired state or a snapshot, checked as a whole. */
import { conflict, wrongType } from '../argument-errors.js';
import type { Fields } from '../input/checks.js';
import {
  checkDestination,
  type CheckedDestination,
  type CheckedDestinationKey,
  checkDestinationReference,
} from '../input/destination.js';
import {
  checkService,
  type CheckedService,
  type CheckedServiceKey,
  checkServiceReference,
} from '../input/service.js';
import { formatCheckedKey } from '../keys.js';
import { areIdentical } from './identical.js';

/** A destination of a table. What only few are asked for is made when they are: a table has many. */
export class TableDestination {
  readonly key: CheckedDestinationKey;
  /** Undefined where another program wrote what can't be written here. */
  readonly definition: CheckedDestination | undefined;
  readonly fields: Fields;
  readonly #list: string;
  readonly #index: number;

  constructor(list: string, index: number, fields: Fields, service: CheckedServiceKey) {
    const path = `${list}[${index}]`;
    this.definition = isForeign(fields) ? undefined : checkDestination(path, fields, service);
    this.key = this.definition?.key ?? checkDestinationReference(path, fields);
    this.fields = fields;
    this.#list = list;
    this.#index = index;
  }

  /** Where it stands in what was passed. */
  get field(): string {
    return `${this.#list}[${this.#index}]`;
  }

  /** Its key as `formatKey` writes it. */
  get name(): string {
    return formatCheckedKey(this.key);
  }
}

type Destinations = ReadonlyMap<string, TableDestination>;

function isForeign(value: unknown): boolean {
  const unsupported = (value as Fields | null | undefined)?.['unsupported'];
  return Array.isArray(unsupported) && unsupported.length > 0;
}

/** Puts a part into a map; two of one name would be two wills. */
function put<Value extends { readonly field: string; readonly name: string }>(
  parts: Map<string, Value>,
  part: Value,
): void {
  const other = parts.get(part.name);
  if (other !== undefined)
    throw conflict(part.field, `is ${part.name}, and so is ${other.field}: leave one of them out`);
  parts.set(part.name, part);
}

function checkList(field: string, value: unknown, of: string): readonly Fields[] {
  if (!Array.isArray(value)) throw wrongType(field, `an array of ${of}`, value);
  // A hole becomes undefined, which is refused.
  return Array.from(value as readonly Fields[]);
}

/** So few are compared each with each, which is quicker than to look their names up. */
const FEW = 16;

function areSame(one: CheckedDestinationKey, other: CheckedDestinationKey): boolean {
  return (
    one.port === other.port &&
    one.family === other.family &&
    one.address.text === other.address.text
  );
}

function haveTwins(all: readonly TableDestination[]): boolean {
  if (all.length > FEW) return new Set(all.map(({ name }) => name)).size < all.length;
  return all.some(({ key }, index) => all.findIndex((each) => areSame(each.key, key)) < index);
}

function byName(all: readonly TableDestination[]): Destinations {
  const destinations = new Map<string, TableDestination>();
  for (const each of all) put(destinations, each);
  return destinations;
}

function checkDestinations(
  field: string,
  value: unknown,
  service: CheckedServiceKey,
): readonly TableDestination[] {
  const all = checkList(field, value, 'destinations').map(
    (fields, index) => new TableDestination(field, index, fields, service),
  );
  // Says which two.
  if (haveTwins(all)) byName(all);
  return all;
}

/** A service of a table. Its key is checked, all else when it is asked for: of most that are there nothing is. */
export class ServiceRow {
  /** Where it stands in what was passed: `services[3]`. */
  readonly field: string;
  /** Its key as `formatKey` writes it. */
  readonly name: string;
  readonly key: CheckedServiceKey;
  /** As it was passed. */
  readonly fields: Fields;
  #definition: { readonly checked: CheckedService | undefined } | undefined;
  #checked: readonly TableDestination[] | undefined;
  #destinations: Destinations | undefined;
  #definitions: { readonly all: readonly CheckedDestination[] | undefined } | undefined;

  constructor(field: string, value: Fields) {
    this.field = field;
    this.key = checkServiceReference(field, value);
    this.name = formatCheckedKey(this.key);
    this.fields = value;
  }

  /** But for its destinations. Undefined for what others wrote and we can't: it may be there and stay. */
  get definition(): CheckedService | undefined {
    this.#definition ??= {
      checked: isForeign(this.fields) ? undefined : checkService(this.field, this.fields),
    };
    return this.#definition.checked;
  }

  /** Its destinations as they were passed. */
  get listed(): unknown {
    return this.fields['destinations'];
  }

  /** How many destinations it has, where that has been seen to be a list. */
  get size(): number {
    return this.#checked?.length ?? (this.listed as readonly unknown[]).length;
  }

  /** Its destinations, in the order in which they were passed. */
  get all(): readonly TableDestination[] {
    this.#checked ??= checkDestinations(`${this.field}.destinations`, this.listed, this.key);
    return this.#checked;
  }

  /** Its destinations, by their names. */
  get destinations(): Destinations {
    this.#destinations ??= byName(this.all);
    return this.#destinations;
  }

  /** The definitions of its destinations; undefined where others wrote one of them, and we can't. */
  get definitions(): readonly CheckedDestination[] | undefined {
    if (this.#definitions === undefined) {
      const all: CheckedDestination[] = [];
      for (const { definition } of this.all) if (definition !== undefined) all.push(definition);
      this.#definitions = { all: all.length === this.all.length ? all : undefined };
    }
    return this.#definitions.all;
  }

  /** Checks all of it, once and for all. */
  checkWhole(): { definition: CheckedService | undefined; definitions: unknown } {
    return { definition: this.definition, definitions: this.definitions };
  }

  /** Whether its destinations are surely the same as those that are desired; false says nothing. */
  hasJust(desired: ServiceRow): boolean {
    return areIdentical(desired.listed, this.listed);
  }
}

/** Services by their names, in the order in which they were passed. */
export type Table = ReadonlyMap<string, ServiceRow>;

/**
 * The services of a table, their keys checked.
 *
 * @param field - What the table is called in messages.
 */
export function checkTable(field: string, value: unknown): Table {
  const services = new Map<string, ServiceRow>();
  checkList(field, value, 'services').forEach((fields, index) => {
    put(services, new ServiceRow(`${field}[${index}]`, fields));
  });
  return services;
}

/** The services of a table, all of it checked. */
export function checkWholeTable(field: string, value: unknown): Table {
  const table = checkTable(field, value);
  for (const row of table.values()) row.checkWhole();
  return table;
}
