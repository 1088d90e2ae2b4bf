/** The whole table in one pass. */
import { constants } from 'node:os';
import { commandError, type Subject } from '../explain.js';
import { checkServiceReference, type CheckedServiceKey } from '../input/service.js';
import type { Answer } from '../jobs.js';
import { formatCheckedKey, formatKey } from '../keys.js';
import type { ServiceSnapshot, ServiceState } from '../model.js';
import type { Command } from '../native/encode.js';
import { decodeDestinations } from '../native/lists.js';
import type { Sequence } from '../sequence.js';
import { keysOf, readServices, untilSteady } from './lists.js';

const { ESRCH } = constants.errno;

function requireSuccess(subject: Subject, { name }: Command, { outcome }: Answer): void {
  if (outcome.errno !== 0) throw commandError(subject, name, outcome);
}

/** One answer for each service: its destinations, or an empty list where it has gone. */
function* readDestinations(
  subject: Subject,
  services: readonly CheckedServiceKey[],
): Sequence<readonly Answer[]> {
  const commands = services.map((service): Command => ({ name: 'IPVS_CMD_GET_DEST', service }));
  const answers = yield commands.map((command) => ({ command, dump: true }));
  commands.forEach((command, index) => {
    const answer = answers[index];
    if (answer !== undefined) requireSuccess(subject, command, answer);
  });
  return answers;
}

/**
 * Those of the services that are not there any more: their lists may be cut short. Absence from one
 * list is no proof, so the kernel is asked for the key itself.
 */
function* findGone(
  subject: Subject,
  services: readonly CheckedServiceKey[],
): Sequence<ReadonlySet<string>> {
  const present = new Set((yield* readServices(subject)).map((entry) => formatKey(entry)));
  const doubtful = services.filter((service) => !present.has(formatCheckedKey(service)));
  const commands = doubtful.map((service): Command => ({ name: 'IPVS_CMD_GET_SERVICE', service }));
  const answers = yield commands.map((command) => ({ command, dump: false }));
  const gone = new Set<string>();
  doubtful.forEach((service, index) => {
    const [command, answer] = [commands[index], answers[index]];
    if (command === undefined || answer === undefined) return;
    const { errno, stage } = answer.outcome;
    if (errno === ESRCH && stage === 'kernel') gone.add(formatCheckedKey(service));
    else requireSuccess(subject, command, answer);
  });
  return gone;
}

/** Every service with its destinations. */
export function* readTable(subject: Subject): Sequence<ServiceSnapshot[]> {
  const entries = yield* readServices(subject);
  const keys = entries.map((entry) => checkServiceReference('service', entry));
  const lists = yield* readDestinations(subject, keys);
  const gone = yield* findGone(subject, keys);
  return entries
    .map((entry, index) => {
      const list = lists[index];
      return { ...entry, destinations: list === undefined ? [] : decodeDestinations(list) };
    })
    .filter((_, index) => {
      const key = keys[index];
      return key !== undefined && !gone.has(formatCheckedKey(key));
    });
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
