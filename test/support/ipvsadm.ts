/**
 * What ipvsadm says the kernel holds: the independent witness of the tests.
 *
 * It imports nothing from `lib/` on purpose, not even its addresses: an error
 * made in both would otherwise agree with itself. Every line is read whole or
 * refused, because a line that is passed over is a service nobody checks.
 *
 * @module
 */

import { isIPv4, isIPv6 } from 'node:net';

/** A method that ipvsadm has no name for, bypass for one, is `(null)`: so it prints it. */
export type AdmForwarding = 'masquerade' | 'direct' | 'tunnel' | 'local' | '(null)';

export interface AdmDestination {
  address: string;
  port: number;
  forwarding: AdmForwarding;
  weight: number;
  upperThreshold: number;
  lowerThreshold: number;
  active: number;
  inactive: number;
  /** `ipip`, `gue:PORT:FLAG` or `gre:FLAG`, for tunnels only; FLAG is `-c`, `+c` or `r+c`. */
  tunnelInfo?: string;
}

export interface AdmPersistence {
  timeout: number;
  /** Dotted for IPv4, a prefix length for IPv6; ipvsadm is silent about a full one. */
  mask?: string | number;
  engine?: string;
}

/** What names a virtual service: protocol, address and port, or a firewall mark. */
export interface AdmServiceName {
  protocol: 'tcp' | 'udp' | 'sctp' | 'fwmark';
  address?: string;
  port?: number;
  fwmark?: number;
  family: 'ipv4' | 'ipv6';
}

/** What ipvsadm's default listing says of a destination. */
export type AdmListedDestination = Omit<
  AdmDestination,
  'upperThreshold' | 'lowerThreshold' | 'tunnelInfo'
>;

/** What `--thresholds` says of a destination. */
export type AdmThresholds = Omit<AdmDestination, 'forwarding' | 'weight' | 'tunnelInfo'>;

/** What `--tun-info` says of a destination. */
export type AdmTunnel = Omit<AdmDestination, 'upperThreshold' | 'lowerThreshold'>;

export interface AdmService<Destination = AdmDestination> extends AdmServiceName {
  scheduler: string;
  /**
   * As ipvsadm names and orders them. It has no name for flag-3 of the schedulers sh and mh, and leaves
   * it out; where there is no other, its list is empty but there: one flag without a name, `['']`.
   */
  flags: string[];
  onePacket: boolean;
  persistent?: AdmPersistence;
  destinations: Destination[];
}

export interface AdmCounters {
  connections: bigint;
  inPackets: bigint;
  outPackets: bigint;
  inBytes: bigint;
  outBytes: bigint;
}

export interface AdmServiceCounters extends AdmServiceName, AdmCounters {
  destinations: (AdmCounters & { address: string; port: number })[];
}

/** Reads `ipvsadm -Ln`. */
export function parseList(text: string): AdmService<AdmListedDestination>[] {
  return parse(text, LIST_TITLES, readService, (line) => {
    const [name, forwarding, weight, active, inactive] = columns(line, 5);
    return {
      ...readEndpoint(name, line),
      forwarding: readForwarding(forwarding, line),
      weight: readNumber(weight, line),
      active: readNumber(active, line),
      inactive: readNumber(inactive, line),
    };
  });
}

/** Reads `ipvsadm -Ln --thresholds`. */
export function parseThresholds(text: string): AdmService<AdmThresholds>[] {
  return parse(text, THRESHOLDS_TITLES, readService, (line) => {
    const [name, upper, lower, active, inactive] = columns(line, 5);
    return {
      ...readEndpoint(name, line),
      upperThreshold: readNumber(upper, line),
      lowerThreshold: readNumber(lower, line),
      active: readNumber(active, line),
      inactive: readNumber(inactive, line),
    };
  });
}

/** Reads `ipvsadm -Ln --tun-info`. */
export function parseTunInfo(text: string): AdmService<AdmTunnel>[] {
  return parse(text, TUN_INFO_TITLES, readService, (line) => {
    const [name, method, info, weight, active, inactive] = columns(line, 6);
    const forwarding = readForwarding(method, line);
    if (!TUNNEL_INFO.test(info) || (forwarding === 'tunnel') === (info === 'n/a')) fail(line);
    return {
      ...readEndpoint(name, line),
      forwarding,
      ...(info === 'n/a' ? {} : { tunnelInfo: info }),
      weight: readNumber(weight, line),
      active: readNumber(active, line),
      inactive: readNumber(inactive, line),
    };
  });
}

/**
 * Reads `ipvsadm -Ln --stats --exact`; without `--exact` ipvsadm abbreviates large
 * numbers, and such a line is refused. ipvsadm reads a destination's connections and
 * packets with 32 bits, so those are true only below 2^32.
 */
export function parseStats(text: string): AdmServiceCounters[] {
  return parse(
    text,
    STATS_TITLES,
    (line): Omit<AdmServiceCounters, 'destinations'> => {
      const match = /^(.*?) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)$/.exec(line) ?? fail(line);
      const [, name = '', ...counters] = match;
      const { rest, ...service } = readServiceName(name, line);
      if (rest !== '') fail(line);
      return { ...service, ...readCounters(counters, line) };
    },
    (line) => {
      const [name, ...counters] = columns(line, 6);
      return { ...readEndpoint(name, line), ...readCounters(counters, line) };
    },
  );
}

/** The table changed between two listings. */
export class TableChangedError extends Error {}

/**
 * Reads all that ipvsadm tells of the kernel's table, in the order of {@link sortTable}.
 *
 * @param run - Runs ipvsadm with these arguments and gives its standard output.
 * @throws TableChangedError
 */
export async function readTable(run: (args: string[]) => Promise<string>): Promise<AdmService[]> {
  const listed = sortTable(parseList(await run(['-Ln', '--nosort'])));
  const limited = sortTable(parseThresholds(await run(['-Ln', '--nosort', '--thresholds'])));
  const tunnelled = sortTable(parseTunInfo(await run(['-Ln', '--nosort', '--tun-info'])));
  requireSame(listed, limited);
  requireSame(listed, tunnelled);
  return listed.map((service, s) => ({
    ...service,
    destinations: service.destinations.map((destination, d) => {
      const { upperThreshold, lowerThreshold } = at(at(limited, s).destinations, d);
      const { tunnelInfo } = at(at(tunnelled, s).destinations, d);
      return {
        ...destination,
        upperThreshold,
        lowerThreshold,
        ...(tunnelInfo === undefined ? {} : { tunnelInfo }),
      };
    }),
  }));
}

/**
 * A table in an order of its own: services by protocol, family, firewall mark, address
 * and port, destinations by address and port, addresses by their text.
 *
 * ipvsadm's own order is no order: it subtracts 32-bit addresses into an `int`.
 */
export function sortTable<Service extends { destinations: { address: string; port: number }[] }>(
  services: readonly (Service & AdmServiceName)[],
): (Service & AdmServiceName)[] {
  return services
    .map((service) => ({
      ...service,
      destinations: service.destinations.toSorted(
        (a, b) => compare(a.address, b.address) || a.port - b.port,
      ),
    }))
    .sort(
      (a, b) =>
        compare(a.protocol, b.protocol) ||
        compare(a.family, b.family) ||
        (a.fwmark ?? 0) - (b.fwmark ?? 0) ||
        compare(a.address ?? '', b.address ?? '') ||
        (a.port ?? 0) - (b.port ?? 0),
    );
}

const VERSION = /^IP Virtual Server version \d+\.\d+\.\d+ \(size=\d+\)$/;
const TITLE = 'Prot LocalAddress:Port Scheduler Flags';
const REMOTE = '  -> RemoteAddress:Port';
const LIST_TITLES = [TITLE, `${REMOTE}           Forward Weight ActiveConn InActConn`] as const;
const THRESHOLDS_TITLES = [
  'Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn ',
  REMOTE,
] as const;
const TUN_INFO_TITLES = [
  TITLE,
  `${REMOTE}           Forward TunnelInfo    Weight ActiveConn InActConn`,
] as const;
const STATS_TITLES = [
  'Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes',
  REMOTE,
] as const;

const ARROW = '  -> ';
const TUNNEL_INFO = /^(?:n\/a|ipip|gue:\d+:(?:-c|\+c|r\+c)|gre:(?:-c|\+c))$/;

const FORWARDING: ReadonlyMap<string, AdmForwarding> = new Map([
  ['Masq', 'masquerade'],
  ['Route', 'direct'],
  ['Tunnel', 'tunnel'],
  ['Local', 'local'],
  // What printf makes of the missing name of every other method, bypass for one.
  ['(null)', '(null)'],
] as const);

const PROTOCOL: ReadonlyMap<string, 'tcp' | 'udp' | 'sctp'> = new Map([
  ['TCP', 'tcp'],
  ['UDP', 'udp'],
  ['SCTP', 'sctp'],
] as const);

/** Reads a listing; the version is missing from that of a single service. */
function parse<Service extends object, Destination>(
  text: string,
  titles: readonly [string, string],
  service: (line: string) => Service,
  destination: (line: string) => Destination,
): (Service & { destinations: Destination[] })[] {
  const lines = text.split('\n');
  // A text that does not end in a newline was cut off.
  const last = lines.pop() ?? '';
  if (last !== '') fail(last);
  if (VERSION.test(lines[0] ?? '')) lines.shift();
  for (const title of titles) {
    const line = lines.shift() ?? '';
    if (line !== title) fail(line);
  }
  const services: (Service & { destinations: Destination[] })[] = [];
  for (const line of lines) {
    if (line.startsWith(ARROW)) {
      const owner = services.at(-1) ?? fail(line);
      owner.destinations.push(destination(line));
    } else {
      services.push({ ...service(line), destinations: [] });
    }
  }
  return services;
}

function readService(line: string): Omit<AdmService, 'destinations'> {
  const { rest, ...name } = readServiceName(line, line);
  const match =
    /^ (\S+)(?: \(([^ ()]*)\))?(?: persistent (\d+)(?: mask (\S+))?(?: pe (\S+))?)?( ops)?$/.exec(
      rest,
    ) ?? fail(line);
  const [, scheduler = '', flags, timeout, mask, engine, ops] = match;
  return {
    ...name,
    scheduler,
    flags: flags?.split(',') ?? [],
    onePacket: ops !== undefined,
    ...(timeout === undefined
      ? {}
      : {
          persistent: {
            timeout: readNumber(timeout, line),
            ...(mask === undefined ? {} : { mask: readMask(mask, name.family, line) }),
            ...(engine === undefined ? {} : { engine }),
          },
        }),
  };
}

/** The name that a service's line begins with, and what follows it. */
function readServiceName(text: string, line: string): AdmServiceName & { rest: string } {
  const mark = /^FWM {2}(-?\d+)( IPv6)?(?= |$)(.*)$/.exec(text);
  if (mark) {
    const [, number = '', ipv6, rest = ''] = mark;
    const signed = Number(number);
    if (signed < -(2 ** 31) || signed >= 2 ** 32) fail(line);
    return {
      protocol: 'fwmark',
      family: ipv6 === undefined ? 'ipv4' : 'ipv6',
      // ipvsadm prints the unsigned mark with %d.
      fwmark: signed >>> 0,
      rest,
    };
  }
  const match = /^([A-Z]+) +(\S+)(.*)$/.exec(text) ?? fail(line);
  const [, word = '', name = '', rest = ''] = match;
  const { address, port } = readEndpoint(name, line);
  return {
    protocol: PROTOCOL.get(word) ?? fail(line),
    family: isIPv4(address) ? 'ipv4' : 'ipv6',
    address,
    port,
    rest,
  };
}

/** Reads `1.2.3.4:80` or `[2001:db8::1]:80`. */
function readEndpoint(text: string, line: string): { address: string; port: number } {
  const match = /^(?:([0-9.]+)|\[([0-9a-f:.]+)\]):(\d+)$/.exec(text) ?? fail(line);
  const [, ipv4, ipv6, digits = ''] = match;
  const port = readNumber(digits, line);
  if (port > 65535) fail(line);
  if (ipv4 !== undefined && isIPv4(ipv4)) return { address: ipv4, port };
  if (ipv6 !== undefined && isIPv6(ipv6)) return { address: ipv6, port };
  return fail(line);
}

function readMask(text: string, family: 'ipv4' | 'ipv6', line: string): string | number {
  if (family === 'ipv4') return isIPv4(text) ? text : fail(line);
  const prefix = readNumber(text, line);
  return prefix <= 128 ? prefix : fail(line);
}

function readForwarding(text: string, line: string): AdmForwarding {
  return FORWARDING.get(text) ?? fail(line);
}

function readNumber(text: string, line: string): number {
  if (!/^\d+$/.test(text)) fail(line);
  const value = Number(text);
  // All that ipvsadm prints outside of its counters has 32 bits.
  return value < 2 ** 32 ? value : fail(line);
}

function readCounters(texts: readonly string[], line: string): AdmCounters {
  const [connections, inPackets, outPackets, inBytes, outBytes] = texts.map((text) =>
    /^\d+$/.test(text) ? BigInt(text) : fail(line),
  );
  if (
    connections === undefined ||
    inPackets === undefined ||
    outPackets === undefined ||
    inBytes === undefined ||
    outBytes === undefined
  ) {
    return fail(line);
  }
  return { connections, inPackets, outPackets, inBytes, outBytes };
}

interface Columns {
  5: [string, string, string, string, string];
  6: [string, string, string, string, string, string];
}

/** The columns of a destination's line after its arrow. */
function columns<Count extends keyof Columns>(line: string, count: Count): Columns[Count] {
  const words = line.slice(ARROW.length).trimEnd().split(/ +/);
  return words.length === count ? (words as Columns[Count]) : fail(line);
}

function requireSame(
  one: readonly AdmService<{ address: string; port: number }>[],
  other: readonly AdmService<{ address: string; port: number }>[],
): void {
  const a = one.map(describe);
  const b = other.map(describe);
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if (a[i] === b[i]) continue;
    throw new TableChangedError(
      `ipvsadm's listings differ; did the table change?\n  ${a[i] ?? 'nothing'}\n  ${b[i] ?? 'nothing'}`,
    );
  }
}

/** All that two listings of different modes say alike of a service. */
function describe(service: AdmService<{ address: string; port: number }>): string {
  const destinations = service.destinations.map(({ address, port }) => [address, port]);
  return JSON.stringify({ ...service, destinations });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`no item ${index}`);
  return item;
}

function fail(line: string): never {
  throw new Error(`not a line of ipvsadm's listing: ${JSON.stringify(line)}`);
}
