/** What `diagnose` is asked, and what it finds. */
import type { CallOptions } from '../model/options.js';

/** Options of `diagnose`. */
export interface DiagnoseOptions extends CallOptions {
  /** Schedulers that will be needed: the kernel is asked for each, and may load its module. */
  readonly schedulers?: readonly string[] | undefined;
}

/** Something that `diagnose` found. */
export interface Finding {
  /**
   * Names the kind of finding for programs: `no-ipvs`, `no-permission`, `user-namespace`, `open-failed`,
   * `scheduler-missing`, `address-not-local`, `ipv4-forwarding-off`, `ipv6-forwarding-off`,
   * `conntrack-full`, `udp-blackhole`, `persistence-outlasts-weight-0`, `connection-reuse-delay`,
   * `connection-reuse-stale`, `rp-filter-strict`, `engine-not-for-protocol`, `port-ignored`,
   * `hash-without-fallback`, `dh-without-weight`, `no-scheduler`, `no-destinations`, `all-weights-0`, `arp-ignore`, `arp-announce`,
   * `not-checked`. More may come in minor versions.
   */
  readonly id: string;
  /**
   * `error`: something does not work. `warning`: something goes wrong under circumstances. `info`:
   * worth knowing.
   */
  readonly severity: 'error' | 'warning' | 'info';
  /** What was seen, and what it leads to. */
  readonly message: string;
  /** What to do about it; a shell command where there is one. */
  readonly remedy: string;
  /** The service it is about, as `formatKey` writes it; missing where it is about none or several. */
  readonly service?: string;
  /** The destination of that service that it is about, as `formatKey` writes it; missing where it is about none. */
  readonly destination?: string;
}
