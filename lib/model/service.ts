/** Virtual services as a caller defines them, names them and changes them. */
import type { Family } from '../address.js';

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
  /** 1..65535, or 0 for every port; 0 requires {@link Service.persistence | persistence}. */
  readonly port: number;
  /** Belongs to {@link FirewallMarkServiceKey}. */
  readonly fwmark?: never;
  /** Belongs to {@link FirewallMarkServiceKey}: here it is implied by the address. */
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
  /**
   * Seconds that a client stays with its destination, 1..4294967. They begin anew with each of its
   * connections, and do not run out before the last of these has left the kernel's table. There is no default.
   */
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

/** A protocol that others gave a service, and that cannot be written here. */
export type ForeignProtocol = `protocol-${number}`;

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
  /** Only on an IPv6 entry whose address is IPv4-mapped: distinguishes it from the IPv4 address. */
  readonly family?: Family;
}

/** {@link ServiceKey} as read from the kernel; accepted wherever a service is only named. */
export type ServiceReference = ServiceKey | ForeignServiceKey;
