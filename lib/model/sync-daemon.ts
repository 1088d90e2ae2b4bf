/** Sync daemons: threads of the kernel by which directors share their connections. */

/** A master sends what it knows of connections to a multicast group, where a backup receives it. */
export type SyncDaemonRole = 'master' | 'backup';

/**
 * A connection synchronisation daemon: a thread of the kernel. There is at most one of each role in
 * a network namespace. Before kernel 4.3 only role, interface and syncId exist: the others are
 * ignored there.
 */
export interface SyncDaemon {
  /** Which of the two. */
  readonly role: SyncDaemonRole;
  /**
   * Name of the network interface, 1 to 15 bytes in UTF-8 without blanks, `/` and `:`. A master's must be
   * up.
   */
  readonly interface: string;
  /** Distinguishes groups of directors, 0..255; a backup with 0 accepts the messages of all. Default: 0. */
  readonly syncId?: number | undefined;
  /**
   * Longest UDP payload in bytes: 1..65507 for a master, 1024..65507 for a backup; at most 65487
   * with an IPv6 group. Default: what fits 1500 bytes (1472, or 1452 with an IPv6 group), for a
   * backup what fits the interface when that is more.
   */
  readonly maxLength?: number | undefined;
  /** Multicast address, IPv4 or IPv6. Default: 224.0.0.81. */
  readonly group?: string | undefined;
  /** UDP port, 1..65535; with the sysctl `sync_ports` above 1 those behind it too. Default: 8848. */
  readonly port?: number | undefined;
  /** Time to live of a master's messages, 1..255. Default: 1. */
  readonly ttl?: number | undefined;
}

/** A {@link SyncDaemon} as the kernel runs it. */
export interface SyncDaemonEntry {
  /** Which of the two. */
  readonly role: SyncDaemonRole;
  /** Name of the network interface. */
  readonly interface: string;
  /** 0..255; other programs may have set more, of which the kernel sends the last 8 bits. */
  readonly syncId: number;
  /** Longest UDP payload in bytes; missing before kernel 4.3, as are group, port and ttl. */
  readonly maxLength?: number;
  /** Multicast address. */
  readonly group?: string;
  /** UDP port. */
  readonly port?: number;
  /** Time to live of the messages. */
  readonly ttl?: number;
  /** As in {@link ServiceObservation.unsupported}. */
  readonly unsupported?: readonly string[];
}
