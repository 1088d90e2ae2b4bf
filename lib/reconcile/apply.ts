/** Makes the table what it should be: reads it, plans, carries out, and reads again what others changed meanwhile. */
import { steadyNow } from '../clock.js';
import { deletionBlackholes, persistenceOutlasts } from '../diagnose/checks.js';
import type { Finding } from '../diagnose/model.js';
import { hasReason } from '../errors.js';
import type { CheckedServiceKey } from '../input/service.js';
import type { Session } from '../session.js';
import type { SysctlValue } from '../sysctls.js';
import type { Writer } from '../writer.js';
import type { ApplyReport, DrainedDestination, DrainingDestination } from './apply-model.js';
import {
  DrainClocks,
  isPersistent,
  keepsOrphans,
  losesFlows,
  readExpireTemplates,
} from './drains.js';
import { IpvsApplyError, removalsError } from './errors.js';
import { Execution, type Failure, type Means } from './execution.js';
import { formatChangeKey } from './format.js';
import { lookAt, partOf } from './look.js';
import type { Change } from './plan-model.js';
import { type Leaving, type Planned, planTables, type Step } from './planner.js';
import { readServices } from './read.js';
import type { Table } from './table.js';
import type { Wish } from './wish.js';

/** So often what others changed is read again. */
const ROUNDS = 4;

/** Whether others changed, between reading and writing, what a change was about. */
function isRace({ error }: Failure): boolean {
  return hasReason(
    error,
    ...(['service-exists', 'service-not-found', 'destination-exists'] as const),
    ...(['destination-not-found', 'table-changing'] as const),
  );
}

/** One and the same in every order, each as likely as any other. */
function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .sort((left, right) => left.place - right.place)
    .map(({ item }) => item);
}

/** How many steps do one of these. */
function count(steps: readonly Step[], ...actions: readonly Change['action'][]): number {
  return steps.filter(({ change }) => actions.includes(change.action)).length;
}

/** How much of what is desired needs no step. */
function unchangedBy(desired: Table, steps: readonly Step[]): ApplyReport['unchanged'] {
  const rows = [...desired.values()];
  const destinations = rows.reduce((total, row) => total + row.size, 0);
  return {
    services: rows.length - count(steps, 'add-service', 'edit-service'),
    destinations: destinations - count(steps, 'add-destination', 'edit-destination'),
  };
}

class Applying {
  readonly #session: Session;
  readonly #writer: Writer;
  readonly #wish: Wish;
  readonly #applied: Change[] = [];
  readonly #drained: DrainedDestination[] = [];
  #failures: readonly Failure[] = [];
  #clocks: DrainClocks | undefined;
  /** The sysctl `expire_quiescent_template`, once it was looked for. */
  #expireTemplates: { readonly value: SysctlValue | undefined } | undefined;
  /** The names of services whose clients do not notice that their destination was deleted. */
  readonly #losing = new Set<string>();
  /** By the names of their services. */
  readonly #draining = new Map<string, Leaving[]>();

  constructor(session: Session, writer: Writer, wish: Wish) {
    this.#session = session;
    this.#writer = writer;
    this.#wish = wish;
  }

  async run(): Promise<ApplyReport> {
    const { desired, options, only } = this.#wish;
    const look = await lookAt(this.#session, this.#wish);
    const planned = await this.#plan(look.desired, look.actual);
    this.#guard(planned, look.settled);
    if (!options.dryRun) await this.#carryOut(planned.steps);
    const report = await this.#report(only === undefined ? desired : look.desired, planned.steps);
    const isAborted = options.signal?.aborted === true;
    if (report.failed.length > 0) throw new IpvsApplyError(report, isAborted);
    return report;
  }

  /** Refuses to remove more than it may. What drains was once allowed to go; an empty state was meant. */
  #guard({ tally: { entries, removals } }: Planned, settled: number): void {
    const { desired, options, only } = this.#wish;
    if (desired.size === 0 || only !== undefined) return;
    const tally = { entries: entries + settled, removals };
    if (tally.removals > options.maxRemovals * tally.entries) {
      throw removalsError(tally, options.maxRemovals);
    }
  }

  async #plan(desired: Table, actual: Table): Promise<Planned> {
    const { options } = this.#wish;
    for (const row of actual.values()) if (losesFlows(row)) this.#losing.add(row.name);
    if (options.drain === undefined) return planTables(desired, actual, options);
    this.#expireTemplates ??= { value: await this.#readExpireTemplates(actual) };
    const templatesCount = this.#expireTemplates.value !== 1;
    this.#clocks ??= new DrainClocks(options.drain, steadyNow(), templatesCount);
    const whole = planTables(desired, actual, options, this.#clocks);
    const planned = this.#wish.only === undefined ? whole : this.#endOfDrains(whole);
    for (const name of [...desired.keys(), ...actual.keys()]) this.#draining.delete(name);
    for (const each of planned.draining) {
      const { name } = each.service;
      const others = this.#draining.get(name);
      if (others === undefined) this.#draining.set(name, [each]);
      else others.push(each);
    }
    return planned;
  }

  /** Of a plan the end of what drains already. */
  #endOfDrains({ steps, draining, tally }: Planned): Planned {
    const isEnd = ({ action, key }: Change): boolean =>
      action === 'delete-service' ||
      (action === 'delete-destination' && this.#clocks?.ended(key) !== undefined);
    return {
      steps: steps.filter(({ change }) => isEnd(change)),
      draining: draining.filter(({ destination }) => destination.definition?.weight === 0),
      tally,
    };
  }

  async #readExpireTemplates(actual: Table): Promise<SysctlValue | undefined> {
    const { scope, signal } = this.#wish.options;
    if (![...actual.values()].some((row) => isPersistent(row) && scope(row.key))) return undefined;
    return await readExpireTemplates(this.#session, 'apply', signal);
  }

  async #carryOut(first: readonly Step[]): Promise<void> {
    let steps: readonly Step[] | undefined = first;
    for (let round = 1; steps !== undefined; round += 1) {
      const failures = await this.#execute(steps);
      const again = new Map(
        failures
          .filter(isRace)
          .map(({ step: { change, service } }) => [change.key.service, service]),
      );
      const services = [...again.values()];
      steps = services.length === 0 || round === ROUNDS ? undefined : await this.#again(services);
      // What is tried again has not failed yet.
      const settled = steps === undefined ? new Map<string, unknown>() : again;
      this.#failures = [...this.#failures, ...failures].filter(
        ({ step }) => !settled.has(step.change.key.service),
      );
    }
  }

  async #execute(steps: readonly Step[]): Promise<readonly Failure[]> {
    const { desired, options, held } = this.#wish;
    const means: Means = {
      ...{ session: this.#session, writer: this.#writer, signal: options.signal, desired, held },
      allowRefusals: options.drain?.allowRefusals === true,
      draining: this.#drainingAlready(),
    };
    const execution = new Execution(means);
    await execution.run(options.shuffle ? shuffled(steps) : steps);
    this.#applied.push(...execution.applied);
    for (const { action, key } of execution.applied) {
      if (action === 'drain-destination') this.#clocks?.began(key);
      const ended = action === 'delete-destination' ? this.#clocks?.ended(key) : undefined;
      if (ended !== undefined) this.#drained.push(ended);
    }
    return execution.failures;
  }

  #drainingAlready(): Map<string, string> {
    const leaving = [...this.#draining.values()].flat();
    return new Map(
      leaving
        .filter(({ destination }) => destination.definition?.weight === 0)
        .map(({ service, destination }) => [service.name, destination.name]),
    );
  }

  /** What is to be done with services that others changed; nothing where they can't even be read. */
  async #again(services: readonly CheckedServiceKey[]): Promise<readonly Step[] | undefined> {
    try {
      const actual = await readServices(this.#session, services, this.#wish.options.signal);
      return (await this.#plan(partOf(this.#wish.desired, services), actual)).steps;
    } catch {
      // The failures that led here stay, and are reported.
      return undefined;
    }
  }

  async #report(desired: Table, steps: readonly Step[]): Promise<ApplyReport> {
    const draining = this.#reportDraining();
    const planned = steps.map(({ change }) => change);
    const made = this.#wish.options.dryRun ? planned : this.#applied;
    return {
      planned,
      applied: this.#applied,
      failed: this.#failures.map(({ step, error }) => ({ change: step.change, error })),
      unchanged: unchangedBy(desired, steps),
      draining,
      drained: this.#drained,
      warnings: [...this.#warnOfPersistence(draining), ...(await this.#warnOfBlackholes(made))],
    };
  }

  #reportDraining(): DrainingDestination[] {
    const clocks = this.#clocks;
    if (clocks === undefined) return [];
    const failed = new Set(
      this.#failures
        .filter(({ step }) => step.change.action === 'drain-destination')
        .map(({ step }) => formatChangeKey(step.change.key)),
    );
    const ends = this.#failures.filter(({ step }) => step.change.action === 'delete-destination');
    return [
      ...[...this.#draining.values()]
        .flat()
        .map((each) => clocks.report(each))
        .filter(({ key }) => !failed.has(formatChangeKey(key))),
      // It is over, and could not be ended: its clock must not be lost.
      ...ends.flatMap(({ step }) => clocks.reportEnd(step.change.key) ?? []),
    ];
  }

  #warnOfPersistence(draining: readonly DrainingDestination[]): Finding[] {
    if (this.#expireTemplates?.value !== 0) return [];
    const names = new Set(draining.map(({ key }) => key.service));
    const persistent = [...this.#draining.values()]
      .flat()
      .filter(({ service }) => names.has(service.name) && isPersistent(service))
      .map(({ service }) => service.name);
    return persistent.length === 0 ? [] : [persistenceOutlasts([...new Set(persistent)])];
  }

  /** A destination that was drained to its end has no clients who could be cut off. */
  async #warnOfBlackholes(made: readonly Change[]): Promise<Finding[]> {
    const isCut = ({ action, key }: Change): boolean =>
      action === 'delete-destination' &&
      this.#losing.has(key.service) &&
      this.#clocks?.ended(key)?.forced !== false;
    const names = new Set(made.filter(isCut).map(({ key }) => key.service));
    if (names.size === 0 || !(await keepsOrphans(this.#session, 'apply'))) return [];
    return [deletionBlackholes([...names])];
  }
}

/**
 * Makes the table what it should be.
 *
 * @throws IpvsApplyError when not all of it was applied; IpvsError when nothing was.
 */
export async function applyWish(
  session: Session,
  writer: Writer,
  wish: Wish,
): Promise<ApplyReport> {
  return await new Applying(session, writer, wish).run();
}
