import { Statistics } from '../../lib/statistics.js';

/** Statistics with these totals and rates, in the order of the class. */
export function statisticsOf(
  [connections, inPackets, outPackets, inBytes, outBytes]: readonly [
    ...[bigint, bigint, bigint, bigint, bigint],
  ],
  [connectionRate, inPacketRate, outPacketRate, inByteRate, outByteRate]: readonly [
    ...[number, number, number, number, number],
  ],
): Statistics {
  return new Statistics({
    ...{ connections, inPackets, outPackets, inBytes, outBytes },
    ...{ connectionRate, inPacketRate, outPacketRate, inByteRate, outByteRate },
  });
}
