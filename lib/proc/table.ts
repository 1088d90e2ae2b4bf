/** The table as `/proc/net/ip_vs` shows it to everybody. */
import { endianness } from 'node:os';
import { type FileSubject, malformedFileError } from './failures.js';
import { compareKeys } from '../keys.js';
import type {
  Forwarding,
  Info,
  ObservedDestination,
  ObservedPersistence,
  ObservedService,
} from '../model.js';
import type { Files } from './files.js';
import { lineGroups } from './lines.js';
import { ADDRESS, familyOf, PORT, readAddress, readHex, readProtocol } from './text.js';

/** Source of all lines: ip_vs_ctl.c, ip_vs_info_seq_show. */
const TITLE = /^IP Virtual Server version (\d+\.\d+\.\d+) \(size=(\d+)\)$/;
const ENDPOINT = String.raw`\[?${ADDRESS}\]?:${PORT}`;
const SERVICE = new RegExp(String.raw`^(\S+) +${ENDPOINT} (\S+) (.*)$`);
const MARK = /^FWM +([0-9A-F]{8}) (\S+) (.*)$/;
const FLAGS = /^ *(ops)? *(?:persistent (\d+) ([0-9A-F]{8}))? *$/;
const DESTINATION = new RegExp(String.raw`^ {2}-> ${ENDPOINT} +(\S+) +(-?\d+) +(\d+) +(\d+) *$`);

const FORWARDINGS: ReadonlyMap<string, Forwarding> = new Map([
  ['Masq', 'masquerade'],
  ['Route', 'direct'],
  ['Tunnel', 'tunnel'],
  ['Local', 'local'],
]);

/** The kernel swaps the bytes of an IPv6 prefix length, as if it were a mask. */
function readPrefixLength(family: 'ipv4' | 'ipv6', text: string): number | undefined {
  const bytes = Buffer.from(text, 'hex');
  if (family === 'ipv6') return endianness() === 'LE' ? bytes.readUInt32LE() : bytes.readUInt32BE();
  const length = Math.clz32(~bytes.readUInt32BE());
  return (0xffffffff << (32 - length)) >>> 0 === bytes.readUInt32BE() ? length : undefined;
}

function readPersistence(
  family: 'ipv4' | 'ipv6' | undefined,
  jiffies: string | undefined,
  mask: string | undefined,
): { persistence?: ObservedPersistence } {
  if (jiffies === undefined || mask === undefined) return {};
  const prefixLength = family === undefined ? undefined : readPrefixLength(family, mask);
  return {
    persistence: {
      timeoutJiffies: Number(jiffies),
      ...(prefixLength === undefined ? {} : { prefixLength }),
    },
  };
}

type Service = Omit<ObservedService, 'destinations'>;

function parseMark(line: string): Service | undefined {
  const [, mark, scheduler, rest = ''] = MARK.exec(line) ?? [];
  const flags = FLAGS.exec(rest);
  if (mark === undefined || scheduler === undefined || flags === null) return undefined;
  const [, ops, jiffies, mask] = flags;
  return {
    fwmark: readHex(mark),
    scheduler,
    onePacket: ops !== undefined,
    ...readPersistence(undefined, jiffies, mask),
  };
}

function parseService(line: string): Service | undefined {
  const [, name = '', address, port, scheduler, rest = ''] = SERVICE.exec(line) ?? [];
  const flags = FLAGS.exec(rest);
  if (address === undefined || port === undefined || scheduler === undefined || flags === null) {
    return undefined;
  }
  const protocol = readProtocol(name);
  const family = familyOf(address);
  const [, ops, jiffies, mask] = flags;
  return {
    ...(protocol === undefined ? {} : { protocol }),
    address: readAddress(address),
    port: readHex(port),
    scheduler,
    // Of IPv6 services the kernel does not tell it.
    ...(family === 'ipv4' ? { onePacket: ops !== undefined } : {}),
    ...readPersistence(family, jiffies, mask),
  };
}

function parseDestination(line: string): ObservedDestination | undefined {
  const match = DESTINATION.exec(line);
  const forwarding = FORWARDINGS.get(match?.[3] ?? '');
  if (match === null || forwarding === undefined) return undefined;
  const [, address = '', port = '', , weight, active, inactive] = match;
  return {
    address: readAddress(address),
    port: readHex(port),
    forwarding,
    weight: Number(weight),
    connections: { active: Number(active), inactive: Number(inactive) },
  };
}

function byKey(left: ObservedService, right: ObservedService): number {
  if (left.fwmark !== undefined || right.fwmark !== undefined) {
    return (left.fwmark ?? 0) - (right.fwmark ?? 0);
  }
  const rank =
    ['tcp', 'udp', 'sctp'].indexOf(left.protocol ?? '') -
    ['tcp', 'udp', 'sctp'].indexOf(right.protocol ?? '');
  return rank || compareKeys(endpointOf(left), endpointOf(right));
}

function endpointOf({ address = '::', port = 0 }: ObservedService): {
  address: string;
  port: number;
} {
  return { address, port };
}

/** All services with their destinations, sorted. */
export async function readObservedTable(files: Files): Promise<ObservedService[]> {
  const subject: FileSubject = { method: 'listServices', path: '/proc/net/ip_vs' };
  const services: (Service & { destinations: ObservedDestination[] })[] = [];
  let index = 0;
  for await (const lines of lineGroups(files, subject)) {
    for (const line of lines) {
      // A title and the heads of the two kinds of rows.
      if (index++ < 3) continue;
      const destination = parseDestination(line);
      const service =
        destination === undefined ? (parseMark(line) ?? parseService(line)) : undefined;
      const last = services.at(-1);
      if (service !== undefined) services.push({ ...service, destinations: [] });
      else if (destination !== undefined && last !== undefined) last.destinations.push(destination);
      else throw malformedFileError(subject, line);
    }
  }
  for (const service of services) service.destinations.sort(compareKeys);
  return services.sort(byKey);
}

/** Version and size, from the title. */
export async function readObservedInfo(
  files: Files,
  about: Pick<FileSubject, 'method' | 'opening'>,
): Promise<Info> {
  const subject: FileSubject = { ...about, path: '/proc/net/ip_vs' };
  for await (const lines of lineGroups(files, subject)) {
    const [, version, size] = TITLE.exec(lines[0] ?? '') ?? [];
    if (version === undefined) throw malformedFileError(subject, lines[0] ?? '');
    return { version, connectionTableSize: Number(size) };
  }
  throw malformedFileError(subject, '');
}
