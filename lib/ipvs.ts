import { constants } from 'node:os';
import { commandError } from './explain.js';
import { checkDestination, checkDestinationReference } from './input/destination.js';
import { checkOptions } from './input/options.js';
import { checkService, checkServiceReference } from './input/service.js';
import { formatCheckedKey, formatKey } from './keys.js';
import type {
  Destination,
  DestinationEntry,
  DestinationReference,
  Info,
  OpenOptions,
  Service,
  ServiceEntry,
  ServiceReference,
} from './model.js';
import { decodeInfo, decodeService } from './native/decode.js';
import { decodeDestinations, decodeServices } from './native/lists.js';
import { Session } from './session.js';

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
 * An open client keeps its network namespace alive, even when that is deleted, until
 * {@link Ipvs.close}.
 */
export class Ipvs implements AsyncDisposable {
  readonly #session: Session;

  private constructor(session: Session) {
    this.#session = session;
  }

  /**
   * Opens a client. Takes CAP_NET_ADMIN in the initial user namespace; for a network namespace other
   * than the calling thread's own, CAP_SYS_ADMIN too. The kernel loads its module `ip_vs` for it
   * where it can.
   *
   * @throws IpvsError with reason `unsupported-platform`, `ipvs-unavailable`, `permission-denied`,
   * `namespace-not-found`, `not-a-namespace` or `addon-not-loaded`.
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

  /** {@link Ipvs.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Version of IPVS and size of its connection table (IPVS_CMD_GET_INFO). */
  async getInfo(): Promise<Info> {
    const subject = { method: 'getInfo' };
    const { reply, row } = await this.#session.fetch(subject, { name: 'IPVS_CMD_GET_INFO' });
    return decodeInfo(reply, row);
  }

  /**
   * Adds a virtual service (IPVS_CMD_NEW_SERVICE). The first service with a scheduler may make the
   * kernel load its module.
   *
   * @throws IpvsError with reason `service-exists`, `unknown-scheduler`, `unknown-engine`,
   * `unsupported-family`.
   */
  async addService(service: Service | ServiceEntry): Promise<void> {
    await this.#defineService('addService', 'IPVS_CMD_NEW_SERVICE', service);
  }

  /**
   * Replaces the whole definition of a virtual service (IPVS_CMD_SET_SERVICE): what is not mentioned
   * gets its default. Destinations and connections stay. The key can't be changed.
   *
   * @throws IpvsError with reason `service-not-found`, `unknown-scheduler`, `unknown-engine`.
   */
  async setService(service: Service | ServiceEntry): Promise<void> {
    await this.#defineService('setService', 'IPVS_CMD_SET_SERVICE', service);
  }

  /**
   * Deletes a virtual service together with its destinations (IPVS_CMD_DEL_SERVICE).
   *
   * @throws IpvsError with reason `service-not-found`.
   */
  async deleteService(service: ServiceReference): Promise<void> {
    const key = checkServiceReference('service', service);
    await this.#session.send(
      { method: 'deleteService', service: key },
      { name: 'IPVS_CMD_DEL_SERVICE', service: key },
    );
  }

  /**
   * Reads one virtual service (IPVS_CMD_GET_SERVICE).
   *
   * @throws IpvsError with reason `service-not-found`.
   */
  async getService(service: ServiceReference): Promise<ServiceEntry> {
    const key = checkServiceReference('service', service);
    const { reply, row } = await this.#session.fetch(
      { method: 'getService', service: key },
      { name: 'IPVS_CMD_GET_SERVICE', service: key },
    );
    return decodeService(reply, row);
  }

  /**
   * Reads all virtual services, sorted by key (see `compareKeys`), each once.
   *
   * The kernel reads its table in portions: of a table that others change meanwhile, entries that
   * were there all the time may be missing (net/netfilter/ipvs/ip_vs_ctl.c resumes by index).
   */
  async listServices(): Promise<ServiceEntry[]> {
    const subject = { method: 'listServices' };
    return decodeServices(await this.#session.dump(subject, { name: 'IPVS_CMD_GET_SERVICE' }));
  }

  /**
   * Adds a destination (real server) to a virtual service (IPVS_CMD_NEW_DEST).
   *
   * @throws IpvsError with reason `service-not-found`, `destination-exists`, `invalid-destination`.
   */
  async addDestination(
    service: ServiceReference,
    destination: Destination | DestinationEntry,
  ): Promise<void> {
    await this.#defineDestination('addDestination', 'IPVS_CMD_NEW_DEST', service, destination);
  }

  /**
   * Replaces the whole definition of a destination (IPVS_CMD_SET_DEST): what is not mentioned gets
   * its default. Connections stay, also with weight 0. The key can't be changed.
   *
   * @throws IpvsError with reason `service-not-found`, `destination-not-found`,
   * `invalid-destination`.
   */
  async setDestination(
    service: ServiceReference,
    destination: Destination | DestinationEntry,
  ): Promise<void> {
    await this.#defineDestination('setDestination', 'IPVS_CMD_SET_DEST', service, destination);
  }

  /**
   * Deletes a destination from a virtual service (IPVS_CMD_DEL_DEST). Its connections stay in the
   * kernel's table, and their packets are dropped; to let them end first, set its weight to 0.
   *
   * @throws IpvsError with reason `service-not-found`, `destination-not-found`.
   */
  async deleteDestination(
    service: ServiceReference,
    destination: DestinationReference,
  ): Promise<void> {
    const keys = {
      service: checkServiceReference('service', service),
      destination: checkDestinationReference('destination', destination),
    };
    await this.#session.send(
      { method: 'deleteDestination', ...keys },
      { name: 'IPVS_CMD_DEL_DEST', ...keys },
    );
  }

  /**
   * Reads one destination. The kernel has no command for that: it costs as much as
   * {@link Ipvs.listDestinations}.
   *
   * @throws IpvsError with reason `service-not-found`, `destination-not-found`.
   */
  async getDestination(
    service: ServiceReference,
    destination: DestinationReference,
  ): Promise<DestinationEntry> {
    const key = checkServiceReference('service', service);
    const wanted = checkDestinationReference('destination', destination);
    const subject = { method: 'getDestination', service: key, destination: wanted };
    const reply = await this.#session.dump(subject, { name: 'IPVS_CMD_GET_DEST', service: key });
    const found = decodeDestinations(reply).find(
      (entry) => formatKey(entry) === formatCheckedKey(wanted),
    );
    if (found !== undefined) return found;
    const outcome = { errno: constants.errno.ENOENT, stage: 'kernel' } as const;
    throw commandError(subject, 'IPVS_CMD_GET_DEST', outcome);
  }

  /**
   * Reads all destinations of a virtual service, sorted by key (see `compareKeys`), each once
   * (IPVS_CMD_GET_DEST). What {@link Ipvs.listServices} says of a table under change holds here too.
   *
   * @throws IpvsError with reason `service-not-found`.
   */
  async listDestinations(service: ServiceReference): Promise<DestinationEntry[]> {
    const key = checkServiceReference('service', service);
    const subject = { method: 'listDestinations', service: key };
    return decodeDestinations(
      await this.#session.dump(subject, { name: 'IPVS_CMD_GET_DEST', service: key }),
    );
  }

  /** Deletes all virtual services and their destinations in the namespace (IPVS_CMD_FLUSH). */
  async flush(): Promise<void> {
    await this.#session.send({ method: 'flush' }, { name: 'IPVS_CMD_FLUSH' });
  }

  async #defineService(
    method: string,
    name: 'IPVS_CMD_NEW_SERVICE' | 'IPVS_CMD_SET_SERVICE',
    service: Service | ServiceEntry,
  ): Promise<void> {
    const definition = checkService('service', service);
    const { key } = definition;
    await this.#session.send({ method, service: key }, { name, service: key, definition });
  }

  async #defineDestination(
    method: string,
    name: 'IPVS_CMD_NEW_DEST' | 'IPVS_CMD_SET_DEST',
    service: ServiceReference,
    destination: Destination | DestinationEntry,
  ): Promise<void> {
    const key = checkServiceReference('service', service);
    const destinationDefinition = checkDestination('destination', destination, key);
    const keys = { service: key, destination: destinationDefinition.key };
    await this.#session.send({ method, ...keys }, { name, ...keys, destinationDefinition });
  }
}
