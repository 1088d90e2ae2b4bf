import type { Address } from '../address.js';
import { outOfRange, wrongType } from '../argument-errors.js';
import { MAX_INTERFACE_LENGTH, MAX_SYNC_ID } from '../limits.js';
import type { SyncDaemonRole } from '../model.js';
import { checkAddress } from './address.js';
import { checkInteger, checkObject, checkWord, Shape } from './checks.js';

/** A checked sync daemon; 0 and undefined leave a choice to the kernel. */
export interface CheckedSyncDaemon {
  readonly role: SyncDaemonRole;
  readonly interface: string;
  readonly syncId: number;
  readonly maxLength: number;
  readonly group: Address | undefined;
  readonly port: number;
  readonly ttl: number;
}

const ROLES: readonly SyncDaemonRole[] = ['master', 'backup'];
const DAEMON = new Shape(
  ['role', 'interface', 'syncId', 'maxLength', 'group', 'port', 'ttl'],
  ['unsupported'],
  '{ role, interface, … }',
);

/** A longer datagram does not exist; an IP and a UDP header precede it. */
const MAX_PACKET = 65535;
const HEADERS = { ipv4: 28, ipv6: 48 };
/** Outside these bounds the kernel would take another length without a word (ip_vs_sync.c, start_sync_thread). */
const LEAST_LENGTH: Readonly<Record<SyncDaemonRole, number>> = { master: 1, backup: 1024 };

/** The role of a sync daemon. */
export function checkRole(field: string, value: unknown): SyncDaemonRole {
  return checkWord(field, value, ROLES);
}

function checkGroup(field: string, value: unknown): Address | undefined {
  if (value === undefined) return undefined;
  const group = checkAddress(field, value);
  const first = group.bytes[0] ?? 0;
  if (group.family === 'ipv6' ? first === 0xff : first >> 4 === 0xe) return group;
  throw outOfRange(field, 'a multicast address (224.0.0.0/4 or ff00::/8)', value);
}

/**
 * A name that an interface can have (net/core/dev.c, dev_valid_name): of bytes, whatever they mean. The kernel
 * takes 0xa0 for a blank, too, which stands in some letters' UTF-8.
 */
function checkInterface(field: string, value: unknown): string {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    const allowed = /^(?!\.{1,2}$)[^\0\t-\r /:\xa0]+$/.test(bytes.toString('latin1'));
    // A text with half a character can't be written as it is.
    const exact = bytes.toString() === value;
    if (allowed && exact && bytes.length <= MAX_INTERFACE_LENGTH) return value;
  }
  const expected = `the name of a network interface, 1 to ${MAX_INTERFACE_LENGTH} bytes without blanks, '/' and ':'`;
  throw (typeof value === 'string' ? outOfRange : wrongType)(field, expected, value);
}

function checkOptional(field: string, value: unknown, least: number, most: number): number {
  return value === undefined ? 0 : checkInteger(field, value, least, most);
}

/** A sync daemon that is to be started. */
export function checkSyncDaemon(field: string, value: unknown): CheckedSyncDaemon {
  const fields = checkObject(field, value, DAEMON);
  const role = checkRole(`${field}.role`, fields['role']);
  const group = checkGroup(`${field}.group`, fields['group']);
  const longest = MAX_PACKET - HEADERS[group?.family ?? 'ipv4'];
  return {
    role,
    interface: checkInterface(`${field}.interface`, fields['interface']),
    syncId: checkOptional(`${field}.syncId`, fields['syncId'], 0, MAX_SYNC_ID),
    maxLength: checkOptional(
      `${field}.maxLength`,
      fields['maxLength'],
      LEAST_LENGTH[role],
      longest,
    ),
    group,
    port: checkOptional(`${field}.port`, fields['port'], 1, 65535),
    ttl: checkOptional(`${field}.ttl`, fields['ttl'], 1, 255),
  };
}
