/** What an errno means: the one place where the kernel's answers become errors for humans. */
import { constants } from 'node:os';
import { errnoName, IpvsError, type IpvsErrorReason } from './errors.js';
import type { CheckedTunnel } from './input/destination.js';
import { formatCheckedKey } from './keys.js';
import type { Command } from './native/encode.js';
import type { CommandName } from './native/layout.js';
import type { Outcome } from './native/reply.js';

/** An errno explained: why, and what to do. */
interface Explanation {
  readonly reason: IpvsErrorReason;
  /** A whole sentence or two, without the full stop. */
  readonly text: string;
  /** Where the kernel gave no errno of its own. */
  readonly code?: string;
}

type Explanations = Readonly<Partial<Record<string, Explanation>>>;

const NO_SERVICE: Explanation = {
  reason: 'service-not-found',
  text: 'there is no such virtual service. Add it with addService first',
};
const NO_DESTINATION: Explanation = {
  reason: 'destination-not-found',
  text: 'the service has no such destination. Add it with addDestination',
};
const NO_FAMILY: Explanation = {
  reason: 'unsupported-family',
  text: 'the kernel has no IPv6, or it is disabled (ipv6.disable=1). Enable it, or use IPv4',
};
const REFUSED_DESTINATION: Explanation = {
  reason: 'invalid-destination',
  text:
    'the kernel refuses this destination. Its address must be one that packets can be sent to ' +
    "(not 0.0.0.0, multicast or broadcast; an IPv6 link-local or IPv4-mapped one only if it is the director's own). " +
    "In a new network namespace bring the loopback interface up first, with 'ip link set lo up'. " +
    'While a sync daemon runs, its family must be the service’s',
};

const GONE_SERVICE: Explanation = {
  reason: 'service-not-found',
  text: 'there is no such virtual service. listServices shows those that there are',
};
const GONE_DESTINATION: Explanation = {
  reason: 'destination-not-found',
  text: 'the service has no such destination. listDestinations shows those that it has',
};

const NAMED_SERVICE: Explanations = { ESRCH: NO_SERVICE, EAFNOSUPPORT: NO_FAMILY };

/** By command, what its errno values mean (net/netfilter/ipvs/ip_vs_ctl.c). */
const BY_COMMAND: Readonly<Record<CommandName, Explanations>> = {
  IPVS_CMD_NEW_SERVICE: {
    EEXIST: {
      reason: 'service-exists',
      text: 'the virtual service exists already. Change it with setService',
    },
    EAFNOSUPPORT: NO_FAMILY,
  },
  IPVS_CMD_SET_SERVICE: NAMED_SERVICE,
  IPVS_CMD_DEL_SERVICE: { ESRCH: GONE_SERVICE, EAFNOSUPPORT: NO_FAMILY },
  IPVS_CMD_GET_SERVICE: NAMED_SERVICE,
  IPVS_CMD_GET_DEST: { ...NAMED_SERVICE, ENOENT: NO_DESTINATION },
  IPVS_CMD_NEW_DEST: {
    ...NAMED_SERVICE,
    EEXIST: {
      reason: 'destination-exists',
      text: 'the service has this destination already. Change it with setDestination',
    },
    EINVAL: REFUSED_DESTINATION,
  },
  IPVS_CMD_SET_DEST: { ...NAMED_SERVICE, ENOENT: NO_DESTINATION, EINVAL: REFUSED_DESTINATION },
  IPVS_CMD_DEL_DEST: {
    ESRCH: GONE_SERVICE,
    ENOENT: GONE_DESTINATION,
    EAFNOSUPPORT: NO_FAMILY,
  },
  IPVS_CMD_NEW_DAEMON: {
    EEXIST: {
      reason: 'daemon-exists',
      text: 'a sync daemon of this role runs already. Stop it with stopDaemon first',
    },
    ENODEV: {
      reason: 'interface-not-found',
      text: "there is no such network interface in this network namespace. 'ip link' shows them",
    },
    EADDRINUSE: {
      reason: 'port-in-use',
      text: 'another socket of this network namespace has the UDP port. Give the daemon another port',
    },
    ENETUNREACH: {
      reason: 'interface-down',
      text:
        "the network interface is down, or has no route to the multicast group. Bring it up with 'ip link " +
        "set dev NAME up', and give it an address with 'ip addr add'",
    },
    EINVAL: {
      reason: 'invalid-daemon',
      text:
        'the kernel refuses this sync daemon. None can run while a destination is of another ' +
        'family than its service',
    },
    EAFNOSUPPORT: NO_FAMILY,
  },
  IPVS_CMD_DEL_DAEMON: {
    ESRCH: {
      reason: 'daemon-not-found',
      text: 'no sync daemon of this role runs. listDaemons shows those that do',
    },
    EINTR: {
      reason: 'other',
      text: 'the kernel was interrupted each time that it stopped this sync daemon. Try again',
    },
  },
  IPVS_CMD_GET_DAEMON: {},
  IPVS_CMD_SET_CONFIG: {},
  IPVS_CMD_GET_CONFIG: {},
  IPVS_CMD_GET_INFO: {},
  IPVS_CMD_ZERO: NAMED_SERVICE,
  IPVS_CMD_FLUSH: {},
};

const UNAVAILABLE: Explanation = {
  reason: 'ipvs-unavailable',
  text: "this kernel has no IPVS, or could not load its module. Load it on the host with 'modprobe ip_vs'",
};
const OUT_OF_MEMORY: Explanation = {
  reason: 'out-of-memory',
  text: 'there is not enough memory. Free some and try again',
};
const NO_PERMISSION: Explanation = {
  reason: 'permission-denied',
  text:
    'CAP_NET_ADMIN is missing. It must be held in the initial user namespace: run as root, or give ' +
    'the process or container NET_ADMIN; root inside a user namespace (rootless containers) is not enough',
};

const MALFORMED: Explanation = {
  reason: 'malformed-reply',
  code: 'ERR_IPVS_MALFORMED_REPLY',
  text: 'the kernel’s answer makes no sense. Please report this together with the kernel’s release',
};

/** The question for the family "IPVS", before any command is given. */
const FAMILY: Explanations = {
  ENOENT: UNAVAILABLE,
  EBADMSG: MALFORMED,
  ENOBUFS: {
    reason: 'other',
    text: 'the kernel’s answer was lost. Nothing was changed. Try again',
  },
  ETIMEDOUT: {
    reason: 'timeout',
    code: 'ERR_IPVS_TIMEOUT',
    text:
      'the kernel did not say in time whether it has IPVS; it may be loading its module. ' +
      'Nothing was changed. Try again, with a longer timeout if need be',
  },
};

const TOO_MANY_FILES: Explanation = {
  reason: 'other',
  text:
    'too many files are open. Close clients that are not needed any more, or raise the limit ' +
    "('ulimit -n', sysctl fs.file-max)",
};

/** What the command does not matter for. */
const ANYWHERE: Explanations = {
  EMFILE: TOO_MANY_FILES,
  ENFILE: TOO_MANY_FILES,
  EPERM: NO_PERMISSION,
  ENOMEM: OUT_OF_MEMORY,
  ENOBUFS: OUT_OF_MEMORY,
  // The module is on its way out.
  ENOPROTOOPT: UNAVAILABLE,
};

const NAMESPACE: Explanations = {
  ENOENT: {
    reason: 'namespace-not-found',
    text: "there is no such network namespace, or no such process. 'ip netns list' shows those that have names",
  },
  ESRCH: { reason: 'namespace-not-found', text: 'there is no such process. Check its id' },
  EINVAL: {
    reason: 'not-a-namespace',
    text: 'this file is not a network namespace. Give one such as /proc/PID/ns/net',
  },
  EPERM: {
    reason: 'permission-denied',
    text: 'entering a network namespace takes CAP_SYS_ADMIN. Run as root, or open the client inside it',
  },
  EACCES: {
    reason: 'permission-denied',
    text: 'this file may not be opened. Run as root, or open the client inside the namespace',
  },
};

/** Commands that change nothing: without an answer, nothing is in doubt. */
const READING: ReadonlySet<CommandName | undefined> = new Set<CommandName | undefined>([
  undefined,
  'IPVS_CMD_GET_SERVICE',
  'IPVS_CMD_GET_DEST',
  'IPVS_CMD_GET_DAEMON',
  'IPVS_CMD_GET_CONFIG',
  'IPVS_CMD_GET_INFO',
]);

/** Whether a command changes nothing. */
export function isReading(command: CommandName): boolean {
  return READING.has(command);
}

function afterwards(command: CommandName | undefined): string {
  return READING.has(command)
    ? 'Try again'
    : 'Whether the command was carried out is unknown: read the table';
}

function explain(command: CommandName | undefined, { errno, stage }: Outcome): Explanation {
  const code = errnoName(errno);
  const other: Explanation = { reason: 'other', text: `the kernel refused it with ${code}` };
  switch (stage) {
    case 'kernel':
      return (command && BY_COMMAND[command][code]) ?? ANYWHERE[code] ?? other;
    case 'namespace':
      return (
        NAMESPACE[code] ??
        ANYWHERE[code] ?? { reason: 'other', text: 'the network namespace can’t be entered' }
      );
    case 'family':
      return FAMILY[code] ?? ANYWHERE[code] ?? other;
    case 'socket':
      // A kernel without generic netlink has no IPVS either (sandboxes, emulators).
      return code === 'EPROTONOSUPPORT' || code === 'EAFNOSUPPORT'
        ? UNAVAILABLE
        : (ANYWHERE[code] ?? { reason: 'other', text: `no netlink socket can be had: ${code}` });
    case 'send':
      return ANYWHERE[code] ?? other;
    case 'receive':
      return code === 'ETIMEDOUT'
        ? {
            reason: 'timeout',
            code: 'ERR_IPVS_TIMEOUT',
            text: `the kernel did not answer in time. ${afterwards(command)}`,
          }
        : { reason: 'other', text: `the kernel’s answer was lost. ${afterwards(command)}` };
    case 'reply':
      return MALFORMED;
    case 'file':
      return other;
  }
}

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
      outcome: answered || READING.has(command) ? 'not-applied' : 'unknown',
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

/** Which of the two the kernel lacks; `either` where that can't be told. */
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
      text: `this kernel does not know tunnels of type ${kind} (gue takes Linux 5.2, gre and checksums 5.3). ${afterwards}`,
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
  return buildError(subject, undefined, outcome, explain(undefined, outcome));
}

/** The error for a call after `close()`. */
export function closedError(method: string): IpvsError {
  return new IpvsError(`${method}: this client was closed. Open another with Ipvs.open`, {
    code: 'ERR_IPVS_CLOSED',
    reason: 'closed',
  });
}

/** The error for a call that has no place in the queue. */
export function queueFullError(method: string): IpvsError {
  return new IpvsError(
    `${method}: too many calls of this client have not ended. Await some of them, or drained(), or open it ` +
      'with a larger queueLimit',
    { code: 'ERR_IPVS_QUEUE_FULL', reason: 'queue-full' },
  );
}

/** Why a job failed on this side of the kernel: C++ threw, which it does when memory runs out alone. */
function jobExplanation(cause: unknown, command: CommandName | undefined): Explanation {
  const why = cause instanceof Error ? cause.message : String(cause);
  return {
    reason: why === 'std::bad_alloc' ? 'out-of-memory' : 'other',
    code: 'ERR_IPVS_JOB_FAILED',
    text: `the job failed inside this process: ${why}. ${afterwards(command)}`,
  };
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

/** {@link jobError} of a job about a file. */
export function fileJobError(
  { method, detail, path }: FileSubject,
  syscall: string,
  cause: unknown,
): IpvsError {
  const { text, ...explanation } = jobExplanation(cause, undefined);
  const about = [method, detail, `(${path})`].filter((word) => word !== undefined).join(' ');
  return new IpvsError(`${about}: ${text}`, {
    ...{ code: 'ERR_IPVS_JOB_FAILED', ...explanation, syscall, cause },
    outcome: syscall === 'write' ? 'unknown' : 'not-applied',
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
  const { method, detail, path, missing = NO_FILE } = subject;
  const code = errnoName(outcome.errno);
  const fallback: Explanation = { reason: 'other', text: `${syscall} failed` };
  const explanations: Explanations =
    outcome.stage === 'namespace' ? NAMESPACE : { ...FILE, ENOENT: missing };
  const { reason, text } = explanations[code] ?? ANYWHERE[code] ?? fallback;
  const about = [method, detail, `(${path})`].filter((word) => word !== undefined).join(' ');
  return new IpvsError(`${about}: ${text} (${code})`, {
    code,
    reason,
    errno: outcome.errno,
    syscall,
    outcome: 'not-applied',
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
