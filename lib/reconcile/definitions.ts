/** Definitions as they are compared, and as they are shown in a change. */
import type { Fields } from '../input/checks.js';
import type { CheckedDestination, CheckedTunnel } from '../input/destination.js';
import type { CheckedPersistence, CheckedService } from '../input/service.js';
import type { Persistence, Tunnel } from '../model.js';
import type {
  FoundDestination,
  FoundService,
  PlannedDestination,
  PlannedService,
} from './plan-model.js';
import type { TableDestination } from './table.js';

/** What an entry has besides its definition: what changes by itself, and its key. */
const BESIDES = new Set([
  ...['stats', 'connections', 'destinations'],
  ...['protocol', 'address', 'port', 'fwmark', 'family'],
]);

/** What another program wrote. */
function stateOf(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !BESIDES.has(name)));
}

/** An object's fields in one order; what JSON has no word for, as text. */
function ordered(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)),
  );
}

/** One text for what is the same, in whichever order its fields stand. */
function canonical(fields: Fields): string {
  return JSON.stringify(stateOf(fields), ordered);
}

function samePersistence(
  left: CheckedPersistence | undefined,
  right: CheckedPersistence | undefined,
): boolean {
  if (left === undefined || right === undefined) return left === right;
  return (
    left.timeout === right.timeout &&
    left.prefixLength === right.prefixLength &&
    left.engine === right.engine
  );
}

/** Whether two definitions of a service say the same. */
export function sameService(
  one: CheckedService | undefined,
  other: CheckedService | undefined,
): boolean {
  if (one === undefined || other === undefined) return one === other;
  return (
    one.scheduler === other.scheduler &&
    one.schedulerFlags.join() === other.schedulerFlags.join() &&
    one.onePacket === other.onePacket &&
    samePersistence(one.persistence, other.persistence)
  );
}

function sameTunnel(left: CheckedTunnel, right: CheckedTunnel): boolean {
  return left.type === right.type && left.port === right.port && left.checksum === right.checksum;
}

/** Whether two definitions of a destination say the same, their weights aside. */
export function sameButForWeight(
  one: CheckedDestination | undefined,
  other: CheckedDestination | undefined,
): boolean {
  if (one === undefined || other === undefined) return one === other;
  return (
    one.forwarding === other.forwarding &&
    one.upperThreshold === other.upperThreshold &&
    one.lowerThreshold === other.lowerThreshold &&
    sameTunnel(one.tunnel, other.tunnel)
  );
}

function persistenceOf({ timeout, prefixLength, engine }: CheckedPersistence): Persistence {
  return { timeout, prefixLength, ...(engine === '' ? {} : { engine }) };
}

/** A service's definition as a change shows it, which can be passed in again. */
export function plannedService(definition: CheckedService): PlannedService {
  const { scheduler, schedulerFlags, onePacket, persistence } = definition;
  return {
    ...{ scheduler, schedulerFlags, onePacket },
    ...(persistence === undefined ? {} : { persistence: persistenceOf(persistence) }),
  };
}

function tunnelOf({ type, port, checksum }: CheckedTunnel): Tunnel {
  if (type === 'ipip') return { type };
  return type === 'gue' ? { type, port, checksum } : { type, checksum };
}

/** A destination's definition as a change shows it, which can be passed in again. */
export function plannedDestination(definition: CheckedDestination): PlannedDestination {
  const { forwarding, weight, upperThreshold, lowerThreshold, tunnel } = definition;
  return {
    ...{ forwarding, weight, upperThreshold, lowerThreshold },
    ...(forwarding === 'tunnel' ? { tunnel: tunnelOf(tunnel) } : {}),
  };
}

/** Whether two entries that can't be written here are the same. */
export function sameForeign(left: Fields, right: Fields): boolean {
  return canonical(left) === canonical(right);
}

/** What there is of a service. */
export function foundService(fields: Fields, definition: CheckedService | undefined): FoundService {
  return definition === undefined
    ? (stateOf(fields) as unknown as FoundService)
    : plannedService(definition);
}

/** What there is of a destination. */
export function foundDestination({ definition, fields }: TableDestination): FoundDestination {
  return definition === undefined
    ? (stateOf(fields) as unknown as FoundDestination)
    : plannedDestination(definition);
}
