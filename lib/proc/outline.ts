/**
 * What `/proc/net/ip_vs` tells of a table, as short texts to compare what is there with what is desired. It takes a
 * fraction of the time that netlink takes for the same, and does not tell all.
 */
import type { CheckedDestination, CheckedDestinationKey } from '../input/destination.js';
import type { CheckedServiceKey } from '../input/service.js';
import type { Forwarding } from '../model.js';
import { protocolName } from '../protocols.js';
import type { FileSubject } from './failures.js';
import type { Files } from './files.js';
import { lineGroups } from './lines.js';

/** A service as the file shows it. */
export interface Outline {
  /** Its key, as {@link outlineService} has it. */
  readonly service: string;
  /** Its destinations, as {@link outlineDestination} has them, in the kernel's order. */
  readonly destinations: readonly string[];
}

const DESTINATION_START = '  -> ';
/** Source: ip_vs_ctl.c, ip_vs_info_seq_show. What comes behind the weight counts connections. */
const DESTINATION = /^ {2}-> (\S+) +(\S+) +(\d+) /;
const SERVICE = /^(\S+) +(\S+) /;

/** Names of forwarding methods that stand for one alone: `bypass` shows as `Masq` too, but can't be desired. */
const FORWARDINGS: ReadonlyMap<Forwarding, string> = new Map([
  ['masquerade', 'Masq'],
  ['direct', 'Route'],
  ['local', 'Local'],
]);

function hex(number: number, digits: number): string {
  return number.toString(16).toUpperCase().padStart(digits, '0');
}

function outlineEndpoint({ family, address: { bytes }, port }: CheckedDestinationKey): string {
  const digits = Buffer.from(bytes).toString('hex');
  const address =
    family === 'ipv4' ? digits.toUpperCase() : `[${digits.match(/.{4}/g)?.join(':') ?? ''}]`;
  return `${address}:${hex(port, 4)}`;
}

/** The key of a service as the file shows it; those by firewall mark look the same for both families. */
export function outlineService(key: CheckedServiceKey): string {
  if (key.fwmark !== undefined) return `FWM ${hex(key.fwmark, 8)}`;
  return `${protocolName(key.protocol).toUpperCase()} ${outlineEndpoint(key)}`;
}

/** A destination as the file shows it; undefined for one that has what the file does not show. */
export function outlineDestination(destination: CheckedDestination): string | undefined {
  const { key, forwarding, weight, upperThreshold, lowerThreshold } = destination;
  const shown = FORWARDINGS.get(forwarding);
  if (shown === undefined || upperThreshold !== 0 || lowerThreshold !== 0) return undefined;
  return `${outlineEndpoint(key)} ${shown} ${weight}`;
}

/**
 * Every service of the file. Its heads look like services that nobody desires, and a line of another kind than is
 * known becomes such a destination.
 */
export async function readOutlines(files: Files, method: string): Promise<Outline[]> {
  const subject: FileSubject = { method, path: '/proc/net/ip_vs' };
  const outlines: Outline[] = [];
  let destinations: string[] = [];
  for await (const lines of lineGroups(files, subject)) {
    for (const line of lines) {
      const service = line.startsWith(DESTINATION_START) ? null : SERVICE.exec(line);
      if (service === null) {
        const [, endpoint, forwarding, weight] = DESTINATION.exec(line) ?? [];
        destinations.push(endpoint === undefined ? line : `${endpoint} ${forwarding} ${weight}`);
      } else {
        destinations = [];
        outlines.push({ service: `${service[1]} ${service[2]}`, destinations });
      }
    }
  }
  return outlines;
}
