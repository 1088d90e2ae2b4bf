/** What `/proc` shows. */
import type { Forwarding } from './destination.js';
import type { ForeignProtocol, Protocol } from './service.js';
import type { ConnectionGauges } from './table.js';

/** An address and a port of a {@link Connection}. */
export interface ConnectionEndpoint {
  /** In canonical text. */
  readonly address: string;
  /** 0..65535. */
  readonly port: number;
}

/**
 * A line of the kernel's connection table (`/proc/net/ip_vs_conn`): a connection, or a persistence
 * template, by which the kernel remembers the destination of a client.
 */
export interface Connection {
  /** `any` for the template of a service by firewall mark, which is of no protocol. */
  readonly protocol: Protocol | ForeignProtocol | 'any';
  /** Where it comes from. Of a template: the client's network, and port 0. */
  readonly client: ConnectionEndpoint;
  /** The address and port that were asked for; missing from the template of a firewall mark. */
  readonly virtual?: ConnectionEndpoint;
  /** Only on the template of a service by firewall mark. The mark of other connections is not shown. */
  readonly fwmark?: number;
  /** The real server; may be of another family than the client. */
  readonly destination: ConnectionEndpoint;
  /**
   * As the kernel calls it: `ESTABLISHED`, `SYN_RECV`, `FIN_WAIT`, `TIME_WAIT`, `CLOSE`, … for TCP and
   * `UDP` for UDP (ip_vs_proto_*.c); `NONE` or `ASSURED` for a template.
   */
  readonly state: string;
  /** Seconds until it is forgotten when no packet comes. */
  readonly expires: number;
  /** Whether it is a persistence template: port 0 at the client, and state `NONE` or `ASSURED`. */
  readonly template: boolean;
  /** Name of the persistence engine that found {@link engineData}; missing without. */
  readonly engine?: string;
  /**
   * What the persistence engine goes by, for `sip` the Call-ID: bytes, up to the first NUL. The kernel
   * prints them as they are, newlines too: data that another director sent may pose as further connections.
   */
  readonly engineData?: Uint8Array;
  /** Only with `origin: true`: seen here, or learnt from another director. */
  readonly origin?: 'local' | 'sync';
}

/** {@link Persistence} as `/proc/net/ip_vs` shows it. */
export interface ObservedPersistence {
  /**
   * In jiffies: ticks of the kernel's clock, 100 to 1000 a second. How many depends on the kernel's
   * configuration, which it does not show.
   */
  readonly timeoutJiffies: number;
  /** Missing for services by firewall mark, whose family is unknown, and for masks that are no prefix. */
  readonly prefixLength?: number;
}

/** A destination as `/proc/net/ip_vs` shows it: without thresholds, tunnel and statistics. */
export interface ObservedDestination {
  /** In canonical text. */
  readonly address: string;
  /** 0..65535. */
  readonly port: number;
  /** `masquerade` also stands for methods that other programs wrote, such as `bypass`. */
  readonly forwarding: Forwarding;
  /** With 0 it gets no new connections. */
  readonly weight: number;
  /** Connections at this moment, as in {@link ConnectionGauges}. */
  readonly connections: Pick<ConnectionGauges, 'active' | 'inactive'>;
}

/**
 * A virtual service as `/proc/net/ip_vs` shows it: without scheduler flags, persistence engine and
 * statistics. Either it has protocol, address and port, or a firewall mark, whose family the file does
 * not show.
 */
export interface ObservedService {
  /** Missing for services by firewall mark. */
  readonly protocol?: Protocol | ForeignProtocol;
  /** In canonical text. Missing for services by firewall mark. */
  readonly address?: string;
  /** Missing for services by firewall mark. */
  readonly port?: number;
  /** Only for services by firewall mark. */
  readonly fwmark?: number;
  /** Name of the scheduler; `none` where others took it away. */
  readonly scheduler: string;
  /** Missing for IPv6 services, for which the file does not show it. */
  readonly onePacket?: boolean;
  /** Missing where the service is not persistent. */
  readonly persistence?: ObservedPersistence;
  /** Sorted by key. */
  readonly destinations: readonly ObservedDestination[];
}

/**
 * What one CPU counted in all services of the network namespace, since that was made or the module `ip_vs`
 * was loaded.
 */
export interface CpuTotals {
  /** Number of the CPU. */
  readonly cpu: number;
  /** Connections scheduled. */
  readonly connections: bigint;
  /** Packets from the clients. */
  readonly inPackets: bigint;
  /** Packets to the clients. */
  readonly outPackets: bigint;
  /** Bytes from the clients. */
  readonly inBytes: bigint;
  /** Bytes to the clients. */
  readonly outBytes: bigint;
}

/** An application helper (`/proc/net/ip_vs_app`), for instance that of module `ip_vs_ftp`. */
export interface Application {
  /** Its name, for instance `ftp`. */
  readonly name: string;
  /** Its transport protocol in lower case: `tcp`. */
  readonly protocol: string;
  /** The port that it watches. */
  readonly port: number;
  /** How many connections use it. */
  readonly users: number;
}
