/** When destinations that drain may go. */
import { hasReason } from '../errors.js';
import type { ConnectionGauges } from '../model.js';
import { readSysctl } from '../proc/sysctls.js';
import { protocolName } from '../protocols.js';
import type { Session } from '../session.js';
import type { SysctlValue } from '../sysctls.js';
import type { DrainedDestination, DrainingDestination } from './apply-model.js';
import { formatChangeKey } from './format.js';
import type { ChangeKey } from './plan-model.js';
import type { CheckedDrain } from './options.js';
import type { Drains, Leaving } from './planner.js';
import type { ServiceRow } from './table.js';

/** What is known of connections where nothing is. */
export const NO_CONNECTIONS: ConnectionGauges = { active: 0, inactive: 0, persistent: 0 };

/** What keeps a destination, if anything does. */
export function waitsFor(
  { active, inactive, persistent }: ConnectionGauges,
  templatesCount: boolean,
): DrainingDestination['waitsFor'] | undefined {
  if (active + inactive > 0) return 'connections';
  return templatesCount && persistent > 0 ? 'persistence' : undefined;
}

function keyOf({ service, destination }: Leaving): Required<ChangeKey> {
  return { service: service.name, destination: destination.name };
}

/**
 * The sysctl `expire_quiescent_template`: only where it is 1, clients that persistence has bound do not come back to
 * a destination of weight 0. Undefined where a container does not see it: then drains wait for what they perhaps need
 * not, and are bounded all the same.
 */
export async function readExpireTemplates(
  session: Session,
  method: string,
  signal: AbortSignal | undefined,
): Promise<SysctlValue | undefined> {
  try {
    return await readSysctl(session.files(method, signal), method, 'expire_quiescent_template');
  } catch (error) {
    if (hasReason(error, 'unknown-sysctl', 'permission-denied')) return undefined;
    throw error;
  }
}

/**
 * Whether the sysctl `expire_nodest_conn` is seen to be 0: then the kernel drops packets of clients whose destination was
 * deleted, until their entries time out (net/netfilter/ipvs/ip_vs_core.c).
 */
export async function keepsOrphans(session: Session, method: string): Promise<boolean> {
  try {
    return (await readSysctl(session.files(method), method, 'expire_nodest_conn')) === 0;
  } catch {
    // It is asked for a warning, when all else has been done.
    return false;
  }
}

/**
 * Whether clients of a service lose what they send, and do not notice, after their destination was deleted. Those of TCP
 * do. One-packet scheduling keeps nothing that could hold them.
 */
export function losesFlows({ key, fields }: ServiceRow): boolean {
  if (key.fwmark !== undefined || fields['onePacket'] === true) return false;
  return ['udp', 'sctp'].includes(protocolName(key.protocol));
}

/** Whether clients of a service are bound to its destinations. */
export function isPersistent({ fields }: ServiceRow): boolean {
  return fields['persistence'] !== undefined;
}

function connectionsOf({ destination }: Leaving): ConnectionGauges {
  return (destination.fields['connections'] as ConnectionGauges | undefined) ?? NO_CONNECTIONS;
}

/** The clocks of drains, as of one moment. */
export class DrainClocks implements Drains {
  readonly #rule: CheckedDrain;
  readonly #since: ReadonlyMap<string, number>;
  readonly #now: number;
  /** Whether clients that persistence has bound come back to a destination of weight 0. */
  readonly #templatesCount: boolean;
  readonly #over = new Map<string, DrainedDestination>();
  readonly #begun = new Set<string>();

  constructor(rule: CheckedDrain, now: number, templatesCount: boolean) {
    this.#rule = rule;
    this.#since = new Map(rule.since.map(({ key, since }) => [formatChangeKey(key), since]));
    this.#now = now;
    this.#templatesCount = templatesCount;
  }

  /** A destination got weight 0 just now: it stays for now, and what was said of an earlier drain does not count. */
  began(key: ChangeKey): void {
    this.#begun.add(formatChangeKey(key));
  }

  isOver(leaving: Leaving): boolean {
    const key = keyOf(leaving);
    if (this.#begun.has(formatChangeKey(key))) return false;
    const since = this.#start(key);
    const connections = connectionsOf(leaving);
    const forced = this.#waitsFor(leaving) !== undefined;
    if (forced && this.#now < since + this.#rule.deadline) return false;
    this.#over.set(formatChangeKey(key), { key, since, forced, connections });
    return true;
  }

  /** What a destination that has been deleted was, if its drain was over. */
  ended(key: ChangeKey): DrainedDestination | undefined {
    return this.#over.get(formatChangeKey(key));
  }

  /** What is told of a destination whose drain is over and that could not be deleted; undefined for any other. */
  reportEnd(key: ChangeKey): DrainingDestination | undefined {
    const over = this.#over.get(formatChangeKey(key));
    if (over === undefined) return undefined;
    const { since, connections } = over;
    const until = since + this.#rule.deadline;
    return { key: over.key, since, until, waitsFor: 'connections', connections };
  }

  /** What is told of a destination that stays for now. */
  report(leaving: Leaving): DrainingDestination {
    const key = keyOf(leaving);
    // One that had its weight until just now may have drained before, and served again.
    const isNew = leaving.destination.definition?.weight !== 0;
    const since = isNew ? this.#now : this.#start(key);
    return {
      key,
      since,
      until: since + this.#rule.deadline,
      waitsFor: this.#waitsFor(leaving) ?? 'connections',
      connections: connectionsOf(leaving),
    };
  }

  /** A clock that was set back must not make a drain longer. */
  #start(key: Required<ChangeKey>): number {
    const name = formatChangeKey(key);
    const since = this.#begun.has(name) ? undefined : this.#since.get(name);
    return Math.min(this.#now, since ?? this.#now);
  }

  #waitsFor(leaving: Leaving): DrainingDestination['waitsFor'] | undefined {
    const templatesCount = this.#templatesCount && isPersistent(leaving.service);
    return waitsFor(connectionsOf(leaving), templatesCount);
  }
}
