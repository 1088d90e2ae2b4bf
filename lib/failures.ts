/** The errors of commands and clients, for humans. */
import { constants } from 'node:os';
import { errnoName } from './errno.js';
import { IpvsError } from './errors.js';
import { explain, explainOpening, type Explanation, isReading, jobExplanation } from './explain.js';
import type { CheckedTunnel } from './input/destination.js';
import { formatCheckedKey } from './keys.js';
import type { Command } from './native/encode.js';
import type { CommandName } from './native/layout.js';
import type { Outcome } from './native/reply.js';

/** What a failed command was about, for its message. */
export interface Subject {
  /** The method that was called. */
  readonly method: string;
  readonly service?: Command['service'];
  readonly destination?: Command['destination'];
  /** What else says what it was about, such as a path. */
  readonly detail?: string;
}

function describe(subject: Subject, service?: string, destination?: string): string {
  const { method, detail } = subject;
  const words = [method, detail, destination, destination && service && 'of', service];
  return words.filter((word) => word !== undefined && word !== '').join(' ');
}

/** What was attempted when no IPVS command was. */
const SYSCALLS: Readonly<Partial<Record<Outcome['stage'], string>>> = {
  namespaceFile: 'open',
  namespace: 'setns',
  socket: 'socket',
  family: 'CTRL_CMD_GETFAMILY',
  send: 'CTRL_CMD_GETFAMILY',
  receive: 'CTRL_CMD_GETFAMILY',
  reply: 'CTRL_CMD_GETFAMILY',
};

/** The error with everything that is known about it. */
function buildError(
  subject: Subject,
  command: CommandName | undefined,
  outcome: Outcome,
  explanation: Explanation,
  cause?: unknown,
): IpvsError {
  const service = subject.service && formatCheckedKey(subject.service);
  const destination = subject.destination && formatCheckedKey(subject.destination);
  const code = explanation.code ?? errnoName(outcome.errno);
  const answered = outcome.stage !== 'receive' && outcome.stage !== 'reply';
  return new IpvsError(
    `${describe(subject, service, destination)}: ${explanation.text} (${code})`,
    {
      code,
      reason: explanation.reason,
      // A code of our own means that the kernel gave none.
      errno: explanation.code === undefined ? outcome.errno : undefined,
      syscall: command ?? SYSCALLS[outcome.stage],
      outcome: answered || isReading(command) ? 'not-applied' : 'unknown',
      service,
      destination,
      cause,
    },
  );
}

/** The error for a command that failed. */
export function commandError(subject: Subject, command: CommandName, outcome: Outcome): IpvsError {
  return buildError(subject, command, outcome, explain(command, outcome));
}

/** Which of the two the kernel lacks; `either` where there is no telling. */
export type Missing = 'scheduler' | 'engine' | 'either';

/** The error for ENOENT on a service: the kernel lacks its scheduler or its engine. */
export function unknownModuleError(
  subject: Subject,
  command: CommandName,
  outcome: Outcome,
  missing: Missing,
  names: { scheduler: string; engine: string },
): IpvsError {
  const scheduler = `no scheduler '${names.scheduler}' (module ip_vs_${names.scheduler})`;
  const engine = `no persistence engine '${names.engine}' (module ip_vs_pe_${names.engine})`;
  const explanations: Record<Missing, Explanation> = {
    scheduler: {
      reason: 'unknown-scheduler',
      text: `the kernel has ${scheduler} and can’t load it. Check its name, or load the module on the host`,
    },
    engine: {
      reason: 'unknown-engine',
      text: `the kernel has ${engine} and can’t load it. Check its name, or load the module on the host`,
    },
    either: {
      reason: 'unknown-scheduler-or-engine',
      text: `the kernel has ${scheduler} or ${engine}, and can’t load it. Check both names, or load the modules on the host`,
    },
  };
  return buildError(subject, command, outcome, explanations[missing]);
}

/** The error for a tunnel that the kernel stored as something else; `undone` is what became of undoing it. */
export function tunnelError(
  subject: Subject,
  command: CommandName,
  tunnel: CheckedTunnel,
  undone: Outcome,
): IpvsError {
  const kind = tunnel.checksum === 'none' ? tunnel.type : `${tunnel.type} with a checksum`;
  const afterwards =
    undone.errno === 0
      ? 'The destination is as it was before'
      : `Undoing it failed with ${errnoName(undone.errno)}: read the table`;
  return buildError(
    subject,
    command,
    undone.errno === 0 ? KERNEL_ANSWER : { errno: undone.errno, stage: 'receive' },
    {
      reason: 'unsupported-by-kernel',
      code: 'ERR_IPVS_UNSUPPORTED_BY_KERNEL',
      text: `this kernel does not know tunnels of type ${kind} (gue requires Linux 5.2, gre and checksums 5.3). ${afterwards}`,
    },
  );
}

/** For errors of our own, about something that the kernel answered. */
const KERNEL_ANSWER: Outcome = { errno: 0, stage: 'kernel' };

/** The error for an entry with fields that can't be written here and that a patch does not replace. */
export function unwritableError(subject: Subject, fields: readonly string[]): IpvsError {
  const explanation = {
    reason: 'unsupported-entry',
    code: 'ERR_IPVS_UNSUPPORTED_ENTRY',
    text:
      `another program wrote ${fields.join(', ')} so that it cannot be written here. ` +
      'Replace it in the patch where that is possible, or delete the entry and add it anew',
  } as const;
  return buildError(subject, undefined, KERNEL_ANSWER, explanation);
}

/** The error for a table of which no two reads in a row showed the same keys. */
export function tableChangingError(subject: Subject, reads: number): IpvsError {
  const explanation = {
    reason: 'table-changing',
    code: 'ERR_IPVS_TABLE_CHANGING',
    text: `other programs kept changing the table during ${reads} reads. Try again, or read without consistent`,
  } as const;
  return buildError(subject, undefined, KERNEL_ANSWER, explanation);
}

/** The error for a client that can't be opened. */
export function openError(namespacePath: string | null, outcome: Outcome): IpvsError {
  const subject: Subject = {
    method: 'open',
    ...(namespacePath === null ? {} : { detail: `in network namespace ${namespacePath}` }),
  };
  return buildError(subject, undefined, outcome, explainOpening(namespacePath, outcome));
}

/** The error for a network namespace that can't be opened or entered for a file. */
export function namespaceError(method: string, outcome: Outcome): IpvsError {
  return buildError({ method }, undefined, outcome, explain(undefined, outcome));
}

/** What can be closed, and how it is opened. */
const OPENED = { client: 'Ipvs.open', observer: 'IpvsObserver.open' } as const;

/** The error for a call after `close()`. */
export function closedError(method: string, what: keyof typeof OPENED = 'client'): IpvsError {
  return new IpvsError(`${method}: this ${what} was closed. Open another with ${OPENED[what]}`, {
    code: 'ERR_IPVS_CLOSED',
    reason: 'closed',
  });
}

/** The error for a call that has no place in the queue. */
export function queueFullError(method: string, what: keyof typeof OPENED = 'client'): IpvsError {
  const waiting = what === 'client' ? 'some of them, or drained()' : 'some of them';
  return new IpvsError(
    `${method}: too many calls of this ${what} are outstanding. Await ${waiting}, or open it with a larger ` +
      'queueLimit',
    { code: 'ERR_IPVS_QUEUE_FULL', reason: 'queue-full' },
  );
}

/** The error for a job that failed on this side of the kernel: memory ran out, or we have a bug. */
export function jobError(
  subject: Subject,
  command: CommandName | undefined,
  cause: unknown,
): IpvsError {
  const outcome = { errno: constants.errno.EIO, stage: 'receive' } as const;
  return buildError(subject, command, outcome, jobExplanation(cause, command), cause);
}
