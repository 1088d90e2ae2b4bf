/// <reference lib="esnext.disposable" preserve="true" />
import { diagnoseSession } from './diagnose/index.js';
import type { DiagnoseOptions, Finding } from './diagnose/model.js';
import { notConstructible } from './errors.js';
import { checkRole, checkSyncDaemon } from './input/daemon.js';
import { checkDestination, checkDestinationReference, takesPortZero } from './input/destination.js';
import {
  checkCallOptions,
  checkDiagnoseOptions,
  checkListOptions,
  checkOptions,
  checkSnapshotOptions,
} from './input/options.js';
import { checkDestinationPatch, checkServicePatch } from './input/patch.js';
import { checkService, checkServiceReference, checkZeroedService } from './input/service.js';
import { checkTimeouts } from './input/timeouts.js';
import { checkSysctlName, checkSysctlValue } from './input/sysctls.js';
import type {
  Application,
  CallOptions,
  Connection,
  ConnectionsOptions,
  CpuTotals,
  DestinationEntry,
  DestinationInput,
  DestinationPatch,
  DestinationReference,
  Info,
  ListOptions,
  OpenOptions,
  ServiceEntry,
  ServiceInput,
  ServicePatch,
  ServiceReference,
  ServiceSnapshot,
  ServiceState,
  SnapshotOptions,
  StreamSnapshotOptions,
  SyncDaemon,
  SyncDaemonEntry,
  SyncDaemonRole,
  Timeouts,
  TimeoutsPatch,
} from './model.js';
import { decodeDestination, decodeInfo, decodeService, decodeTimeouts } from './native/decode.js';
import { decodeDaemons, decodeDestinations, decodeServices } from './native/lists.js';
import { readApplications } from './proc/applications.js';
import { streamConnections } from './proc/connections.js';
import type { Files } from './proc/files.js';
import { readSysctl, readSysctls, writeSysctl } from './proc/sysctls.js';
import { readCpuTotals, readTotals } from './proc/totals.js';
import { stopDaemon } from './sequences/daemon.js';
import { type DestinationSubject, findRow } from './sequences/destination.js';
import { applyWish } from './reconcile/apply.js';
import type { ApplyOptions, ApplyReport, DrainedDestination } from './reconcile/apply-model.js';
import { checkDrainCall, type DrainCallOptions, drainDestination } from './reconcile/drain.js';
import type { DesiredState } from './reconcile/plan-model.js';
import { checkApplyOptions } from './reconcile/options.js';
import { checkWish, type Wish } from './reconcile/wish.js';
import { listDestinationsSteadily, listServicesSteadily } from './sequences/lists.js';
import { readTable, readTableSteadily, withoutCounts } from './sequences/snapshot.js';
import { promised, Session } from './session.js';
import { streamDestinations, streamServices, streamSnapshot } from './streams.js';
import type { Statistics } from './statistics.js';
import type { SysctlOf, Sysctls, SysctlValue } from './sysctls.js';
import { Writer } from './writer.js';

/**
 * A client of the kernel's IPVS (IP Virtual Server) in one network namespace: one method per kernel
 * command.
 *
 * ```ts
 * await using ipvs = await Ipvs.open();
 * const web = { protocol: 'tcp', address: '10.0.0.1', port: 443 } as const;
 * await ipvs.addService({ ...web, scheduler: 'wrr' });
 * await ipvs.addDestination(web, { address: '10.0.1.2', port: 8443, forwarding: 'masquerade' });
 * ```
 *
 * Calls need not wait for each other: the kernel sees them in the order of the calls, those of one
 * turn of the event loop travel together, and each promise settles with its own result. A call that
 * fails does not stop the ones behind it, and a read sees the writes before it. None blocks the event
 * loop. Arguments are copied and checked at once; methods never throw, they reject: with an
 * {@link ArgumentError} for a wrong argument (then nothing was sent), else with an {@link IpvsError}.
 *
 * Beside the reasons that a method names, every call can fail with `closed`, `queue-full`, `timeout`,
 * `permission-denied`, `ipvs-unavailable`, `out-of-memory`, `malformed-reply` or `other`; those that read or
 * write files of `/proc` also with `malformed-file`. See {@link IpvsErrorReason}.
 *
 * Times of the kernel are in seconds, such as persistence and {@link Timeouts}; those of this package are in
 * milliseconds, such as {@link OpenOptions.timeout} and the deadlines of drains.
 *
 * An open client keeps its network namespace alive, even when that is deleted, until
 * {@link Ipvs.close}.
 */
export class Ipvs implements AsyncDisposable {
  readonly #session: Session;
  readonly #writer: Writer;

  private constructor(session: Session) {
    if (!(session instanceof Session)) throw notConstructible('Ipvs');
    this.#session = session;
    this.#writer = new Writer(session);
  }

  /**
   * Opens a client. Requires CAP_NET_ADMIN in the initial user namespace; for a network namespace other
   * than the calling thread's own, CAP_SYS_ADMIN too. The kernel loads its module `ip_vs` for it
   * where it can.
   *
   * @throws IpvsError with reason `unsupported-platform`, `ipvs-unavailable`, `permission-denied`,
   * `namespace-not-found`, `not-a-namespace`, `addon-not-loaded`, `timeout`, `out-of-memory`, `malformed-reply`
   * or `other`.
   */
  static async open(options?: OpenOptions): Promise<Ipvs> {
    return new Ipvs(await Session.open(checkOptions(options)));
  }

  /**
   * Closes the client after everything called before has ended. Calls after it reject with reason
   * `closed`. Closing twice is closing once.
   */
  async close(): Promise<void> {
    await this.#session.close();
  }

  /**
   * Resolves when everything that was called before has ended, for a program that makes more calls than it
   * wants to have waiting (see {@link OpenOptions.queueLimit}). It does not wait for what goes on between commands:
   * `apply`, `drain` and `diagnose` that take several turns.
   */
  async drained(options?: CallOptions): Promise<void> {
    await this.#session.drained(checkCallOptions(options));
  }

  /** {@link Ipvs.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Version of IPVS and size of its connection table (IPVS_CMD_GET_INFO). */
  async getInfo(options?: CallOptions): Promise<Info> {
    const signal = checkCallOptions(options);
    const command = { name: 'IPVS_CMD_GET_INFO' } as const;
    const { reply, row } = await this.#session.fetch('getInfo', command, signal);
    return decodeInfo(reply, row);
  }

  /**
   * Adds a virtual service (IPVS_CMD_NEW_SERVICE). The first service with a scheduler may make the
   * kernel load its module.
   *
   * @throws IpvsError with reason `service-exists`, `unknown-scheduler`, `unknown-engine`,
   * `unsupported-family`.
   */
  addService(service: ServiceInput, options?: CallOptions): Promise<void> {
    return promised(() => {
      const definition = checkService('service', service);
      return this.#writer.addService(definition, checkCallOptions(options));
    });
  }

  /**
   * Replaces the whole definition of a virtual service (IPVS_CMD_SET_SERVICE): what is not mentioned
   * gets its default. Destinations and connections stay. The key can't be changed.
   *
   * @throws IpvsError with reason `service-not-found`, `unknown-scheduler`, `unknown-engine`.
   */
  setService(service: ServiceInput, options?: CallOptions): Promise<void> {
    return promised(() => {
      const definition = checkService('service', service);
      return this.#writer.setService(definition, checkCallOptions(options));
    });
  }

  /**
   * Changes some fields of a virtual service and keeps the others (IPVS_CMD_GET_SERVICE, then
   * IPVS_CMD_SET_SERVICE): see {@link ServicePatch}; `{}` changes nothing. Two updates of one service
   * lose nothing of each other, in this client; between reading and writing another program can still
   * interfere.
   *
   * @throws IpvsError with reason `service-not-found`, `unknown-scheduler`, `unknown-engine`,
   * `unsupported-entry`; an {@link ArgumentError} also when the patched service makes no sense, for
   * instance port 0 without persistence.
   */
  async updateService(
    service: ServiceReference,
    patch: ServicePatch,
    options?: CallOptions,
  ): Promise<void> {
    const key = checkServiceReference('service', service);
    const changes = checkServicePatch('patch', patch);
    const signal = checkCallOptions(options);
    await this.#writer.updateService(key, changes, signal);
  }

  /**
   * Adds a virtual service, or replaces its definition as {@link Ipvs.setService} does where it is
   * there already.
   *
   * @returns Which of the two it was.
   * @throws IpvsError with reason `unknown-scheduler`, `unknown-engine`, `unsupported-family`.
   */
  async ensureService(service: ServiceInput, options?: CallOptions): Promise<'added' | 'set'> {
    const definition = checkService('service', service);
    return await this.#writer.ensureService(definition, checkCallOptions(options));
  }

  /**
   * Deletes a virtual service together with its destinations (IPVS_CMD_DEL_SERVICE). Its connections stay
   * in the kernel's table until they time out, and their packets are dropped; with the sysctl
   * `expire_nodest_conn` 1 the kernel forgets them.
   *
   * @throws IpvsError with reason `service-not-found`.
   */
  deleteService(service: ServiceReference, options?: CallOptions): Promise<void> {
    return promised(() => {
      const key = checkServiceReference('service', service);
      return this.#writer.deleteService(key, checkCallOptions(options));
    });
  }

  /**
   * Reads one virtual service (IPVS_CMD_GET_SERVICE).
   *
   * @throws IpvsError with reason `service-not-found`.
   */
  async getService(service: ServiceReference, options?: CallOptions): Promise<ServiceEntry> {
    const key = checkServiceReference('service', service);
    const { reply, row } = await this.#session.fetch(
      'getService',
      { name: 'IPVS_CMD_GET_SERVICE', service: key },
      checkCallOptions(options),
    );
    return decodeService(reply, row);
  }

  /**
   * Reads all virtual services, sorted by key (see `compareKeys`), each once.
   *
   * The kernel reads its table in portions: of a table that others change meanwhile, entries that
   * were there all the time may be missing (net/netfilter/ipvs/ip_vs_ctl.c resumes by index, and counts
   * the services of all network namespaces). With `consistent` it is read until two reads in a row show
   * the same keys.
   *
   * @throws IpvsError with reason `table-changing`, only with `consistent`.
   */
  async listServices(options?: ListOptions): Promise<ServiceEntry[]> {
    const { consistent, signal } = checkListOptions(options);
    const method = 'listServices';
    const command = { name: 'IPVS_CMD_GET_SERVICE' } as const;
    if (!consistent) return decodeServices(await this.#session.dump(method, command, signal));
    const list = listServicesSteadily({ method });
    return await this.#session.run({ method }, command, list, { signal });
  }

  /**
   * Adds a destination (real server) to a virtual service (IPVS_CMD_NEW_DEST). One that was deleted a short
   * while ago, or still has connections, gets its connections and counters back (see {@link Statistics}).
   *
   * Kernels too old for a type of tunnel or its checksums pass over them without a word: the first
   * destination of a client with each is read back, and removed when it is not what was meant.
   *
   * @throws IpvsError with reason `service-not-found`, `destination-exists`, `invalid-destination`,
   * `unsupported-by-kernel`.
   */
  addDestination(
    service: ServiceReference,
    destination: DestinationInput,
    options?: CallOptions,
  ): Promise<void> {
    return promised(() => {
      const key = checkServiceReference('service', service);
      const definition = checkDestination('destination', destination, key);
      return this.#writer.addDestination(key, definition, checkCallOptions(options));
    });
  }

  /**
   * Replaces the whole definition of a destination (IPVS_CMD_SET_DEST): what is not mentioned gets
   * its default. Connections stay, also with weight 0. The key can't be changed.
   *
   * With a tunnel, it is read back like one that was added.
   *
   * @throws IpvsError with reason `service-not-found`, `destination-not-found`,
   * `invalid-destination`, `unsupported-by-kernel`.
   */
  setDestination(
    service: ServiceReference,
    destination: DestinationInput,
    options?: CallOptions,
  ): Promise<void> {
    return promised(() => {
      const key = checkServiceReference('service', service);
      const definition = checkDestination('destination', destination, key);
      return this.#writer.setDestination(key, definition, checkCallOptions(options));
    });
  }

  /**
   * Changes some fields of a destination and keeps the others (IPVS_CMD_GET_DEST, then
   * IPVS_CMD_SET_DEST): see {@link DestinationPatch}; `{}` changes nothing. Two updates of one
   * destination lose nothing of each other, in this client; between reading and writing another program
   * can still interfere. Reading costs as much as {@link Ipvs.listDestinations}, once for all updates of
   * one service that are called in a row.
   *
   * @throws IpvsError with reason `service-not-found`, `destination-not-found`,
   * `invalid-destination`, `unsupported-entry`, `unsupported-by-kernel`; an {@link ArgumentError}
   * also when the patched destination makes no sense, for instance a lower threshold above the upper.
   */
  async updateDestination(
    service: ServiceReference,
    destination: DestinationReference,
    patch: DestinationPatch,
    options?: CallOptions,
  ): Promise<void> {
    const subject = this.#checkKeys('updateDestination', service, destination);
    const changes = checkDestinationPatch('patch', patch);
    await this.#writer.updateDestination(subject, changes, checkCallOptions(options));
  }

  /**
   * Adds a destination, or replaces its definition as {@link Ipvs.setDestination} does where it is
   * there already.
   *
   * @returns Which of the two it was.
   * @throws IpvsError with reason `service-not-found`, `invalid-destination`,
   * `unsupported-by-kernel`.
   */
  async ensureDestination(
    service: ServiceReference,
    destination: DestinationInput,
    options?: CallOptions,
  ): Promise<'added' | 'set'> {
    const key = checkServiceReference('service', service);
    const definition = checkDestination('destination', destination, key);
    return await this.#writer.ensureDestination(key, definition, checkCallOptions(options));
  }

  /**
   * Deletes a destination from a virtual service (IPVS_CMD_DEL_DEST). Its connections stay in the
   * kernel's table, and their packets are dropped; to let them end first, set its weight to 0.
   *
   * @throws IpvsError with reason `service-not-found`, `destination-not-found`.
   */
  deleteDestination(
    service: ServiceReference,
    destination: DestinationReference,
    options?: CallOptions,
  ): Promise<void> {
    return promised(() => {
      const keys = this.#checkKeys('deleteDestination', service, destination);
      return this.#writer.deleteDestination(
        keys.service,
        keys.destination,
        checkCallOptions(options),
      );
    });
  }

  /**
   * Reads one destination. The kernel has no command for that: it costs as much as
   * {@link Ipvs.listDestinations}. A list that lacks it is no proof while others change the table: one of more than a
   * few destinations is read until two in a row agree.
   *
   * @throws IpvsError with reason `service-not-found`, `destination-not-found`, `table-changing`.
   */
  async getDestination(
    service: ServiceReference,
    destination: DestinationReference,
    options?: CallOptions,
  ): Promise<DestinationEntry> {
    const subject = this.#checkKeys('getDestination', service, destination);
    const signal = checkCallOptions(options);
    const find = findRow(subject);
    const { answer, row } = await this.#writer.runFor(subject, 'IPVS_CMD_GET_DEST', find, signal);
    return decodeDestination(answer.reply, row, takesPortZero(subject.service));
  }

  /**
   * Reads all destinations of a virtual service, sorted by key (see `compareKeys`), each once
   * (IPVS_CMD_GET_DEST). What {@link Ipvs.listServices} says of a table under change holds here too.
   *
   * @throws IpvsError with reason `service-not-found`, and `table-changing` with `consistent`.
   */
  async listDestinations(
    service: ServiceReference,
    options?: ListOptions,
  ): Promise<DestinationEntry[]> {
    const key = checkServiceReference('service', service);
    const { consistent, signal } = checkListOptions(options);
    const subject = { method: 'listDestinations', service: key };
    const command = { name: 'IPVS_CMD_GET_DEST', service: key, verify: true } as const;
    if (!consistent) {
      const rows = await this.#session.dump(subject.method, command, signal);
      return decodeDestinations(rows, takesPortZero(key));
    }
    return await this.#session.run(subject, command, listDestinationsSteadily(subject), { signal });
  }

  /**
   * Reads every virtual service with its destinations, sorted by key, in one pass: the services, the
   * destinations of each, then the services once more.
   *
   * While others write, it is no picture of one moment. A service that is gone at the end of the pass
   * is left out, since its destinations may be; what {@link Ipvs.listServices} says of a table under
   * change holds for the services and for the destinations of each. With `consistent` the pass is
   * repeated until two in a row show the same keys. Calls made after this one wait for it.
   *
   * @param options - With `stats: false` the result is plain data, fit for JSON, without statistics
   * and connections.
   * @throws IpvsError with reason `table-changing`, only with `consistent`.
   */
  async snapshot(options?: SnapshotOptions & { readonly stats?: true }): Promise<ServiceSnapshot[]>;
  async snapshot(options: SnapshotOptions & { readonly stats: false }): Promise<ServiceState[]>;
  async snapshot(options?: SnapshotOptions): Promise<ServiceSnapshot[] | ServiceState[]>;
  async snapshot(options?: SnapshotOptions): Promise<ServiceSnapshot[] | ServiceState[]> {
    const { consistent, stats, signal } = checkSnapshotOptions(options);
    const subject = { method: 'snapshot' };
    const read = consistent ? readTableSteadily(subject) : readTable(subject);
    const table = await this.#session.run(subject, { name: 'IPVS_CMD_GET_DEST' }, read, {
      signal,
    });
    return stats ? table : table.map(withoutCounts);
  }

  /**
   * All virtual services, in the kernel's order, a page when it is asked for: whatever the size of the
   * table, a few hundred entries are held in memory. Calls of the client can be made inside the loop, and
   * leaving it ends the reading.
   *
   * ```ts
   * for await (const { scheduler, stats } of ipvs.streamServices()) …
   * ```
   *
   * While anybody adds or deletes meanwhile, the loop itself included, entries may be missing or appear
   * twice: to delete, read a list first. Until the loop ends, the kernel's module can't be unloaded. A loop
   * that has begun goes on when the client is closed.
   *
   * @throws (when the first is asked for) what {@link Ipvs.listServices} does.
   */
  streamServices(options?: CallOptions): AsyncGenerator<ServiceEntry, void, void> {
    return streamServices(this.#session, options);
  }

  /**
   * All destinations of a virtual service, as {@link Ipvs.streamServices} gives services.
   *
   * @throws (when the first is asked for) {@link ArgumentError}; at the end, IpvsError with reason
   * `service-not-found`: the kernel gives an empty list for a service that is not there, and a shortened
   * one for a service that is deleted meanwhile; or with reason `closed` when the client, which asks for the
   * service, was closed meanwhile.
   */
  streamDestinations(
    service: ServiceReference,
    options?: CallOptions,
  ): AsyncGenerator<DestinationEntry, void, void> {
    return streamDestinations(this.#session, service, options);
  }

  /**
   * Every virtual service with its destinations, as {@link Ipvs.streamServices} gives services; the
   * destinations are sorted by key, and those of a few hundred services are held in memory. A service that
   * has gone when its destinations were read is left out. The client reads the destinations: when it is closed
   * meanwhile, the loop ends with reason `closed`.
   *
   * @param options - With `stats: false` plain data as of {@link Ipvs.snapshot}.
   */
  streamSnapshot(
    options?: StreamSnapshotOptions & { readonly stats?: true },
  ): AsyncGenerator<ServiceSnapshot, void, void>;
  streamSnapshot(
    options: StreamSnapshotOptions & { readonly stats: false },
  ): AsyncGenerator<ServiceState, void, void>;
  streamSnapshot(
    options?: StreamSnapshotOptions,
  ): AsyncGenerator<ServiceSnapshot | ServiceState, void, void>;
  streamSnapshot(
    options?: StreamSnapshotOptions,
  ): AsyncGenerator<ServiceSnapshot | ServiceState, void, void> {
    return streamSnapshot(this.#session, options);
  }

  /**
   * Makes the table what it should be, within a scope: reads it, finds the difference (see the function `plan`),
   * and makes the changes in an order in which what serves goes on serving. What the scope does not hold is
   * left alone in every case. What is there is edited, not deleted and added; connections stay.
   *
   * ```ts
   * const report = await ipvs.apply(desired, { scope: ['10.0.0.0/16'], drain: { deadline: 60_000 } });
   * ```
   *
   * One failed change does not stop the others, except that the last destinations which
   * serve are not taken away while those that were to come instead could not be added. What others
   * changed between reading and writing is read again and settled, four times at most. That a key was not seen
   * proves nothing in a table under change: the kernel is asked for the key itself before anything rests on that.
   *
   * It does not wait for drains: {@link ApplyReport.draining} lists them, and the next call ends those that are
   * over. A program that applies again and again, and ends drains by itself, is a `Reconciler`.
   *
   * @param desired - All of what the scope is to hold: what is not mentioned goes.
   * @returns What was done. It resolves only when all of it was.
   * @throws {@link ArgumentError} with the path of what is wrong, for instance
   * `services[3].destinations[0].weight`, before anything is changed: most of it before anything is read, and only
   * afterwards an entry marked `unsupported` that is not there as it is desired, and a scope's function that returns no
   * boolean for a service that is there; IpvsError with reason `too-many-removals` (see
   * {@link ApplyRules.maxRemovals}) or that of reading, when nothing was changed; {@link IpvsApplyError} with a report
   * when something was not done, also when the signal fired after the first change.
   */
  async apply(desired: DesiredState, options: ApplyOptions): Promise<ApplyReport> {
    const checked = checkApplyOptions(options);
    const wish = { desired: checkWish(desired, checked), options: checked, held: new Map() };
    return await this.applyWish(wish);
  }

  /** @internal Aborted when the client begins to close. */
  get closing(): AbortSignal {
    return this.#session.closing;
  }

  /** @internal */
  async applyWish(wish: Wish): Promise<ApplyReport> {
    return await this.#session.together('apply', async (session) => {
      return await applyWish(session, this.#writer.within(session), wish);
    });
  }

  /**
   * Takes a destination out of service without cutting its connections: gives it weight 0, waits until it has
   * none any more, active or inactive, and deletes it; at the deadline it is deleted all the same. In a
   * persistent service it also waits for the clients that are bound to it, unless the sysctl
   * `expire_quiescent_template` is 1: they come back.
   *
   * Given up by its signal, or by {@link Ipvs.close}, it leaves the destination at weight 0.
   *
   * @returns Since when it drained, and whether it had connections to the end.
   * @throws IpvsError with reason `service-not-found`, `destination-not-found`; `drain-refuses-clients` (see
   * {@link DrainOptions.allowRefusals}) before anything was changed; `drain-overruled` when it gets a weight meanwhile.
   * Its `outcome` is `partly-applied` once weight 0 was set, which stays.
   */
  async drain(
    service: ServiceReference,
    destination: DestinationReference,
    options: DrainCallOptions,
  ): Promise<DrainedDestination> {
    const subject = this.#checkKeys('drain', service, destination);
    return await drainDestination(this.#session, this.#writer, subject, checkDrainCall(options));
  }

  /**
   * Sets the statistics of one virtual service and its destinations back to zero (IPVS_CMD_ZERO).
   * Connections are not touched, nor are their numbers in {@link DestinationEntry.connections}.
   *
   * @throws IpvsError with reason `service-not-found`.
   */
  async zero(service: ServiceReference, options?: CallOptions): Promise<void> {
    const key = checkZeroedService('service', service);
    const signal = checkCallOptions(options);
    await this.#session.send('zero', { name: 'IPVS_CMD_ZERO', service: key }, { signal });
  }

  /**
   * Sets the statistics of all virtual services and their destinations back to zero, and the totals of
   * the network namespace ({@link Ipvs.getTotals}), as {@link Ipvs.zero} does for one service
   * (IPVS_CMD_ZERO).
   */
  async zeroAll(options?: CallOptions): Promise<void> {
    const signal = checkCallOptions(options);
    await this.#session.send('zeroAll', { name: 'IPVS_CMD_ZERO' }, { signal });
  }

  /**
   * Deletes all virtual services and their destinations in the namespace (IPVS_CMD_FLUSH). Connections
   * stay, as with {@link Ipvs.deleteService}; sync daemons run on, and timeouts stay as they are.
   */
  async flush(options?: CallOptions): Promise<void> {
    const signal = checkCallOptions(options);
    await this.#session.send('flush', { name: 'IPVS_CMD_FLUSH' }, { signal });
  }

  /** How long the kernel keeps connections without packets (IPVS_CMD_GET_CONFIG). */
  async getTimeouts(options?: CallOptions): Promise<Timeouts> {
    const signal = checkCallOptions(options);
    const command = { name: 'IPVS_CMD_GET_CONFIG' } as const;
    const { reply, row } = await this.#session.fetch('getTimeouts', command, signal);
    return decodeTimeouts(reply, row);
  }

  /**
   * Changes how long the kernel keeps connections without packets (IPVS_CMD_SET_CONFIG), 1..2147483
   * seconds each; timeouts that are not mentioned stay, and `{}` changes nothing. A connection takes up a
   * change with its next packet (net/netfilter/ipvs/ip_vs_proto_tcp.c, set_tcp_state).
   */
  async setTimeouts(timeouts: TimeoutsPatch, options?: CallOptions): Promise<void> {
    const command = {
      name: 'IPVS_CMD_SET_CONFIG',
      timeouts: checkTimeouts('timeouts', timeouts),
    } as const;
    const signal = checkCallOptions(options);
    await this.#session.send('setTimeouts', command, { signal });
  }

  /** The sync daemons that run, the master before the backup (IPVS_CMD_GET_DAEMON). */
  async listDaemons(options?: CallOptions): Promise<SyncDaemonEntry[]> {
    const signal = checkCallOptions(options);
    const command = { name: 'IPVS_CMD_GET_DAEMON' } as const;
    return decodeDaemons(await this.#session.dump('listDaemons', command, signal));
  }

  /**
   * Starts a sync daemon (IPVS_CMD_NEW_DAEMON). A master and a backup can run at the same time. While
   * one runs, no destination can be of another family than its service, and the other way round.
   *
   * @throws IpvsError with reason `daemon-exists`, `interface-not-found`, `interface-down`,
   * `port-in-use`, `invalid-daemon`, `unsupported-family`.
   */
  async startDaemon(daemon: SyncDaemon | SyncDaemonEntry, options?: CallOptions): Promise<void> {
    const checked = checkSyncDaemon('daemon', daemon);
    const signal = checkCallOptions(options);
    const command = { name: 'IPVS_CMD_NEW_DAEMON', daemon: checked } as const;
    await this.#session.send('startDaemon', command, { signal });
  }

  /**
   * Stops a sync daemon and waits for its end (IPVS_CMD_DEL_DAEMON). The kernel may stop one that has
   * just been started without ever answering: then the list of daemons shows whether it did.
   *
   * @throws IpvsError with reason `daemon-not-found`.
   */
  async stopDaemon(role: SyncDaemonRole, options?: CallOptions): Promise<void> {
    const checked = checkRole('role', role);
    const signal = checkCallOptions(options);
    const subject = { method: 'stopDaemon', detail: checked };
    const stop = stopDaemon(subject, checked);
    await this.#session.run(subject, { name: 'IPVS_CMD_DEL_DAEMON' }, stop, { signal });
  }

  /**
   * Streams the connection table (`/proc/net/ip_vs_conn`), a line when it is asked for: a table of a
   * million connections is never held in memory, and leaving the loop ends the reading. Calls of the
   * client can be made inside the loop.
   *
   * ```ts
   * for await (const { client, state } of ipvs.connections({ service: web })) console.log(client, state);
   * ```
   *
   * The table changes while it is read: connections may be missing or appear twice. One-packet
   * scheduling leaves none. The kernel walks the table of all network namespaces from its begin for
   * every page that it hands out (net/netfilter/ipvs/ip_vs_conn.c): reading a long one takes time that
   * grows with the square of its length.
   *
   * @throws (when the first is asked for) {@link ArgumentError} for wrong options; IpvsError with reason
   * `ipvs-unavailable` when the module is not loaded.
   */
  connections(options?: ConnectionsOptions): AsyncGenerator<Connection, void, void> {
    return streamConnections((signal) => this.#session.files('connections', signal), options);
  }

  /**
   * What the kernel counted in all services of the network namespace since it was made or zeroed
   * (`/proc/net/ip_vs_stats`).
   */
  async getTotals(options?: CallOptions): Promise<Statistics> {
    return await readTotals(this.#files('getTotals', options));
  }

  /**
   * The same, by CPU, and not lagging behind (`/proc/net/ip_vs_stats_percpu`). {@link Ipvs.zeroAll}
   * does not touch it. There is a row for each CPU that the kernel may ever have.
   */
  async getCpuTotals(options?: CallOptions): Promise<CpuTotals[]> {
    return await readCpuTotals(this.#files('getCpuTotals', options));
  }

  /** Application helpers, such as that of the module `ip_vs_ftp` (`/proc/net/ip_vs_app`). */
  async listApplications(options?: CallOptions): Promise<Application[]> {
    return await readApplications(this.#files('listApplications', options));
  }

  /**
   * All sysctls of IPVS in the network namespace by name (`/proc/sys/net/ipv4/vs/`), also those that
   * {@link Sysctls} does not know.
   *
   * @throws IpvsError with reason `ipvs-unavailable` where the kernel shows none.
   */
  async listSysctls(
    options?: CallOptions,
  ): Promise<Partial<Sysctls> & Readonly<Record<string, SysctlValue>>> {
    return await readSysctls(this.#files('listSysctls', options));
  }

  /**
   * The value of one sysctl.
   *
   * @throws IpvsError with reason `unknown-sysctl`.
   */
  async getSysctl<const Name extends string>(
    name: Name,
    options?: CallOptions,
  ): Promise<SysctlOf<Name>> {
    const checked = checkSysctlName('name', name);
    const value = await readSysctl(this.#files('getSysctl', options), 'getSysctl', checked);
    return value as SysctlOf<Name>;
  }

  /**
   * Sets one sysctl. Requires root in the user namespace that owns the network namespace, and a `/proc/sys`
   * that is not mounted read-only. Values that mean nothing are refused, also where the kernel would
   * store them; those of a sysctl that {@link Sysctls} does not know are judged by the kernel.
   *
   * @returns The value that the kernel holds afterwards: `drop_entry` 2, for one, becomes 1.
   * @throws IpvsError with reason `unknown-sysctl`, `invalid-sysctl`, `permission-denied`.
   */
  async setSysctl<const Name extends string>(
    name: Name,
    value: SysctlOf<Name>,
    options?: CallOptions,
  ): Promise<SysctlOf<Name>> {
    const checked = checkSysctlName('name', name);
    const text = checkSysctlValue('value', checked, value);
    const held = await writeSysctl(this.#files('setSysctl', options), checked, text);
    return held as SysctlOf<Name>;
  }

  /**
   * Looks for what goes wrong with IPVS in production, in the network namespace of this client; see the
   * function `diagnose`, which also works where no client can be opened. Changes nothing.
   *
   * @returns Findings, the gravest first; an empty list when nothing was found.
   */
  async diagnose(options?: DiagnoseOptions): Promise<Finding[]> {
    const checked = checkDiagnoseOptions(options);
    return await this.#session.together('diagnose', async (session) => {
      return await diagnoseSession(session, checked);
    });
  }

  #files(method: string, options: CallOptions | undefined): Files {
    return this.#session.files(method, checkCallOptions(options));
  }

  #checkKeys(
    method: string,
    service: ServiceReference,
    destination: DestinationReference,
  ): DestinationSubject {
    return {
      method,
      service: checkServiceReference('service', service),
      destination: checkDestinationReference('destination', destination),
    };
  }
}
