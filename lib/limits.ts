/** Bounds of what can be written, each with its source in the kernel. */

/** Weights and thresholds are read as int (net/netfilter/ipvs/ip_vs_ctl.c). */
export const MAX_INT = 2147483647;

/** The kernel multiplies the timeout by HZ, at most 1000, in 32 bits (ip_vs_ctl.c): more would wrap. */
export const MAX_PERSISTENCE_TIMEOUT = 4294967;

/** IP_VS_SCHEDNAME_MAXLEN without the NUL (linux/ip_vs.h). */
export const MAX_SCHEDULER_LENGTH = 15;

/** IP_VS_PENAME_MAXLEN (linux/ip_vs.h). */
export const MAX_ENGINE_LENGTH = 16;

/** SET_CONFIG refuses more than INT_MAX / HZ seconds (ip_vs_ctl.c); HZ is at most 1000. */
export const MAX_TIMEOUT = 2147483;

/** The message of a sync daemon has 8 bits for it (ip_vs_sync.c, struct ip_vs_sync_mesg). */
export const MAX_SYNC_ID = 255;

/** IP_VS_IFNAME_MAXLEN without the NUL (linux/ip_vs.h). */
export const MAX_INTERFACE_LENGTH = 15;
