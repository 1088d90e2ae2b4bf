/** What is to be known before anything can be judged. */
import type { Address } from '../address.js';
import { IpvsError } from '../errors.js';
import { checkDestinationReference } from '../input/destination.js';
import { checkServiceReference } from '../input/service.js';
import type { ServiceState } from '../model.js';
import type { Files } from '../proc/files.js';
import { parseSysctlValue } from '../proc/sysctls.js';
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
  /**
   * Addresses of services that this machine has, in canonical text; and of masqueraded destinations, where
   * they are not forwarded.
   */
  readonly local: ReadonlySet<string>;
  /** What could not be read. */
  readonly unread: readonly string[];
}

/** Where facts come from. */
export interface Sources {
  readonly files: Files;
  readonly services: readonly ServiceState[];
  readonly missingSchedulers: readonly string[];
  /** What could not be asked for. */
  readonly unread: readonly string[];
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
  'netfilter/nf_conntrack_count',
  'netfilter/nf_conntrack_max',
];
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

  async sysctl(name: string): Promise<void> {
    const path = `/proc/sys/net/${name}`;
    try {
      const value = parseSysctlValue(await this.#files.read({ method: METHOD, path }));
      if (typeof value !== 'number') throw new TypeError('a sysctl that is no number');
      this.sysctls.set(name, value);
    } catch (error) {
      // One that is not there belongs to a kernel, or a module, that knows no such fault.
      const missing = error instanceof IpvsError && error.code === 'ENOENT';
      if (!missing) this.unread.push(path);
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

/** Facts without a client: why there is none. */
export function factsOfFailure(failure: IpvsError, inUserNamespace: boolean): Facts {
  return {
    ...{
      failure,
      inUserNamespace,
      services: [],
      missingSchedulers: [],
      interfaces: [],
      unread: [],
    },
    ...{ kernel: { major: 0, minor: 0 }, sysctls: new Map(), local: new Set() },
  };
}

function addressesOf(services: readonly ServiceState[]): Address[] {
  return services
    .map((service) => checkServiceReference('service', service))
    .flatMap((key) => (key.fwmark === undefined ? [key.address] : []));
}

/** Of masqueraded destinations; those of a family that is forwarded need not be on this machine. */
function masqueradedOf(
  services: readonly ServiceState[],
  sysctls: ReadonlyMap<string, number>,
): Address[] {
  const forwarded = {
    ipv4: sysctls.get('ipv4/ip_forward') !== 0,
    ipv6: sysctls.get('ipv6/conf/all/forwarding') !== 0,
  };
  if (forwarded.ipv4 && forwarded.ipv6) return [];
  const addresses = new Map<string, Address>();
  for (const { destinations } of services) {
    for (const each of destinations) {
      if (each.forwarding !== 'masquerade' || addresses.has(each.address)) continue;
      const { family, address } = checkDestinationReference('destination', each);
      if (!forwarded[family]) addresses.set(each.address, address);
    }
  }
  return [...addresses.values()];
}

/** Gathers what the checks look at; changes nothing. */
export async function gatherFacts({ files, release, unread, ...known }: Sources): Promise<Facts> {
  const reader = new Reader(files);
  for (const name of SYSCTLS) await reader.sysctl(name);
  const addresses = addressesOf(known.services);
  const local = await reader.attempt(
    '/proc/net/fib_trie or /proc/net/ipv6_route',
    async () =>
      await findLocal(files, METHOD, [
        ...addresses,
        ...masqueradedOf(known.services, reader.sysctls),
      ]),
  );
  const interfaces = hasForwarding(known.services, 'direct', 'tunnel')
    ? await readInterfaces(reader, files)
    : [];
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  return {
    ...known,
    failure: undefined,
    inUserNamespace: false,
    kernel: { major: Number(major), minor: Number(minor) },
    sysctls: reader.sysctls,
    interfaces,
    // What could not be read must not look like a fault.
    local: local ?? new Set(addresses.map(({ text }) => text)),
    unread: [...unread, ...reader.unread],
  };
}
