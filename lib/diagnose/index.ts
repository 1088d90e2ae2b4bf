import { release } from 'node:os';
import { IpvsError } from '../errors.js';
import { checkDiagnoseOptions } from '../input/options.js';
import type { DiagnoseOptions, Finding, OpenOptions } from '../model.js';
import { createDoor } from '../native/addon.js';
import { type Files, NamespaceFiles } from '../proc/files.js';
import { Queue } from '../queue.js';
import { findMissing } from '../sequence.js';
import { readTable, withoutCounts } from '../sequences/snapshot.js';
import { Session } from '../session.js';
import { CHECKS } from './checks.js';
import { gatherFacts, type Sources } from './facts.js';

const SEVERITIES = ['error', 'warning', 'info'];
const SUBJECT = { method: 'diagnose' };

async function judge(sources: Omit<Sources, 'release'>): Promise<Finding[]> {
  const facts = await gatherFacts({ ...sources, release: release() });
  const rank = ({ severity }: Finding): number => SEVERITIES.indexOf(severity);
  return CHECKS.flatMap((check) => check(facts)).sort((left, right) => rank(left) - rank(right));
}

/** What an open client finds. */
export async function diagnoseSession(
  session: Session,
  schedulers: readonly string[],
): Promise<Finding[]> {
  const read = { name: 'IPVS_CMD_GET_DEST' } as const;
  const services = await session.run(SUBJECT, read, readTable(SUBJECT));
  const missingSchedulers: string[] = [];
  for (const name of schedulers) {
    const probe = { name: 'IPVS_CMD_NEW_SERVICE' } as const;
    const missing = await session.run(SUBJECT, probe, findMissing(name));
    if (missing === 'scheduler') missingSchedulers.push(name);
  }
  return await judge({
    files: session.files(SUBJECT.method),
    failure: undefined,
    services: services.map(withoutCounts),
    missingSchedulers,
  });
}

/** What can be found without a client: the reason why there is none, and what `/proc` shows. */
async function diagnoseFailure(
  failure: IpvsError,
  namespacePath: string | null,
): Promise<Finding[]> {
  const none = { services: [], missingSchedulers: [] };
  let queue: Queue;
  try {
    queue = new Queue(createDoor(namespacePath, 1));
  } catch {
    return await judge({ ...none, failure, files: NO_FILES });
  }
  try {
    return await judge({ ...none, failure, files: new NamespaceFiles(queue) });
  } finally {
    await queue.close();
  }
}

async function refuse(): Promise<never> {
  return await Promise.reject(new Error('there are no such files on this platform'));
}

/** Elsewhere than on Linux. */
const NO_FILES: Files = {
  read: refuse,
  // eslint-disable-next-line require-yield
  async *chunks() {
    await refuse();
  },
  list: refuse,
  write: refuse,
};

/**
 * Looks for what goes wrong with IPVS in production: no module or permission, services whose address is
 * not local, sysctls that do not fit, and the like. Opens a client of its own and closes it; also says
 * why none can be opened.
 *
 * It reports and changes nothing. Opening a client, though, makes the kernel load its module `ip_vs`
 * where it can, and asking for {@link DiagnoseOptions.schedulers} may load theirs.
 *
 * @returns Findings, the gravest first; an empty list when nothing was found.
 */
export async function diagnose(options?: DiagnoseOptions & OpenOptions): Promise<Finding[]> {
  const { schedulers, ...open } = checkDiagnoseOptions(options);
  let session: Session;
  try {
    session = await Session.open(open);
  } catch (error) {
    if (error instanceof IpvsError) return await diagnoseFailure(error, open.namespacePath);
    throw error;
  }
  try {
    return await diagnoseSession(session, schedulers);
  } finally {
    await session.close();
  }
}
