/** What the soak does to the table, and how it ends. */
import {
  type Destination,
  type DestinationKey,
  type DestinationPatch,
  type Ipvs,
  IpvsError,
  type IpvsErrorReason,
  type Service,
  type ServiceKey,
  type ServicePatch,
} from 'ipvs';

/** One call about one service or one destination. Plain data, so that it can be told and sent. */
export type Operation =
  | { act: 'addService' | 'setService' | 'ensureService'; service: Service }
  | { act: 'updateService'; service: ServiceKey; patch: ServicePatch }
  | { act: 'deleteService' | 'getService' | 'listDestinations' | 'zero'; service: ServiceKey }
  | {
      act: 'addDestination' | 'setDestination' | 'ensureDestination';
      service: ServiceKey;
      destination: Destination;
    }
  | {
      act: 'updateDestination';
      service: ServiceKey;
      destination: DestinationKey;
      patch: DestinationPatch;
    }
  | {
      act: 'deleteDestination' | 'getDestination';
      service: ServiceKey;
      destination: DestinationKey;
    };

export type Act = Operation['act'];

/** What an operation gave, without what the kernel counts; or why it failed. */
export type Result =
  | { value: unknown }
  | { reason: IpvsErrorReason; outcome: IpvsError['outcome'] }
  | { unexpected: string };

/** A definition without what the kernel observed. */
export function definitionOf(entry: object): object {
  return Object.fromEntries(
    Object.entries(entry).filter(([name]) => !['stats', 'connections'].includes(name)),
  );
}

async function call(ipvs: Ipvs, operation: Operation): Promise<unknown> {
  switch (operation.act) {
    case 'addService':
    case 'setService':
    case 'ensureService':
      return await ipvs[operation.act](operation.service);
    case 'updateService':
      await ipvs.updateService(operation.service, operation.patch);
      return undefined;
    case 'deleteService':
    case 'zero':
      await ipvs[operation.act](operation.service);
      return undefined;
    case 'getService':
      return definitionOf(await ipvs.getService(operation.service));
    case 'listDestinations':
      return (await ipvs.listDestinations(operation.service)).map(definitionOf);
    case 'addDestination':
    case 'setDestination':
    case 'ensureDestination':
      return await ipvs[operation.act](operation.service, operation.destination);
    case 'updateDestination':
      await ipvs.updateDestination(operation.service, operation.destination, operation.patch);
      return undefined;
    case 'deleteDestination':
      await ipvs.deleteDestination(operation.service, operation.destination);
      return undefined;
    case 'getDestination':
      return definitionOf(await ipvs.getDestination(operation.service, operation.destination));
  }
}

/** How a call ended; it never rejects. */
export async function resultOf(calling: Promise<unknown>): Promise<Result> {
  try {
    return { value: await calling };
  } catch (error) {
    if (!(error instanceof IpvsError)) return { unexpected: String(error) };
    return { reason: error.reason, outcome: error.outcome };
  }
}

/** Carries an operation out through a client. */
export async function perform(ipvs: Ipvs, operation: Operation): Promise<Result> {
  return await resultOf(call(ipvs, operation));
}
