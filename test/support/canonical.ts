/** What reading must give after writing: the definition with every default filled in. */
import type { Family } from '../../lib/address.js';
import type {
  Destination,
  DestinationEntry,
  PersistenceEntry,
  SchedulerFlag,
  Service,
  ServiceKey,
  ServiceObservation,
  TunnelEntry,
} from '../../lib/model.js';

const FLAGS: readonly SchedulerFlag[] = ['fallback', 'port', 'flag-1', 'flag-2', 'flag-3'];

/** The family of a service whose address is known to be one. */
export function familyOfService(service: ServiceKey): Family {
  if (service.fwmark !== undefined) return service.family;
  return service.address.includes(':') ? 'ipv6' : 'ipv4';
}

function persistenceOf(service: Service): Pick<ServiceObservation, 'persistence'> {
  const { persistence } = service;
  if (persistence === undefined) return {};
  const prefixLength = familyOfService(service) === 'ipv4' ? 32 : 128;
  return { persistence: { prefixLength, ...persistence } as PersistenceEntry };
}

function keyOfService(service: Service): ServiceKey {
  if (service.fwmark !== undefined) return { fwmark: service.fwmark, family: service.family };
  return { protocol: service.protocol, address: service.address, port: service.port };
}

/** The entry of a service whose address is in canonical text, without what the kernel counts. */
export function canonicalService(service: Service): ServiceKey & Omit<ServiceObservation, 'stats'> {
  return {
    ...keyOfService(service),
    scheduler: service.scheduler,
    schedulerFlags: FLAGS.filter((flag) => service.schedulerFlags?.includes(flag)),
    onePacket: service.onePacket ?? false,
    ...persistenceOf(service),
  };
}

/** The entry of a destination whose address is in canonical text, without what the kernel counts. */
export function canonicalDestination(
  destination: Destination,
): Omit<DestinationEntry, 'stats' | 'connections'> {
  const { forwarding, tunnel = { type: 'ipip' } } = destination;
  const { type } = tunnel;
  return {
    address: destination.address,
    port: destination.port,
    forwarding,
    weight: destination.weight ?? 1,
    upperThreshold: destination.upperThreshold ?? 0,
    lowerThreshold: destination.lowerThreshold ?? 0,
    ...(forwarding === 'tunnel'
      ? { tunnel: type === 'ipip' ? { type } : ({ checksum: 'none', ...tunnel } as TunnelEntry) }
      : {}),
  };
}
