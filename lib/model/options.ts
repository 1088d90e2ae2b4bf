/** Options of calls, and of opening a client. */
import type { DestinationReference } from './destination.js';
import type { ServiceReference } from './service.js';

/** Options of every call. */
export interface CallOptions {
  /**
   * Gives the call up: what was not handed to the kernel yet is dropped, and the call rejects with an
   * error whose `name` is `AbortError`, whose `code` is `ABORT_ERR` and whose `cause` is the signal's
   * reason. What was handed over is not taken back: the call then reports what became of it. A call of
   * several commands (`updateService`, `ensureDestination`, `snapshot`, …) can be given up until the
   * first of them that changes something.
   */
  readonly signal?: AbortSignal | undefined;
}

/** Options of `listServices` and `listDestinations`. */
export interface ListOptions extends CallOptions {
  /**
   * Whether to read again until two reads in a row show the same keys, at most ten times; then the
   * call rejects with reason `table-changing`. Default: false, one read.
   */
  readonly consistent?: boolean | undefined;
}

/** Options of `streamSnapshot`. */
export interface StreamSnapshotOptions extends CallOptions {
  /** Whether to include statistics and connections. Default: true. */
  readonly stats?: boolean | undefined;
}

/** Options of `snapshot`. */
export interface SnapshotOptions extends ListOptions, StreamSnapshotOptions {}

/** Options of `connections`: which of them. */
export interface ConnectionsOptions extends CallOptions {
  /**
   * Only those of this virtual service. With port 0 any port of its address matches. Of a service by
   * firewall mark only templates match: the kernel does not show the mark of other connections.
   */
  readonly service?: ServiceReference | undefined;
  /** Only those to this destination. With port 0 any port of its address matches. */
  readonly destination?: DestinationReference | undefined;
  /** Only those from this address, or from this network in CIDR notation (`10.0.0.0/8`). */
  readonly client?: string | undefined;
  /**
   * Whether to include where each connection was seen first (`/proc/net/ip_vs_conn_sync`), in place of
   * persistence engines. Default: false.
   */
  readonly origin?: boolean | undefined;
}

/**
 * A network namespace: `{ name }` as `ip netns` names it (a file in `/var/run/netns`), `{ path }` of
 * a namespace file, or `{ pid }` of a process in it.
 */
export type NetworkNamespace = NamedNamespace | NamespaceFile | ProcessNamespace;

/** A {@link NetworkNamespace} by its name. */
export interface NamedNamespace {
  /** As `ip netns` names it: a file in `/var/run/netns`. */
  readonly name: string;
  /** Belongs to {@link NamespaceFile}. */
  readonly path?: never;
  /** Belongs to {@link ProcessNamespace}. */
  readonly pid?: never;
}

/** A {@link NetworkNamespace} by a file that stands for it. */
export interface NamespaceFile {
  /** Such as `/proc/self/fd/7` or `/run/netns/blue`. */
  readonly path: string;
  /** Belongs to {@link NamedNamespace}. */
  readonly name?: never;
  /** Belongs to {@link ProcessNamespace}. */
  readonly pid?: never;
}

/** A {@link NetworkNamespace} by a process in it. */
export interface ProcessNamespace {
  /** The process's number, 1..4194304 (PID_MAX_LIMIT, linux/threads.h). */
  readonly pid: number;
  /** Belongs to {@link NamedNamespace}. */
  readonly name?: never;
  /** Belongs to {@link NamespaceFile}. */
  readonly path?: never;
}

/** Options of `Ipvs.open`. */
export interface OpenOptions {
  /**
   * The network namespace whose table is meant. Default: that of the calling thread. In a new one the
   * kernel refuses every IPv4 destination until an interface is up (`ip -n NAME link set lo up`).
   */
  readonly netns?: NetworkNamespace | undefined;
  /**
   * Milliseconds to wait for an answer after a command was handed to the kernel, 1..600000.
   * Default: 5000. The kernel executes commands while they are handed over, so this does not bound
   * how long they run, only how long a lost answer is waited for.
   */
  readonly timeout?: number | undefined;
  /**
   * How many calls may be outstanding at once, 1..10000000; one more rejects with reason `queue-full`. A call that
   * waits needs half a kilobyte of memory to add, set or delete, 2 to 3 to read, 5 to update or ensure. Default: 131072.
   */
  readonly queueLimit?: number | undefined;
}
