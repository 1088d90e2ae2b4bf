/** Stopping a sync daemon for certain. */
import { constants } from 'node:os';
import { commandError, type Subject } from '../failures.js';
import type { SyncDaemonRole } from '../model.js';
import { decodeDaemons } from '../native/lists.js';
import { attempt, dump, readAfter, type Sequence } from '../sequence.js';

const { EINTR, ESRCH } = constants.errno;

const STOP = 'IPVS_CMD_DEL_DAEMON';

/** Each but the first follows a daemon that was interrupted and is there all the same. */
const ATTEMPTS = 8;

/**
 * Stops a daemon. One that has just been started is stopped without an answer (ip_vs_sync.c,
 * stop_sync_thread, returns EINTR, which netlink swallows): then the list of daemons tells.
 */
export function* stopDaemon(subject: Subject, role: SyncDaemonRole): Sequence<void> {
  for (let attempts = 1; ; attempts += 1) {
    const { outcome } = yield* attempt({ name: STOP, role });
    const { errno, stage } = outcome;
    // Not there any more: the attempt that was interrupted did stop it.
    if (errno === 0 || (errno === ESRCH && stage === 'kernel' && attempts > 1)) return;
    if (errno !== EINTR || stage !== 'kernel') throw commandError(subject, STOP, outcome);
    const daemons = decodeDaemons(
      yield* readAfter(subject, STOP, dump(subject, { name: 'IPVS_CMD_GET_DAEMON' })),
    );
    if (!daemons.some((daemon) => daemon.role === role)) return;
    if (attempts === ATTEMPTS) throw commandError(subject, STOP, outcome);
  }
}
