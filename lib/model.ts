/**
 * The domain: virtual services, destinations (real servers), and what the kernel observed of them.
 * Types only. Names are those of the kernel and ipvsadm, spelt out. On input an optional field that is
 * `undefined` counts as unmentioned.
 *
 * Two kinds of types go together: {@link Service} and {@link Destination} are what a caller
 * defines; {@link ServiceEntry} and {@link DestinationEntry} are what the kernel's table holds. An
 * entry is the same shape, complete, plus observations, and can be passed in again.
 */
import type { Family } from './address.js';
import type { Statistics, StatisticsJson } from './statistics.js';

/** Transport protocol of a virtual service. */
export type Protocol = 'tcp' | 'udp' | 'sctp';

/** A virtual service that is identified by protocol, address and port. */
export interface AddressServiceKey {
  /** Transport protocol. */
  readonly protocol: Protocol;
  /**
   * The virtual address, IPv4 or IPv6, without port, brackets, prefix length or zone. IPv4-mapped
   * IPv6 (`::ffff:10.0.0.1`) means the IPv4 address.
   */
  readonly address: string;
  /** 1..65535, or 0 for every port; 0 takes {@link Service.persistence | persistence}. */
  readonly port: number;
  /** Belongs to {@link FirewallMarkServiceKey}. */
  readonly fwmark?: never;
  /** Belongs to {@link FirewallMarkServiceKey}: here the address tells. */
  readonly family?: never;
}

/** A virtual service that is identified by the firewall mark of its packets. */
export interface FirewallMarkServiceKey {
  /** Mark that netfilter put on the packets, 1..4294967295. */
  readonly fwmark: number;
  /** The mark of each family is a service of its own. */
  readonly family: Family;
  /** Belongs to {@link AddressServiceKey}. */
  readonly protocol?: never;
  /** Belongs to {@link AddressServiceKey}. */
  readonly address?: never;
  /** Belongs to {@link AddressServiceKey}. */
  readonly port?: never;
}

/** What identifies a virtual service within a network namespace. */
export type ServiceKey = AddressServiceKey | FirewallMarkServiceKey;

/**
 * A flag of a service's scheduler. `fallback` (take another destination instead of an unavailable
 * one) and `port` (hash the source port too) belong to the schedulers `sh` and `mh`; `flag-1` to
 * `flag-3` are the same bits under any other scheduler (`IP_VS_SVC_F_SCHED1..3`, linux/ip_vs.h).
 */
export type SchedulerFlag = 'fallback' | 'port' | 'flag-1' | 'flag-2' | 'flag-3';

/** Persistence: connections of one client go to one destination. */
export interface Persistence {
  /** Seconds a client stays with its destination after its last connection, 1..4294967. */
  readonly timeout: number;
  /**
   * Clients whose addresses share this many leading bits count as one: 1..32 for IPv4, 1..128 for
   * IPv6. Default: 32 or 128, each address for itself.
   */
  readonly prefixLength?: number | undefined;
  /**
   * Persistence engine, 1 to 16 ASCII characters. The kernel's only one is `sip`, which goes by the Call-ID
   * of SIP over UDP: other packets of such a service are dropped, all those of a TCP or SCTP one. Default:
   * none.
   */
  readonly engine?: string | undefined;
}

/** What a virtual service does with the packets it receives. */
export interface ServiceDefinition {
  /**
   * Scheduler, 1 to 15 ASCII characters: `rr`, `wrr`, `lc`, `wlc`, `lblc`, `lblcr`, `dh`, `sh`,
   * `sed`, `nq`, `fo`, `ovf`, `mh`, or another that the kernel knows or can load
   * (module `ip_vs_<name>`). There is no default: a wrong guess would fail silently.
   */
  readonly scheduler: string;
  /** Flags of the scheduler. Default: none. */
  readonly schedulerFlags?: readonly SchedulerFlag[] | undefined;
  /** Schedule every datagram by itself, without a connection; UDP or firewall mark only. Default: false. */
  readonly onePacket?: boolean | undefined;
  /** Default: none. */
  readonly persistence?: Persistence | undefined;
}

/** A virtual service as a caller defines it. */
export type Service = ServiceKey & ServiceDefinition;

/**
 * How packets reach a destination: `masquerade` (NAT), `direct` (direct routing, called Route by
 * ipvsadm), `tunnel` (see {@link Tunnel}), or `local` (to the director itself).
 */
export type Forwarding = 'masquerade' | 'direct' | 'tunnel' | 'local';

/** How packets are encapsulated on their way to a destination with forwarding `tunnel`. */
export interface Tunnel {
  /** IP in IP, Generic UDP Encapsulation, or Generic Routing Encapsulation. */
  readonly type: 'ipip' | 'gue' | 'gre';
  /** UDP port of the encapsulation, 1..65535; required for `gue`, refused for the others. */
  readonly port?: number | undefined;
  /**
   * Checksum of the encapsulation: `none`, `checksum`, or (only `gue`) `remote` for remote checksum
   * offload. Refused for `ipip`. Default: `none`.
   */
  readonly checksum?: 'none' | 'checksum' | 'remote' | undefined;
}

/** What identifies a destination within its virtual service. */
export interface DestinationKey {
  /** Address of the real server. Another family than the service's takes forwarding `tunnel`. */
  readonly address: string;
  /**
   * 1..65535, or 0 (keep the packet's port) in a service by firewall mark or with port 0. With
   * forwarding `direct`, `tunnel` and `local` packets keep the port that they were sent to, whatever this says:
   * give the service's port, as ipvsadm does.
   */
  readonly port: number;
}

/** What a destination is given. */
export interface DestinationDefinition {
  /** There is no default: a wrong guess would fail silently. */
  readonly forwarding: Forwarding;
  /**
   * Share of the new connections, 0..2147483647, for schedulers that weigh. 0 takes no new
   * connections and keeps the ones there are; clients that persistence has bound to it still come, unless
   * the sysctl `expire_quiescent_template` is 1. Default: 1.
   */
  readonly weight?: number | undefined;
  /** No new connections from this many on, 0..2147483647; 0 is no limit. Default: 0. */
  readonly upperThreshold?: number | undefined;
  /**
   * After the upper threshold was reached, new connections again below this many, at most
   * {@link upperThreshold}; 0 means three quarters of that. Default: 0.
   */
  readonly lowerThreshold?: number | undefined;
  /** Only with forwarding `tunnel`. Default there: `{ type: 'ipip' }`. */
  readonly tunnel?: Tunnel | undefined;
}

/** A destination (real server) as a caller defines it. */
export type Destination = DestinationKey & DestinationDefinition;

/** A protocol that others gave a service, and that cannot be written here. */
export type ForeignProtocol = `protocol-${number}`;

/** A forwarding method that others gave a destination, and that cannot be written here. */
export type ForeignForwarding = 'bypass' | `forwarding-${number}`;

/**
 * The address part of a key as it was read. Beyond {@link AddressServiceKey} it can name what other
 * programs put into the table, so that every entry can be asked for and deleted.
 */
export interface ForeignServiceKey {
  /** A protocol that IPVS balances, or `protocol-47` for number 47 and so on. */
  readonly protocol: Protocol | ForeignProtocol;
  /** In canonical text. */
  readonly address: string;
  /** 0..65535. */
  readonly port: number;
  /** Belongs to {@link FirewallMarkServiceKey}. */
  readonly fwmark?: never;
  /** Only on an IPv6 entry whose address is IPv4-mapped: tells it from the IPv4 address. */
  readonly family?: Family;
}

/** {@link ServiceKey} as read from the kernel; accepted wherever a service is only named. */
export type ServiceReference = ServiceKey | ForeignServiceKey;

/** {@link DestinationKey} as read from the kernel; accepted wherever a destination is only named. */
export interface DestinationReference extends DestinationKey {
  /** Only on an IPv6 entry whose address is IPv4-mapped: tells it from the IPv4 address. */
  readonly family?: Family;
}

/** {@link Persistence} as read from the kernel. */
export interface PersistenceEntry {
  /** Seconds. */
  readonly timeout: number;
  /** Missing where others set an IPv4 mask that is no prefix, such as 255.0.255.0. */
  readonly prefixLength?: number;
  /** Missing where there is none. */
  readonly engine?: string;
}

/** {@link Tunnel} as read from the kernel: numbers that others wrote and that have no name keep them. */
export interface TunnelEntry {
  /** A known type, or `tunnel-3` for number 3 and so on. */
  readonly type: Tunnel['type'] | `tunnel-${number}`;
  /** Missing where it is 0. */
  readonly port?: number;
  /** Missing for `ipip` without any. */
  readonly checksum?: NonNullable<Tunnel['checksum']> | `checksum-${number}`;
}

/** What the kernel holds of a service besides its key. */
export interface ServiceObservation {
  /** Name of the scheduler; `none` where others took it away. */
  readonly scheduler: string;
  /** Empty where there are none. */
  readonly schedulerFlags: readonly SchedulerFlag[];
  /** Whether every datagram is scheduled by itself. */
  readonly onePacket: boolean;
  /** Missing where the service is not persistent. */
  readonly persistence?: PersistenceEntry;
  /** What the kernel counted. */
  readonly stats: Statistics;
  /**
   * Names of the fields that hold something which another program wrote and which cannot be written
   * here, for instance `['protocol']`. Missing where there is nothing of the kind. Such an entry can
   * be named (to delete it), but not passed to `addService` or `setService`.
   */
  readonly unsupported?: readonly string[];
}

/** A virtual service as the kernel's table holds it. */
export type ServiceEntry = ServiceReference & ServiceObservation;

/** Connections of a destination that the kernel knows at this moment. */
export interface ConnectionGauges {
  /** Active connections; for TCP those that are established or being opened. */
  readonly active: number;
  /** All others, for instance closing ones; UDP connections always count here. */
  readonly inactive: number;
  /** Persistence templates: clients that are bound to this destination. */
  readonly persistent: number;
}

/** A destination as the kernel's table holds it. */
export interface DestinationEntry extends DestinationReference {
  /** A method that can be written here, or one that others wrote. */
  readonly forwarding: Forwarding | ForeignForwarding;
  /** 0 takes no new connections. */
  readonly weight: number;
  /** 0 is no limit. */
  readonly upperThreshold: number;
  /** 0 means three quarters of the upper threshold. */
  readonly lowerThreshold: number;
  /** Only with forwarding `tunnel`. */
  readonly tunnel?: TunnelEntry;
  /** Connections at this moment. */
  readonly connections: ConnectionGauges;
  /** What the kernel counted. */
  readonly stats: Statistics;
  /** As in {@link ServiceObservation.unsupported}. */
  readonly unsupported?: readonly string[];
}

/** A part of a {@link Persistence}: see {@link ServicePatch}. */
export interface PersistencePatch {
  /** Seconds; required where the service has no persistence yet. */
  readonly timeout?: number | undefined;
  /** Null: each address for itself. */
  readonly prefixLength?: number | null | undefined;
  /** Null: none. */
  readonly engine?: string | null | undefined;
}

/**
 * What is to change of a virtual service: fields that are missing or `undefined` stay as they are,
 * `null` gives a field its default. Flags stay the same bits under another scheduler.
 */
export interface ServicePatch {
  /** As in {@link ServiceDefinition}. */
  readonly scheduler?: string | undefined;
  /** Replaces all flags; null: none. */
  readonly schedulerFlags?: readonly SchedulerFlag[] | null | undefined;
  /** Null: false. */
  readonly onePacket?: boolean | null | undefined;
  /** Merged with the persistence there is; null: none. */
  readonly persistence?: PersistencePatch | null | undefined;
}

/** A part of a {@link Tunnel}: see {@link DestinationPatch}. */
export interface TunnelPatch {
  /** Required where the destination has no tunnel yet. */
  readonly type?: Tunnel['type'] | undefined;
  /** Null: none, for types that take none. */
  readonly port?: number | null | undefined;
  /** Null: `none`. */
  readonly checksum?: Tunnel['checksum'] | null;
}

/**
 * What is to change of a destination: fields that are missing or `undefined` stay as they are,
 * `null` gives a field its default. A tunnel goes when the forwarding method becomes another, its port
 * when its type is not `gue` any more, its checksum when its type becomes `ipip`.
 */
export interface DestinationPatch {
  /** As in {@link DestinationDefinition}. */
  readonly forwarding?: Forwarding | undefined;
  /** Null: 1. */
  readonly weight?: number | null | undefined;
  /** Null: 0, no limit. */
  readonly upperThreshold?: number | null | undefined;
  /** Null: 0, three quarters of the upper threshold. */
  readonly lowerThreshold?: number | null | undefined;
  /** Merged with the tunnel there is; null: `{ type: 'ipip' }`. */
  readonly tunnel?: TunnelPatch | null | undefined;
}

/** A virtual service together with its destinations, sorted by key. */
export type ServiceSnapshot = ServiceEntry & {
  /** Its real servers, sorted by key. */
  readonly destinations: readonly DestinationEntry[];
};

/** A {@link DestinationEntry} without what the kernel counted: plain data, fit for JSON. */
export type DestinationState = Omit<DestinationEntry, 'connections' | 'stats'>;

/** A {@link ServiceSnapshot} without what the kernel counted: plain data, fit for JSON. */
export type ServiceState = ServiceReference &
  Omit<ServiceObservation, 'stats'> & {
    /** Its real servers, sorted by key. */
    readonly destinations: readonly DestinationState[];
  };

/**
 * What defines a virtual service: a {@link Service}, or one as it was read: a {@link ServiceEntry},
 * {@link ServiceSnapshot} or {@link ServiceState}, with or without its destinations. They, and what the
 * kernel counted, are accepted and ignored.
 */
export type ServiceInput =
  | Service
  | (ServiceReference &
      Omit<ServiceObservation, 'stats'> & {
        /** Ignored. */
        readonly stats?: Statistics | StatisticsJson;
        /** Ignored: they are added by calls of their own. */
        readonly destinations?: readonly DestinationState[];
      });

/**
 * What defines a destination: a {@link Destination}, or one as it was read: a {@link DestinationEntry} or
 * {@link DestinationState}. What the kernel counted is accepted and ignored.
 */
export type DestinationInput =
  | Destination
  | (DestinationState & {
      /** Ignored. */
      readonly connections?: ConnectionGauges;
      /** Ignored. */
      readonly stats?: Statistics | StatisticsJson;
    });

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
  /** Whether to tell statistics and connections too. Default: true. */
  readonly stats?: boolean | undefined;
}

/** Options of `snapshot`. */
export interface SnapshotOptions extends ListOptions, StreamSnapshotOptions {}

/** Seconds that the kernel keeps a connection without packets (IPVS_CMD_GET_CONFIG). */
export interface Timeouts {
  /** An established TCP connection. The kernel starts with 900. */
  readonly tcp: number;
  /** A TCP connection after a FIN. The kernel starts with 120. */
  readonly tcpFin: number;
  /** UDP. The kernel starts with 300. */
  readonly udp: number;
}

/** A master sends what it knows of connections to multicast, a backup takes it from there. */
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
  /** Tells groups of directors apart, 0..255; a backup with 0 takes the messages of all. Default: 0. */
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
  /** Routers that the messages of a master may pass, and one more, 1..255. Default: 1. */
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
  /** Only on the template of a service by firewall mark. Other connections do not tell their mark. */
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

/** Options of `connections`: which of them. */
export interface ConnectionsOptions extends CallOptions {
  /**
   * Only those of this virtual service. With port 0 any port of its address matches. Of a service by
   * firewall mark only templates match: the kernel does not tell the mark of other connections.
   */
  readonly service?: ServiceReference | undefined;
  /** Only those to this destination. With port 0 any port of its address matches. */
  readonly destination?: DestinationReference | undefined;
  /** Only those from this address, or from this network in CIDR notation (`10.0.0.0/8`). */
  readonly client?: string | undefined;
  /**
   * Whether to tell where each connection was seen first (`/proc/net/ip_vs_conn_sync`), in place of
   * persistence engines. Default: false.
   */
  readonly origin?: boolean | undefined;
}

/** {@link Persistence} as `/proc/net/ip_vs` shows it. */
export interface ObservedPersistence {
  /**
   * In jiffies: ticks of the kernel's clock, of which there are 100 to 1000 a second. How many is a
   * matter of the kernel's configuration, which it does not tell.
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
  /** 0 takes no new connections. */
  readonly weight: number;
  /** Connections at this moment, as in {@link ConnectionGauges}. */
  readonly connections: Pick<ConnectionGauges, 'active' | 'inactive'>;
}

/**
 * A virtual service as `/proc/net/ip_vs` shows it: without scheduler flags, persistence engine and
 * statistics. Either it has protocol, address and port, or a firewall mark, of which the file does not
 * tell the family.
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
  /** Missing for IPv6 services, of which the file does not tell. */
  readonly onePacket?: boolean;
  /** Missing where the service is not persistent. */
  readonly persistence?: ObservedPersistence;
  /** Sorted by key. */
  readonly destinations: readonly ObservedDestination[];
}

/** What one CPU counted since it started, in all services of the network namespace. */
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
  /** Its transport protocol, as the kernel writes it in lower case. */
  readonly protocol: string;
  /** The port that it watches. */
  readonly port: number;
  /** How many connections use it. */
  readonly users: number;
}

/** What the kernel tells of its IPVS. */
export interface Info {
  /** Version of IPVS; `1.2.1` in every kernel so far. */
  readonly version: string;
  /** Number of buckets of the connection hash table. */
  readonly connectionTableSize: number;
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
   * how long it takes over them, only how long a lost answer is waited for.
   */
  readonly timeout?: number | undefined;
  /**
   * How many calls of this client may not have ended, 1..10000000; one more rejects with reason
   * `queue-full`. A call that waits takes about half a kilobyte of memory. Default: 131072.
   */
  readonly queueLimit?: number | undefined;
}

/** Options of `diagnose`. */
export interface DiagnoseOptions extends CallOptions {
  /** Schedulers that will be wanted: the kernel is asked for each, and may load its module for it. */
  readonly schedulers?: readonly string[] | undefined;
}

/** Something that `diagnose` found. */
export interface Finding {
  /**
   * Names the kind of finding for programs: `no-ipvs`, `no-permission`, `user-namespace`, `open-failed`,
   * `scheduler-missing`, `address-not-local`, `ipv4-forwarding-off`, `ipv6-forwarding-off`,
   * `conntrack-full`, `udp-blackhole`, `persistence-outlasts-weight-0`, `connection-reuse-delay`,
   * `connection-reuse-stale`, `rp-filter-strict`, `engine-not-for-protocol`, `port-ignored`,
   * `hash-without-fallback`, `dh-without-weight`, `no-scheduler`, `no-destinations`, `all-weights-0`, `arp-ignore`, `arp-announce`,
   * `not-checked`. More may come in minor versions.
   */
  readonly id: string;
  /**
   * `error`: something does not work. `warning`: something goes wrong under circumstances. `info`:
   * worth knowing.
   */
  readonly severity: 'error' | 'warning' | 'info';
  /** What was seen, and what it leads to. */
  readonly message: string;
  /** What to do about it; a shell command where there is one. */
  readonly remedy: string;
  /** The service it is about, as `formatKey` writes it; missing where it is about none or several. */
  readonly service?: string;
  /** The destination of that service that it is about, as `formatKey` writes it; missing where it is about none. */
  readonly destination?: string;
}
