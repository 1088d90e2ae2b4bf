/** The words of reconciling: what the table should be, and what that requires. Types only. */
import type {
  DestinationInput,
  DestinationReference,
  DestinationState,
  Forwarding,
  Persistence,
  Protocol,
  SchedulerFlag,
  ServiceInput,
  ServiceObservation,
  ServiceReference,
  Tunnel,
} from '../model.js';

/** A virtual service as it should be, with all of its destinations. */
export type DesiredService = ServiceInput & {
  /** All of its real servers, in any order; an empty list is a service that nobody serves. */
  readonly destinations: readonly DestinationInput[];
};

/**
 * What the table should be, as far as the scope goes: plain data, fit for JSON. What
 * `snapshot({ stats: false })` gives is such a state.
 */
export type DesiredState = readonly DesiredService[];

/**
 * Which virtual services are ours; nothing else is looked at, let alone changed. A service is within the
 * scope with all of its destinations.
 *
 * - `'everything'`: the whole table of the network namespace.
 * - A list, of which one entry must fit: a service's key as `formatKey` writes it (`tcp 10.0.0.1:443`,
 *   `fwmark 7 ipv4`), or an address or a network in CIDR notation that the service's address lies in
 *   (`10.0.0.1`, `2001:db8::/32`). Networks hold no services by firewall mark.
 * - A function of a service's key.
 */
export type Scope = 'everything' | readonly string[] | ((service: ServiceReference) => boolean);

/** What happens to destinations that are no longer desired: see {@link PlanOptions.drain}. */
export interface DrainRule {
  /**
   * Of which services destinations drain; of all others they are deleted at once. Services by firewall mark
   * count as `tcp`, since their protocol is not known. Where destinations of UDP or SCTP are deleted, set the sysctl
   * `expire_nodest_conn` to 1: while it is 0, the kernel's default, what their clients send is dropped until their
   * connection entries time out. Default: `['tcp']`.
   */
  readonly protocols?: readonly Protocol[] | undefined;
}

/** Options of `plan`. Those of `apply` ({@link ApplyOptions}) can be passed as well: what it has besides is ignored. */
export interface PlanOptions {
  /** Which services are ours. There is no default: a wrong guess would delete what others own. */
  readonly scope: Scope;
  /**
   * Destinations that are there keep their weight, unless it is 0 and another is desired. Default: false,
   * a weight is a part of the desired state.
   */
  readonly keepWeights?: boolean | undefined;
  /**
   * Destinations that are not desired get weight 0 and stay, with their services; a plan without this deletes
   * them. Default: they are deleted.
   */
  readonly drain?: DrainRule | undefined;
}

/** What a change is about: keys as `formatKey` writes them. */
export interface ChangeKey {
  /** The service. */
  readonly service: string;
  /** The destination; missing where it is about the service itself. */
  readonly destination?: string;
}

/** A service's definition as it is or as it should be, with every default filled in. */
export interface PlannedService {
  /** As in {@link ServiceDefinition}. */
  readonly scheduler: string;
  /** Empty where there are none. */
  readonly schedulerFlags: readonly SchedulerFlag[];
  /** Whether every datagram is scheduled by itself. */
  readonly onePacket: boolean;
  /** Missing where the service is not persistent. */
  readonly persistence?: Persistence;
}

/** A destination's definition as it is or as it should be, with every default filled in. */
export interface PlannedDestination {
  /** As in {@link DestinationDefinition}. */
  readonly forwarding: Forwarding;
  /** 0 accepts no new connections. */
  readonly weight: number;
  /** 0 is no limit. */
  readonly upperThreshold: number;
  /** 0 means three quarters of the upper threshold. */
  readonly lowerThreshold: number;
  /** Only with forwarding `tunnel`. */
  readonly tunnel?: Tunnel;
}

/** What there is: planned as well, or as another program wrote it, marked `unsupported`. */
export type FoundService = PlannedService | Omit<ServiceObservation, 'stats'>;
/** As {@link FoundService}. */
export type FoundDestination =
  PlannedDestination | Omit<DestinationState, keyof DestinationReference>;

/** Something that will be there. */
export interface Adding<Definition> {
  /** What it is about. */
  readonly key: ChangeKey;
  /** What it will be. */
  readonly to: Definition;
}

/** Something that is there. */
export interface Deleting<Definition> {
  /** What it is about. */
  readonly key: ChangeKey;
  /** What it is. */
  readonly from: Definition;
}

/** A service that is not there yet. */
export interface AddService extends Adding<PlannedService> {
  /** Its destinations follow, as changes of their own. */
  readonly action: 'add-service';
}

/** A service that is there, with another definition. */
export interface EditService extends Adding<PlannedService>, Deleting<FoundService> {
  /** Its connections and counters stay. */
  readonly action: 'edit-service';
}

/** A service that is not desired, and no longer has destinations. */
export interface DeleteService extends Deleting<FoundService> {
  /** Those of its destinations go before, as changes of their own. */
  readonly action: 'delete-service';
}

/** A destination that is not there yet. */
export interface AddDestination extends Adding<PlannedDestination> {
  /** Its service is there by then. */
  readonly action: 'add-destination';
}

/** A destination that is there, with another definition. */
export interface EditDestination extends Adding<PlannedDestination>, Deleting<FoundDestination> {
  /** To drain is to get weight 0, before it is deleted. */
  readonly action: 'edit-destination' | 'drain-destination';
}

/** A destination that is not desired. */
export interface DeleteDestination extends Deleting<FoundDestination> {
  /** What it serves is cut off. */
  readonly action: 'delete-destination';
}

/** One change of the table. */
export type Change =
  AddService | AddDestination | EditDestination | EditService | DeleteDestination | DeleteService;
