/** What the kernel's table holds: entries with what was observed of them, and what of that can be passed in again. */
import type { Statistics, StatisticsJson } from '../statistics.js';
import type {
  Destination,
  DestinationReference,
  ForeignForwarding,
  Forwarding,
  Tunnel,
} from './destination.js';
import type { SchedulerFlag, Service, ServiceReference } from './service.js';

/** {@link Persistence} as read from the kernel. */
export interface PersistenceEntry {
  /** Seconds. */
  readonly timeout: number;
  /** Missing where others set an IPv4 mask that is no prefix, such as 255.0.255.0. */
  readonly prefixLength?: number;
  /** Missing where there is none. */
  readonly engine?: string;
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

/** {@link Tunnel} as read from the kernel: numbers that others wrote and that have no name keep them. */
export interface TunnelEntry {
  /** A known type, or `tunnel-3` for number 3 and so on. */
  readonly type: Tunnel['type'] | `tunnel-${number}`;
  /** Missing where it is 0. */
  readonly port?: number;
  /** Missing for `ipip` without any. */
  readonly checksum?: NonNullable<Tunnel['checksum']> | `checksum-${number}`;
}

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
  /** With 0 it gets no new connections. */
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
