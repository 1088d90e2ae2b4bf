/** What may be said of keys that others write at the same time: any of these, and nothing else. */
import { isDeepStrictEqual } from 'node:util';
import {
  compareKeys,
  type Destination,
  type DestinationKey,
  formatKey,
  type IpvsErrorReason,
  type Service,
  type ServiceKey,
} from 'ipvs';
import { canonicalDestination, canonicalService } from '../support/canonical.js';
import { destinationsOf, type Keys, SCHEDULERS } from './generate.js';
import { definitionOf, type Operation, type Result } from './operations.js';

/** Somebody else was first. */
const ON_SERVICE: readonly IpvsErrorReason[] = ['service-exists', 'service-not-found'];
const ON_DESTINATION: readonly IpvsErrorReason[] = [
  ...(['service-not-found', 'destination-exists', 'destination-not-found'] as const),
];

function between(value: number | undefined, least: number, most: number): boolean {
  return value !== undefined && Number.isInteger(value) && value >= least && value <= most;
}

/** Whether a service is one that the soak's writers make. */
export function isService(entry: Service): boolean {
  const { schedulerFlags = [], persistence } = entry;
  return (
    isDeepStrictEqual(entry, canonicalService(entry)) &&
    SCHEDULERS.some((each) => each === entry.scheduler) &&
    schedulerFlags.length <= 1 &&
    (persistence === undefined ||
      (between(persistence.timeout, 1, 1000) && between(persistence.prefixLength, 1, 128)))
  );
}

/** Whether a destination is one that the soak's writers make. */
export function isDestination(entry: Destination): boolean {
  const { weight, upperThreshold, lowerThreshold, tunnel } = entry;
  return (
    isDeepStrictEqual(entry, canonicalDestination(entry)) &&
    between(weight, 0, 99) &&
    (upperThreshold === 0 ? lowerThreshold === 0 : between(upperThreshold, 10, 99)) &&
    between(lowerThreshold, 0, 9) &&
    (tunnel?.type !== 'gue' || between(tunnel.port, 6000, 6099))
  );
}

function areInOrder(keys: readonly (ServiceKey | DestinationKey)[]): boolean {
  return keys.every((key, index) => {
    const before = keys[index - 1];
    return before === undefined || compareKeys(before, key) < 0;
  });
}

function isOneOf(key: ServiceKey | DestinationKey, keys: readonly (ServiceKey | DestinationKey)[]) {
  return keys.some((each) => formatKey(each) === formatKey(key));
}

/** Whether a list of a service's destinations can be: each once, in their order, all of them its own. */
export function areDestinations(
  keys: Keys,
  service: ServiceKey,
  entries: readonly Destination[],
): boolean {
  const known = destinationsOf(keys, service);
  return (
    areInOrder(entries) && entries.every((each) => isOneOf(each, known) && isDestination(each))
  );
}

function isPossibleValue(keys: Keys, operation: Operation, value: unknown): boolean {
  if (/^(?:get|list)/.test(operation.act) && !(value instanceof Object)) return false;
  switch (operation.act) {
    case 'getService':
      return isOneOf(value as Service, [operation.service]) && isService(value as Service);
    case 'getDestination':
      return (
        isOneOf(value as Destination, [operation.destination]) &&
        isDestination(value as Destination)
      );
    case 'listDestinations':
      return areDestinations(keys, operation.service, value as Destination[]);
    case 'ensureService':
    case 'ensureDestination':
      return value === 'added' || value === 'set';
    case 'addService':
    case 'setService':
    case 'updateService':
    case 'deleteService':
    case 'zero':
    case 'addDestination':
    case 'setDestination':
    case 'updateDestination':
    case 'deleteDestination':
      return value === undefined;
  }
}

/** Whether an operation on keys that everybody writes can have ended like this. */
export function isPossible(keys: Keys, operation: Operation, result: Result): boolean {
  if ('value' in result) return isPossibleValue(keys, operation, result.value);
  if ('unexpected' in result) return false;
  const reasons = 'destination' in operation ? ON_DESTINATION : ON_SERVICE;
  return reasons.includes(result.reason) && result.outcome === 'not-applied';
}

/** A service of a whole table, with its destinations where they were read too. */
export type Row = Service & { readonly destinations?: readonly Destination[] };

/**
 * Whether a whole table, read while all write, can be: each service once, in their order, all of them
 * services of `writers`.
 */
export function isTable(writers: readonly Keys[], rows: readonly Row[]): boolean {
  return (
    areInOrder(rows) &&
    rows.every(({ destinations = [], ...service }) => {
      const keys = writers.find((each) => isOneOf(service, each.services));
      const own = destinations.map((each) => definitionOf(each) as Destination);
      return (
        keys !== undefined &&
        isService(definitionOf(service) as Service) &&
        areDestinations(keys, service, own)
      );
    })
  );
}
