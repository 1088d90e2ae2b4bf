import { endianness } from 'node:os';
import type { Address, Family } from '../address.js';
import type { CheckedSyncDaemon } from '../input/daemon.js';
import type { CheckedDestination, CheckedDestinationKey } from '../input/destination.js';
import type { CheckedService, CheckedServiceKey } from '../input/service.js';
import type { SyncDaemonRole, Timeouts } from '../model.js';
import {
  familyNumber,
  forwardingNumber,
  roleNumber,
  schedulerFlagBits,
  TUNNEL_CHECKSUMS,
  TUNNEL_TYPES,
} from './bits.js';
import { type CommandName, layout } from './layout.js';

const {
  command: COMMAND,
  service: SERVICE,
  destination: DESTINATION,
  daemon: DAEMON,
  timeouts: TIMEOUTS,
  constants,
} = layout;

/** Records are in the host's byte order. */
export const LITTLE_ENDIAN = endianness() === 'LE';

/** One command for the kernel, with the arguments that it takes. */
export interface Command {
  readonly name: CommandName;
  readonly service?: CheckedServiceKey | undefined;
  /** In place of `service`: a packed record as the kernel gave it. */
  readonly serviceRecord?: Uint8Array | undefined;
  /** With IPVS_CMD_NEW_SERVICE and IPVS_CMD_SET_SERVICE, whose key is `service`. */
  readonly definition?: CheckedService | undefined;
  readonly destination?: CheckedDestinationKey | undefined;
  /** With IPVS_CMD_NEW_DEST and IPVS_CMD_SET_DEST, whose key is `destination`. */
  readonly destinationDefinition?: CheckedDestination | undefined;
  /** In place of `destinationDefinition`: a packed record as the kernel gave it. */
  readonly destinationRecord?: Uint8Array | undefined;
  /** With IPVS_CMD_GET_DEST: whether to ask afterwards if the service is there. */
  readonly verify?: boolean;
  /** With IPVS_CMD_DEL_DAEMON. */
  readonly role?: SyncDaemonRole | undefined;
  /** With IPVS_CMD_NEW_DAEMON. */
  readonly daemon?: CheckedSyncDaemon | undefined;
  /** With IPVS_CMD_SET_CONFIG: those to change. */
  readonly timeouts?: Partial<Timeouts> | undefined;
}

/** Commands: one call and its neighbours. */
const FIRST_ROOM = 4;

/** Writes into a buffer of packed records, all zero where nothing was written. */
class Writer {
  bytes = new Uint8Array(0);
  #view = new DataView(this.bytes.buffer);
  readonly #firstRoom: number;

  /** @param firstRoom - For so many bytes there is room as soon as something is written. */
  constructor(firstRoom: number) {
    this.#firstRoom = firstRoom;
  }

  /** Makes room for so many bytes, and more than that again; what was written stays. */
  reserve(size: number): void {
    if (size <= this.bytes.length) return;
    const bytes = new Uint8Array(Math.max(this.#firstRoom, 4 * this.bytes.length));
    bytes.set(this.bytes);
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }

  u8(offset: number, value: number): void {
    this.bytes[offset] = value;
  }

  u16(offset: number, value: number): void {
    this.#view.setUint16(offset, value, LITTLE_ENDIAN);
  }

  u32(offset: number, value: number): void {
    this.#view.setUint32(offset, value, LITTLE_ENDIAN);
  }

  /** By hand: for so few bytes `set` takes longer. */
  address(offset: number, { bytes }: Address): void {
    for (let index = 0; index < bytes.length; index += 1) {
      this.bytes[offset + index] = bytes[index] ?? 0;
    }
  }

  /** ASCII; the buffer is all zero, so a NUL follows. */
  text(offset: number, text: string): void {
    for (let index = 0; index < text.length; index += 1) {
      this.bytes[offset + index] = text.charCodeAt(index);
    }
  }
}

function writeServiceKey(writer: Writer, base: number, key: CheckedServiceKey): void {
  writer.u16(base + SERVICE.family, familyNumber(key.family));
  if (key.fwmark !== undefined) {
    writer.u16(base + SERVICE.byFwmark, 1);
    writer.u32(base + SERVICE.fwmark, key.fwmark);
    return;
  }
  writer.u16(base + SERVICE.protocol, key.protocol);
  writer.address(base + SERVICE.address, key.address);
  writer.u16(base + SERVICE.port, key.port);
}

/** An IPv4 mask as the number it is in host byte order; an IPv6 prefix length as it is. */
function netmask(family: Family, prefixLength: number): number {
  return family === 'ipv6' ? prefixLength : (0xffffffff << (32 - prefixLength)) >>> 0;
}

function writeService(writer: Writer, base: number, service: CheckedService): void {
  const { key, persistence } = service;
  writer.u32(
    base + SERVICE.flags,
    schedulerFlagBits(service.schedulerFlags) |
      (service.onePacket ? constants.IP_VS_SVC_F_ONEPACKET : 0) |
      (persistence === undefined ? 0 : constants.IP_VS_SVC_F_PERSISTENT),
  );
  writer.u32(base + SERVICE.timeout, persistence?.timeout ?? 0);
  // Without persistence it is unused, and required all the same.
  const unused = key.family === 'ipv6' ? 128 : 32;
  writer.u32(base + SERVICE.netmask, netmask(key.family, persistence?.prefixLength ?? unused));
  writer.text(base + SERVICE.scheduler, service.scheduler);
  writer.text(base + SERVICE.engine, persistence?.engine ?? '');
}

function writeDestinationKey(writer: Writer, base: number, key: CheckedDestinationKey): void {
  writer.u16(base + DESTINATION.family, familyNumber(key.family));
  writer.address(base + DESTINATION.address, key.address);
  writer.u16(base + DESTINATION.port, key.port);
}

function writeDestination(writer: Writer, base: number, destination: CheckedDestination): void {
  writer.u32(base + DESTINATION.forwarding, forwardingNumber(destination.forwarding));
  writer.u32(base + DESTINATION.weight, destination.weight);
  writer.u32(base + DESTINATION.upperThreshold, destination.upperThreshold);
  writer.u32(base + DESTINATION.lowerThreshold, destination.lowerThreshold);
  const { type, port, checksum } = destination.tunnel;
  writer.u16(base + DESTINATION.tunnelType, TUNNEL_TYPES.indexOf(type));
  writer.u16(base + DESTINATION.tunnelPort, port);
  writer.u16(base + DESTINATION.tunnelFlags, TUNNEL_CHECKSUMS.indexOf(checksum));
}

function writeDaemon(writer: Writer, base: number, daemon: CheckedSyncDaemon): void {
  writer.u32(base + DAEMON.state, roleNumber(daemon.role));
  writer.u32(base + DAEMON.syncId, daemon.syncId);
  writer.text(base + DAEMON.interface, Buffer.from(daemon.interface).toString('latin1'));
  writer.u16(base + DAEMON.maxLength, daemon.maxLength);
  writer.u16(base + DAEMON.port, daemon.port);
  writer.u8(base + DAEMON.ttl, daemon.ttl);
  if (daemon.group === undefined) return;
  writer.u16(base + DAEMON.groupFamily, familyNumber(daemon.group.family));
  writer.address(base + DAEMON.group, daemon.group);
}

function writeTimeouts(writer: Writer, base: number, timeouts: Partial<Timeouts>): void {
  writer.u32(base + TIMEOUTS.tcp, timeouts.tcp ?? 0);
  writer.u32(base + TIMEOUTS.tcpFin, timeouts.tcpFin ?? 0);
  writer.u32(base + TIMEOUTS.udp, timeouts.udp ?? 0);
}

function writeServiceArguments(writer: Writer, base: number, command: Command): void {
  if (command.service !== undefined) writeServiceKey(writer, base, command.service);
  if (command.definition !== undefined) writeService(writer, base, command.definition);
  if (command.serviceRecord !== undefined) writer.bytes.set(command.serviceRecord, base);
}

function writeDestinationArguments(writer: Writer, base: number, command: Command): void {
  if (command.destination !== undefined) writeDestinationKey(writer, base, command.destination);
  if (command.destinationDefinition !== undefined) {
    writeDestination(writer, base, command.destinationDefinition);
  }
  if (command.destinationRecord !== undefined) writer.bytes.set(command.destinationRecord, base);
}

function writeCommand(writer: Writer, base: number, command: Command): void {
  writer.u32(base + COMMAND.command, layout.commands[command.name]);
  writer.u32(base + COMMAND.verify, command.verify === true ? 1 : 0);
  writeServiceArguments(writer, base + COMMAND.service, command);
  writeDestinationArguments(writer, base + COMMAND.destination, command);
  const { role, daemon, timeouts } = command;
  if (role !== undefined) writer.u32(base + COMMAND.daemon + DAEMON.state, roleNumber(role));
  if (daemon !== undefined) writeDaemon(writer, base + COMMAND.daemon, daemon);
  if (timeouts !== undefined) writeTimeouts(writer, base + COMMAND.timeouts, timeouts);
}

/** Packed commands, one behind the other, in a buffer that grows with them. */
export class CommandBuffer {
  readonly #writer: Writer;
  #length = 0;

  /** @param firstRoom - For so many commands there is room as soon as there is one. */
  constructor(firstRoom = FIRST_ROOM) {
    this.#writer = new Writer(firstRoom * COMMAND.size);
  }

  /** How many commands there are. */
  get length(): number {
    return this.#length;
  }

  append(command: Command): void {
    const base = this.#length * COMMAND.size;
    this.#writer.reserve(base + COMMAND.size);
    writeCommand(this.#writer, base, command);
    this.#length += 1;
  }

  remove(index: number): void {
    const { bytes } = this.#writer;
    const end = this.#length * COMMAND.size;
    bytes.copyWithin(index * COMMAND.size, (index + 1) * COMMAND.size, end);
    bytes.fill(0, end - COMMAND.size, end);
    this.#length -= 1;
  }

  /** The commands from `first` to before `end`: not a copy. */
  slice(first: number, end: number): Uint8Array {
    return this.#writer.bytes.subarray(first * COMMAND.size, end * COMMAND.size);
  }
}

/** Commands as packed records, in order. */
export function encodeCommands(commands: readonly Command[]): Uint8Array {
  const buffer = new CommandBuffer();
  for (const command of commands) buffer.append(command);
  return buffer.slice(0, commands.length);
}
