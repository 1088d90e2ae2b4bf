import { type Cidr, contains, parseAddress, parseCidr } from '../address.js';
import { outOfRange, wrongType } from '../argument-errors.js';
import type { Connection, ConnectionEndpoint } from '../model.js';
import { protocolName } from '../protocols.js';
import { checkBoolean, checkObject, type Fields, Shape } from './checks.js';
import { checkDestinationReference } from './destination.js';
import { checkSignal } from './options.js';
import { checkServiceReference, type CheckedServiceKey } from './service.js';

/** Which connections are wanted. */
export interface ConnectionFilter {
  /** Whether the table with origins is to be read. */
  readonly origin: boolean;
  readonly signal: AbortSignal | undefined;
  matches(connection: Connection): boolean;
}

type Test = (connection: Connection) => boolean;

const OPTIONS = Shape.of('service?', 'destination?', 'client?', 'origin?', 'signal?');

/** Port 0 stands for any. */
function isAt(endpoint: ConnectionEndpoint, address: string, port: number): boolean {
  return endpoint.address === address && (port === 0 || endpoint.port === port);
}

function ofService(service: CheckedServiceKey): Test {
  if (service.fwmark !== undefined) {
    const { fwmark, family } = service;
    return (connection) =>
      connection.fwmark === fwmark && parseAddress(connection.client.address)?.family === family;
  }
  const protocol = protocolName(service.protocol);
  const { address, port } = service;
  return (connection) =>
    connection.protocol === protocol &&
    connection.virtual !== undefined &&
    isAt(connection.virtual, address.text, port);
}

function checkNetwork(field: string, value: unknown): Cidr {
  const expected = 'an IPv4 or IPv6 address, or a network such as 10.0.0.0/8';
  if (typeof value !== 'string') throw wrongType(field, expected, value);
  // Also of an IPv4-mapped address all 128 bits count.
  const length = value.includes(':') ? 128 : 32;
  const network = parseCidr(value.includes('/') ? value : `${value}/${length}`);
  if (network === undefined) throw outOfRange(field, expected, value);
  return network;
}

/** The options of `connections`. */
export function checkConnectionsOptions(value: unknown): ConnectionFilter {
  const fields: Fields = value === undefined ? {} : checkObject('options', value, OPTIONS);
  const { service, destination, client, origin } = fields;
  const tests: Test[] = [];
  if (service !== undefined) {
    tests.push(ofService(checkServiceReference('options.service', service)));
  }
  if (destination !== undefined) {
    const { address, port } = checkDestinationReference('options.destination', destination);
    tests.push((connection) => isAt(connection.destination, address.text, port));
  }
  if (client !== undefined) {
    const network = checkNetwork('options.client', client);
    tests.push(({ client: { address } }) => {
      const parsed = parseAddress(address);
      return parsed !== undefined && contains(network, parsed);
    });
  }
  return {
    origin: origin === undefined ? false : checkBoolean('options.origin', origin),
    signal: checkSignal('options.signal', fields['signal']),
    matches: (connection) => tests.every((test) => test(connection)),
  };
}
