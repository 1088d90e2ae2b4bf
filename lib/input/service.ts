import type { Address, Family } from '../address.js';
import { conflict, outOfRange, wrongType } from '../argument-errors.js';
import { MAX_ENGINE_LENGTH, MAX_PERSISTENCE_TIMEOUT, MAX_SCHEDULER_LENGTH } from '../limits.js';
import type { SchedulerFlag } from '../model.js';
import { isProtocol, protocolNumber } from '../protocols.js';
import { flagAdvice, flagsOfScheduler } from '../schedulers.js';
import { checkReferenceAddress, checkServiceAddress, FAMILIES } from './address.js';
import {
  checkBoolean,
  checkIntegerIn,
  checkName,
  checkObject,
  checkWord,
  checkWordIn,
  type Fields,
  Shape,
} from './checks.js';

/** A service's key as the kernel identifies it: checked, and independent of what the caller holds. */
export type CheckedServiceKey =
  | {
      readonly family: Family;
      readonly fwmark?: never;
      readonly protocol: number;
      readonly address: Address;
      readonly port: number;
    }
  | { readonly family: Family; readonly fwmark: number };

/** A checked service with every default filled in. */
export interface CheckedService {
  readonly key: CheckedServiceKey;
  readonly scheduler: string;
  readonly schedulerFlags: readonly SchedulerFlag[];
  readonly onePacket: boolean;
  readonly persistence: CheckedPersistence | undefined;
}

/** Checked persistence with every default filled in. */
export interface CheckedPersistence {
  readonly timeout: number;
  readonly prefixLength: number;
  readonly engine: string;
}

const KEY_FIELDS = ['protocol', 'address', 'port', 'fwmark', 'family'];
const DEFINITION_FIELDS = ['scheduler', 'schedulerFlags', 'onePacket', 'persistence'];
/** What reading adds: accepted and ignored, so that an entry can be passed in again. */
const OBSERVED_FIELDS = ['stats', 'unsupported', 'destinations'];

const SERVICE = new Shape(
  [...KEY_FIELDS, ...DEFINITION_FIELDS],
  OBSERVED_FIELDS,
  '{ protocol, address, port, scheduler, … } or { fwmark, family, scheduler, … }',
);
/** What names a service may carry the rest of the service along. */
const SERVICE_REFERENCE = new Shape(
  KEY_FIELDS,
  [...DEFINITION_FIELDS, ...OBSERVED_FIELDS],
  '{ protocol, address, port } or { fwmark, family }',
);
const PERSISTENCE = Shape.of('timeout', 'prefixLength?', 'engine?');

function checkFirewallMark(field: string, fields: Fields): CheckedServiceKey {
  for (const name of ['protocol', 'address', 'port']) {
    if (fields[name] !== undefined) {
      throw conflict(`${field}.${name}`, 'does not go with fwmark: a service has one or the other');
    }
  }
  // The kernel would take mark 0 for no mark at all.
  const fwmark = checkIntegerIn(field, fields, 'fwmark', 1, 0xffffffff);
  return { family: checkWordIn(field, fields, 'family', FAMILIES), fwmark };
}

function checkProtocol(field: string, { protocol }: Fields, foreign: boolean): number {
  const expected = "one of 'tcp', 'udp', 'sctp'";
  if (typeof protocol !== 'string') throw wrongType(`${field}.protocol`, expected, protocol);
  const number = protocolNumber(protocol);
  if (number === undefined || !(foreign || isProtocol(protocol))) {
    throw outOfRange(`${field}.protocol`, expected, protocol);
  }
  return number;
}

/** The key of something that is in the table already: whatever others may have put there. */
export function checkServiceReference(field: string, value: unknown): CheckedServiceKey {
  const fields = checkObject(field, value, SERVICE_REFERENCE);
  if (fields['fwmark'] !== undefined) return checkFirewallMark(field, fields);
  const protocol = checkProtocol(field, fields, true);
  const address = checkReferenceAddress(field, fields, checkServiceAddress);
  const port = checkIntegerIn(field, fields, 'port', 0, 65535);
  return { family: address.family, protocol, address, port };
}

/** The service whose statistics are to be zeroed: for the kernel, none at all would mean every one. */
export function checkZeroedService(field: string, value: unknown): CheckedServiceKey {
  if (value !== undefined) return checkServiceReference(field, value);
  const expected = `an object ${SERVICE_REFERENCE.text}; zeroAll() is for all services`;
  throw wrongType(field, expected, value);
}

function checkNewKey(field: string, fields: Fields): CheckedServiceKey {
  if (fields['fwmark'] !== undefined) return checkFirewallMark(field, fields);
  const protocol = checkProtocol(field, fields, false);
  const address = checkServiceAddress(field, fields);
  if (fields['family'] !== undefined && fields['family'] !== address.family) {
    throw conflict(`${field}.family`, `is not the family of ${address.text}`);
  }
  // The kernel would store port 0 without persistence and then never schedule a packet for it.
  const least = fields['persistence'] === undefined ? 1 : 0;
  const unit = least === 1 ? ' (0 requires persistence)' : '';
  const port = checkIntegerIn(field, fields, 'port', least, 65535, unit);
  return { family: address.family, protocol, address, port };
}

function checkPersistence(
  field: string,
  value: unknown,
  family: Family,
): CheckedPersistence | undefined {
  if (value === undefined) return undefined;
  const fields = checkObject(field, value, PERSISTENCE);
  const longest = family === 'ipv4' ? 32 : 128;
  return {
    timeout: checkIntegerIn(field, fields, 'timeout', 1, MAX_PERSISTENCE_TIMEOUT, ' (seconds)'),
    prefixLength:
      fields['prefixLength'] === undefined
        ? longest
        : checkIntegerIn(field, fields, 'prefixLength', 1, longest),
    engine:
      fields['engine'] === undefined
        ? ''
        : checkName(`${field}.engine`, fields['engine'], MAX_ENGINE_LENGTH),
  };
}

function checkSchedulerFlags(field: string, value: unknown, scheduler: string): SchedulerFlag[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrongType(field, 'an array of scheduler flags', value);
  const words = flagsOfScheduler(scheduler);
  const flags = Array.from(value, (flag, index) =>
    checkWord(`${field}[${index}]`, flag, words, flagAdvice(scheduler)),
  );
  return words.filter((word) => flags.includes(word));
}

function checkOnePacket(field: string, value: unknown, key: CheckedServiceKey): boolean {
  if (value === undefined || !checkBoolean(field, value)) return false;
  if (key.fwmark === undefined && key.protocol !== protocolNumber('udp')) {
    throw conflict(field, 'is only for UDP services and services by firewall mark');
  }
  return true;
}

/** Refuses an entry that holds what can't be written: writing the rest would lose it silently. */
export function refuseUnsupported(field: string, fields: Fields): void {
  const unsupported = fields['unsupported'];
  if (unsupported === undefined || (Array.isArray(unsupported) && unsupported.length === 0)) return;
  throw conflict(
    `${field}.unsupported`,
    'says that another program wrote parts of this entry which cannot be written here',
  );
}

/** A whole service, for adding it or for replacing its definition. */
export function checkService(field: string, value: unknown): CheckedService {
  const fields = checkObject(field, value, SERVICE);
  refuseUnsupported(field, fields);
  const key = checkNewKey(field, fields);
  const scheduler = checkName(`${field}.scheduler`, fields['scheduler'], MAX_SCHEDULER_LENGTH);
  return {
    key,
    scheduler,
    schedulerFlags: checkSchedulerFlags(
      `${field}.schedulerFlags`,
      fields['schedulerFlags'],
      scheduler,
    ),
    onePacket: checkOnePacket(`${field}.onePacket`, fields['onePacket'], key),
    persistence: checkPersistence(`${field}.persistence`, fields['persistence'], key.family),
  };
}
