/** What is to be known before anything can be judged. */
import type { IpvsError } from '../errors.js';
import { hasReason } from '../errors.js';
import { checkServiceReference } from '../input/service.js';
import { parseSysctlValue } from '../input/sysctls.js';
import type { ServiceState } from '../model.js';
import type { Files } from '../proc/files.js';
import { findLocal } from './local.js';

/** Everything that the checks look at. */
export interface Facts {
  /** Why there is no client, when there is none. */
  readonly failure: IpvsError | undefined;
  /** Whether this process is in another user namespace than the initial one. */
  readonly inUserNamespace: boolean;
  /** Empty without a client. */
  readonly services: readonly ServiceState[];
  /** Of the schedulers that were asked for, those that the kernel lacks. */
  readonly missingSchedulers: readonly string[];
  /** Release of the kernel. */
  readonly kernel: { readonly major: number; readonly minor: number };
  /** Numbers below `/proc/sys/net/`, by the rest of their path; those that could be read. */
  readonly sysctls: ReadonlyMap<string, number>;
  /** Names of network interfaces. */
  readonly interfaces: readonly string[];
  /** Addresses of services that this machine delivers to itself, in canonical text. */
  readonly local: ReadonlySet<string>;
  /** What could not be read. */
  readonly unread: readonly string[];
}

/** Where facts come from. */
export interface Sources {
  readonly files: Files;
  readonly failure: IpvsError | undefined;
  readonly services: readonly ServiceState[];
  readonly missingSchedulers: readonly string[];
  /** As `os.release()` writes it. */
  readonly release: string;
}

const METHOD = 'diagnose';

const SYSCTLS = [
  'ipv4/ip_forward',
  'ipv6/conf/all/forwarding',
  'ipv4/vs/conntrack',
  'ipv4/vs/conn_reuse_mode',
  'ipv4/vs/expire_nodest_conn',
  'ipv4/vs/expire_quiescent_template',
];
/** There only where nf_conntrack is loaded: missing ones are no gap. */
const OPTIONAL_SYSCTLS = ['netfilter/nf_conntrack_count', 'netfilter/nf_conntrack_max'];
const BY_INTERFACE = ['rp_filter', 'arp_ignore', 'arp_announce'];

/** Reads what it can, and notes what it can't. */
class Reader {
  readonly sysctls = new Map<string, number>();
  readonly unread: string[] = [];
  readonly #files: Files;

  constructor(files: Files) {
    this.#files = files;
  }

  /** The result, or undefined when the file could not be read. */
  async attempt<Result>(path: string, read: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await read();
    } catch {
      this.unread.push(path);
      return undefined;
    }
  }

  async sysctl(name: string, optional = false): Promise<void> {
    const path = `/proc/sys/net/${name}`;
    try {
      const value = parseSysctlValue(await this.#files.read({ method: METHOD, path }));
      if (typeof value === 'number') this.sysctls.set(name, value);
    } catch {
      if (!optional) this.unread.push(path);
    }
  }
}

function hasForwarding(services: readonly ServiceState[], ...wanted: readonly string[]): boolean {
  return services.some(({ destinations }) =>
    destinations.some(({ forwarding }) => wanted.includes(forwarding)),
  );
}

async function readInterfaces(reader: Reader, files: Files): Promise<string[]> {
  const path = '/proc/sys/net/ipv4/conf';
  const names = await reader.attempt(path, async () => await files.list({ method: METHOD, path }));
  const interfaces = (names ?? []).filter((name) => !['all', 'default', 'lo'].includes(name));
  for (const name of ['all', ...interfaces]) {
    for (const each of BY_INTERFACE) await reader.sysctl(`ipv4/conf/${name}/${each}`);
  }
  return interfaces.sort();
}

/** A process of the initial user namespace sees all user ids (user_namespaces(7)). */
async function isInUserNamespace(reader: Reader, files: Files): Promise<boolean> {
  const path = '/proc/self/uid_map';
  const map = await reader.attempt(path, async () => await files.read({ method: METHOD, path }));
  return map !== undefined && !/^\s*0\s+0\s+4294967295\s*$/.test(map);
}

/** Gathers what the checks look at; changes nothing. */
export async function gatherFacts({ files, release, ...known }: Sources): Promise<Facts> {
  const reader = new Reader(files);
  const { failure, services } = known;
  if (!hasReason(failure, 'ipvs-unavailable')) {
    for (const name of SYSCTLS) await reader.sysctl(name);
  }
  for (const name of OPTIONAL_SYSCTLS) await reader.sysctl(name, true);
  const addresses = services
    .map((service) => checkServiceReference('service', service))
    .flatMap((key) => (key.fwmark === undefined ? [key.address] : []));
  const local = await reader.attempt(
    '/proc/net/fib_trie or /proc/net/ipv6_route',
    async () => await findLocal(files, METHOD, addresses),
  );
  const interfaces = hasForwarding(services, 'direct', 'tunnel')
    ? await readInterfaces(reader, files)
    : [];
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  return {
    ...known,
    inUserNamespace: await isInUserNamespace(reader, files),
    kernel: { major: Number(major), minor: Number(minor) },
    sysctls: reader.sysctls,
    interfaces,
    // What could not be read must not look like a fault.
    local: local ?? new Set(addresses.map(({ text }) => text)),
    unread: reader.unread,
  };
}
