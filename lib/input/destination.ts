import type { Address, Family } from '../address.js';
import { conflict } from '../argument-errors.js';
import { MAX_INT } from '../limits.js';
import type { Forwarding, Tunnel } from '../model.js';
import { checkAddressIn, checkReferenceAddress } from './address.js';
import { checkIntegerIn, checkObject, checkWordIn, type Fields, Shape } from './checks.js';
import { type CheckedServiceKey, refuseUnsupported } from './service.js';

/** A destination's key within its service, checked. */
export interface CheckedDestinationKey {
  readonly family: Family;
  readonly address: Address;
  readonly port: number;
}

/** Encapsulation with every default filled in; port 0 is none. */
export interface CheckedTunnel {
  readonly type: Tunnel['type'];
  readonly port: number;
  readonly checksum: NonNullable<Tunnel['checksum']>;
}

/** A checked destination with every default filled in. */
export interface CheckedDestination {
  readonly key: CheckedDestinationKey;
  readonly forwarding: Forwarding;
  readonly weight: number;
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  readonly tunnel: CheckedTunnel;
}

/** The forwarding methods that can be written. */
export const FORWARDINGS: readonly Forwarding[] = ['masquerade', 'direct', 'tunnel', 'local'];
/** The tunnel types that can be written. */
export const TUNNEL_TYPES: readonly Tunnel['type'][] = ['ipip', 'gue', 'gre'];
/** By tunnel type, the checksums that it has. */
export const CHECKSUMS: Readonly<Record<Tunnel['type'], readonly CheckedTunnel['checksum'][]>> = {
  ipip: ['none'],
  gue: ['none', 'checksum', 'remote'],
  gre: ['none', 'checksum'],
};
const IPIP: CheckedTunnel = { type: 'ipip', port: 0, checksum: 'none' };

const TUNNEL = Shape.of('type', 'port?', 'checksum?');
const KEY_FIELDS = ['address', 'port'];
const DEFINITION_FIELDS = ['forwarding', 'weight', 'upperThreshold', 'lowerThreshold', 'tunnel'];
/** What reading adds; of these, the family means something where a destination is only named. */
const OBSERVED_FIELDS = ['family', 'connections', 'stats', 'unsupported'];
const DESTINATION = new Shape(
  [...KEY_FIELDS, ...DEFINITION_FIELDS],
  OBSERVED_FIELDS,
  '{ address, port, forwarding, … }',
);
/** What names a destination may carry the rest along. */
const DESTINATION_REFERENCE = new Shape(
  KEY_FIELDS,
  [...DEFINITION_FIELDS, ...OBSERVED_FIELDS],
  '{ address, port }',
);

/** The key of a destination that is in the table already: whatever others may have put there. */
export function checkDestinationReference(field: string, value: unknown): CheckedDestinationKey {
  const fields = checkObject(field, value, DESTINATION_REFERENCE);
  const address = checkReferenceAddress(field, fields);
  const port = checkIntegerIn(field, fields, 'port', 0, 65535);
  return { family: address.family, address, port };
}

/** Whether port 0 means something here: keep the packet's port, which requires a service that has many. */
export function takesPortZero(service: CheckedServiceKey): boolean {
  return service.fwmark !== undefined || service.port === 0;
}

function checkNewKey(
  field: string,
  fields: Fields,
  service: CheckedServiceKey,
): CheckedDestinationKey {
  const address = checkAddressIn(field, fields);
  if (fields['family'] !== undefined && fields['family'] !== address.family) {
    throw conflict(`${field}.family`, `is not the family of ${address.text}`);
  }
  const least = takesPortZero(service) ? 0 : 1;
  const unit = least === 1 ? ' (0 only in a service by firewall mark or with port 0)' : '';
  const port = checkIntegerIn(field, fields, 'port', least, 65535, unit);
  return { family: address.family, address, port };
}

function checkTunnel(field: string, value: unknown, forwarding: Forwarding): CheckedTunnel {
  if (forwarding !== 'tunnel') throw conflict(field, `does not go with forwarding '${forwarding}'`);
  const fields = checkObject(field, value, TUNNEL);
  const type = checkWordIn(field, fields, 'type', TUNNEL_TYPES);
  if (type !== 'gue' && fields['port'] !== undefined) {
    throw conflict(`${field}.port`, `is only for 'gue', not for '${type}'`);
  }
  if (type === 'ipip' && fields['checksum'] !== undefined) {
    throw conflict(`${field}.checksum`, "is only for 'gue' and 'gre', not for 'ipip'");
  }
  return {
    type,
    port: type === 'gue' ? checkIntegerIn(field, fields, 'port', 1, 65535) : 0,
    checksum:
      fields['checksum'] === undefined
        ? 'none'
        : checkWordIn(field, fields, 'checksum', CHECKSUMS[type]),
  };
}

function checkOptional(field: string, fields: Fields, name: string, fallback: number): number {
  return fields[name] === undefined ? fallback : checkIntegerIn(field, fields, name, 0, MAX_INT);
}

/** A whole destination of `service`, for adding it or for replacing its definition. */
export function checkDestination(
  field: string,
  value: unknown,
  service: CheckedServiceKey,
): CheckedDestination {
  const fields = checkObject(field, value, DESTINATION);
  refuseUnsupported(field, fields);
  const key = checkNewKey(field, fields, service);
  const forwarding = checkWordIn(field, fields, 'forwarding', FORWARDINGS);
  if (key.family !== service.family && forwarding !== 'tunnel') {
    throw conflict(
      `${field}.address`,
      `is ${key.family} and the service is ${service.family}: that requires forwarding 'tunnel'`,
    );
  }
  const upperThreshold = checkOptional(field, fields, 'upperThreshold', 0);
  const lowerThreshold = checkOptional(field, fields, 'lowerThreshold', 0);
  if (lowerThreshold > upperThreshold) {
    throw conflict(
      `${field}.lowerThreshold`,
      `must not exceed upperThreshold (${lowerThreshold} > ${upperThreshold})`,
    );
  }
  return {
    key,
    forwarding,
    weight: checkOptional(field, fields, 'weight', 1),
    upperThreshold,
    lowerThreshold,
    tunnel:
      fields['tunnel'] === undefined
        ? IPIP
        : checkTunnel(`${field}.tunnel`, fields['tunnel'], forwarding),
  };
}
