import { MAX_TIMEOUT } from '../limits.js';
import type { Timeouts } from '../model.js';
import { checkInteger, checkObject, Shape } from './checks.js';

const NAMES: readonly (keyof Timeouts)[] = ['tcp', 'tcpFin', 'udp'];
const TIMEOUTS = Shape.of(...NAMES.map((name) => `${name}?`));

/** Those timeouts that are mentioned. The kernel would take 0 for 'leave it as it is'. */
export function checkTimeouts(field: string, value: unknown): Partial<Timeouts> {
  const fields = checkObject(field, value, TIMEOUTS);
  const mentioned = NAMES.filter((name) => fields[name] !== undefined);
  return Object.fromEntries(
    mentioned.map((name) => [
      name,
      checkInteger(`${field}.${name}`, fields[name], 1, MAX_TIMEOUT, ' (seconds)'),
    ]),
  );
}
