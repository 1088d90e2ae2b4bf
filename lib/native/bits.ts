/** Which names of the model stand for which numbers of linux/ip_vs.h, both ways. */
import type { Family } from '../address.js';
import type { CheckedTunnel } from '../input/destination.js';
import type {
  ForeignForwarding,
  Forwarding,
  SchedulerFlag,
  SyncDaemonRole,
  Tunnel,
} from '../model.js';
import { flagsOfScheduler } from '../schedulers.js';
import { layout } from './layout.js';

const { constants } = layout;

/** The number of an address family. */
export function familyNumber(family: Family): number {
  return family === 'ipv6' ? constants.AF_INET6 : constants.AF_INET;
}

/** The address family of a number. */
export function familyName(number: number): Family {
  return number === constants.AF_INET6 ? 'ipv6' : 'ipv4';
}

const FORWARDING_NUMBERS: Readonly<Record<Forwarding, number>> = {
  masquerade: constants.IP_VS_CONN_F_MASQ,
  local: constants.IP_VS_CONN_F_LOCALNODE,
  tunnel: constants.IP_VS_CONN_F_TUNNEL,
  direct: constants.IP_VS_CONN_F_DROUTE,
};

const FORWARDING_NAMES = new Map<number, Forwarding | ForeignForwarding>([
  ...(Object.entries(FORWARDING_NUMBERS) as [Forwarding, number][]).map(
    ([name, number]) => [number, name] as const,
  ),
  [constants.IP_VS_CONN_F_BYPASS, 'bypass'],
]);

/** The number of a forwarding method. */
export function forwardingNumber(forwarding: Forwarding): number {
  return FORWARDING_NUMBERS[forwarding];
}

/** The name of a forwarding method's number. */
export function forwardingName(number: number): Forwarding | ForeignForwarding {
  return FORWARDING_NAMES.get(number) ?? `forwarding-${number}`;
}

const FLAG_BITS: Readonly<Record<SchedulerFlag, number>> = {
  fallback: constants.IP_VS_SVC_F_SCHED1,
  port: constants.IP_VS_SVC_F_SCHED2,
  'flag-1': constants.IP_VS_SVC_F_SCHED1,
  'flag-2': constants.IP_VS_SVC_F_SCHED2,
  'flag-3': constants.IP_VS_SVC_F_SCHED3,
};

/** The bits of scheduler flags. */
export function schedulerFlagBits(flags: readonly SchedulerFlag[]): number {
  return flags.reduce((bits, flag) => bits | FLAG_BITS[flag], 0);
}

/** The names of a service's scheduler flags: the first two have other names under `sh` and `mh`. */
export function schedulerFlagNames(bits: number, scheduler: string): SchedulerFlag[] {
  return flagsOfScheduler(scheduler).filter((name) => (bits & FLAG_BITS[name]) !== 0);
}

/** Tunnel types and checksums by their number (`IP_VS_CONN_F_TUNNEL_TYPE_*`, `IP_VS_TUNNEL_ENCAP_FLAG_*`). */
export const TUNNEL_TYPES: readonly Tunnel['type'][] = ['ipip', 'gue', 'gre'];
export const TUNNEL_CHECKSUMS: readonly CheckedTunnel['checksum'][] = [
  'none',
  'checksum',
  'remote',
];

const ROLE_NUMBERS: Readonly<Record<SyncDaemonRole, number>> = {
  master: constants.IP_VS_STATE_MASTER,
  backup: constants.IP_VS_STATE_BACKUP,
};

/** The number of a sync daemon's role. */
export function roleNumber(role: SyncDaemonRole): number {
  return ROLE_NUMBERS[role];
}

/** The role of a sync daemon's number: the kernel lists no others. */
export function roleName(number: number): SyncDaemonRole {
  return number === ROLE_NUMBERS.master ? 'master' : 'backup';
}
