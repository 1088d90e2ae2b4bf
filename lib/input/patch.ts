/** Patches of `update…`: what they may hold, and what becomes of an entry under one. */
import { conflict, wrongType } from '../argument-errors.js';
import {
  MAX_ENGINE_LENGTH,
  MAX_INT,
  MAX_PERSISTENCE_TIMEOUT,
  MAX_SCHEDULER_LENGTH,
} from '../limits.js';
import type { DestinationEntry, ServiceEntry, Tunnel } from '../model.js';
import { SCHEDULER_FLAGS, translateFlags } from '../schedulers.js';
import {
  checkBoolean,
  checkInteger,
  checkName,
  checkObject,
  checkWord,
  type Fields,
  Shape,
} from './checks.js';
import {
  checkDestination,
  type CheckedDestination,
  CHECKSUMS,
  FORWARDINGS,
  TUNNEL_TYPES,
} from './destination.js';
import { checkService, type CheckedService, type CheckedServiceKey } from './service.js';

type Check = (field: string, value: unknown) => unknown;
type Checks = Readonly<Record<string, Check>>;

function shapeOf(checks: Checks): Shape {
  return Shape.of(...Object.keys(checks).map((name) => `${name}?`));
}

/** Fields that are mentioned, each checked for itself; whether they go together shows later. */
function checkFields(field: string, value: unknown, checks: Checks): Fields {
  const fields = checkObject(field, value, shapeOf(checks));
  const mentioned = Object.entries(fields).filter(([, each]) => each !== undefined);
  return Object.fromEntries(
    mentioned.map(([name, each]) => [name, checks[name]?.(`${field}.${name}`, each)]),
  );
}

function clearable(check: Check): Check {
  return (field, value) => (value === null ? null : check(field, value));
}

function integer(least: number, most: number, unit?: string): Check {
  return (field, value) => checkInteger(field, value, least, most, unit);
}

function word(words: readonly string[]): Check {
  return (field, value) => checkWord(field, value, words);
}

const PERSISTENCE_CHECKS: Checks = {
  timeout: integer(1, MAX_PERSISTENCE_TIMEOUT, ' (seconds)'),
  prefixLength: clearable(integer(1, 128)),
  engine: clearable((field, value) => checkName(field, value, MAX_ENGINE_LENGTH)),
};

const SERVICE_CHECKS: Checks = {
  scheduler: (field, value) => checkName(field, value, MAX_SCHEDULER_LENGTH),
  schedulerFlags: clearable((field, value) => {
    if (!Array.isArray(value)) throw wrongType(field, 'an array of scheduler flags', value);
    return Array.from(value, (flag, index) =>
      checkWord(`${field}[${index}]`, flag, SCHEDULER_FLAGS),
    );
  }),
  onePacket: clearable(checkBoolean),
  persistence: clearable((field, value) => checkFields(field, value, PERSISTENCE_CHECKS)),
};

const TUNNEL_CHECKS: Checks = {
  type: word(TUNNEL_TYPES),
  port: clearable(integer(1, 65535)),
  checksum: clearable(word(CHECKSUMS.gue)),
};

const DESTINATION_CHECKS: Checks = {
  forwarding: word(FORWARDINGS),
  weight: clearable(integer(0, MAX_INT)),
  upperThreshold: clearable(integer(0, MAX_INT)),
  lowerThreshold: clearable(integer(0, MAX_INT)),
  tunnel: clearable((field, value) => checkFields(field, value, TUNNEL_CHECKS)),
};

/** A patch of a service: a copy, of which each field is valid by itself. */
export function checkServicePatch(field: string, value: unknown): Fields {
  return checkFields(field, value, SERVICE_CHECKS);
}

/** A patch of a destination: a copy, of which each field is valid by itself. */
export function checkDestinationPatch(field: string, value: unknown): Fields {
  return checkFields(field, value, DESTINATION_CHECKS);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is not mentioned stays, and what is null gets its default. */
function merge(current: unknown, patch: unknown): unknown {
  if (patch === undefined) return current;
  if (patch === null) return undefined;
  if (!isFields(patch)) return patch;
  const merged: Record<string, unknown> = isFields(current) ? { ...current } : {};
  for (const [name, value] of Object.entries(patch)) merged[name] = merge(merged[name], value);
  return merged;
}

function isMentioned(patch: unknown, [name, ...rest]: readonly string[]): boolean {
  if (name === undefined || patch === null) return true;
  return isFields(patch) && patch[name] !== undefined && isMentioned(patch[name], rest);
}

/**
 * The fields of a service which another program wrote so that they can't be written here, and which
 * the patch does not replace either.
 */
export function unwritableService(entry: ServiceEntry, patch: Fields): string[] {
  // Whether port 0 can be written depends on the persistence after the patch.
  return (entry.unsupported ?? []).filter(
    (path) => path !== 'port' && !isMentioned(patch, path.split('.')),
  );
}

/** {@link unwritableService} of a destination. */
export function unwritableDestination(entry: DestinationEntry, patch: Fields): string[] {
  const tunnel = patch['tunnel'];
  // A tunnel goes with its forwarding method, and is another with another type.
  const replacesTunnel =
    (patch['forwarding'] !== undefined && patch['forwarding'] !== 'tunnel') ||
    isMentioned(patch, ['tunnel', 'type']);
  return (entry.unsupported ?? []).filter((path) =>
    path === 'tunnel' ? !replacesTunnel && tunnel !== null : !isMentioned(patch, [path]),
  );
}

function withoutMark<Entry extends { readonly unsupported?: readonly string[] }>(
  entry: Entry,
): Omit<Entry, 'unsupported'> {
  const { unsupported: _, ...rest } = entry;
  return rest;
}

/** The definition of a service after a patch. */
export function mergeService(field: string, entry: ServiceEntry, patch: Fields): CheckedService {
  const merged = merge(withoutMark(entry), patch) as ServiceEntry;
  if (merged.port === 0 && merged.persistence === undefined) {
    throw conflict(`${field}.persistence`, 'must stay: a service with port 0 requires persistence');
  }
  // The flags' bits stay; they may go by other names under another scheduler.
  const schedulerFlags =
    patch['schedulerFlags'] === undefined
      ? translateFlags(entry.schedulerFlags, merged.scheduler)
      : merged.schedulerFlags;
  return checkService(field, { ...merged, schedulerFlags });
}

/** A tunnel without what its type, or the other forwarding method, has no place for. */
function fittingTunnel(merged: Fields, patch: Fields): unknown {
  const tunnel = merged['tunnel'];
  if (!isFields(tunnel)) return tunnel;
  if (merged['forwarding'] !== 'tunnel') return patch['tunnel'];
  const mentioned = isFields(patch['tunnel']) ? patch['tunnel'] : {};
  const type = tunnel['type'] as Tunnel['type'];
  const keepsPort = type === 'gue' || mentioned['port'] !== undefined;
  const keepsChecksum = type !== 'ipip' || mentioned['checksum'] !== undefined;
  return {
    type,
    ...(keepsPort ? { port: tunnel['port'] } : {}),
    ...(keepsChecksum ? { checksum: tunnel['checksum'] } : {}),
  };
}

/** The definition of a destination after a patch. */
export function mergeDestination(
  field: string,
  entry: DestinationEntry,
  patch: Fields,
  service: CheckedServiceKey,
): CheckedDestination {
  const merged = merge(withoutMark(entry), patch) as Fields;
  return checkDestination(field, { ...merged, tunnel: fittingTunnel(merged, patch) }, service);
}
