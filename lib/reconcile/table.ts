/** Tables as they are compared: a desired state or a snapshot, checked as a whole. */
import { conflict, wrongType } from '../errors.js';
import type { Fields } from '../input/checks.js';
import {
  checkDestination,
  type CheckedDestination,
  checkDestinationReference,
} from '../input/destination.js';
import {
  checkService,
  type CheckedService,
  type CheckedServiceKey,
  checkServiceReference,
} from '../input/service.js';
import { formatCheckedKey } from '../keys.js';

/** A service of a table, of which only the key is checked yet. */
export interface ServiceRow {
  /** Where it stands in what was passed: `services[3]`. */
  readonly field: string;
  /** Its key as `formatKey` writes it. */
  readonly name: string;
  readonly key: CheckedServiceKey;
  /** As it was passed. */
  readonly fields: Fields;
}

/** A destination of a table. */
export interface TableDestination {
  readonly field: string;
  readonly name: string;
  /** Undefined where another program wrote what can't be written here. */
  readonly definition: CheckedDestination | undefined;
  readonly fields: Fields;
}

/** Services by their names, in the order in which they were passed. */
export type Table = ReadonlyMap<string, ServiceRow>;

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
): ReadonlyMap<string, TableDestination> {
  const destinations = new Map<string, TableDestination>();
  checkList(field, value, 'destinations').forEach((fields, index) => {
    const path = `${field}[${index}]`;
    const key = checkDestinationReference(path, fields);
    const definition = isForeign(fields) ? undefined : checkDestination(path, fields, service);
    put(destinations, { field: path, name: formatCheckedKey(key), definition, fields });
  });
  return destinations;
}

/**
 * The services of a table, their keys checked.
 *
 * @param field - What the table is called in messages.
 */
export function checkTable(field: string, value: unknown): Table {
  const services = new Map<string, ServiceRow>();
  checkList(field, value, 'services').forEach((fields, index) => {
    const path = `${field}[${index}]`;
    const key = checkServiceReference(path, fields);
    put(services, { field: path, name: formatCheckedKey(key), key, fields });
  });
  return services;
}

/**
 * A service, checked, but for its destinations. What others wrote and we can't is let through: it may be there
 * and stay.
 */
export function checkDefinition(row: ServiceRow): CheckedService | undefined {
  return isForeign(row.fields) ? undefined : checkService(row.field, row.fields);
}

/** The destinations of a service, checked. */
export function checkDestinationsOf({
  field,
  fields,
  key,
}: ServiceRow): ReadonlyMap<string, TableDestination> {
  return checkDestinations(`${field}.destinations`, fields['destinations'], key);
}
