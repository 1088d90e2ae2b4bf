/** What has to change so that a table becomes what it should be. Pure: nothing is read, nothing is changed. */
import type { ServiceSnapshot, ServiceState } from '../model.js';
import type { Change, DesiredState, PlanOptions } from './plan-model.js';
import { checkPlanOptions } from './options.js';
import { planTables } from './planner.js';
import { checkTable } from './table.js';

/**
 * What has to change so that the table becomes what is desired, within the scope: a list, in the order in
 * which the changes are to be made, so that what serves goes on serving until what comes instead does. Empty
 * where nothing has to. Destinations are compared as sets, and edited rather than deleted and added.
 *
 * The result is plain data, fit for JSON; {@link formatPlan} prints it.
 *
 * @param desired - What the table should be, within the scope.
 * @param actual - What it is: a snapshot, with or without what the kernel counted.
 * @throws TypeError or RangeError ({@link ArgumentError}) with the path of what is wrong, for instance
 * `services[3].destinations[0].weight`: also for a service or a destination that is there twice, for a
 * desired service outside the scope, and for one that another program wrote, that cannot be written here, and
 * that is not there as it is desired.
 */
export function plan(
  desired: DesiredState,
  actual: readonly (ServiceSnapshot | ServiceState)[],
  options: PlanOptions,
): Change[] {
  const checked = checkPlanOptions(options);
  const { steps } = planTables(
    checkTable('services', desired),
    checkTable('actual', actual),
    checked,
  );
  return steps.map(({ change }) => change);
}
