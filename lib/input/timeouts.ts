import { MAX_TIMEOUT } from '../limits.js';
import type { Timeouts } from '../model.js';
import { checkInteger, checkObject } from './checks.js';

const NAMES: readonly (keyof Timeouts)[] = ['tcp', 'tcpFin', 'udp'];
const TIMEOUT_FIELDS = new Set<string>(NAMES);

/** Those timeouts that are mentioned. The kernel would take 0 for 'leave it as it is'. */
export function checkTimeouts(field: string, value: unknown): Partial<Timeouts> {
  const fields = checkObject(field, value, TIMEOUT_FIELDS);
  const mentioned = NAMES.filter((name) => fields[name] !== undefined);
  return Object.fromEntries(
    mentioned.map((name) => [
      name,
      checkInteger(`${field}.${name}`, fields[name], 1, MAX_TIMEOUT, ' (seconds)'),
    ]),
  );
}
