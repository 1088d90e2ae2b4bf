import type { Address } from '../address.js';
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

/** Compares the keys of two rows, given where they begin in which reply. */
type CompareRows = (of: Reply, left: number, to: Reply, right: number) => number;

/** In network order four bytes are compared as one number. */
function compareAddresses(of: Reply, left: number, to: Reply, right: number): number {
  for (let offset = 0; offset < 16; offset += 4) {
    const difference = of.u32InNetworkOrder(left + offset) - to.u32InNetworkOrder(right + offset);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The order of `compareKeys`, on packed rows. */
const compareServiceRows: CompareRows = (of, left, to, right) =>
  of.u16(left + SERVICE.byFwmark) - to.u16(right + SERVICE.byFwmark) ||
  of.u32(left + SERVICE.fwmark) - to.u32(right + SERVICE.fwmark) ||
  of.u16(left + SERVICE.family) - to.u16(right + SERVICE.family) ||
  of.u16(left + SERVICE.protocol) - to.u16(right + SERVICE.protocol) ||
  compareAddresses(of, left + SERVICE.address, to, right + SERVICE.address) ||
  of.u16(left + SERVICE.port) - to.u16(right + SERVICE.port);

const compareDestinationRows: CompareRows = (of, left, to, right) =>
  of.u16(left + DESTINATION.family) - to.u16(right + DESTINATION.family) ||
  compareAddresses(of, left + DESTINATION.address, to, right + DESTINATION.address) ||
  of.u16(left + DESTINATION.port) - to.u16(right + DESTINATION.port);

/** Whether each row comes after the one before it, or each before it: 1, -1, or 0 for neither. */
function directionOf({ reply, row, count }: Rows, size: number, compare: CompareRows): number {
  let direction = 1;
  for (let index = 1; index < count; index += 1) {
    const here = row + index * size;
    const order = Math.sign(compare(reply, here, reply, here - size));
    if (index === 1) direction = order;
    if (order !== direction) return 0;
  }
  return direction;
}

/**
 * Where the rows of a dump begin, in the order of their keys, each key once: the kernel repeats
 * entries when the table changes during a dump (net/netfilter/ipvs/ip_vs_ctl.c resumes by index). It
 * lists the destinations of a service newest first, so that most lists only have to be turned round.
 */
function sortedRows(rows: Rows, size: number, compare: CompareRows): number[] {
  const { reply, row, count } = rows;
  const direction = directionOf(rows, size, compare);
  const last = row + (count - 1) * size;
  const begins = Array.from({ length: count }, (_, index) =>
    direction < 0 ? last - index * size : row + index * size,
  );
  if (direction !== 0) return begins;
  begins.sort((left, right) => compare(reply, left, reply, right));
  return begins.filter((each, index) => {
    const previous = begins[index - 1];
    return previous === undefined || compare(reply, previous, reply, each) !== 0;
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
  return sortedRows(rows, SERVICE_ROW.size, compareServiceRows).map((row) => ({ reply, row }));
}

/** The packed service of a row. */
export function serviceRecord({ reply, row }: ServiceRowEntry): Uint8Array {
  return reply.bytes.subarray(row, row + SERVICE.size);
}

/** The services of a dump, sorted by key. */
export function decodeServices(rows: Rows): ServiceEntry[] {
  return serviceRows(rows).map(({ reply, row }) => decodeService(reply, row));
}

/** Those services of one dump that another one lacks; both are sorted by key. */
export function missingFrom(
  other: readonly ServiceRowEntry[],
  services: readonly ServiceRowEntry[],
): ServiceRowEntry[] {
  let next = 0;
  return services.filter((service) => {
    for (; ; next += 1) {
      const candidate = other[next];
      if (candidate === undefined) return true;
      const order = compareServiceRows(candidate.reply, candidate.row, service.reply, service.row);
      if (order >= 0) return order > 0;
    }
  });
}

/** Whether port 0 means something for the destinations of a service. */
export function rowTakesPortZero({ reply, row }: ServiceRowEntry): boolean {
  return reply.u16(row + SERVICE.byFwmark) !== 0 || reply.u16(row + SERVICE.port) === 0;
}

/** The destinations of a dump, sorted by key; `portZero` as in `decodeDestination`. */
export function decodeDestinations(rows: Rows, portZero: boolean): DestinationEntry[] {
  return sortedRows(rows, DESTINATION_ROW.size, compareDestinationRows).map((row) =>
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

/** Whether an address lies at an offset; its family aside. */
export function isAddressAt(reply: Reply, at: number, { bytes }: Address): boolean {
  for (let index = 0; index < bytes.length; index += 1) {
    if (reply.bytes[at + index] !== bytes[index]) return false;
  }
  return true;
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
      isAddressAt(reply, row + DESTINATION.address, address);
    if (found) return row;
  }
  return undefined;
}
