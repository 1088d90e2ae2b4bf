/** The options of `plan`, checked. */
import { wrongType } from '../errors.js';
import { checkBoolean, checkObject, checkWord, Shape } from '../input/checks.js';
import type { Protocol } from '../model.js';
import { PROTOCOLS } from '../protocols.js';
import { type CheckedScope, checkScope } from './scope.js';

/** Options of a plan, checked. */
export interface CheckedPlanOptions {
  readonly scope: CheckedScope;
  readonly keepWeights: boolean;
  /** Of which protocols' services destinations drain. */
  readonly drained: ReadonlySet<string>;
}

const OPTIONS = Shape.of('scope', 'keepWeights?', 'drain?');
const DRAIN = Shape.of('protocols?');

function checkDrain(field: string, value: unknown): ReadonlySet<Protocol> {
  if (value === undefined) return new Set();
  const { protocols = ['tcp'] } = checkObject(field, value, DRAIN);
  if (!Array.isArray(protocols)) {
    throw wrongType(`${field}.protocols`, 'an array of protocols', protocols);
  }
  return new Set(
    Array.from(protocols, (each: unknown, index) =>
      checkWord(`${field}.protocols[${index}]`, each, PROTOCOLS),
    ),
  );
}

/** The options of `plan`. */
export function checkPlanOptions(value: unknown): CheckedPlanOptions {
  const { scope, keepWeights = false, drain } = checkObject('options', value, OPTIONS);
  return {
    scope: checkScope('options.scope', scope),
    keepWeights: checkBoolean('options.keepWeights', keepWeights),
    drained: checkDrain('options.drain', drain),
  };
}
