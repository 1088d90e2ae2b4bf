/**
 * The Linux kernel's layer-4 load balancer (IP Virtual Server) from Node.js.
 *
 * @packageDocumentation
 */
export type { Family } from './address.js';
export type { ArgumentError } from './argument-errors.js';
export { diagnose } from './diagnose/index.js';
export type * from './diagnose/model.js';
export { IpvsError, type IpvsErrorReason } from './errors.js';
export { Ipvs } from './ipvs.js';
export {
  compareKeys,
  formatKey,
  type Keyed,
  keyOf,
  parseDestinationKey,
  parseKey,
  parseServiceKey,
} from './keys.js';
export type * from './model.js';
export { IpvsObserver } from './observer.js';
export type * from './reconcile/apply-model.js';
export { checkDesiredState } from './reconcile/desired.js';
export type { DrainCallOptions } from './reconcile/drain.js';
export { IpvsApplyError } from './reconcile/errors.js';
export { formatPlan } from './reconcile/format.js';
export type * from './reconcile/plan-model.js';
export { plan } from './reconcile/plan.js';
export { Reconciler } from './reconcile/reconciler.js';
export type { ReconcilerEvents, StopOptions } from './reconcile/reconciler-model.js';
export type { Backoff, ReconcilerOptions } from './reconcile/reconciler-options.js';
export { Statistics, type StatisticsJson } from './statistics.js';
export type { SysctlOf, Sysctls, SysctlValue } from './sysctls.js';
