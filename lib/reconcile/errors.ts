/** The errors of applying a desired state. */
import { type ArgumentError, conflict } from '../argument-errors.js';
import { hasOutcome, IpvsError } from '../errors.js';
import type { ApplyReport } from './apply-model.js';
import type { Change } from './plan-model.js';
import type { Tally } from './planner.js';

/**
 * What `apply` rejects with when not all of it was applied: reason `apply-failed`, or `apply-aborted` when its
 * signal was the cause. Its `cause` is the first failure, and {@link IpvsApplyError.report} has them all.
 */
export class IpvsApplyError extends IpvsError {
  /** On the prototype, as that of {@link IpvsError}. */
  override get name(): 'IpvsApplyError' {
    return 'IpvsApplyError';
  }
  /** What was done, what was not, and why. */
  readonly report: ApplyReport;

  /** @internal */
  constructor(report: ApplyReport, aborted: boolean) {
    const { applied, failed } = report;
    const [first] = failed;
    const total = applied.length + failed.length;
    const rest = failed.length > 1 ? ` (and ${failed.length - 1} more: see its report)` : '';
    super(
      `apply: ${failed.length} of ${total} changes were not made. ${first?.error.message ?? ''}${rest}`,
      {
        code: aborted ? 'ABORT_ERR' : 'ERR_IPVS_APPLY_FAILED',
        reason: aborted ? 'apply-aborted' : 'apply-failed',
        outcome: outcomeOf(report),
        cause: first?.error,
      },
    );
    this.report = report;
  }
}

function outcomeOf({ applied, failed }: ApplyReport): IpvsError['outcome'] {
  if (failed.some(({ error }) => hasOutcome(error, 'unknown'))) return 'unknown';
  return applied.length > 0 ? 'partly-applied' : 'not-applied';
}

/** The error for a change that must not be made before another one, which failed. */
export function withheldError({ key, action }: Change, cause: Error): IpvsError {
  const { service, destination } = key;
  const what = destination === undefined ? service : `${destination} of ${service}`;
  return new IpvsError(
    `${action} ${what}: left as it is, since what has to come first failed: ${cause.message}`,
    { code: 'ERR_IPVS_WITHHELD', reason: 'withheld', service, destination, cause },
  );
}

/** The error for a desired service that is none of ours. */
export function outsideError(field: string, name: string): ArgumentError {
  return conflict(
    field,
    `is ${name}, which is outside the scope: it would be added, and never be seen again. Widen the scope, or leave it out`,
  );
}

/** The error for a drain that would make the kernel refuse clients. */
export function refusalError(
  method: string,
  service: string,
  destination: string,
  scheduler: string,
  option: string,
): IpvsError {
  return new IpvsError(
    `${method} ${destination} of ${service}: with scheduler ${scheduler} the kernel goes on to choose a destination of weight 0, and refuses those clients. ${
      scheduler === 'dh'
        ? 'Use another scheduler'
        : "Give the service the scheduler flag 'fallback'"
    }, or pass ${option}: true`,
    {
      ...{ code: 'ERR_IPVS_DRAIN_REFUSES_CLIENTS', reason: 'drain-refuses-clients' },
      ...{ service, destination },
    },
  );
}

/** The error for something that others did between reading and writing. */
export function interferenceError(service: string): IpvsError {
  return new IpvsError(
    `deleteService ${service}: another program added a destination to it meanwhile. Try again`,
    { code: 'ERR_IPVS_TABLE_CHANGING', reason: 'table-changing', service },
  );
}

/** The error for a desired state that lacks too much of what is there. */
export function removalsError({ removals, entries }: Tally, most: number): IpvsError {
  return new IpvsError(
    `apply: ${removals} of ${entries} services and destinations within the scope would go, which is more than maxRemovals (${most}) allows; nothing was changed. Look whether the desired state is complete; if it is meant, pass maxRemovals: 1`,
    { code: 'ERR_IPVS_TOO_MANY_REMOVALS', reason: 'too-many-removals' },
  );
}

/** The error for a destination that somebody wants back while it is drained. */
export function overruledError(
  { service, destination }: Required<Change['key']>,
  weight: number,
): IpvsError {
  return new IpvsError(
    `drain ${destination} of ${service}: somebody gave it weight ${weight} meanwhile; it stays as it is`,
    {
      ...{ code: 'ERR_IPVS_DRAIN_OVERRULED', reason: 'drain-overruled', outcome: 'partly-applied' },
      ...{ service, destination },
    },
  );
}

/** The error for a drain that failed after it had given the destination weight 0, which it keeps. */
export function undrainedError(
  { service, destination }: Required<Change['key']>,
  failure: IpvsError,
  mayBeGone: boolean,
): IpvsError {
  const { code, reason, errno, syscall } = failure;
  const rest = mayBeGone
    ? 'The answer to its deletion was lost: read the table'
    : 'The destination has weight 0 and was not deleted';
  return new IpvsError(`${failure.message}. ${rest}`, {
    ...{ code, reason, outcome: mayBeGone ? 'unknown' : 'partly-applied' },
    ...(errno === undefined ? {} : { errno: -errno }),
    ...{ syscall, service, destination, cause: failure },
  });
}

/** The error for a comparison with what nobody has said yet. */
export function nothingDesiredError(): IpvsError {
  return new IpvsError('reconcile: nothing is desired yet. Call setDesired first', {
    code: 'ERR_IPVS_NOTHING_DESIRED',
    reason: 'nothing-desired',
  });
}

/** The error for a call of a reconciler that has been stopped. */
export function stoppedError(method: string): IpvsError {
  return new IpvsError(`${method}: this reconciler has been stopped. Make another one`, {
    code: 'ERR_IPVS_STOPPED',
    reason: 'closed',
  });
}
