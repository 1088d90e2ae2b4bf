import { type Family, formatAddressAt } from '../address.js';
import { MAX_INT, MAX_PERSISTENCE_TIMEOUT, MAX_SYNC_ID } from '../limits.js';
import type {
  DestinationEntry,
  Info,
  PersistenceEntry,
  ServiceEntry,
  SyncDaemonEntry,
  Timeouts,
  TunnelEntry,
} from '../model.js';
import { isProtocol, protocolName } from '../protocols.js';
import { Statistics } from '../statistics.js';
import {
  familyName,
  forwardingName,
  roleName,
  schedulerFlagNames,
  TUNNEL_CHECKSUMS,
  TUNNEL_TYPES,
} from './bits.js';
import { layout } from './layout.js';
import type { Reply } from './reply.js';

const {
  service: SERVICE,
  destination: DESTINATION,
  statistics: STATISTICS,
  serviceRow: SERVICE_ROW,
  destinationRow: DESTINATION_ROW,
  infoRow: INFO_ROW,
  daemon: DAEMON,
  timeouts: TIMEOUTS,
  constants,
} = layout;

const KNOWN_FLAGS =
  constants.IP_VS_SVC_F_PERSISTENT |
  constants.IP_VS_SVC_F_HASHED |
  constants.IP_VS_SVC_F_ONEPACKET |
  constants.IP_VS_SVC_F_SCHED1 |
  constants.IP_VS_SVC_F_SCHED2 |
  constants.IP_VS_SVC_F_SCHED3;

function decodeStatistics(reply: Reply, base: number): Statistics {
  return new Statistics({
    connections: reply.u64(base + STATISTICS.connections),
    inPackets: reply.u64(base + STATISTICS.inPackets),
    outPackets: reply.u64(base + STATISTICS.outPackets),
    inBytes: reply.u64(base + STATISTICS.inBytes),
    outBytes: reply.u64(base + STATISTICS.outBytes),
    connectionRate: reply.number64(base + STATISTICS.connectionRate),
    inPacketRate: reply.number64(base + STATISTICS.inPacketRate),
    outPacketRate: reply.number64(base + STATISTICS.outPacketRate),
    inByteRate: reply.number64(base + STATISTICS.inByteRate),
    outByteRate: reply.number64(base + STATISTICS.outByteRate),
  });
}

/**
 * An IPv4-mapped IPv6 address, which means the IPv4 one when it is passed in, carries its family along:
 * see ForeignServiceKey.
 */
function isMapped(family: Family, address: string): boolean {
  return family === 'ipv6' && address.startsWith('::ffff:') && address.includes('.');
}

/** The prefix length of an IPv4 mask; undefined where its bits are not all in front. */
function prefixOfMask(mask: number): number | undefined {
  const length = Math.clz32(~mask);
  return (0xffffffff << (32 - length)) >>> 0 === mask && length > 0 ? length : undefined;
}

function decodeEngine(reply: Reply, base: number): string {
  return reply.text(base + SERVICE.engine, SERVICE.size - SERVICE.engine);
}

function decodePersistence(reply: Reply, base: number, unsupported: string[]): PersistenceEntry {
  const family = familyName(reply.u16(base + SERVICE.family));
  const timeout = reply.u32(base + SERVICE.timeout);
  if (timeout === 0 || timeout > MAX_PERSISTENCE_TIMEOUT) unsupported.push('persistence.timeout');
  const netmask = reply.u32(base + SERVICE.netmask);
  const prefixLength = family === 'ipv6' ? netmask : prefixOfMask(netmask);
  if (prefixLength === undefined) unsupported.push('persistence.prefixLength');
  const engine = decodeEngine(reply, base);
  return {
    timeout,
    ...(prefixLength === undefined ? {} : { prefixLength }),
    ...(engine === '' ? {} : { engine }),
  };
}

/**
 * The service whose row begins at `row`. Most are plain: they are made at one go, without what only few
 * have.
 */
export function decodeService(reply: Reply, row: number): ServiceEntry {
  const base = row + SERVICE_ROW.service;
  const flags = reply.u32(base + SERVICE.flags);
  const scheduler = reply.text(base + SERVICE.scheduler, SERVICE.engine - SERVICE.scheduler);
  const schedulerFlags = schedulerFlagNames(flags, scheduler);
  const onePacket = (flags & constants.IP_VS_SVC_F_ONEPACKET) !== 0;
  const stats = decodeStatistics(reply, row + SERVICE_ROW.statistics);
  const family = familyName(reply.u16(base + SERVICE.family));
  if (reply.u16(base + SERVICE.byFwmark) !== 0) {
    const fwmark = reply.u32(base + SERVICE.fwmark);
    const entry = { fwmark, family, scheduler, schedulerFlags, onePacket, stats };
    return decodeRestOfService(reply, base, entry);
  }
  const protocol = protocolName(reply.u16(base + SERVICE.protocol));
  const address = formatAddressAt(family, reply.bytes, base + SERVICE.address);
  const port = reply.u16(base + SERVICE.port);
  return decodeRestOfService(
    reply,
    base,
    isMapped(family, address)
      ? { protocol, address, family, port, scheduler, schedulerFlags, onePacket, stats }
      : { protocol, address, port, scheduler, schedulerFlags, onePacket, stats },
  );
}

/** What cannot be written here of a service that was read, persistence aside. */
function foreignPartsOfService(entry: ServiceEntry, persistent: boolean): string[] {
  const unsupported: string[] = [];
  if (entry.fwmark !== undefined) return unsupported;
  if (!isProtocol(entry.protocol)) unsupported.push('protocol');
  if (entry.family !== undefined) unsupported.push('address');
  if (entry.port === 0 && !persistent) unsupported.push('port');
  if (entry.onePacket && entry.protocol !== 'udp') unsupported.push('onePacket');
  return unsupported;
}

/** What only some services have: persistence, and parts that cannot be written here. */
function decodeRestOfService(reply: Reply, base: number, entry: ServiceEntry): ServiceEntry {
  const flags = reply.u32(base + SERVICE.flags);
  const persistent = (flags & constants.IP_VS_SVC_F_PERSISTENT) !== 0;
  const unsupported = foreignPartsOfService(entry, persistent);
  if (!persistent && decodeEngine(reply, base) !== '') unsupported.push('persistence.engine');
  if ((flags & ~KNOWN_FLAGS) !== 0) unsupported.push('flags');
  const persistence = persistent ? decodePersistence(reply, base, unsupported) : undefined;
  if (persistence === undefined && unsupported.length === 0) return entry;
  const { stats, ...definition } = entry;
  return {
    ...definition,
    ...(persistence === undefined ? {} : { persistence }),
    stats,
    ...(unsupported.length === 0 ? {} : { unsupported }),
  };
}

/** Whether a destination with this tunnel could be written here: what `checkDestination` allows. */
function isSayable({ type, port, checksum }: TunnelEntry): boolean {
  if (type === 'ipip') return port === undefined && checksum === undefined;
  if (type === 'gue') return port !== undefined && !checksum?.startsWith('checksum-');
  return type === 'gre' && port === undefined && (checksum === 'none' || checksum === 'checksum');
}

function decodeTunnel(reply: Reply, base: number, unsupported: string[]): TunnelEntry {
  const typeNumber = reply.u16(base + DESTINATION.tunnelType);
  const checksumNumber = reply.u16(base + DESTINATION.tunnelFlags);
  const port = reply.u16(base + DESTINATION.tunnelPort);
  const type = TUNNEL_TYPES[typeNumber] ?? (`tunnel-${typeNumber}` as const);
  const checksum = TUNNEL_CHECKSUMS[checksumNumber] ?? (`checksum-${checksumNumber}` as const);
  const tunnel: TunnelEntry = {
    type,
    ...(port === 0 ? {} : { port }),
    ...(type === 'ipip' && checksum === 'none' ? {} : { checksum }),
  };
  if (!isSayable(tunnel)) unsupported.push('tunnel');
  return tunnel;
}

/** What cannot be written here of a destination that was read, tunnels aside. */
function foreignParts(entry: DestinationEntry, portZero: boolean): string[] {
  const { forwarding, upperThreshold, lowerThreshold } = entry;
  const unsupported: string[] = [];
  if (entry.family !== undefined) unsupported.push('address');
  if (entry.port === 0 && !portZero) unsupported.push('port');
  if (forwarding === 'bypass' || forwarding.startsWith('forwarding-')) {
    unsupported.push('forwarding');
  }
  if (upperThreshold > MAX_INT) unsupported.push('upperThreshold');
  if (lowerThreshold > MAX_INT) unsupported.push('lowerThreshold');
  return unsupported;
}

/**
 * The destination whose row begins at `row`, of a service in which port 0 means something or not. There
 * are many of them, and most are plain: they are made at one go, without what only few have.
 */
export function decodeDestination(reply: Reply, row: number, portZero: boolean): DestinationEntry {
  const base = row + DESTINATION_ROW.destination;
  const family = familyName(reply.u16(base + DESTINATION.family));
  const address = formatAddressAt(family, reply.bytes, base + DESTINATION.address);
  const entry: DestinationEntry = {
    address,
    port: reply.u16(base + DESTINATION.port),
    forwarding: forwardingName(reply.u32(base + DESTINATION.forwarding)),
    weight: reply.u32(base + DESTINATION.weight),
    upperThreshold: reply.u32(base + DESTINATION.upperThreshold),
    lowerThreshold: reply.u32(base + DESTINATION.lowerThreshold),
    connections: {
      active: reply.u32(row + DESTINATION_ROW.active),
      inactive: reply.u32(row + DESTINATION_ROW.inactive),
      persistent: reply.u32(row + DESTINATION_ROW.persistent),
    },
    stats: decodeStatistics(reply, row + DESTINATION_ROW.statistics),
  };
  return isMapped(family, address)
    ? decodeRest(reply, base, { ...entry, family }, portZero)
    : decodeRest(reply, base, entry, portZero);
}

/** What only some destinations have: a tunnel, and parts that cannot be written here. */
function decodeRest(
  reply: Reply,
  base: number,
  entry: DestinationEntry,
  portZero: boolean,
): DestinationEntry {
  const foreign = foreignParts(entry, portZero);
  if (entry.forwarding !== 'tunnel') {
    return foreign.length === 0 ? entry : { ...entry, unsupported: foreign };
  }
  const tunnel = decodeTunnel(reply, base, foreign);
  const { connections, stats, ...definition } = entry;
  const whole = { ...definition, tunnel, connections, stats };
  return foreign.length === 0 ? whole : { ...whole, unsupported: foreign };
}

/** What IPVS_CMD_GET_INFO tells, from the row at `row`. */
export function decodeInfo(reply: Reply, row: number): Info {
  const version = reply.u32(row + INFO_ROW.version);
  return {
    version: `${version >>> 16}.${(version >>> 8) & 0xff}.${version & 0xff}`,
    connectionTableSize: reply.u32(row + INFO_ROW.connectionTableSize),
  };
}

/** The daemon whose row begins at `row`. A zero stands for what old kernels do not tell. */
export function decodeDaemon(reply: Reply, row: number): SyncDaemonEntry {
  const syncId = reply.u32(row + DAEMON.syncId);
  const maxLength = reply.u16(row + DAEMON.maxLength);
  const groupFamily = reply.u16(row + DAEMON.groupFamily);
  const port = reply.u16(row + DAEMON.port);
  const ttl = reply.u8(row + DAEMON.ttl);
  const family = familyName(groupFamily);
  const group = row + DAEMON.group;
  return {
    role: roleName(reply.u32(row + DAEMON.state)),
    interface: reply.utf8(row + DAEMON.interface, DAEMON.group - DAEMON.interface),
    syncId,
    ...(maxLength === 0 ? {} : { maxLength }),
    ...(groupFamily === 0 ? {} : { group: formatAddressAt(family, reply.bytes, group) }),
    ...(port === 0 ? {} : { port }),
    ...(ttl === 0 ? {} : { ttl }),
    ...(syncId > MAX_SYNC_ID ? { unsupported: ['syncId'] } : {}),
  };
}

/** What IPVS_CMD_GET_CONFIG tells, from the row at `row`. */
export function decodeTimeouts(reply: Reply, row: number): Timeouts {
  return {
    tcp: reply.u32(row + TIMEOUTS.tcp),
    tcpFin: reply.u32(row + TIMEOUTS.tcpFin),
    udp: reply.u32(row + TIMEOUTS.udp),
  };
}
