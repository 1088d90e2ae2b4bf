/** {@link Statistics} in a form that JSON can carry: totals as decimal strings. */
export interface StatisticsJson {
  /** Decimal digits. */
  connections: string;
  /** Decimal digits. */
  inPackets: string;
  /** Decimal digits. */
  outPackets: string;
  /** Decimal digits. */
  inBytes: string;
  /** Decimal digits. */
  outBytes: string;
  /** Connections per second. */
  connectionRate: number;
  /** Packets per second. */
  inPacketRate: number;
  /** Packets per second. */
  outPacketRate: number;
  /** Bytes per second. */
  inByteRate: number;
  /** Bytes per second. */
  outByteRate: number;
}

/**
 * What the kernel counted of a service or a destination since it was added or its counters were
 * zeroed. A destination that is added again to the same service after it was deleted continues with the
 * counters that it had: the kernel keeps it until it has been without connections for about two
 * minutes. In is from the clients, out is to them; with direct routing and tunnels the answers do not
 * pass the director, and the out figures stay 0.
 *
 * All of it is renewed every two seconds (ip_vs_est.c): right after traffic the totals lag behind. While the
 * sysctl `run_estimation` is 0, all of it stands still.
 *
 * Totals are 64 bits wide, hence `bigint`; on kernels before 4.1, which have no 64-bit statistics,
 * connections and packets wrap at 2^32. Rates are averages over some seconds.
 */
export class Statistics {
  /** Connections scheduled, total. */
  readonly connections: bigint;
  /** Packets from the clients, total. */
  readonly inPackets: bigint;
  /** Packets to the clients, total. */
  readonly outPackets: bigint;
  /** Bytes from the clients, total. */
  readonly inBytes: bigint;
  /** Bytes to the clients, total. */
  readonly outBytes: bigint;
  /** Connections per second. */
  readonly connectionRate: number;
  /** Packets from the clients per second. */
  readonly inPacketRate: number;
  /** Packets to the clients per second. */
  readonly outPacketRate: number;
  /** Bytes (not bits) from the clients per second. */
  readonly inByteRate: number;
  /** Bytes (not bits) to the clients per second. */
  readonly outByteRate: number;

  /** @internal Made by reading the kernel's table. */
  constructor({
    connections,
    inPackets,
    outPackets,
    inBytes,
    outBytes,
    connectionRate,
    inPacketRate,
    outPacketRate,
    inByteRate,
    outByteRate,
  }: Omit<Statistics, 'toJSON'>) {
    this.connections = connections;
    this.inPackets = inPackets;
    this.outPackets = outPackets;
    this.inBytes = inBytes;
    this.outBytes = outBytes;
    this.connectionRate = connectionRate;
    this.inPacketRate = inPacketRate;
    this.outPacketRate = outPacketRate;
    this.inByteRate = inByteRate;
    this.outByteRate = outByteRate;
  }

  /** For `JSON.stringify`, which refuses `bigint`: totals become decimal strings. */
  toJSON(): StatisticsJson {
    return {
      connections: this.connections.toString(),
      inPackets: this.inPackets.toString(),
      outPackets: this.outPackets.toString(),
      inBytes: this.inBytes.toString(),
      outBytes: this.outBytes.toString(),
      connectionRate: this.connectionRate,
      inPacketRate: this.inPacketRate,
      outPacketRate: this.outPacketRate,
      inByteRate: this.inByteRate,
      outByteRate: this.outByteRate,
    };
  }
}
