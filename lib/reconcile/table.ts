/** Tables as they are compared: a desired state or a snapshot, checked as a whole. */
import { conflict, wrongType } from '../errors.js';
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

/** A destination of a table. */
export interface TableDestination {
  readonly field: string;
  readonly name: string;
  readonly key: CheckedDestinationKey;
  /** Undefined where another program wrote what can't be written here. */
  readonly definition: CheckedDestination | undefined;
  readonly fields: Fields;
}

type Destinations = ReadonlyMap<string, TableDestination>;

function isForeign(fields: Fields): boolean {
  const { unsupported } = fields;
  return Array.isArray(unsupported) && unsupported.length > 0;
}

/** Puts a part into a map; two of one name would be two wills. */
function put<Value extends { readonly field: string; readonly name: string }>(
  parts: Map<string, Value>,
  part: Value,
): void {
  const other = parts.get(part.name);
  if (other !== undefined) throw conflict(part.field, `is ${part.name}, and so is ${other.field}`);
  parts.set(part.name, part);
}

function checkList(field: string, value: unknown, of: string): readonly Fields[] {
  if (!Array.isArray(value)) throw wrongType(field, `an array of ${of}`, value);
  // A hole becomes undefined, which is refused.
  return Array.from(value as readonly Fields[]);
}

function checkDestinations(
  field: string,
  value: unknown,
  service: CheckedServiceKey,
): Destinations {
  const destinations = new Map<string, TableDestination>();
  checkList(field, value, 'destinations').forEach((fields, index) => {
    const path = `${field}[${index}]`;
    const key = checkDestinationReference(path, fields);
    const definition = isForeign(fields) ? undefined : checkDestination(path, fields, service);
    put(destinations, { field: path, name: formatCheckedKey(key), key, definition, fields });
  });
  return destinations;
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
  #destinations: Destinations | undefined;

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
    return (this.listed as readonly unknown[]).length;
  }

  /** Its destinations, by their names. */
  get destinations(): Destinations {
    this.#destinations ??= checkDestinations(`${this.field}.destinations`, this.listed, this.key);
    return this.#destinations;
  }

  /** Checks all of it, once and for all. */
  checkWhole(): { definition: CheckedService | undefined; destinations: Destinations } {
    return { definition: this.definition, destinations: this.destinations };
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
