/** What holds for the IPVS of a network namespace as a whole. */

/** What the kernel reports about IPVS. */
export interface Info {
  /** Version of IPVS; `1.2.1` in every kernel so far. */
  readonly version: string;
  /** Number of buckets of the connection hash table. */
  readonly connectionTableSize: number;
}

/** Seconds that the kernel keeps a connection without packets (IPVS_CMD_GET_CONFIG). */
export interface Timeouts {
  /** An established TCP connection. The kernel starts with 900. */
  readonly tcp: number;
  /** A TCP connection after a FIN. The kernel starts with 120. */
  readonly tcpFin: number;
  /** UDP. The kernel starts with 300. */
  readonly udp: number;
}

/** What is to change of the {@link Timeouts}: those that are missing or `undefined` stay as they are. */
export interface TimeoutsPatch {
  /** As in {@link Timeouts}. */
  readonly tcp?: number | undefined;
  /** As in {@link Timeouts}. */
  readonly tcpFin?: number | undefined;
  /** As in {@link Timeouts}. */
  readonly udp?: number | undefined;
}
