/** Lists of a table that others may be changing. */
import { type Subject, tableChangingError } from '../failures.js';
import { takesPortZero } from '../input/destination.js';
import { formatKey, type Keyed } from '../keys.js';
import type { DestinationEntry, ServiceEntry } from '../model.js';
import { decodeDestinations, decodeServices } from '../native/lists.js';
import { dump, type Sequence } from '../sequence.js';
import type { ServiceSubject } from './service.js';

/** So many reads are made in search of two in a row that agree. */
const READS = 10;

/** Reads until two reads in a row show the same keys, or one shows enough. */
export function* untilSteady<Entries>(
  subject: Subject,
  read: () => Sequence<Entries>,
  keysOf: (entries: Entries) => string,
  isEnough: (entries: Entries) => boolean = () => false,
): Sequence<Entries> {
  let before: string | undefined;
  for (let reads = 1; reads <= READS; reads += 1) {
    const entries = yield* read();
    if (isEnough(entries)) return entries;
    const keys = keysOf(entries);
    if (keys === before) return entries;
    before = keys;
  }
  throw tableChangingError(subject, READS);
}

/** The keys of a list as one text. */
export function keysOf(entries: readonly Keyed[]): string {
  return entries.map((entry) => formatKey(entry)).join('\n');
}

/** All services, read once. */
export function* readServices(subject: Subject): Sequence<ServiceEntry[]> {
  return decodeServices(yield* dump(subject, { name: 'IPVS_CMD_GET_SERVICE' }));
}

/** All services, read until two reads agree. */
export function* listServicesSteadily(subject: Subject): Sequence<ServiceEntry[]> {
  return yield* untilSteady(subject, () => readServices(subject), keysOf);
}

/** All destinations of a service, read until two reads agree. */
export function* listDestinationsSteadily(subject: ServiceSubject): Sequence<DestinationEntry[]> {
  const command = { name: 'IPVS_CMD_GET_DEST', service: subject.service, verify: true } as const;
  const read = function* (): Sequence<DestinationEntry[]> {
    return decodeDestinations(yield* dump(subject, command), takesPortZero(subject.service));
  };
  return yield* untilSteady(subject, read, keysOf);
}
