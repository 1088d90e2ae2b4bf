import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { IpvsError } from '../errors.js';
import { checkDiagnoseAndOpenOptions, type CheckedDiagnoseOptions } from '../input/options.js';
import type { OpenOptions } from '../model.js';
import { findMissing } from '../sequence.js';
import { readTable, withoutCounts } from '../sequences/snapshot.js';
import { Session } from '../session.js';
import { CHECKS } from './checks.js';
import { type Facts, factsOfFailure, gatherFacts } from './facts.js';
import type { DiagnoseOptions, Finding } from './model.js';

const SEVERITIES = ['error', 'warning', 'info'];
const SUBJECT = { method: 'diagnose' };

function judge(facts: Facts): Finding[] {
  const rank = ({ severity }: Finding): number => SEVERITIES.indexOf(severity);
  return CHECKS.flatMap((check) => check(facts)).sort((left, right) => rank(left) - rank(right));
}

/** What an open client finds. */
export async function diagnoseSession(
  session: Session,
  { schedulers, signal }: CheckedDiagnoseOptions,
): Promise<Finding[]> {
  const read = { name: 'IPVS_CMD_GET_DEST' } as const;
  const services = await session.run(SUBJECT, read, readTable(SUBJECT), { signal });
  const missingSchedulers: string[] = [];
  const unread: string[] = [];
  for (const name of schedulers) {
    const probe = { name: 'IPVS_CMD_NEW_SERVICE' } as const;
    const missing = await session.run(SUBJECT, probe, findMissing(name), { signal });
    if (missing === 'scheduler') missingSchedulers.push(name);
    if (missing === 'either') unread.push(`scheduler ${name}`);
  }
  const facts = await gatherFacts({
    files: session.files(SUBJECT.method, signal),
    services: services.map(withoutCounts),
    missingSchedulers,
    unread,
    release: release(),
  });
  return judge(facts);
}

/** A process of the initial user namespace sees all user ids (user_namespaces(7)). */
async function isInUserNamespace(): Promise<boolean> {
  try {
    return !/^\s*0\s+0\s+4294967295\s*$/.test(await readFile('/proc/self/uid_map', 'latin1'));
  } catch {
    return false;
  }
}

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
  const checked = checkDiagnoseAndOpenOptions(options);
  let session: Session;
  try {
    session = await Session.open(checked);
  } catch (error) {
    if (!(error instanceof IpvsError)) throw error;
    return judge(factsOfFailure(error, await isInUserNamespace()));
  }
  try {
    return await diagnoseSession(session, checked);
  } finally {
    await session.close();
  }
}
