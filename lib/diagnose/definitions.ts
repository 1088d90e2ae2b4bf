/** Definitions that the kernel accepts, and that do not do what they seem to say. */
import { formatKey } from '../keys.js';
import type { Check } from './checks.js';

/**
 * `sip` is the only engine of the kernel, and reads UDP alone (net/netfilter/ipvs/ip_vs_pe_sip.c,
 * ip_vs_sip_fill_param): what it can't read is dropped (ip_vs_core.c, ip_vs_sched_persist).
 */
export const deafEngine: Check = ({ services }) =>
  services.flatMap((service) => {
    const { protocol, persistence } = service;
    if (persistence?.engine !== 'sip' || protocol === undefined || protocol === 'udp') return [];
    const key = formatKey(service);
    return [
      {
        id: 'engine-not-for-protocol',
        severity: 'error',
        service: key,
        message: `${key} has the persistence engine sip, which is for UDP alone: packets of clients are dropped, and nobody is answered.`,
        remedy: 'updateService(service, { persistence: { engine: null } })',
      },
    ];
  });

/** What keeps the port that a packet was sent to, whatever the destination's is (ip_vs_xmit.c). */
const KEEPING_PORTS: readonly string[] = ['direct', 'tunnel', 'local'];

/** A destination's port is for masquerading; with port 0 the service has no port of its own. */
export const ignoredPort: Check = ({ services }) =>
  services.flatMap((service) => {
    const { port } = service;
    if (port === undefined) return [];
    return service.destinations
      .filter((each) => each.port !== port && KEEPING_PORTS.includes(each.forwarding))
      .map((each) => ({
        id: 'port-ignored',
        severity: 'warning',
        service: formatKey(service),
        destination: formatKey(each),
        message: `${formatKey(each)} of ${formatKey(service)} has forwarding '${each.forwarding}', with which packets keep the port that they were sent to: ${port === 0 ? 'that of the destination means nothing' : `they arrive at port ${port}, never at ${each.port}`}.`,
        remedy: `let the real server listen at the service’s port, and add it anew with port ${port}; or give it forwarding 'masquerade'`,
      }));
  });
