/** The errors of files of `/proc`, for humans. */
import { errnoName } from '../errno.js';
import { IpvsError, type IpvsErrorReason } from '../errors.js';
import { ANYWHERE, type Explanation, type Explanations, jobExplanation } from '../explain.js';
import { namespaceError, openError } from '../failures.js';
import type { Outcome } from '../native/reply.js';

/** The error for a job about a file that failed on this side of the kernel. */
export function fileJobError(
  { method, detail, path, written = false }: FileSubject,
  syscall: string,
  cause: unknown,
): IpvsError {
  const { text, ...explanation } = jobExplanation(cause, undefined);
  const about = [method, detail, `(${path})`].filter((word) => word !== undefined).join(' ');
  return new IpvsError(`${about}: ${text}`, {
    ...{ code: 'ERR_IPVS_JOB_FAILED', ...explanation, syscall, cause },
    outcome: written || syscall === 'write' ? 'unknown' : 'not-applied',
  });
}

/** A file of `/proc`, and the method that is about it. */
export interface FileSubject {
  /** The method that was called. */
  readonly method: string;
  /** What it was called for, such as a sysctl. */
  readonly detail?: string;
  /** As a process inside the network namespace would write it. */
  readonly path: string;
  /** Whether it was written before: then a failure does not mean that nothing has changed. */
  readonly written?: boolean;
  /** Where it is read to open an observer: of which network namespace; null is the caller's own. */
  readonly opening?: { readonly namespacePath: string | null };
  /** What it means when the file is not there. Default: the kernel's module is not loaded. */
  readonly missing?: { readonly reason: IpvsErrorReason; readonly text: string };
}

const NO_FILE = {
  reason: 'ipvs-unavailable',
  text:
    'the file is not there: the kernel’s module is not loaded, and reading does not load it. ' +
    "Load it on the host with 'modprobe ip_vs'",
} as const;

const REFUSED_FILE: Explanation = {
  reason: 'permission-denied',
  text:
    'the file may not be opened or written so. Setting a sysctl takes root in the user namespace that ' +
    'owns the network namespace, and a /proc/sys that is not mounted read-only (as it is in containers)',
};

const FILE: Explanations = {
  EACCES: REFUSED_FILE,
  EPERM: REFUSED_FILE,
  EROFS: REFUSED_FILE,
  EINVAL: { reason: 'invalid-sysctl', text: 'the kernel refuses this value' },
};

/** The error for a file that could not be opened, read or written. */
export function fileError(subject: FileSubject, syscall: string, outcome: Outcome): IpvsError {
  const { method, detail, path, missing = NO_FILE, opening, written = false } = subject;
  // The file was not reached yet.
  if (outcome.stage === 'namespace' || outcome.stage === 'namespaceFile') {
    return opening === undefined
      ? namespaceError(method, outcome)
      : openError(opening.namespacePath, outcome);
  }
  const code = errnoName(outcome.errno);
  const fallback: Explanation = { reason: 'other', text: `${syscall} failed` };
  const explanations: Explanations = { ...FILE, ENOENT: missing };
  const { reason, text } = explanations[code] ?? ANYWHERE[code] ?? fallback;
  const about = [method, detail, `(${path})`].filter((word) => word !== undefined).join(' ');
  return new IpvsError(`${about}: ${text} (${code})`, {
    code,
    reason,
    errno: outcome.errno,
    syscall,
    outcome: written ? 'unknown' : 'not-applied',
  });
}

/** The error for a file whose text is not what the kernel writes. */
export function malformedFileError({ method, path }: FileSubject, text: string): IpvsError {
  const shown = JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
  return new IpvsError(
    `${method} (${path}): this line makes no sense: ${shown}. ` +
      'Please report this together with the kernel’s release',
    { code: 'ERR_IPVS_MALFORMED_FILE', reason: 'malformed-file', syscall: 'read' },
  );
}
