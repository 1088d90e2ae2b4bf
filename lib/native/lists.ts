import type { CheckedDestinationKey } from '../input/destination.js';
import type { DestinationEntry, ServiceEntry, SyncDaemonEntry } from '../model.js';
import { familyNumber } from './bits.js';
import { decodeDaemon, decodeDestination, decodeService } from './decode.js';
import { layout } from './layout.js';
import type { Reply, Rows } from './reply.js';

const {
  service: SERVICE,
  destination: DESTINATION,
  serviceRow: SERVICE_ROW,
  destinationRow: DESTINATION_ROW,
  daemon: DAEMON,
} = layout;

/** Compares the keys of two rows, given where they begin. */
type CompareRows = (reply: Reply, left: number, right: number) => number;

function compareBytes(reply: Reply, left: number, right: number, length: number): number {
  for (let index = 0; index < length; index += 1) {
    const difference = (reply.bytes[left + index] ?? 0) - (reply.bytes[right + index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The order of `compareKeys`, on packed rows. */
const compareServices: CompareRows = (reply, left, right) =>
  reply.u16(left + SERVICE.byFwmark) - reply.u16(right + SERVICE.byFwmark) ||
  reply.u32(left + SERVICE.fwmark) - reply.u32(right + SERVICE.fwmark) ||
  reply.u16(left + SERVICE.family) - reply.u16(right + SERVICE.family) ||
  reply.u16(left + SERVICE.protocol) - reply.u16(right + SERVICE.protocol) ||
  compareBytes(reply, left + SERVICE.address, right + SERVICE.address, 16) ||
  reply.u16(left + SERVICE.port) - reply.u16(right + SERVICE.port);

const compareDestinations: CompareRows = (reply, left, right) =>
  reply.u16(left + DESTINATION.family) - reply.u16(right + DESTINATION.family) ||
  compareBytes(reply, left + DESTINATION.address, right + DESTINATION.address, 16) ||
  reply.u16(left + DESTINATION.port) - reply.u16(right + DESTINATION.port);

/**
 * Where the rows of a dump begin, in the order of their keys, each key once: the kernel repeats
 * entries when the table changes during a dump (net/netfilter/ipvs/ip_vs_ctl.c resumes by index).
 */
function sortedRows({ reply, row, count }: Rows, size: number, compare: CompareRows): number[] {
  const rows = Array.from({ length: count }, (_, index) => row + index * size);
  rows.sort((left, right) => compare(reply, left, right));
  return rows.filter((each, index) => {
    const previous = rows[index - 1];
    return previous === undefined || compare(reply, previous, each) !== 0;
  });
}

/** A service of a dump, not decoded yet. */
export interface ServiceRowEntry {
  readonly reply: Reply;
  /** Where its row begins. */
  readonly row: number;
}

/** The rows of the services of a page, as the kernel gave them. */
export function pageOfServices({ reply, row, count }: Rows): ServiceRowEntry[] {
  return Array.from({ length: count }, (_, index) => ({
    reply,
    row: row + index * SERVICE_ROW.size,
  }));
}

/** The destinations of a page, as the kernel gave them; `portZero` as in `decodeDestination`. */
export function pageOfDestinations(
  { reply, row, count }: Rows,
  portZero: boolean,
): DestinationEntry[] {
  return Array.from({ length: count }, (_, index) =>
    decodeDestination(reply, row + index * DESTINATION_ROW.size, portZero),
  );
}

/** The rows of the services of a dump, sorted by key. */
export function serviceRows(rows: Rows): ServiceRowEntry[] {
  const { reply } = rows;
  return sortedRows(rows, SERVICE_ROW.size, compareServices).map((row) => ({ reply, row }));
}

/** The bytes that identify a service, as a text for a `Set`. */
export function packedKey({ reply, row }: ServiceRowEntry): string {
  return reply.latin1(row, row + SERVICE.flags);
}

/** The packed service of a row. */
export function serviceRecord({ reply, row }: ServiceRowEntry): Uint8Array {
  return reply.bytes.subarray(row, row + SERVICE.size);
}

/** The services of a dump, sorted by key. */
export function decodeServices(rows: Rows): ServiceEntry[] {
  return serviceRows(rows).map(({ reply, row }) => decodeService(reply, row));
}

/** Whether port 0 means something for the destinations of a service. */
export function rowTakesPortZero({ reply, row }: ServiceRowEntry): boolean {
  return reply.u16(row + SERVICE.byFwmark) !== 0 || reply.u16(row + SERVICE.port) === 0;
}

/** The destinations of a dump, sorted by key; `portZero` as in `decodeDestination`. */
export function decodeDestinations(rows: Rows, portZero: boolean): DestinationEntry[] {
  return sortedRows(rows, DESTINATION_ROW.size, compareDestinations).map((row) =>
    decodeDestination(rows.reply, row, portZero),
  );
}

/** The daemons of a dump: the master before the backup. */
export function decodeDaemons({ reply, row, count }: Rows): SyncDaemonEntry[] {
  const daemons = Array.from({ length: count }, (_, index) =>
    decodeDaemon(reply, row + index * DAEMON.size),
  );
  return daemons.sort((left, right) => right.role.localeCompare(left.role));
}

/** Where the destination with this key lies in a dump, or undefined when it is not there. */
export function findDestination(
  { reply, row: first, count }: Rows,
  { family, address, port }: CheckedDestinationKey,
): number | undefined {
  for (let index = 0; index < count; index += 1) {
    const row = first + index * DESTINATION_ROW.size;
    const found =
      reply.u16(row + DESTINATION.port) === port &&
      reply.u16(row + DESTINATION.family) === familyNumber(family) &&
      address.bytes.every((byte, at) => reply.bytes[row + DESTINATION.address + at] === byte);
    if (found) return row;
  }
  return undefined;
}
