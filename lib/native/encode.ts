import { endianness } from 'node:os';
import type { Address, Family } from '../address.js';
import type { CheckedDestination, CheckedDestinationKey } from '../input/destination.js';
import type { CheckedService, CheckedServiceKey } from '../input/service.js';
import { forwardingNumber, schedulerFlagBits, TUNNEL_CHECKSUMS, TUNNEL_TYPES } from './bits.js';
import { type CommandName, layout } from './layout.js';

const { command: COMMAND, service: SERVICE, destination: DESTINATION, constants } = layout;

/** Records are in the host's byte order. */
export const LITTLE_ENDIAN = endianness() === 'LE';

/** One command for the kernel, with the arguments that it takes. */
export interface Command {
  readonly name: CommandName;
  readonly service?: CheckedServiceKey | undefined;
  /** With IPVS_CMD_NEW_SERVICE and IPVS_CMD_SET_SERVICE, whose key is `service`. */
  readonly definition?: CheckedService | undefined;
  readonly destination?: CheckedDestinationKey | undefined;
  /** With IPVS_CMD_NEW_DEST and IPVS_CMD_SET_DEST, whose key is `destination`. */
  readonly destinationDefinition?: CheckedDestination | undefined;
}

function familyNumber(family: Family): number {
  return family === 'ipv6' ? constants.AF_INET6 : constants.AF_INET;
}

/** Writes commands into one buffer of packed records. */
class Writer {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(commands: number) {
    this.bytes = new Uint8Array(commands * COMMAND.size);
    this.#view = new DataView(this.bytes.buffer);
  }

  u16(offset: number, value: number): void {
    this.#view.setUint16(offset, value, LITTLE_ENDIAN);
  }

  u32(offset: number, value: number): void {
    this.#view.setUint32(offset, value, LITTLE_ENDIAN);
  }

  address(offset: number, address: Address): void {
    this.bytes.set(address.bytes, offset);
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

/** Commands as packed records, in order. */
export function encodeCommands(commands: readonly Command[]): Uint8Array {
  const writer = new Writer(commands.length);
  commands.forEach((command, index) => {
    const base = index * COMMAND.size;
    writer.u32(base + COMMAND.command, layout.commands[command.name]);
    const service = base + COMMAND.service;
    if (command.service !== undefined) writeServiceKey(writer, service, command.service);
    if (command.definition !== undefined) writeService(writer, service, command.definition);
    const destination = base + COMMAND.destination;
    if (command.destination !== undefined) {
      writeDestinationKey(writer, destination, command.destination);
    }
    if (command.destinationDefinition !== undefined) {
      writeDestination(writer, destination, command.destinationDefinition);
    }
  });
  return writer.bytes;
}
