/** The words of a reconciler: its events, and how it is stopped. Types only. */
import type { ApplyReport, DrainedDestination } from './apply-model.js';

/** What a reconciler reports, by the name of the event; see {@link Reconciler.on}. */
export interface ReconcilerEvents {
  /**
   * A desired state was reached for the first time, or again after a failure, or something was changed to get back to
   * it; then `drift` comes before, with the same report.
   */
  readonly applied: ApplyReport;
  /**
   * Something was not done; it is tried again. An {@link IpvsApplyError} has a report of what was not, and of what was:
   * the event `applied` does not report that. Where nobody listens to this event, the failure becomes a warning of the
   * process (`process.emitWarning`, type `IpvsReconcilerWarning`), once as long as it stays the same, unless a call of
   * {@link Reconciler.reconcile} rejects with it.
   */
  readonly failed: Error;
  /** The table had been changed by others since it was as desired; the report shows what was repaired. */
  readonly drift: ApplyReport;
  /** A destination that drained had nothing left, and has gone. */
  readonly drained: DrainedDestination;
  /** A destination that drained still had connections at its deadline, and has gone. */
  readonly forced: DrainedDestination;
}

/** Options of {@link Reconciler.stop}. */
export interface StopOptions {
  /**
   * Whether to drain and delete everything within the scope first, as the option `drain` says, which must
   * be there for that. Default: false, the table stays as it is and goes on serving.
   */
  readonly drain?: boolean | undefined;
}
