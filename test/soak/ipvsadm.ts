/** The same operations by ipvsadm, whose word on them is its exit status. */
import type { Destination, DestinationKey, Service, ServiceKey } from 'ipvs';
import type { Operation } from './operations.js';

function endpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function nameOf(key: ServiceKey): string[] {
  if (key.fwmark !== undefined) {
    return ['-f', String(key.fwmark), ...(key.family === 'ipv6' ? ['-6'] : [])];
  }
  const { protocol, address, port } = key;
  if (protocol === 'sctp') return ['--sctp-service', endpoint(address, port)];
  return [protocol === 'tcp' ? '-t' : '-u', endpoint(address, port)];
}

function dotted(length: number): string {
  const mask = (0xffffffff << (32 - length)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (mask >>> shift) & 0xff).join('.');
}

function mask(service: Service, length: number): string {
  const ipv6 = service.address?.includes(':') === true || service.family === 'ipv6';
  return ipv6 ? String(length) : dotted(length);
}

function definition(service: Service): string[] {
  const { scheduler, schedulerFlags = [], onePacket = false, persistence } = service;
  const { timeout, prefixLength } = persistence ?? {};
  return [
    ...['-s', scheduler],
    ...(schedulerFlags.length > 0 ? ['-b', schedulerFlags.join(',')] : []),
    ...(onePacket ? ['-o'] : []),
    ...(timeout === undefined ? [] : ['-p', String(timeout)]),
    ...(prefixLength === undefined ? [] : ['-M', mask(service, prefixLength)]),
  ];
}

const METHODS = { masquerade: '-m', direct: '-g', tunnel: '-i' } as const;

function target({ address, port }: DestinationKey): string[] {
  return ['-r', endpoint(address, port)];
}

function destinationDefinition(destination: Destination): string[] {
  const { forwarding, weight = 1, upperThreshold = 0, lowerThreshold = 0, tunnel } = destination;
  if (forwarding === 'local') throw new RangeError('ipvsadm has no word for it');
  return [
    METHODS[forwarding],
    ...['-w', String(weight), '-x', String(upperThreshold), '-y', String(lowerThreshold)],
    ...(tunnel?.type === 'gue' ? ['--tun-type', 'gue', '--tun-port', String(tunnel.port)] : []),
  ];
}

/** The arguments that make ipvsadm carry out an operation. */
export function argumentsOf(operation: Operation): string[] {
  const name = nameOf(operation.service);
  switch (operation.act) {
    case 'addService':
      return ['-A', ...name, ...definition(operation.service)];
    case 'setService':
      return ['-E', ...name, ...definition(operation.service)];
    case 'deleteService':
      return ['-D', ...name];
    case 'zero':
      return ['-Z', ...name];
    case 'addDestination':
    case 'setDestination': {
      const { act, destination } = operation;
      const words = [...target(destination), ...destinationDefinition(destination)];
      return [act === 'addDestination' ? '-a' : '-e', ...name, ...words];
    }
    case 'deleteDestination':
      return ['-d', ...name, ...target(operation.destination)];
    case 'updateService':
    case 'ensureService':
    case 'getService':
    case 'listDestinations':
    case 'updateDestination':
    case 'ensureDestination':
    case 'getDestination':
      throw new RangeError(`ipvsadm does not ${operation.act}`);
  }
}
