/** Compares what a list holds with what is wanted, without decoding it: in a large table nearly all is the same. */
import type { CheckedDestination } from '../input/destination.js';
import { familyNumber, forwardingNumber, TUNNEL_CHECKSUMS, TUNNEL_TYPES } from './bits.js';
import { layout } from './layout.js';
import { isAddressAt } from './lists.js';
import type { Reply, Rows } from './reply.js';

const { destination: DESTINATION, destinationRow: DESTINATION_ROW } = layout;

function hasTunnel(reply: Reply, row: number, { tunnel }: CheckedDestination): boolean {
  return (
    reply.u16(row + DESTINATION.tunnelType) === TUNNEL_TYPES.indexOf(tunnel.type) &&
    reply.u16(row + DESTINATION.tunnelPort) === tunnel.port &&
    reply.u16(row + DESTINATION.tunnelFlags) === TUNNEL_CHECKSUMS.indexOf(tunnel.checksum)
  );
}

function says(reply: Reply, row: number, wanted: CheckedDestination): boolean {
  const { key } = wanted;
  return (
    reply.u16(row + DESTINATION.port) === key.port &&
    isAddressAt(reply, row + DESTINATION.address, key.address) &&
    reply.u16(row + DESTINATION.family) === familyNumber(key.family) &&
    reply.u32(row + DESTINATION.weight) === wanted.weight &&
    reply.u32(row + DESTINATION.forwarding) === forwardingNumber(wanted.forwarding) &&
    reply.u32(row + DESTINATION.upperThreshold) === wanted.upperThreshold &&
    reply.u32(row + DESTINATION.lowerThreshold) === wanted.lowerThreshold &&
    (wanted.forwarding !== 'tunnel' || hasTunnel(reply, row, wanted))
  );
}

/**
 * Whether a list holds just these destinations, none of them twice, in whichever order. The kernel tells them in
 * the order in which they were added or the reverse, and so the next is mostly beside the last.
 */
export function holdsJust(
  { reply, row, count }: Rows,
  wanted: readonly CheckedDestination[],
): boolean {
  if (count !== wanted.length) return false;
  const isAt = (index: number, destination: CheckedDestination): boolean =>
    index >= 0 && index < count && says(reply, row + index * DESTINATION_ROW.size, destination);
  let last = -1;
  return wanted.every((destination) => {
    let found = last + 1;
    if (!isAt(found, destination)) found = last - 1;
    if (!isAt(found, destination)) {
      found = 0;
      while (found < count && !isAt(found, destination)) found += 1;
    }
    last = found;
    return found < count;
  });
}
