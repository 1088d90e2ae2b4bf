/** Patching virtual services, and adding or replacing them. */
import { hasReason } from '../errors.js';
import { type Subject, unwritableError } from '../failures.js';
import type { Fields } from '../input/checks.js';
import { mergeService, unwritableService } from '../input/patch.js';
import type { CheckedService, CheckedServiceKey } from '../input/service.js';
import { decodeService } from '../native/decode.js';
import { fetch, perform, type Sequence } from '../sequence.js';

/** A service, and the method that is about it. */
export interface ServiceSubject extends Subject {
  readonly service: CheckedServiceKey;
}

/** Reads a service, and writes it with a patch applied. */
export function* updateService(subject: ServiceSubject, patch: Fields): Sequence<void> {
  const { service } = subject;
  const { reply, row } = yield* fetch(subject, { name: 'IPVS_CMD_GET_SERVICE', service });
  const entry = decodeService(reply, row);
  const lost = unwritableService(entry, patch);
  if (lost.length > 0) throw unwritableError(subject, lost);
  const definition = mergeService('patch', entry, patch);
  yield* perform(subject, { name: 'IPVS_CMD_SET_SERVICE', service, definition });
}

/** So often another program may delete between two of our commands. */
const ATTEMPTS = 4;

/** Adds a service, or replaces its definition where it exists. */
export function* ensureService(
  subject: ServiceSubject,
  definition: CheckedService,
): Sequence<'added' | 'set'> {
  const { service } = subject;
  for (let attempts = 1; ; attempts += 1) {
    try {
      yield* perform(subject, { name: 'IPVS_CMD_NEW_SERVICE', service, definition });
      return 'added';
    } catch (error) {
      if (!hasReason(error, 'service-exists')) throw error;
    }
    try {
      yield* perform(subject, { name: 'IPVS_CMD_SET_SERVICE', service, definition });
      return 'set';
    } catch (error) {
      if (!hasReason(error, 'service-not-found') || attempts === ATTEMPTS) throw error;
    }
  }
}
