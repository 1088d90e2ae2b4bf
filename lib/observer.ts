/// <reference lib="esnext.disposable" preserve="true" />
import { notConstructible, throwIfAborted } from './errors.js';
import { closedError, queueFullError } from './failures.js';
import { checkCallOptions, checkObserverOptions } from './input/options.js';
import { checkSysctlName } from './input/sysctls.js';
import type {
  Application,
  CallOptions,
  Connection,
  ConnectionsOptions,
  CpuTotals,
  Info,
  ObservedService,
  OpenOptions,
} from './model.js';
import { createDoor } from './native/addon.js';
import { readApplications } from './proc/applications.js';
import { streamConnections } from './proc/connections.js';
import { type Files, NamespaceFiles } from './proc/files.js';
import { readSysctl, readSysctls } from './proc/sysctls.js';
import { readObservedInfo, readObservedTable } from './proc/table.js';
import { readCpuTotals, readTotals } from './proc/totals.js';
import { Queue } from './queue.js';
import type { Statistics } from './statistics.js';
import type { SysctlOf, Sysctls, SysctlValue } from './sysctls.js';

/**
 * Reads what `/proc` shows of IPVS to everybody, without any privilege: for a daemon that watches and
 * changes nothing. It knows less than {@link Ipvs}, hence its own types of rows.
 *
 * ```ts
 * await using observer = await IpvsObserver.open();
 * for (const { address, destinations } of await observer.listServices()) …
 * ```
 */
export class IpvsObserver implements AsyncDisposable {
  readonly #queue: Queue;
  #closed: Promise<void> | undefined;

  private constructor(queue: Queue) {
    if (!(queue instanceof Queue)) throw notConstructible('IpvsObserver');
    this.#queue = queue;
  }

  /**
   * Opens an observer of a network namespace. One's own requires no privilege, another requires
   * CAP_SYS_ADMIN.
   *
   * @throws IpvsError with reason `ipvs-unavailable` when the kernel's module `ip_vs` is not loaded:
   * reading does not load it, as opening an {@link Ipvs} does; `permission-denied`,
   * `namespace-not-found`, `not-a-namespace`, `unsupported-platform`, `addon-not-loaded`.
   */
  static async open(options?: Pick<OpenOptions, 'netns' | 'queueLimit'>): Promise<IpvsObserver> {
    const { namespacePath, timeout, queueLimit } = checkObserverOptions(options);
    const observer = new IpvsObserver(new Queue(createDoor(namespacePath, timeout), queueLimit));
    try {
      const opening = { namespacePath };
      await readObservedInfo(observer.#open('open', undefined), { method: 'open', opening });
    } catch (error) {
      await observer.close();
      throw error;
    }
    return observer;
  }

  /** Closes the observer after everything called before. Closing twice is closing once. */
  async close(): Promise<void> {
    this.#closed ??= this.#queue.close();
    await this.#closed;
  }

  /** {@link IpvsObserver.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Version of IPVS and size of its connection table. */
  async getInfo(options?: CallOptions): Promise<Info> {
    return await readObservedInfo(this.#open('getInfo', options), { method: 'getInfo' });
  }

  /**
   * All virtual services with their destinations, sorted. While others change the table, entries may be
   * missing or appear twice: the kernel writes the file in portions.
   */
  async listServices(options?: CallOptions): Promise<ObservedService[]> {
    return await readObservedTable(this.#open('listServices', options));
  }

  /** The connection table; see {@link Ipvs.connections}. */
  connections(options?: ConnectionsOptions): AsyncGenerator<Connection, void, void> {
    return streamConnections((signal) => this.#open('connections', { signal }), options);
  }

  /** The totals of the namespace; see {@link Ipvs.getTotals}. */
  async getTotals(options?: CallOptions): Promise<Statistics> {
    return await readTotals(this.#open('getTotals', options));
  }

  /** The totals of each CPU; see {@link Ipvs.getCpuTotals}. */
  async getCpuTotals(options?: CallOptions): Promise<CpuTotals[]> {
    return await readCpuTotals(this.#open('getCpuTotals', options));
  }

  /** The application helpers; see {@link Ipvs.listApplications}. */
  async listApplications(options?: CallOptions): Promise<Application[]> {
    return await readApplications(this.#open('listApplications', options));
  }

  /** All sysctls of IPVS by name; see {@link Ipvs.listSysctls}. */
  async listSysctls(
    options?: CallOptions,
  ): Promise<Partial<Sysctls> & Readonly<Record<string, SysctlValue>>> {
    return await readSysctls(this.#open('listSysctls', options));
  }

  /** The value of one sysctl; see {@link Ipvs.getSysctl}. */
  async getSysctl<const Name extends string>(
    name: Name,
    options?: CallOptions,
  ): Promise<SysctlOf<Name>> {
    const checked = checkSysctlName('name', name);
    const value = await readSysctl(this.#open('getSysctl', options), 'getSysctl', checked);
    return value as SysctlOf<Name>;
  }

  #open(method: string, options: CallOptions | undefined): Files {
    const signal = checkCallOptions(options);
    if (this.#closed !== undefined) throw closedError(method, 'observer');
    if (this.#queue.isFull) throw queueFullError(method, 'observer');
    throwIfAborted(signal);
    return new NamespaceFiles(this.#queue, signal);
  }
}
