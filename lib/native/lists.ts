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

function compareAddresses(of: Reply, left: number, to: Reply, right: number): number {
  for (let index = 0; index < 16; index += 1) {
    const difference = (of.bytes[left + index] ?? 0) - (to.bytes[right + index] ?? 0);
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

/**
 * Where the rows of a dump begin, in the order of their keys, each key once: the kernel repeats
 * entries when the table changes during a dump (net/netfilter/ipvs/ip_vs_ctl.c resumes by index).
 */
function sortedRows({ reply, row, count }: Rows, size: number, compare: CompareRows): number[] {
  const rows = Array.from({ length: count }, (_, index) => row + index * size);
  rows.sort((left, right) => compare(reply, left, reply, right));
  return rows.filter((each, index) => {
    const previous = rows[index - 1];
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
