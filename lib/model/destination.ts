/** Destinations (real servers) as a caller defines them, names them and changes them. */
import type { Family } from '../address.js';

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
  /** Address of the real server. Another family than the service's requires forwarding `tunnel`. */
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
   * Share of the new connections, 0..2147483647, for schedulers that weigh. With 0 it gets no new
   * connections and keeps the ones it has; clients that persistence has bound to it still come, unless
   * the sysctl `expire_quiescent_template` is 1. Default: 1.
   */
  readonly weight?: number | undefined;
  /**
   * It gets no new connections once it has this many, active and inactive together, 0..2147483647; 0 is no
   * limit. Persistence templates do not count, and clients that are bound to it still come. Default: 0.
   */
  readonly upperThreshold?: number | undefined;
  /**
   * Once the upper threshold was reached, it gets new connections again when it has fewer than this many, at
   * most {@link upperThreshold}; 0 means three quarters of that. Default: 0.
   */
  readonly lowerThreshold?: number | undefined;
  /** Only with forwarding `tunnel`. Default there: `{ type: 'ipip' }`. */
  readonly tunnel?: Tunnel | undefined;
}

/** A destination (real server) as a caller defines it. */
export type Destination = DestinationKey & DestinationDefinition;

/** A part of a {@link Tunnel}: see {@link DestinationPatch}. */
export interface TunnelPatch {
  /** Required where the destination has no tunnel yet. */
  readonly type?: Tunnel['type'] | undefined;
  /** Null: none, for types that have none. */
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

/** A forwarding method that others gave a destination, and that cannot be written here. */
export type ForeignForwarding = 'bypass' | `forwarding-${number}`;

/** {@link DestinationKey} as read from the kernel; accepted wherever a destination is only named. */
export interface DestinationReference extends DestinationKey {
  /** Only on an IPv6 entry whose address is IPv4-mapped: distinguishes it from the IPv4 address. */
  readonly family?: Family;
}
