/** What the kernel must hold when every acknowledgement was true. */
import type {
  Destination,
  DestinationKey,
  IpvsErrorReason,
  Service,
  ServiceKey,
  ServicePatch,
} from 'ipvs';
import { canonicalDestination, canonicalService } from '../support/canonical.js';
import type { TableEntry } from '../support/witness.js';
import type { Operation, Result } from './operations.js';

interface Held {
  service: Service;
  readonly destinations: Map<string, Destination>;
}

function nameOfService(key: ServiceKey): string {
  return key.fwmark === undefined
    ? `${key.protocol} ${key.address} ${key.port}`
    : `${key.fwmark} ${key.family}`;
}

function nameOfDestination({ address, port }: DestinationKey): string {
  return `${address} ${port}`;
}

function refused(reason: IpvsErrorReason): Result {
  return { reason, outcome: 'not-applied' };
}

const DONE: Result = { value: undefined };

function patched(service: Service, { persistence, ...rest }: ServicePatch): Service {
  const { persistence: before, ...kept } = service;
  const after = persistence === null ? undefined : { ...before, ...persistence };
  const merged = { ...kept, ...rest } as Service;
  return after === undefined || (before === undefined && persistence === undefined)
    ? merged
    : ({ ...merged, persistence: after } as Service);
}

/**
 * The services of one writer, which nobody else writes. Its calls are carried out in their order, so
 * that what each of them must give is known as soon as it is made.
 */
export class Model {
  readonly #table = new Map<string, Held>();

  /** Carries an operation out, and says what the caller must be told. */
  apply(operation: Operation): Result {
    const held = this.#table.get(nameOfService(operation.service));
    if ('destination' in operation) {
      return held === undefined ? refused('service-not-found') : this.#change(held, operation);
    }
    if (held === undefined) return this.#create(operation);
    switch (operation.act) {
      case 'addService':
        return refused('service-exists');
      case 'ensureService':
        held.service = operation.service;
        return { value: 'set' };
      case 'setService':
        held.service = operation.service;
        return DONE;
      case 'updateService':
        held.service = patched(held.service, operation.patch);
        return DONE;
      case 'deleteService':
        this.#table.delete(nameOfService(operation.service));
        return DONE;
      case 'zero':
        return DONE;
      case 'getService':
        return { value: canonicalService(held.service) };
      case 'listDestinations':
        return { value: destinationsOf(held).map(canonicalDestination) };
    }
  }

  /** The services of this writer with their destinations. */
  entries(): TableEntry[] {
    return [...this.#table.values()].map((held) => ({
      service: held.service,
      destinations: destinationsOf(held),
    }));
  }

  #create(operation: Exclude<Operation, { destination: DestinationKey }>): Result {
    const { act } = operation;
    if (act !== 'addService' && act !== 'ensureService') return refused('service-not-found');
    const { service } = operation;
    this.#table.set(nameOfService(service), { service, destinations: new Map() });
    return act === 'ensureService' ? { value: 'added' } : DONE;
  }

  #change(
    { destinations }: Held,
    operation: Extract<Operation, { destination: DestinationKey }>,
  ): Result {
    const name = nameOfDestination(operation.destination);
    const there = destinations.get(name);
    if (operation.act === 'addDestination' || operation.act === 'ensureDestination') {
      if (there !== undefined && operation.act === 'addDestination') {
        return refused('destination-exists');
      }
      destinations.set(name, operation.destination);
      if (operation.act === 'addDestination') return DONE;
      return { value: there === undefined ? 'added' : 'set' };
    }
    if (there === undefined) return refused('destination-not-found');
    switch (operation.act) {
      case 'setDestination':
        destinations.set(name, operation.destination);
        return DONE;
      case 'updateDestination':
        destinations.set(name, { ...there, ...operation.patch } as Destination);
        return DONE;
      case 'deleteDestination':
        destinations.delete(name);
        return DONE;
      case 'getDestination':
        return { value: canonicalDestination(there) };
    }
  }
}

/** In the order of a list: few enough destinations that each differs in one last byte or digit. */
function destinationsOf({ destinations }: Held): Destination[] {
  return [...destinations.values()].sort((left, right) =>
    left.address < right.address ? -1 : left.address > right.address ? 1 : 0,
  );
}
