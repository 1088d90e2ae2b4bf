import { conflict, outOfRange, wrongType } from '../argument-errors.js';
import { MAX_SCHEDULER_LENGTH } from '../limits.js';
import {
  checkBoolean,
  checkInteger,
  checkName,
  checkObject,
  type Fields,
  Shape,
} from './checks.js';

/** `OpenOptions`, checked, with every default filled in. */
export interface CheckedOptions {
  /** Path of the namespace; null is the calling thread's own. */
  readonly namespacePath: string | null;
  readonly timeout: number;
  /** How many calls may not have ended. */
  readonly queueLimit: number;
}

const OPEN = Shape.of('netns?', 'timeout?', 'queueLimit?');
const OBSERVER = Shape.of('netns?', 'queueLimit?');
const NETNS = new Shape(['name', 'path', 'pid'], [], '{ name }, { path } or { pid }');

const DEFAULT_TIMEOUT = 5000;
const MAX_TIMEOUT = 600_000;
const DEFAULT_QUEUE_LIMIT = 131_072;
const MAX_QUEUE_LIMIT = 10_000_000;
/** The largest process id of a 64-bit kernel (PID_MAX_LIMIT, linux/threads.h). */
const MAX_PID = 4194304;

/** Where iproute2 keeps the namespaces that have names (`ip netns add`). */
const NAMED_NAMESPACES = '/var/run/netns';

function checkPath(field: string, value: unknown): string {
  if (typeof value !== 'string') throw wrongType(field, 'a string', value);
  if (value === '' || value.includes('\0')) {
    throw outOfRange(field, 'a path: not empty and without NUL', value);
  }
  return value;
}

function checkNamespaceName(field: string, value: unknown): string {
  const name = checkPath(field, value);
  if (name.includes('/') || name === '.' || name === '..') {
    throw outOfRange(field, 'a name as `ip netns` lists it; for a file use { path }', name);
  }
  return name;
}

function checkNamespace(field: string, value: unknown): string | null {
  if (value === undefined) return null;
  const fields = checkObject(field, value, NETNS);
  const given = ['name', 'path', 'pid'].filter((name) => fields[name] !== undefined);
  if (given.length !== 1) throw conflict(field, 'takes exactly one of name, path, pid');
  if (fields['path'] !== undefined) return checkPath(`${field}.path`, fields['path']);
  if (fields['pid'] !== undefined) {
    return `/proc/${checkInteger(`${field}.pid`, fields['pid'], 1, MAX_PID)}/ns/net`;
  }
  return `${NAMED_NAMESPACES}/${checkNamespaceName(`${field}.name`, fields['name'])}`;
}

/** The options of `Ipvs.open`. */
export function checkOptions(value: unknown): CheckedOptions {
  return readOptions(value === undefined ? {} : checkObject('options', value, OPEN));
}

/** The options of `IpvsObserver.open`, which waits for no answer. */
export function checkObserverOptions(value: unknown): CheckedOptions {
  return readOptions(value === undefined ? {} : checkObject('options', value, OBSERVER));
}

function readOptions(fields: Fields): CheckedOptions {
  return {
    namespacePath: checkNamespace('options.netns', fields['netns']),
    timeout:
      fields['timeout'] === undefined
        ? DEFAULT_TIMEOUT
        : checkInteger('options.timeout', fields['timeout'], 1, MAX_TIMEOUT, ' (milliseconds)'),
    queueLimit:
      fields['queueLimit'] === undefined
        ? DEFAULT_QUEUE_LIMIT
        : checkInteger('options.queueLimit', fields['queueLimit'], 1, MAX_QUEUE_LIMIT),
  };
}

const CALL = Shape.of('signal?');
const LIST = Shape.of('consistent?', 'signal?');
const SNAPSHOT = Shape.of('consistent?', 'stats?', 'signal?');
const STREAM_SNAPSHOT = Shape.of('stats?', 'signal?');
const DIAGNOSE = Shape.of('schedulers?', 'signal?');
const DIAGNOSE_AND_OPEN = Shape.of('schedulers?', 'signal?', 'netns?', 'timeout?', 'queueLimit?');

/** `CallOptions`, checked. */
export interface CheckedCallOptions {
  readonly signal: AbortSignal | undefined;
}

/** All that is asked of a signal: what lacks some of it would fail in the middle of others' calls. */
function isSignal(value: object): value is AbortSignal {
  return (
    'aborted' in value &&
    typeof value.aborted === 'boolean' &&
    ['addEventListener', 'removeEventListener'].every(
      (name) => typeof (value as Record<string, unknown>)[name] === 'function',
    )
  );
}

/** The option `signal`: by its shape, since it may come from another realm. */
export function checkSignal(field: string, value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || value === null || !isSignal(value)) {
    throw wrongType(field, 'an AbortSignal', value);
  }
  return value;
}

/** The options of a call that has no others: its signal. */
export function checkCallOptions(value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined;
  const fields = checkObject('options', value, CALL);
  return checkSignal('options.signal', fields['signal']);
}

function checkSwitch(field: string, value: unknown, fallback: boolean): boolean {
  return value === undefined ? fallback : checkBoolean(field, value);
}

/** `ListOptions`, with every default filled in. */
export function checkListOptions(value: unknown): CheckedCallOptions & { consistent: boolean } {
  const fields: Fields = value === undefined ? {} : checkObject('options', value, LIST);
  return {
    consistent: checkSwitch('options.consistent', fields['consistent'], false),
    signal: checkSignal('options.signal', fields['signal']),
  };
}

/** `SnapshotOptions`, with every default filled in. */
export function checkSnapshotOptions(
  value: unknown,
): CheckedCallOptions & { consistent: boolean; stats: boolean } {
  const fields: Fields = value === undefined ? {} : checkObject('options', value, SNAPSHOT);
  return {
    consistent: checkSwitch('options.consistent', fields['consistent'], false),
    stats: checkSwitch('options.stats', fields['stats'], true),
    signal: checkSignal('options.signal', fields['signal']),
  };
}

function checkSchedulers(field: string, value: unknown): string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrongType(field, 'an array of names of schedulers', value);
  return Array.from(value, (name, index) =>
    checkName(`${field}[${index}]`, name, MAX_SCHEDULER_LENGTH),
  );
}

/** `StreamSnapshotOptions`, with every default filled in. */
export function checkStreamSnapshotOptions(
  value: unknown,
): CheckedCallOptions & { stats: boolean } {
  const fields: Fields = value === undefined ? {} : checkObject('options', value, STREAM_SNAPSHOT);
  return {
    stats: checkSwitch('options.stats', fields['stats'], true),
    signal: checkSignal('options.signal', fields['signal']),
  };
}

/** `DiagnoseOptions`, checked. */
export interface CheckedDiagnoseOptions extends CheckedCallOptions {
  readonly schedulers: readonly string[];
}

function readDiagnoseOptions(fields: Fields): CheckedDiagnoseOptions {
  return {
    schedulers: checkSchedulers('options.schedulers', fields['schedulers']),
    signal: checkSignal('options.signal', fields['signal']),
  };
}

/** The options of `Ipvs.diagnose`. */
export function checkDiagnoseOptions(value: unknown): CheckedDiagnoseOptions {
  return readDiagnoseOptions(value === undefined ? {} : checkObject('options', value, DIAGNOSE));
}

/** The options of `diagnose`, which opens a client of its own. */
export function checkDiagnoseAndOpenOptions(
  value: unknown,
): CheckedOptions & CheckedDiagnoseOptions {
  const fields: Fields =
    value === undefined ? {} : checkObject('options', value, DIAGNOSE_AND_OPEN);
  return { ...readOptions(fields), ...readDiagnoseOptions(fields) };
}
