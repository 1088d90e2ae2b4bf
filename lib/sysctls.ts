/** The sysctls of IPVS that are known, with their meaning; types only, and their bounds. */
import { MAX_INT } from './limits.js';

/** The value of a sysctl: a number, several numbers, or a text where it is neither. */
export type SysctlValue = number | readonly number[] | string;

/**
 * The sysctls below `/proc/sys/net/ipv4/vs/`, each for one network namespace, by the kernel's names
 * (ip_vs_ctl.c, Documentation/networking/ipvs-sysctl.rst). Which of them a kernel has depends on its
 * version and configuration. Defaults are those of Linux 6.1.
 */
export interface Sysctls {
  /** With `drop_packet` 3, one packet of this many is dropped. Default: 10. */
  readonly am_droprate: number;
  /** Free memory in pages below which the automatic defences begin. Default: 1024. */
  readonly amemthresh: number;
  /** 1: no scheduling while this director is a backup only. Default: 0. */
  readonly backup_only: number;
  /** 1: forward to the original address when no destination is there (transparent caches). Default: 0. */
  readonly cache_bypass: number;
  /**
   * What happens to a new connection from a client port that the table holds already. Bits: 0 none, it
   * goes to the old destination; 1 reschedule when that is safe; 2 also in FIN_WAIT. Default: 1.
   */
  readonly conn_reuse_mode: number;
  /** 1: keep entries in nf_conntrack too (CONFIG_IP_VS_NFCT). Default: 0. */
  readonly conntrack: number;
  /** Verbosity of the kernel's log (CONFIG_IP_VS_DEBUG); writable in the initial namespace. Default: 0. */
  readonly debug_level: number;
  /**
   * Drop half-open connections at random under attack: 0 never, 1 when memory runs low (reads 2 while
   * it does), 3 always. The kernel turns 1 and 2 into each other. Default: 0.
   */
  readonly drop_entry: number;
  /** Drop one of so many packets: 0 never, 1 and 2 automatic as in `drop_entry`, 3 always. Default: 0. */
  readonly drop_packet: number;
  /** 1: forget connections whose destination was deleted. Default: 0, drop their packets. */
  readonly expire_nodest_conn: number;
  /** 1: forget persistence templates of destinations with weight 0. Default: 0. */
  readonly expire_quiescent_template: number;
  /** 1: leave packets of unknown protocols to others once they were seen. Default: 0. */
  readonly ignore_tunneled: number;
  /** Seconds that an idle entry of scheduler `lblc` lives; there with its module. Default: 86400. */
  readonly lblc_expiration: number;
  /** Seconds that an idle entry of scheduler `lblcr` lives; there with its module. Default: 86400. */
  readonly lblcr_expiration: number;
  /** 1: answer unreachable to destinations whose connection is not known. Default: 0. */
  readonly nat_icmp_send: number;
  /** 1: refuse packets that are too big for a tunnel, by ICMP. Default: 1. */
  readonly pmtu_disc: number;
  /** 0: {@link Statistics} stand still. Default: 1. */
  readonly run_estimation: number;
  /** 1: schedule ICMP packets that belong to no connection. Default: 0. */
  readonly schedule_icmp: number;
  /** Shorter TCP timeouts under attack: 0 never, 1 and 2 automatic as in `drop_entry`, 3 always. Default: 0. */
  readonly secure_tcp: number;
  /** 1: take up SCTP associations in their middle. Default: 0. */
  readonly sloppy_sctp: number;
  /** 1: take up TCP connections in their middle. Default: 0. */
  readonly sloppy_tcp: number;
  /** 1: route answers anew after masquerading. Default: 1. */
  readonly snat_reroute: number;
  /** 1: sync persistence templates only. Default: 0. */
  readonly sync_persist_mode: number;
  /** Threads and UDP ports of a sync daemon: a power of two, 1..64; read when it starts. Default: 1. */
  readonly sync_ports: number;
  /** Sync messages that may wait. Default: by memory. */
  readonly sync_qlen_max: number;
  /** Seconds after which an unchanged connection is synced again; 0 never. Default: 0. */
  readonly sync_refresh_period: number;
  /** How often a sync message is repeated, 0..3. Default: 0. */
  readonly sync_retries: number;
  /** Size of the sync sockets' buffers in bytes; 0 is the system's. Default: 0. */
  readonly sync_sock_size: number;
  /** Packets before a connection is synced first, and how many between two syncs. Default: [3, 50]. */
  readonly sync_threshold: readonly [threshold: number, period: number];
  /** Format of sync messages: 0 for Linux before 2.6.39, 1. Default: 1. */
  readonly sync_version: number;
  /** CPUs of the estimator (Linux 6.2). */
  readonly est_cpulist: SysctlValue;
  /** Priority of the estimator, -20..19 (Linux 6.2). Default: 0. */
  readonly est_nice: number;
}

/** The value of the sysctl `Name`: any {@link SysctlValue} of one that {@link Sysctls} does not know. */
export type SysctlOf<Name extends string> = Name extends keyof Sysctls
  ? Sysctls[Name]
  : SysctlValue;

/** The whole numbers that a sysctl accepts: those that mean something, fewer than the kernel stores. */
export type Bounds = readonly [least: number, most: number];

const SWITCH: Bounds = [0, 1];
const MODE: Bounds = [0, 3];
const NATURAL: Bounds = [0, MAX_INT];
/** Multiplied by HZ, at most 1000, in 31 bits. */
const SECONDS: Bounds = [0, 2147483];

/** By name, for those that are one number. */
export const SYSCTL_BOUNDS: ReadonlyMap<string, Bounds> = new Map<keyof Sysctls, Bounds>([
  ['am_droprate', [1, MAX_INT]],
  ['amemthresh', NATURAL],
  ['backup_only', SWITCH],
  ['cache_bypass', SWITCH],
  ['conn_reuse_mode', MODE],
  ['conntrack', SWITCH],
  ['debug_level', NATURAL],
  ['drop_entry', MODE],
  ['drop_packet', MODE],
  ['expire_nodest_conn', SWITCH],
  ['expire_quiescent_template', SWITCH],
  ['ignore_tunneled', SWITCH],
  ['lblc_expiration', SECONDS],
  ['lblcr_expiration', SECONDS],
  ['nat_icmp_send', SWITCH],
  ['pmtu_disc', SWITCH],
  ['run_estimation', SWITCH],
  ['schedule_icmp', SWITCH],
  ['secure_tcp', MODE],
  ['sloppy_sctp', SWITCH],
  ['sloppy_tcp', SWITCH],
  ['snat_reroute', SWITCH],
  ['sync_persist_mode', SWITCH],
  ['sync_ports', [1, 64]],
  ['sync_qlen_max', [0, Number.MAX_SAFE_INTEGER]],
  ['sync_refresh_period', SECONDS],
  ['sync_retries', MODE],
  ['sync_sock_size', NATURAL],
  ['sync_version', SWITCH],
  ['est_nice', [-20, 19]],
]);
