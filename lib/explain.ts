/** What an errno means, and what to do: the one place that says so. */
import { errnoName } from './errno.js';
import type { IpvsErrorReason } from './errors.js';
import type { CommandName } from './native/layout.js';
import type { Outcome } from './native/reply.js';

/** An errno explained: why, and what to do. */
export interface Explanation {
  readonly reason: IpvsErrorReason;
  /** A whole sentence or two, without the full stop. */
  readonly text: string;
  /** Where the kernel gave no errno of its own. */
  readonly code?: string;
}

/** By the name of the errno. */
export type Explanations = Readonly<Partial<Record<string, Explanation>>>;

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
      text:
        'the virtual service exists already. Change it with updateService or setService, or call ' +
        'ensureService, which adds or replaces it',
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
      text:
        'the service has this destination already. Change it with updateDestination or setDestination, ' +
        'or call ensureDestination, which adds or replaces it',
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
export const ANYWHERE: Explanations = {
  EMFILE: TOO_MANY_FILES,
  ENFILE: TOO_MANY_FILES,
  EPERM: NO_PERMISSION,
  ENOMEM: OUT_OF_MEMORY,
  ENOBUFS: OUT_OF_MEMORY,
  // The module is on its way out.
  ENOPROTOOPT: UNAVAILABLE,
};

/** Opening and entering a network namespace. */
const NAMESPACE: Explanations = {
  ENOENT: {
    reason: 'namespace-not-found',
    text:
      "there is no such network namespace. 'ip netns list' shows those that have names and were made in " +
      'this mount namespace; the others have files such as /proc/PID/ns/net',
  },
  ESRCH: { reason: 'namespace-not-found', text: 'there is no such process. Check its id' },
  EINVAL: {
    reason: 'not-a-namespace',
    text: 'this file is not a network namespace. Give one such as /proc/PID/ns/net',
  },
  EPERM: {
    reason: 'permission-denied',
    text: 'entering a network namespace requires CAP_SYS_ADMIN. Run as root, or open the client inside it',
  },
  EACCES: {
    reason: 'permission-denied',
    text:
      'this file may not be opened. Run as root; the namespace of a process of another user, or with more ' +
      'capabilities, requires CAP_SYS_PTRACE too. Or open the client inside the namespace',
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
export function isReading(command: CommandName | undefined): boolean {
  return READING.has(command);
}

/** What to do when a command was not answered. */
export function afterwards(command: CommandName | undefined): string {
  return READING.has(command)
    ? 'Try again'
    : 'Whether the command was carried out is unknown: read the table';
}

const NO_PROCESS: Explanation = {
  reason: 'namespace-not-found',
  text:
    'there is no such process, or it has ended. Check its id: in a container /proc has the processes of ' +
    'the container alone, by the ids that they have in there',
};
const NO_PROC: Explanation = {
  reason: 'namespace-not-found',
  text:
    'one’s own network namespace is found by way of /proc, which is not there. Mount it with ' +
    "'mount -t proc proc /proc', or give the option netns",
};

/** What an errno means that was met while opening a client; null is the caller's own namespace. */
export function explainOpening(namespacePath: string | null, outcome: Outcome): Explanation {
  if (outcome.stage !== 'namespaceFile' || errnoName(outcome.errno) !== 'ENOENT') {
    return explain(undefined, outcome);
  }
  if (namespacePath === null) return NO_PROC;
  return /^\/proc\/\d+\//.test(namespacePath) ? NO_PROCESS : explain(undefined, outcome);
}

/** What an errno means that was met at some stage of a command; undefined is opening a client. */
export function explain(command: CommandName | undefined, { errno, stage }: Outcome): Explanation {
  const code = errnoName(errno);
  const other: Explanation = { reason: 'other', text: `the kernel refused it with ${code}` };
  switch (stage) {
    case 'kernel':
      return (command && BY_COMMAND[command][code]) ?? ANYWHERE[code] ?? other;
    case 'namespaceFile':
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

/** Why a job failed on this side of the kernel: C++ threw, which it does when memory runs out alone. */
export function jobExplanation(cause: unknown, command: CommandName | undefined): Explanation {
  const why = cause instanceof Error ? cause.message : String(cause);
  return {
    reason: why === 'std::bad_alloc' ? 'out-of-memory' : 'other',
    code: 'ERR_IPVS_JOB_FAILED',
    text: `the job failed inside this process: ${why}. ${afterwards(command)}`,
  };
}
