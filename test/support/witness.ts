/** Our model said in ipvsadm's words, so that the two can be compared. */
import { isIPv6 } from 'node:net';
import type {
  Destination,
  DestinationEntry,
  Ipvs,
  Service,
  ServiceEntry,
  ServiceReference,
  ServiceSnapshot,
  Statistics,
  Tunnel,
} from 'ipvs';
import {
  type AdmCounters,
  type AdmDestination,
  type AdmForwarding,
  type AdmService,
  type AdmServiceCounters,
  sortTable,
} from './ipvsadm.js';

/** A service with its destinations, as it was defined or as it was read. */
export interface TableEntry {
  readonly service: Service | ServiceEntry;
  readonly destinations: readonly (Destination | DestinationEntry)[];
}

/** One spelling for each address, by Node's word rather than ours. */
export function canonicalAddress(text: string): string {
  return isIPv6(text) ? new URL(`http://[${text}]/`).hostname.slice(1, -1) : text;
}

/** What ipvsadm listed, addresses in one spelling, in one order. */
export function canonicalTable(table: readonly AdmService[]): AdmService[] {
  return sortTable(
    table.map((service) => ({
      ...service,
      ...(service.address === undefined ? {} : { address: canonicalAddress(service.address) }),
      destinations: service.destinations.map((destination) => ({
        ...destination,
        address: canonicalAddress(destination.address),
      })),
    })),
  );
}

const CHECKSUMS = { none: '-c', checksum: '+c', remote: 'r+c' } as const;

function tunnelInfo({ type, port, checksum = 'none' }: Tunnel): string {
  if (type === 'ipip') return type;
  return type === 'gue'
    ? `gue:${String(port)}:${CHECKSUMS[checksum]}`
    : `gre:${CHECKSUMS[checksum]}`;
}

function destinationInItsWords(destination: Destination | DestinationEntry): AdmDestination {
  const { tunnel = { type: 'ipip' } } = destination;
  const forwarding = destination.forwarding as AdmForwarding;
  const observed = 'connections' in destination ? destination.connections : undefined;
  return {
    address: canonicalAddress(destination.address),
    port: destination.port,
    forwarding,
    weight: destination.weight ?? 1,
    upperThreshold: destination.upperThreshold ?? 0,
    lowerThreshold: destination.lowerThreshold ?? 0,
    active: observed?.active ?? 0,
    inactive: observed?.inactive ?? 0,
    ...(forwarding === 'tunnel' ? { tunnelInfo: tunnelInfo(tunnel as Tunnel) } : {}),
  };
}

function dottedMask(length: number): string {
  const bits = '1'.repeat(length).padEnd(32, '0');
  return [0, 8, 16, 24].map((from) => Number.parseInt(bits.slice(from, from + 8), 2)).join('.');
}

function persistenceInItsWords({ persistence }: Service | ServiceEntry, family: string) {
  if (persistence === undefined) return {};
  const { timeout, prefixLength, engine } = persistence;
  const full = family === 'ipv4' ? 32 : 128;
  const mask =
    prefixLength === undefined || prefixLength === full
      ? {}
      : { mask: family === 'ipv4' ? dottedMask(prefixLength) : prefixLength };
  return { persistent: { timeout, ...mask, ...(engine === undefined ? {} : { engine }) } };
}

/**
 * `fallback` is `sh-fallback` under the scheduler sh, `mh-fallback` under mh. There ipvsadm leaves
 * `flag-3` out: of that flag alone it prints an empty list.
 */
function flagsInItsWords({ scheduler, schedulerFlags = [] }: Service | ServiceEntry): string[] {
  const hashing = scheduler === 'sh' || scheduler === 'mh';
  const order = hashing
    ? (['fallback', 'port'] as const)
    : (['flag-1', 'flag-2', 'flag-3'] as const);
  const named = order
    .filter((flag) => schedulerFlags.includes(flag))
    .map((flag) => (hashing ? `${scheduler}-${flag}` : flag));
  return named.length === 0 && schedulerFlags.length > 0 ? [''] : named;
}

function keyInItsWords(service: ServiceReference) {
  if (service.fwmark !== undefined) {
    return { protocol: 'fwmark' as const, fwmark: service.fwmark, family: service.family };
  }
  return {
    protocol: service.protocol as 'tcp',
    address: canonicalAddress(service.address),
    port: service.port,
    family: isIPv6(service.address) ? ('ipv6' as const) : ('ipv4' as const),
  };
}

/** What ipvsadm must list when the kernel holds this table. */
export function asIpvsadmLists(table: readonly TableEntry[]): AdmService[] {
  return sortTable(
    table.map(({ service, destinations }) => {
      const key = keyInItsWords(service);
      return {
        ...key,
        scheduler: service.scheduler,
        flags: flagsInItsWords(service),
        onePacket: service.onePacket ?? false,
        ...persistenceInItsWords(service, key.family),
        destinations: destinations.map(destinationInItsWords),
      };
    }),
  );
}

/** What ipvsadm, too, counts. */
export function totalsOf(counted: Statistics | AdmCounters): AdmCounters {
  const { connections, inPackets, outPackets, inBytes, outBytes } = counted;
  return { connections, inPackets, outPackets, inBytes, outBytes };
}

/** What `ipvsadm --stats` must list when the kernel counted this. */
export function asIpvsadmCounts(table: readonly ServiceSnapshot[]): AdmServiceCounters[] {
  return sortTable(
    table.map((service) => ({
      ...keyInItsWords(service),
      ...totalsOf(service.stats),
      destinations: service.destinations.map((each) => ({
        ...{ address: canonicalAddress(each.address), port: each.port },
        ...totalsOf(each.stats),
      })),
    })),
  );
}

/** All that our own reading says of the table. */
export async function readAll(ipvs: Ipvs): Promise<TableEntry[]> {
  const services = await ipvs.listServices();
  return await Promise.all(
    services.map(async (service) => ({
      service,
      destinations: await ipvs.listDestinations(service),
    })),
  );
}

/** Writes a table, every command in one turn. */
export async function writeAll(ipvs: Ipvs, table: readonly TableEntry[]): Promise<void> {
  await Promise.all(
    table.flatMap(({ service, destinations }) => [
      ipvs.addService(service),
      ...destinations.map(async (each) => {
        await ipvs.addDestination(service, each);
      }),
    ]),
  );
}
