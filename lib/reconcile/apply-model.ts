/** The words of applying a desired state: options and reports. Types only. */
import type { Finding } from '../diagnose/model.js';
import type { CallOptions, ConnectionGauges } from '../model.js';
import type { Change, ChangeKey, DrainRule, PlanOptions } from './plan-model.js';

/** Since when a destination drains. */
export interface DrainStart {
  /** The destination. */
  readonly key: Required<ChangeKey>;
  /**
   * Milliseconds since 1970, as `Date.now()` gives them. Within a program they don't follow a clock that is set anew:
   * a drain lasts as long as it is to.
   */
  readonly since: number;
}

/** What happens to destinations that are no longer desired. */
export interface DrainOptions extends DrainRule {
  /**
   * Milliseconds until a destination goes even though it still has connections, 1..2592000000 (30 days).
   * There is no default: only you know how long a request may take.
   */
  readonly deadline: number;
  /**
   * Since when destinations drain that do already: what {@link ApplyReport.draining} said before. Destinations
   * that it does not mention drain from now on; so a program that keeps it through its restarts ends
   * its drains in time. What no longer drains is ignored. Default: none.
   */
  readonly since?: readonly DrainStart[] | undefined;
  /**
   * Whether to drain also in services whose scheduler is `dh`, or `mh` or `sh` without its flag `fallback`. There the
   * kernel goes on to choose destinations of weight 0, and refuses the clients for whom it did
   * (net/netfilter/ipvs/ip_vs_dh.c, ip_vs_mh.c, ip_vs_sh.c). Default: false, they stay as they are and are reported as failed.
   */
  readonly allowRefusals?: boolean | undefined;
}

/** What a desired state may do to a table. */
export interface ApplyRules extends Omit<PlanOptions, 'drain'> {
  /**
   * What happens to destinations that are no longer desired: at first they get weight 0, and an apply that finds them without
   * connections, or past the deadline, deletes them. Default: they are deleted at once.
   */
  readonly drain?: DrainOptions | undefined;
  /**
   * The share of what is within the scope, services and destinations alike, that may go at once, 0..1. A destination
   * does not count if another one of its service comes in its stead, nor does one that drains already; a service that
   * loses all its destinations counts with them. More
   * than that is refused as a whole: it is more likely a half-written file. Default: 0.5.
   */
  readonly maxRemovals?: number | undefined;
  /** Whether an empty state is meant: everything within the scope goes then. Default: false, it is refused. */
  readonly allowEmpty?: boolean | undefined;
  /**
   * Whether new destinations are added in a random order: many nodes that do not agree on it do not send
   * their first connections to the same server. Default: false, in the order of the desired state.
   */
  readonly shuffle?: boolean | undefined;
}

/** Options of `apply`. */
export interface ApplyOptions extends ApplyRules, CallOptions {
  /** Whether to read and plan, and change nothing. Default: false. */
  readonly dryRun?: boolean | undefined;
  /**
   * Whether to look for differences in `/proc/net/ip_vs` and one list of the services, and to read by their keys
   * those services alone that differ there: little has to be read where nearly all is as desired. Nothing is
   * changed on the word of `/proc`. It misses what others changed in ways that it does not show (net/netfilter/ipvs/ip_vs_ctl.c,
   * ip_vs_info_seq_show): thresholds and tunnels of destinations that are desired without, and a `bypass` in place of
   * `masquerade`; so apply without it now and then. Services that are desired with thresholds or tunnels are always
   * read, and when they are the most, the whole table is. Default: false.
   */
  readonly quick?: boolean | undefined;
}

/** A destination that was left with weight 0, or got it. */
export interface DrainingDestination extends DrainStart {
  /** When it goes at the latest, in milliseconds since 1970. */
  readonly until: number;
  /**
   * What keeps it: its connections, or clients that persistence has bound to it and that
   * may come back, which counts while the sysctl `expire_quiescent_template` is 0.
   */
  readonly waitsFor: 'connections' | 'persistence';
  /** As they were read, which is before it got weight 0. */
  readonly connections: ConnectionGauges;
}

/** A destination that had been drained and was deleted. */
export interface DrainedDestination extends DrainStart {
  /** Whether it still had connections, and its deadline had passed. */
  readonly forced: boolean;
  /** Those that it had when it was read last. */
  readonly connections: ConnectionGauges;
}

/** A change that was not made. */
export interface FailedChange {
  /** What was to be done. */
  readonly change: Change;
  /**
   * Why it was not: what the kernel said ({@link IpvsError}); reason `withheld` where something else has to be done
   * first and failed; an error whose `name` is `AbortError` when the signal came before.
   */
  readonly error: Error;
}

/** What came of applying a desired state. */
export interface ApplyReport {
  /** What was to be done, as `plan` says it. */
  readonly planned: readonly Change[];
  /** What was done, in this order; empty after a dry run. */
  readonly applied: readonly Change[];
  /** What was not. */
  readonly failed: readonly FailedChange[];
  /** How much of what is desired was there already. */
  readonly unchanged: {
    /** Services, their destinations aside. */
    readonly services: number;
    /** Destinations. */
    readonly destinations: number;
  };
  /** Destinations that are not desired and stay for now: apply again to end their drain. */
  readonly draining: readonly DrainingDestination[];
  /** Destinations that drained and have gone. */
  readonly drained: readonly DrainedDestination[];
  /**
   * Sysctls by which draining is pointless here (`persistence-outlasts-weight-0`), or clients of UDP or SCTP are cut off
   * without noticing, since destinations are deleted without being drained (`udp-blackhole`); as `diagnose` reports them.
   */
  readonly warnings: readonly Finding[];
}
