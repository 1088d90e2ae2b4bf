/**
 * Why a command failed, in words that a program can compare. New reasons may be added in minor
 * versions: treat one that you do not know like `other`.
 *
 * - `service-not-found`, `service-exists`, `destination-not-found`, `destination-exists`
 * - `unknown-scheduler`, `unknown-engine`: the kernel neither has it nor can load its module;
 *   `unknown-scheduler-or-engine` where the kernel has no IPv6, without which they can't be told apart
 * - `unsupported-entry`: another program wrote parts of the entry that cannot be written here
 * - `unsupported-by-kernel`: the kernel is too old for it, and was left as it was
 * - `table-changing`: others change the table so fast that no two reads agreed
 * - `invalid-destination`: the kernel refuses this address, port or forwarding here
 * - `daemon-not-found`, `daemon-exists`: a sync daemon of this role
 * - `invalid-daemon`: the kernel refuses a sync daemon with these options
 * - `interface-not-found`, `interface-down`: the network interface of a sync daemon; `interface-down`
 *   also where it has no route to the multicast group
 * - `port-in-use`: the UDP port of a sync daemon
 * - `unknown-sysctl`: the kernel has no sysctl of this name
 * - `invalid-sysctl`: the kernel refuses this value of a sysctl
 * - `malformed-file`: a file of `/proc` holds what makes no sense
 * - `unsupported-family`: the kernel has no IPv6, or it is disabled
 * - `permission-denied`: CAP_NET_ADMIN is missing; for another network namespace, CAP_SYS_ADMIN is, or its file
 *   may not be opened; for a sysctl, the right to write it, also where `/proc/sys` is mounted read-only
 * - `ipvs-unavailable`: the kernel has no IPVS, or could not load its module
 * - `namespace-not-found`, `not-a-namespace`: the `netns` option
 * - `unsupported-platform`: not Linux
 * - `addon-not-loaded`: the native part of this package is missing or does not fit
 * - `out-of-memory`: the kernel or the process ran out of memory
 * - `timeout`: the kernel's answer did not come in time
 * - `malformed-reply`: the kernel's answer made no sense
 * - `apply-failed`, `apply-aborted`: not all of a desired state was applied (`IpvsApplyError`)
 * - `too-many-removals`: a desired state lacks more of the scope than it may; nothing was changed
 * - `withheld`: not done, because something else that has to come first failed
 * - `drain-refuses-clients`: draining would make the kernel refuse clients; see `DrainOptions`
 * - `drain-overruled`: a destination got a weight while it was drained
 * - `nothing-desired`: a reconciler was to compare before it was told what is desired
 * - `closed`: the client was closed, or the reconciler was stopped
 * - `queue-full`: more calls than `OpenOptions.queueLimit` are outstanding
 * - `other`: see `code`
 */
export type IpvsErrorReason =
  | 'service-not-found'
  | 'service-exists'
  | 'destination-not-found'
  | 'destination-exists'
  | 'unknown-scheduler'
  | 'unknown-engine'
  | 'unknown-scheduler-or-engine'
  | 'unsupported-entry'
  | 'unsupported-by-kernel'
  | 'table-changing'
  | 'invalid-destination'
  | 'daemon-not-found'
  | 'daemon-exists'
  | 'invalid-daemon'
  | 'interface-not-found'
  | 'interface-down'
  | 'port-in-use'
  | 'unknown-sysctl'
  | 'invalid-sysctl'
  | 'malformed-file'
  | 'unsupported-family'
  | 'permission-denied'
  | 'ipvs-unavailable'
  | 'namespace-not-found'
  | 'not-a-namespace'
  | 'unsupported-platform'
  | 'addon-not-loaded'
  | 'out-of-memory'
  | 'timeout'
  | 'malformed-reply'
  | 'apply-failed'
  | 'apply-aborted'
  | 'too-many-removals'
  | 'withheld'
  | 'drain-refuses-clients'
  | 'drain-overruled'
  | 'nothing-desired'
  | 'closed'
  | 'queue-full'
  | 'other';

/** What an {@link IpvsError} is made of. */
export interface IpvsErrorDetails {
  readonly code: string;
  readonly reason: IpvsErrorReason;
  /** Positive, as the kernel's headers have it. */
  readonly errno?: number | undefined;
  readonly syscall?: string | undefined;
  readonly outcome?: IpvsError['outcome'];
  readonly service?: string | undefined;
  readonly destination?: string | undefined;
  readonly cause?: unknown;
}

/**
 * Every failure that is not a wrong argument. The message says what failed, on which service or
 * destination, why, and what to do about it.
 */
export class IpvsError extends Error {
  /** `IpvsError`, or `IpvsApplyError` for the error of that class. */
  override get name(): 'IpvsError' | 'IpvsApplyError' {
    return 'IpvsError';
  }
  /**
   * Name of the errno (`ESRCH`), or `ERR_IPVS_TIMEOUT`, `ERR_IPVS_CLOSED`,
   * `ERR_IPVS_UNSUPPORTED_PLATFORM`, `ERR_IPVS_ADDON_NOT_LOADED`, `ERR_IPVS_MALFORMED_REPLY`,
   * `ERR_IPVS_JOB_FAILED`, `ERR_IPVS_UNSUPPORTED_ENTRY`, `ERR_IPVS_UNSUPPORTED_BY_KERNEL`,
   * `ERR_IPVS_TABLE_CHANGING`, `ERR_IPVS_MALFORMED_FILE`, `ERR_IPVS_QUEUE_FULL`, `ERR_IPVS_APPLY_FAILED`,
   * `ERR_IPVS_TOO_MANY_REMOVALS`, `ERR_IPVS_WITHHELD`, `ERR_IPVS_DRAIN_REFUSES_CLIENTS`,
   * `ERR_IPVS_DRAIN_OVERRULED`, `ERR_IPVS_NOTHING_DESIRED`, `ERR_IPVS_STOPPED` where the kernel gave none;
   * `ABORT_ERR` with reason `apply-aborted`.
   */
  readonly code: string;
  /** Why, in words that a program can compare. */
  readonly reason: IpvsErrorReason;
  /** Negative errno, by Node's convention; missing where the kernel gave none. */
  declare readonly errno?: number;
  /** The IPVS command (`IPVS_CMD_NEW_DEST`) or system call (`open`) that failed. */
  declare readonly syscall?: string;
  /**
   * What the call has done to the kernel's table.
   *
   * - `not-applied`: nothing; the table is as if it had never been called.
   * - `partly-applied`: some of it, and it is known what: only `drain` and `apply` do several things one after the
   *   other. A failed `drain` had set weight 0; the `report` of an {@link IpvsApplyError} lists what was done.
   * - `unknown`: a command was handed to the kernel and its answer was lost; read the table to learn more.
   */
  readonly outcome: 'not-applied' | 'partly-applied' | 'unknown';
  /** The service it was about, as `formatKey` writes it. */
  declare readonly service?: string;
  /** The destination it was about, as `formatKey` writes it. */
  declare readonly destination?: string;

  /** @internal */
  constructor(message: string, details: IpvsErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.reason = details.reason;
    this.outcome = details.outcome ?? 'not-applied';
    if (details.errno !== undefined) this.errno = -details.errno;
    if (details.syscall !== undefined) this.syscall = details.syscall;
    if (details.service !== undefined) this.service = details.service;
    if (details.destination !== undefined) this.destination = details.destination;
  }
}

/** Whether an error is one of ours for one of these reasons. */
export function hasReason(error: unknown, ...reasons: readonly IpvsErrorReason[]): boolean {
  return error instanceof IpvsError && reasons.includes(error.reason);
}

/** Whether an error is one of ours with this outcome. */
export function hasOutcome(error: unknown, outcome: IpvsError['outcome']): error is IpvsError {
  return error instanceof IpvsError && error.outcome === outcome;
}

/** The error for `new` on a class whose objects are opened: only TypeScript knows of private constructors. */
export function notConstructible(name: string): TypeError {
  return new TypeError(`${name} has no constructor: use await ${name}.open()`);
}

/** What a call rejects with that was given up in time, in the form of Node's own. */
class AbortError extends Error {
  override get name(): 'AbortError' {
    return 'AbortError';
  }
  readonly code = 'ABORT_ERR';
}

/** The error for a call whose signal was aborted before anything was sent. */
export function abortError(signal: AbortSignal): Error {
  return new AbortError('The operation was aborted', { cause: signal.reason });
}

/** Throws what a call rejects with whose signal is aborted already. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortError(signal);
}
