/** The commands that write services and destinations, given what has been checked. */
import type { Subject } from './failures.js';
import type { Fields } from './input/checks.js';
import type { CheckedDestination } from './input/destination.js';
import type { CheckedService, CheckedServiceKey } from './input/service.js';
import { formatCheckedKey } from './keys.js';
import type { Command } from './native/encode.js';
import type { CommandName } from './native/layout.js';
import type { Sequence } from './sequence.js';
import {
  addDestination,
  type DestinationSubject,
  ensureDestination,
  setDestination,
  TunnelSupport,
  updateDestination,
} from './sequences/destination.js';
import { ensureService, type ServiceSubject, updateService } from './sequences/service.js';
import type { Session } from './session.js';

type Signal = AbortSignal | undefined;

/** Writes into the table of a session. Its errors say what a command was about. */
export class Writer {
  readonly #session: Session;
  readonly #tunnels: TunnelSupport;

  constructor(session: Session, tunnels = new TunnelSupport()) {
    this.#session = session;
    this.#tunnels = tunnels;
  }

  /** Another one of what has been learnt of the kernel, for a part of the same session. */
  within(session: Session): Writer {
    return new Writer(session, this.#tunnels);
  }

  addService(definition: CheckedService, signal: Signal): Promise<void> {
    const command = { name: 'IPVS_CMD_NEW_SERVICE', service: definition.key, definition } as const;
    return this.#session.execute('addService', command, signal);
  }

  setService(definition: CheckedService, signal: Signal): Promise<void> {
    const command = { name: 'IPVS_CMD_SET_SERVICE', service: definition.key, definition } as const;
    return this.#session.execute('setService', command, signal);
  }

  deleteService(service: CheckedServiceKey, signal: Signal): Promise<void> {
    const command = { name: 'IPVS_CMD_DEL_SERVICE', service } as const;
    return this.#session.execute('deleteService', command, signal);
  }

  addDestination(
    service: CheckedServiceKey,
    wanted: CheckedDestination,
    signal: Signal,
  ): Promise<void> {
    const subject = { method: 'addDestination', service, destination: wanted.key };
    return this.#define('IPVS_CMD_NEW_DEST', subject, wanted, addDestination, signal);
  }

  setDestination(
    service: CheckedServiceKey,
    wanted: CheckedDestination,
    signal: Signal,
  ): Promise<void> {
    const subject = { method: 'setDestination', service, destination: wanted.key };
    return this.#define('IPVS_CMD_SET_DEST', subject, wanted, setDestination, signal);
  }

  deleteDestination(
    service: CheckedServiceKey,
    destination: DestinationSubject['destination'],
    signal: Signal,
  ): Promise<void> {
    const command = { name: 'IPVS_CMD_DEL_DEST', service, destination } as const;
    return this.#session.execute('deleteDestination', command, signal);
  }

  async updateService(service: CheckedServiceKey, patch: Fields, signal: Signal): Promise<void> {
    const subject = { method: 'updateService', service };
    await this.runFor(subject, 'IPVS_CMD_SET_SERVICE', updateService(subject, patch), signal);
  }

  async ensureService(definition: CheckedService, signal: Signal): Promise<'added' | 'set'> {
    const subject = { method: 'ensureService', service: definition.key };
    const ensure = ensureService(subject, definition);
    return await this.runFor(subject, 'IPVS_CMD_NEW_SERVICE', ensure, signal);
  }

  async updateDestination(
    subject: DestinationSubject,
    patch: Fields,
    signal: Signal,
  ): Promise<void> {
    const update = updateDestination(subject, patch, this.#tunnels);
    await this.runFor(subject, 'IPVS_CMD_SET_DEST', update, signal);
  }

  async ensureDestination(
    service: CheckedServiceKey,
    wanted: CheckedDestination,
    signal: Signal,
  ): Promise<'added' | 'set'> {
    const subject = { method: 'ensureDestination', service, destination: wanted.key };
    const ensure = ensureDestination(subject, wanted, this.#tunnels);
    return await this.runFor(subject, 'IPVS_CMD_NEW_DEST', ensure, signal);
  }

  /** Runs what is about one service or destination: never two at once for the same. */
  async runFor<Result>(
    subject: ServiceSubject & Pick<Subject, 'destination'>,
    name: CommandName,
    sequence: Sequence<Result>,
    signal: Signal,
  ): Promise<Result> {
    const { service, destination } = subject;
    const claim = {
      service: formatCheckedKey(service),
      destination: destination && formatCheckedKey(destination),
    };
    return await this.#session.run(subject, { name }, sequence, { claim, signal });
  }

  /** Gives a destination its definition: by one command, unless its kind of tunnel has not been seen to work. */
  #define(
    name: 'IPVS_CMD_NEW_DEST' | 'IPVS_CMD_SET_DEST',
    subject: DestinationSubject,
    wanted: CheckedDestination,
    sequence: typeof addDestination,
    signal: Signal,
  ): Promise<void> {
    if (!this.#tunnels.isKnown(wanted)) {
      return this.runFor(subject, name, sequence(subject, wanted, this.#tunnels), signal);
    }
    const { method, ...keys } = subject;
    const command: Command = { name, ...keys, destinationDefinition: wanted };
    return this.#session.execute(method, command, signal);
  }
}
