/** Adding, replacing and patching destinations, and making sure that a tunnel was understood. */
import { constants } from 'node:os';
import { hasReason } from '../errors.js';
import { commandError, type Subject, tunnelError, unwritableError } from '../failures.js';
import type { Fields } from '../input/checks.js';
import type {
  CheckedDestination,
  CheckedDestinationKey,
  CheckedTunnel,
} from '../input/destination.js';
import { takesPortZero } from '../input/destination.js';
import { mergeDestination, unwritableDestination } from '../input/patch.js';
import type { CheckedServiceKey } from '../input/service.js';
import type { Answer } from '../batch.js';
import { decodeDestination } from '../native/decode.js';
import type { Command } from '../native/encode.js';
import { layout } from '../native/layout.js';
import { decodeDestinations, findDestination } from '../native/lists.js';
import { attempt, dump, perform, readAfter, type Sequence } from '../sequence.js';
import { keysOf, untilSteady } from './lists.js';

/**
 * Which tunnels the kernel has been seen to understand. Kernels before 5.2 pass over what they do not
 * know of a tunnel without a word, and would encapsulate by IPIP.
 */
export class TunnelSupport {
  readonly #seen = new Set<string>();

  isKnown(destination: CheckedDestination): boolean {
    const { forwarding, tunnel } = destination;
    return forwarding !== 'tunnel' || tunnel.type === 'ipip' || this.#seen.has(this.#name(tunnel));
  }

  add({ tunnel }: CheckedDestination): void {
    this.#seen.add(this.#name(tunnel));
  }

  #name({ type, checksum }: CheckedTunnel): string {
    return `${type} ${checksum}`;
  }
}

/** A destination of a service, and the method that is about it. */
export interface DestinationSubject extends Subject {
  readonly service: CheckedServiceKey;
  readonly destination: CheckedDestinationKey;
}

interface Found {
  readonly answer: Answer;
  readonly row: number;
}

/**
 * A list that is not longer comes in one datagram, and shows what was there at one moment: the kernel fills 3.7 kB at
 * least (net/netlink/af_netlink.c, netlink_dump), and a destination takes less than 400 bytes.
 */
const ROWS_AT_ONCE = 8;

/**
 * The row of a destination; throws when it is not there. That a longer list lacks it proves nothing by itself: when
 * others delete destinations meanwhile, the kernel goes on too far (ip_vs_ctl.c, ip_vs_genl_dump_dests). Two lists in a
 * row must agree.
 */
export function* findRow(subject: DestinationSubject): Sequence<Found> {
  const { service, destination } = subject;
  const command = { name: 'IPVS_CMD_GET_DEST', service, verify: true } as const;
  const find = (answer: Answer): number | undefined => findDestination(answer, destination);
  const answer = yield* untilSteady(
    subject,
    () => dump(subject, command),
    (list) => keysOf(decodeDestinations(list, takesPortZero(service))),
    (list) => list.count <= ROWS_AT_ONCE || find(list) !== undefined,
  );
  const row = find(answer);
  if (row !== undefined) return { answer, row };
  throw commandError(subject, command.name, { errno: constants.errno.ENOENT, stage: 'kernel' });
}

function sameTunnel({ answer: { reply }, row }: Found, wanted: CheckedTunnel): boolean {
  const { tunnel } = decodeDestination(reply, row, true);
  return (
    tunnel?.type === wanted.type &&
    (tunnel.port ?? 0) === wanted.port &&
    (tunnel.checksum ?? 'none') === wanted.checksum
  );
}

/** The command that puts a destination back to what it was when it was read. */
function restore(subject: DestinationSubject, { answer: { reply }, row }: Found): Command {
  const record = reply.bytes.subarray(row, row + layout.destination.size);
  const { service, destination } = subject;
  return { name: 'IPVS_CMD_SET_DEST', service, destination, destinationRecord: record };
}

/** The row of a destination, or undefined where it is not there. */
function* findRowOrNone(subject: DestinationSubject): Sequence<Found | undefined> {
  try {
    return yield* findRow(subject);
  } catch (error) {
    if (hasReason(error, 'service-not-found', 'destination-not-found')) return undefined;
    throw error;
  }
}

function* verify(
  subject: DestinationSubject,
  written: Command,
  wanted: CheckedDestination,
  support: TunnelSupport,
  undo: Command,
): Sequence<void> {
  const found = yield* readAfter(subject, written.name, findRowOrNone(subject));
  // Somebody else has deleted it since.
  if (found === undefined) return;
  if (sameTunnel(found, wanted.tunnel)) {
    support.add(wanted);
    return;
  }
  const { outcome } = yield* attempt(undo);
  throw tunnelError(subject, written.name, wanted.tunnel, outcome);
}

/** Adds a destination. The first with its kind of tunnel is read back, and removed if it differs. */
export function* addDestination(
  subject: DestinationSubject,
  wanted: CheckedDestination,
  support: TunnelSupport,
): Sequence<void> {
  const { service, destination } = subject;
  const command: Command = {
    name: 'IPVS_CMD_NEW_DEST',
    service,
    destination,
    destinationDefinition: wanted,
  };
  yield* perform(subject, command);
  if (support.isKnown(wanted)) return;
  const undo = { name: 'IPVS_CMD_DEL_DEST', service, destination } as const;
  yield* verify(subject, command, wanted, support, undo);
}

/** Replaces a destination. The first with its kind of tunnel is read back, and put back if it differs. */
export function* setDestination(
  subject: DestinationSubject,
  wanted: CheckedDestination,
  support: TunnelSupport,
): Sequence<void> {
  const { service, destination } = subject;
  const command: Command = {
    name: 'IPVS_CMD_SET_DEST',
    service,
    destination,
    destinationDefinition: wanted,
  };
  const before = support.isKnown(wanted) ? undefined : yield* findRowOrNone(subject);
  // Where there was nothing before, this is what fails.
  yield* perform(subject, command);
  if (before === undefined) return;
  yield* verify(subject, command, wanted, support, restore(subject, before));
}

/** Reads a destination, and writes it with a patch applied. */
export function* updateDestination(
  subject: DestinationSubject,
  patch: Fields,
  support: TunnelSupport,
): Sequence<void> {
  const { answer, row } = yield* findRow(subject);
  const entry = decodeDestination(answer.reply, row, takesPortZero(subject.service));
  const lost = unwritableDestination(entry, patch);
  if (lost.length > 0) throw unwritableError(subject, lost);
  const wanted = mergeDestination('patch', entry, patch, subject.service);
  yield* setDestination(subject, wanted, support);
}

/** So often another program may delete between two of our commands. */
const ATTEMPTS = 4;

/** Adds a destination, or replaces it where it exists. */
export function* ensureDestination(
  subject: DestinationSubject,
  wanted: CheckedDestination,
  support: TunnelSupport,
): Sequence<'added' | 'set'> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      yield* addDestination(subject, wanted, support);
      return 'added';
    } catch (error) {
      if (!hasReason(error, 'destination-exists')) throw error;
    }
    try {
      yield* setDestination(subject, wanted, support);
      return 'set';
    } catch (error) {
      if (!hasReason(error, 'destination-not-found') || attempts === ATTEMPTS) throw error;
    }
  }
}
