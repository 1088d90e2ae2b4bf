/**
 * A quick look for what may differ from what is desired. Nothing is changed on its word: what it finds is read again,
 * all of it, by its keys.
 */
import type { CheckedServiceKey } from '../input/service.js';
import { decodeService } from '../native/decode.js';
import { serviceRows } from '../native/lists.js';
import { outlineDestination, outlineService, readOutlines } from '../proc/outline.js';
import { dump, type Sequence } from '../sequence.js';
import type { Session } from '../session.js';
import { sameService } from './definitions.js';
import type { CheckedScope } from './scope.js';
import { ServiceRow, type Table } from './table.js';

const SUBJECT = { method: 'apply' };

/** What a quick look tells. */
export interface Glance {
  /** Services that may differ, in the order of the desired state, and those that are not desired behind them. */
  readonly suspects: readonly CheckedServiceKey[];
  /** How many services and destinations are there and as desired, so far as it sees. */
  readonly settled: number;
}

/** Services without their destinations, by their names. */
function* readDefinitions(): Sequence<ReadonlyMap<string, ServiceRow>> {
  const rows = serviceRows(yield* dump(SUBJECT, { name: 'IPVS_CMD_GET_SERVICE' }));
  return new Map(
    rows.map(({ reply, row }, index) => {
      const service = new ServiceRow(`actual[${index}]`, { ...decodeService(reply, row) });
      return [service.name, service] as const;
    }),
  );
}

/** The destinations of each service in `/proc`, by its outline; none where the file has two of one outline. */
async function readDestinations(
  session: Session,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, readonly string[] | undefined>> {
  const found = new Map<string, readonly string[] | undefined>();
  for (const each of await readOutlines(session.files(SUBJECT.method, signal), SUBJECT.method)) {
    found.set(each.service, found.has(each.service) ? undefined : each.destinations);
  }
  return found;
}

/** The outlines of what services are to have: made once, for a daemon looks again and again. */
const outlines = new WeakMap<ServiceRow, ReadonlySet<string> | null>();

function outlineAll({ definitions = [], size }: ServiceRow): ReadonlySet<string> | null {
  const all = new Set<string>();
  for (const each of definitions) {
    const outline = outlineDestination(each);
    if (outline === undefined) return null;
    all.add(outline);
  }
  return all.size === size ? all : null;
}

/** The outlines of what a service is to have; null where it is to have what no outline shows. */
function outlinesOf(row: ServiceRow): ReadonlySet<string> | null {
  const known = outlines.get(row);
  if (known !== undefined) return known;
  const fresh = outlineAll(row);
  outlines.set(row, fresh);
  return fresh;
}

function holdsJust(found: readonly string[], wanted: ReadonlySet<string>): boolean {
  return found.length === wanted.size && found.every((each) => wanted.has(each));
}

/**
 * Looks for services within the scope that may differ; undefined where most of them would have to be read anyway.
 *
 * It sees what a service is, and of its destinations address, port, forwarding method and weight. It does not see
 * thresholds or tunnels, and not whether a destination that shows as masquerading bypasses. So services that are to have
 * some of that are always suspect; what others add of it to the rest, it misses.
 */
export async function glance(
  session: Session,
  desired: Table,
  scope: CheckedScope,
  signal: AbortSignal | undefined,
): Promise<Glance | undefined> {
  const wanted = new Map([...desired].map(([name, row]) => [name, outlinesOf(row)] as const));
  const shown = [...wanted.values()].filter((all) => all !== null);
  if (shown.length * 2 < desired.size) return undefined;
  const command = { name: 'IPVS_CMD_GET_SERVICE' } as const;
  const services = await session.run(SUBJECT, command, readDefinitions(), { signal });
  const destinations = await readDestinations(session, signal);
  const suspects: CheckedServiceKey[] = [];
  let settled = 0;
  for (const [name, row] of desired) {
    const [all, there] = [wanted.get(name), destinations.get(outlineService(row.key))];
    const isSettled =
      row.definition !== undefined &&
      sameService(row.definition, services.get(name)?.definition) &&
      all != null &&
      there !== undefined &&
      holdsJust(there, all);
    if (isSettled) settled += 1 + there.length;
    else suspects.push(row.key);
  }
  for (const [name, { key }] of services) {
    if (!desired.has(name) && scope(key)) suspects.push(key);
  }
  return { suspects, settled };
}
