/** Each fault that is looked for: what shows it, why it matters, and the command that mends it. */
import { checkServiceReference } from '../input/service.js';
import { formatKey } from '../keys.js';
import type { ServiceState } from '../model.js';
import { deafEngine, ignoredPort } from './definitions.js';
import type { Facts } from './facts.js';
import type { Finding } from './model.js';

/** Judges facts, and knows no other source. */
export type Check = (facts: Facts) => Finding[];

function sysctl(name: string, value: number): string {
  return `sysctl -w net.${name.replaceAll('/', '.')}=${value}`;
}

function isBefore({ kernel }: Facts, major: number, minor: number): boolean {
  return kernel.major < major || (kernel.major === major && kernel.minor < minor);
}

function listNames(names: readonly string[]): string {
  const shown = names.slice(0, 3);
  const more = names.length - shown.length;
  const words = more === 0 ? shown : [...shown, `${more} more`];
  return [words.slice(0, -1).join(', '), ...words.slice(-1)].filter(Boolean).join(' and ');
}

/** Such as `udp 10.0.0.1:53 is`: the verb is that of one service or of several. */
function sentence(names: readonly string[], one: string, several: string): string {
  return `${listNames(names)} ${names.length === 1 ? one : several}`;
}

function keysOf(services: readonly ServiceState[]): readonly string[] {
  return services.map((service) => formatKey(service));
}

/** The kernel has no IPVS, or does not let us. */
const openFails: Check = ({ failure, inUserNamespace }) => {
  if (failure === undefined) return [];
  if (failure.reason === 'ipvs-unavailable') {
    return [
      {
        id: 'no-ipvs',
        severity: 'error',
        message:
          'The kernel has no IPVS, or its module ip_vs is not loaded and could not be loaded from here.',
        remedy: 'modprobe ip_vs',
      },
    ];
  }
  if (failure.reason === 'permission-denied') {
    return [
      {
        id: inUserNamespace ? 'user-namespace' : 'no-permission',
        severity: 'error',
        message: inUserNamespace
          ? 'This process is in a user namespace of its own (a rootless container). The kernel requires CAP_NET_ADMIN in the initial user namespace, which no capability in this one gives.'
          : 'This process lacks CAP_NET_ADMIN, or CAP_SYS_ADMIN for another network namespace.',
        remedy: inUserNamespace
          ? 'run the process or container outside of user namespaces, with --cap-add NET_ADMIN'
          : 'run as root, or give the process or container NET_ADMIN: setcap cap_net_admin+ep, --cap-add NET_ADMIN',
      },
    ];
  }
  return [
    {
      id: 'open-failed',
      severity: 'error',
      message: failure.message,
      remedy: 'see the message',
    },
  ];
};

/** Asked for by the caller; found out with a service that the kernel refuses for another reason. */
const missingSchedulers: Check = (facts) =>
  facts.missingSchedulers.map((name) => ({
    id: 'scheduler-missing',
    severity: 'error',
    message: `The kernel has no scheduler '${name}' and could not load its module: a service with it can't be added.`,
    remedy: `modprobe ip_vs_${name}`,
  }));

/** Packets reach IPVS at LOCAL_IN only (net/netfilter/ipvs/ip_vs_core.c, ip_vs_ops4). */
const notLocal: Check = ({ services, local }) =>
  services.flatMap((service) => {
    const { address, fwmark } = service;
    if (fwmark !== undefined || local.has(address)) return [];
    const length = address.includes(':') ? 128 : 32;
    return [
      {
        id: 'address-not-local',
        severity: 'error',
        service: formatKey(service),
        message: `${address} is not an address of this machine: packets for it from other machines never reach IPVS.`,
        remedy: `ip addr add ${address}/${length} dev lo`,
      },
    ];
  });

/**
 * Answers of masqueraded destinations pass the director as any routed packet does; those of destinations
 * on the director itself do not.
 */
const forwarding: Check = ({ services, sysctls, local }) => {
  const families = [
    ['ipv4', 'ipv4/ip_forward'],
    ['ipv6', 'ipv6/conf/all/forwarding'],
  ] as const;
  return families.flatMap(([family, name]) => {
    const affected = services.filter(({ destinations }) =>
      destinations.some(
        (each) =>
          each.forwarding === 'masquerade' &&
          each.address.includes(':') === (family === 'ipv6') &&
          !local.has(each.address),
      ),
    );
    if (affected.length === 0 || sysctls.get(name) !== 0) return [];
    return [
      {
        id: `${family}-forwarding-off`,
        severity: 'error',
        message: `net.${name.replaceAll('/', '.')} is 0, but ${sentence(keysOf(affected), 'masquerades', 'masquerade')}: answers of real servers on other machines are dropped here.`,
        remedy: sysctl(name, 1),
      },
    ];
  });
};

const EXPIRE_CONNECTIONS = 'ipv4/vs/expire_nodest_conn';

function blackholeBecause(fact: string): Finding {
  return {
    id: 'udp-blackhole',
    severity: 'warning',
    message: `net.ipv4.vs.expire_nodest_conn is 0, and ${fact}: what a client sends to a deleted destination is dropped until its connection entry times out.`,
    remedy: sysctl(EXPIRE_CONNECTIONS, 1),
  };
}

/** That destinations of services, given by their names, are deleted while clients may send to them. */
export function deletionBlackholes(names: readonly string[]): Finding {
  return blackholeBecause(`destinations of ${listNames(names)} go without being drained`);
}

/**
 * Packets of a flow whose destination was deleted are dropped until its entry times out, by default five minutes after
 * the last one that was forwarded. One-packet scheduling keeps no connection that could hold them.
 */
const blackhole: Check = ({ services, sysctls }) => {
  const affected = services.filter(({ protocol, onePacket }) => protocol === 'udp' && !onePacket);
  if (affected.length === 0 || sysctls.get(EXPIRE_CONNECTIONS) !== 0) return [];
  return [blackholeBecause(`${sentence(keysOf(affected), 'is', 'are')} UDP`)];
};

const EXPIRE_TEMPLATES = 'ipv4/vs/expire_quiescent_template';

/**
 * That clients of persistent services, given by their names, come back to destinations of weight 0
 * (Documentation/networking/ipvs-sysctl.rst, expire_quiescent_template).
 */
export function persistenceOutlasts(names: readonly string[]): Finding {
  return {
    id: 'persistence-outlasts-weight-0',
    severity: 'warning',
    message: `net.ipv4.vs.expire_quiescent_template is 0, and ${sentence(names, 'is', 'are')} persistent: clients keep coming back to a destination of weight 0.`,
    remedy: sysctl(EXPIRE_TEMPLATES, 1),
  };
}

const stickyDrain: Check = ({ services, sysctls }) => {
  const affected = services.filter(({ persistence }) => persistence !== undefined);
  if (affected.length === 0 || sysctls.get(EXPIRE_TEMPLATES) !== 0) return [];
  return [persistenceOutlasts(keysOf(affected))];
};

/** Linux 5.9 (f0a5e4d7a594) ended the delay; before, a reused port with conntrack cost one SYN. */
const connectionReuse: Check = (facts) => {
  const name = 'ipv4/vs/conn_reuse_mode';
  const mode = facts.sysctls.get(name);
  if (mode === undefined) return [];
  const withConntrack = facts.sysctls.get('ipv4/vs/conntrack') === 1;
  if (isBefore(facts, 5, 9) && withConntrack && mode !== 0) {
    return [
      {
        id: 'connection-reuse-delay',
        severity: 'warning',
        message: `net.ipv4.vs.conn_reuse_mode is ${mode} with conntrack on a kernel before 5.9: a client that reuses a port waits a second for its connection.`,
        remedy: sysctl(name, 0),
      },
    ];
  }
  if (mode !== 0 || (isBefore(facts, 5, 9) && withConntrack)) return [];
  return [
    {
      id: 'connection-reuse-stale',
      severity: 'warning',
      message:
        'net.ipv4.vs.conn_reuse_mode is 0: a client that reuses a port gets its old destination, also one of weight 0.',
      remedy: sysctl(name, 1),
    },
  ];
};

const NEARLY_FULL = 0.9;

/** A full table drops packets of new connections, whatever IPVS thinks of them. */
const conntrackFull: Check = ({ sysctls }) => {
  const count = sysctls.get('netfilter/nf_conntrack_count');
  const max = sysctls.get('netfilter/nf_conntrack_max');
  if (count === undefined || max === undefined || max === 0 || count < max * NEARLY_FULL) return [];
  return [
    {
      id: 'conntrack-full',
      severity: count >= max ? 'error' : 'warning',
      message: `nf_conntrack holds ${count} of ${max} entries: packets of new connections are dropped when it is full.`,
      remedy: `${sysctl('netfilter/nf_conntrack_max', Math.max(2 * max, 2 * count))} (in the initial network namespace)`,
    },
  ];
};

function effective({ sysctls }: Facts, name: string, of: string): number {
  // The kernel takes the greater one (Documentation/networking/ip-sysctl.rst).
  const value = (each: string): number => sysctls.get(`ipv4/conf/${each}/${of}`) ?? 0;
  return Math.max(value('all'), value(name));
}

/** Whether IPv4 packets go to real servers which answer the clients themselves: ARP is of IPv4 alone. */
function hasDirectAnswers(facts: Facts): boolean {
  return facts.services.some(
    (service) =>
      checkServiceReference('service', service).family === 'ipv4' &&
      service.destinations.some(({ forwarding: way }) => way === 'direct' || way === 'tunnel'),
  );
}

/** With direct routing and tunnels answers take another way, and packets may come by another one. */
const reversePath: Check = (facts) => {
  if (!hasDirectAnswers(facts)) return [];
  const strict = facts.interfaces.filter((name) => effective(facts, name, 'rp_filter') === 1);
  if (strict.length === 0) return [];
  return [
    {
      id: 'rp-filter-strict',
      severity: 'warning',
      message: `rp_filter is strict on ${listNames(strict)}: with direct routing or tunnels, packets that arrive by another interface than their answers would take are dropped.`,
      remedy: sysctl('ipv4/conf/all/rp_filter', 2),
    },
  ];
};

/** Several machines hold the service's address then, and one alone may answer for it. */
const addressResolution: Check = (facts) => {
  if (!hasDirectAnswers(facts)) return [];
  const open = (of: string): readonly string[] =>
    facts.interfaces.filter((name) => effective(facts, name, of) === 0);
  const rows = [
    ['arp_ignore', 1, 'answers ARP requests for every address it has, whichever interface has it'],
    ['arp_announce', 2, 'may give a service’s address as the sender of its own ARP requests'],
  ] as const;
  return rows.flatMap(([name, value, what]) => {
    if (open(name).length === 0) return [];
    return [
      {
        id: name.replace('_', '-'),
        severity: 'info',
        message: `${name} is 0 on ${listNames(open(name))}: this machine ${what}. Where it is a backup or a real server of a service with direct routing or tunnels, it takes packets away from the director.`,
        remedy: sysctl(`ipv4/conf/all/${name}`, value),
      },
    ];
  });
};

/** Measured: without `fallback` these two refuse the clients of a destination with weight 0. */
const hashing: Check = ({ services }) =>
  services.flatMap((service) => {
    const { scheduler, schedulerFlags, destinations } = service;
    if (!['sh', 'mh'].includes(scheduler) || schedulerFlags.includes('fallback')) return [];
    const refusing = destinations.some(({ weight }) => weight === 0);
    return [
      {
        id: 'hash-without-fallback',
        severity: refusing ? 'warning' : 'info',
        service: formatKey(service),
        message: refusing
          ? `${scheduler} without fallback refuses the clients of its destinations with weight 0, where it could give them another.`
          : `${scheduler} without fallback would refuse the clients of a destination with weight 0, where it could give them another.`,
        // Flags are replaced all together.
        remedy: `updateService(service, { schedulerFlags: [${['fallback', ...schedulerFlags].map((flag) => `'${flag}'`).join(', ')}] })`,
      },
    ];
  });

/** Measured: this one chooses by the client's destination address alone, and knows no fallback. */
const hashingByDestination: Check = ({ services }) =>
  services
    .filter(({ scheduler }) => scheduler === 'dh')
    .filter(({ destinations }) => destinations.some(({ weight }) => weight === 0))
    .map((service) => ({
      id: 'dh-without-weight',
      severity: 'warning',
      service: formatKey(service),
      message:
        'dh chooses destinations of weight 0 as well, and refuses the clients for whom it does: all clients of an address have the same.',
      remedy: "updateService(service, { scheduler: 'mh', schedulerFlags: ['fallback'] })",
    }));

/** Why a service gives no client to anybody. */
const REFUSALS: readonly (Pick<Finding, 'id' | 'remedy'> & {
  readonly applies: (service: ServiceState) => boolean;
  readonly what: string;
})[] = [
  {
    id: 'no-scheduler',
    applies: ({ scheduler }) => scheduler === 'none',
    what: 'has no scheduler',
    remedy: "give it one: updateService(service, { scheduler: 'wrr' })",
  },
  {
    id: 'no-destinations',
    applies: ({ destinations }) => destinations.length === 0,
    what: 'has no destinations',
    remedy: 'add one: addDestination(service, { … })',
  },
  {
    id: 'all-weights-0',
    applies: ({ destinations }) => destinations.every(({ weight }) => weight === 0),
    what: 'has destinations of weight 0 only',
    remedy: 'give one a weight: updateDestination(service, destination, { weight: 1 })',
  },
];

/** Refuses every client, which nobody means. */
const nobodyServes: Check = ({ services }) =>
  services.flatMap((service) => {
    const why = REFUSALS.find(({ applies }) => applies(service));
    if (why === undefined) return [];
    const { id, what, remedy } = why;
    const message = `${formatKey(service)} ${what}: it refuses every new client.`;
    return [{ id, severity: 'warning', service: formatKey(service), message, remedy }];
  });

const unread: Check = ({ unread: paths }) =>
  paths.length === 0
    ? []
    : [
        {
          id: 'not-checked',
          severity: 'info',
          message: `Could not be read or asked for, and what depends on it was not checked: ${paths.slice(0, 5).join(', ')}${paths.length > 5 ? ', …' : ''}.`,
          remedy: 'run with the permissions of root, in a container that shows /proc',
        },
      ];

/** All checks, in the order of what they find within one severity. */
export const CHECKS: readonly Check[] = [
  openFails,
  missingSchedulers,
  notLocal,
  forwarding,
  conntrackFull,
  blackhole,
  stickyDrain,
  connectionReuse,
  reversePath,
  deafEngine,
  ignoredPort,
  hashing,
  hashingByDestination,
  nobodyServes,
  addressResolution,
  unread,
];
