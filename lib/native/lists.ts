import type { DestinationEntry, ServiceEntry } from '../model.js';
import { decodeDestination, decodeService } from './decode.js';
import { layout } from './layout.js';
import type { Reply } from './reply.js';

const {
  reply: REPLY,
  service: SERVICE,
  destination: DESTINATION,
  serviceRow: SERVICE_ROW,
  destinationRow: DESTINATION_ROW,
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
function sortedRows(reply: Reply, size: number, compare: CompareRows): number[] {
  const rows = Array.from({ length: reply.count }, (_, index) => REPLY.size + index * size);
  rows.sort((left, right) => compare(reply, left, right));
  return rows.filter((row, index) => {
    const previous = rows[index - 1];
    return previous === undefined || compare(reply, previous, row) !== 0;
  });
}

/** The services of a dump, sorted by key. */
export function decodeServices(reply: Reply): ServiceEntry[] {
  return sortedRows(reply, SERVICE_ROW.size, compareServices).map((row) =>
    decodeService(reply, row),
  );
}

/** The destinations of a dump, sorted by key. */
export function decodeDestinations(reply: Reply): DestinationEntry[] {
  return sortedRows(reply, DESTINATION_ROW.size, compareDestinations).map((row) =>
    decodeDestination(reply, row),
  );
}
