/** The options of `plan` and `apply`, checked. */
import { outOfRange, wrongType } from '../argument-errors.js';
import { checkBoolean, checkInteger, checkObject, checkWord, Shape } from '../input/checks.js';
import { checkSignal } from '../input/options.js';
import { parseDestinationKey, parseServiceKey } from '../keys.js';
import type { Protocol } from '../model.js';
import { PROTOCOLS } from '../protocols.js';
import type { DrainStart } from './apply-model.js';
import type { ChangeKey } from './plan-model.js';
import { type CheckedScope, checkScope } from './scope.js';

/** Options of a plan, checked. */
export interface CheckedPlanOptions {
  readonly scope: CheckedScope;
  readonly keepWeights: boolean;
  /** Of which protocols' services destinations drain. */
  readonly drained: ReadonlySet<string>;
}

/** How destinations drain. */
export interface CheckedDrain {
  readonly deadline: number;
  readonly since: readonly DrainStart[];
  readonly allowRefusals: boolean;
}

/** What a desired state may do to a table, checked. */
export interface CheckedRules extends CheckedPlanOptions {
  readonly drain: CheckedDrain | undefined;
  readonly maxRemovals: number;
  readonly allowEmpty: boolean;
  readonly shuffle: boolean;
}

/** Options of an apply, checked. */
export interface CheckedApplyOptions extends CheckedRules {
  readonly dryRun: boolean;
  readonly quick: boolean;
  readonly signal: AbortSignal | undefined;
}

const DEFAULT_MAX_REMOVALS = 0.5;
/** 30 days. */
const MAX_DEADLINE = 2_592_000_000;

/** The names of the rules, for the shape of options that they are a part of. */
export const RULES: readonly string[] = [
  ...['scope', 'keepWeights?', 'drain?'],
  ...['maxRemovals?', 'allowEmpty?', 'shuffle?'],
];
const APPLY = Shape.of(...RULES, 'dryRun?', 'quick?', 'signal?');
const DRAIN = Shape.of('deadline', 'protocols?', 'since?', 'allowRefusals?');
/** A program plans with the options with which it applies: what is of no matter to a plan is not looked at. */
const PLAN = new Shape(
  ['scope', 'keepWeights', 'drain'],
  APPLY.known,
  '{ scope, keepWeights?, drain? }',
);
const PLAN_DRAIN = new Shape(['protocols'], DRAIN.known, '{ protocols? }');
const START = new Shape(
  ['key', 'since'],
  ['until', 'waitsFor', 'connections'],
  '{ key: { service, destination }, since }',
);
const KEY = Shape.of('service', 'destination');

function checkProtocols(field: string, value: unknown): ReadonlySet<Protocol> {
  if (!Array.isArray(value)) throw wrongType(field, 'an array of protocols', value);
  return new Set(
    Array.from(value, (each: unknown, index) => checkWord(`${field}[${index}]`, each, PROTOCOLS)),
  );
}

const TCP: ReadonlySet<Protocol> = new Set(['tcp']);
const NONE: ReadonlySet<Protocol> = new Set();

/** The options of `plan`. */
export function checkPlanOptions(value: unknown): CheckedPlanOptions {
  const { scope, keepWeights = false, drain } = checkObject('options', value, PLAN);
  const field = 'options.drain';
  const protocols = drain === undefined ? [] : checkObject(field, drain, PLAN_DRAIN)['protocols'];
  return {
    scope: checkScope('options.scope', scope),
    keepWeights: checkBoolean('options.keepWeights', keepWeights),
    drained: protocols === undefined ? TCP : checkProtocols(`${field}.protocols`, protocols),
  };
}

/** The option `deadline` of everything that drains. */
export function checkDeadline(field: string, value: unknown): number {
  return checkInteger(field, value, 1, MAX_DEADLINE, ' (milliseconds)');
}

/** How often the connections of what drains are looked at: an option of everything that drains and waits. */
export function checkInterval(field: string, value: unknown): number {
  return checkInteger(field, value === undefined ? 1000 : value, 10, 3_600_000, ' (milliseconds)');
}

function checkKeyText(field: string, value: unknown, parse: (text: string) => unknown): string {
  const expected = 'a key as formatKey writes it';
  if (typeof value !== 'string') throw wrongType(field, expected, value);
  try {
    parse(value);
    return value;
  } catch {
    throw outOfRange(field, expected, value);
  }
}

function checkKey(field: string, value: unknown): Required<ChangeKey> {
  const { service, destination } = checkObject(field, value, KEY);
  return {
    service: checkKeyText(`${field}.service`, service, parseServiceKey),
    destination: checkKeyText(`${field}.destination`, destination, parseDestinationKey),
  };
}

function checkSince(field: string, value: unknown): DrainStart[] {
  if (!Array.isArray(value)) throw wrongType(field, 'an array of { key, since }', value);
  return Array.from(value, (each: unknown, index) => {
    const path = `${field}[${index}]`;
    const { key, since } = checkObject(path, each, START);
    return {
      key: checkKey(`${path}.key`, key),
      since: checkInteger(`${path}.since`, since, 0, Number.MAX_SAFE_INTEGER, ' (milliseconds)'),
    };
  });
}

function checkDrain(
  field: string,
  value: unknown,
): { drained: ReadonlySet<Protocol>; drain: CheckedDrain | undefined } {
  if (value === undefined) return { drained: NONE, drain: undefined };
  const {
    deadline,
    protocols,
    since = [],
    allowRefusals = false,
  } = checkObject(field, value, DRAIN);
  return {
    drained: protocols === undefined ? TCP : checkProtocols(`${field}.protocols`, protocols),
    drain: {
      deadline: checkDeadline(`${field}.deadline`, deadline),
      since: checkSince(`${field}.since`, since),
      allowRefusals: checkBoolean(`${field}.allowRefusals`, allowRefusals),
    },
  };
}

function checkShare(field: string, value: unknown): number {
  const expected = 'a number from 0 to 1';
  if (typeof value !== 'number') throw wrongType(field, expected, value);
  if (!(value >= 0 && value <= 1)) throw outOfRange(field, expected, value);
  return value;
}

/** The rules among options of another kind, of which they are a part. */
export function checkRules(fields: Readonly<Record<string, unknown>>): CheckedRules {
  const { maxRemovals = DEFAULT_MAX_REMOVALS, keepWeights = false } = fields;
  const { allowEmpty = false, shuffle = false } = fields;
  return {
    scope: checkScope('options.scope', fields['scope']),
    keepWeights: checkBoolean('options.keepWeights', keepWeights),
    ...checkDrain('options.drain', fields['drain']),
    maxRemovals: checkShare('options.maxRemovals', maxRemovals),
    allowEmpty: checkBoolean('options.allowEmpty', allowEmpty),
    shuffle: checkBoolean('options.shuffle', shuffle),
  };
}

/** The options of `apply`. */
export function checkApplyOptions(value: unknown): CheckedApplyOptions {
  const fields = checkObject('options', value, APPLY);
  const { dryRun = false, quick = false, signal } = fields;
  return {
    ...checkRules(fields),
    dryRun: checkBoolean('options.dryRun', dryRun),
    quick: checkBoolean('options.quick', quick),
    signal: checkSignal('options.signal', signal),
  };
}
