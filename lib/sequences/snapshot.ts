/** The whole table in one pass. */
import { constants } from 'node:os';
import { commandError, type Subject } from '../failures.js';
import type { Answer } from '../batch.js';
import { formatKey } from '../keys.js';
import type { ServiceSnapshot, ServiceState } from '../model.js';
import { decodeCommand } from '../native/command.js';
import { decodeService } from '../native/decode.js';
import {
  decodeDestinations,
  missingFrom,
  rowTakesPortZero,
  serviceRecord,
  type ServiceRowEntry,
  serviceRows,
} from '../native/lists.js';
import type { Rows } from '../native/reply.js';
import { dump, type Sequence } from '../sequence.js';
import { keysOf, untilSteady } from './lists.js';

const { ESRCH } = constants.errno;

function requireSuccess(subject: Subject, { outcome, command }: Answer): void {
  if (outcome.errno === 0) return;
  const { name, ...about } = decodeCommand(command);
  throw commandError({ method: subject.method, ...about }, name, outcome);
}

function* readServiceRows(subject: Subject): Sequence<ServiceRowEntry[]> {
  return serviceRows(yield* dump(subject, { name: 'IPVS_CMD_GET_SERVICE' }));
}

/** One answer for each service: its destinations, or an empty list where it has gone. */
function* readDestinations(
  subject: Subject,
  services: readonly ServiceRowEntry[],
): Sequence<readonly Answer[]> {
  const answers = yield services.map((each) => ({
    command: { name: 'IPVS_CMD_GET_DEST', serviceRecord: serviceRecord(each) },
    dump: true,
  }));
  for (const answer of answers) requireSuccess(subject, answer);
  return answers;
}

/** Those services that are not there any more: their lists may be cut short. */
function* findGone(
  subject: Subject,
  doubtful: readonly ServiceRowEntry[],
): Sequence<ReadonlySet<ServiceRowEntry>> {
  const answers = yield doubtful.map((each) => ({
    command: { name: 'IPVS_CMD_GET_SERVICE', serviceRecord: serviceRecord(each) },
    dump: false,
  }));
  const gone = new Set<ServiceRowEntry>();
  answers.forEach((answer, index) => {
    const [service] = doubtful.slice(index, index + 1);
    if (service === undefined) return;
    const { errno, stage } = answer.outcome;
    if (errno === ESRCH && stage === 'kernel') gone.add(service);
    else requireSuccess(subject, answer);
  });
  return gone;
}

/** A service and its destinations, not decoded yet. */
export interface PackedService {
  readonly service: ServiceRowEntry;
  readonly destinations: Rows;
}

function assemble(
  services: readonly ServiceRowEntry[],
  lists: readonly Answer[],
  gone: ReadonlySet<ServiceRowEntry>,
): PackedService[] {
  const table: PackedService[] = [];
  services.forEach((service, index) => {
    const destinations = lists[index];
    if (destinations !== undefined && !gone.has(service)) table.push({ service, destinations });
  });
  return table;
}

function decode({ service, destinations }: PackedService): ServiceSnapshot {
  const entry = decodeService(service.reply, service.row);
  const list = decodeDestinations(destinations, rowTakesPortZero(service));
  return Object.assign(entry, { destinations: list });
}

/** Some services with their destinations, not decoded yet. */
export function* readPackedPart(
  subject: Subject,
  services: readonly ServiceRowEntry[],
): Sequence<PackedService[]> {
  const lists = yield* readDestinations(subject, services);
  return assemble(services, lists, yield* findGone(subject, services));
}

/** Some services with their destinations. */
export function* readPart(
  subject: Subject,
  services: readonly ServiceRowEntry[],
): Sequence<ServiceSnapshot[]> {
  return (yield* readPackedPart(subject, services)).map(decode);
}

/** Every service with its destinations, not decoded yet. */
export function* readPackedTable(subject: Subject): Sequence<PackedService[]> {
  const services = yield* readServiceRows(subject);
  const lists = yield* readDestinations(subject, services);
  // Absence from one list is no proof, so those are asked for by their keys.
  const doubtful = missingFrom(yield* readServiceRows(subject), services);
  return assemble(services, lists, yield* findGone(subject, doubtful));
}

/** Every service with its destinations. */
export function* readTable(subject: Subject): Sequence<ServiceSnapshot[]> {
  return (yield* readPackedTable(subject)).map(decode);
}

function keysOfTable(table: readonly ServiceSnapshot[]): string {
  return table.map((entry) => `${formatKey(entry)}\n${keysOf(entry.destinations)}`).join('\n\n');
}

/** Every service with its destinations, read until two reads agree. */
export function* readTableSteadily(subject: Subject): Sequence<ServiceSnapshot[]> {
  return yield* untilSteady(subject, () => readTable(subject), keysOfTable);
}

/** A snapshot of a service without what the kernel counted. */
export function withoutCounts({
  stats: _,
  destinations,
  ...service
}: ServiceSnapshot): ServiceState {
  return {
    ...service,
    destinations: destinations.map(
      ({ stats: _stats, connections: _connections, ...destination }) => destination,
    ),
  };
}
