/**
 * Writes into the kernel's table what neither ipvsadm nor our public API writes, through the native
 * door, with records packed here. It is what other programs may do.
 */
import { endianness } from 'node:os';
import { createDoor, type Door } from '../../lib/native/addon.js';
import { type CommandName, layout } from '../../lib/native/layout.js';
import { Reply } from '../../lib/native/reply.js';
import type { Namespace } from './netns.js';

const { command: COMMAND, constants } = layout;
const LITTLE = endianness() === 'LE';

/** Fields of a service's record by the names of the layout; what is missing is zero. */
export interface RawService {
  readonly family: 'ipv4' | 'ipv6';
  readonly address: readonly number[];
  readonly protocol: number;
  readonly port: number;
  readonly flags?: number;
  readonly timeout?: number;
  readonly netmask?: number;
  readonly scheduler?: string;
}

/** Fields of a destination's record; what is missing is zero. */
export interface RawDestination {
  readonly family: 'ipv4' | 'ipv6';
  readonly address: readonly number[];
  readonly port: number;
  readonly forwarding: number;
  readonly tunnelType?: number;
  readonly tunnelPort?: number;
  readonly tunnelFlags?: number;
}

function familyNumber(family: 'ipv4' | 'ipv6'): number {
  return family === 'ipv4' ? constants.AF_INET : constants.AF_INET6;
}

function pack(name: CommandName, service: RawService, destination?: RawDestination): Uint8Array {
  const bytes = new Uint8Array(COMMAND.size);
  const view = new DataView(bytes.buffer);
  view.setUint32(COMMAND.command, layout.commands[name], LITTLE);
  const s = COMMAND.service;
  bytes.set(service.address, s + layout.service.address);
  view.setUint32(s + layout.service.flags, service.flags ?? 0, LITTLE);
  view.setUint32(s + layout.service.timeout, service.timeout ?? 0, LITTLE);
  view.setUint32(
    s + layout.service.netmask,
    service.netmask ?? (service.family === 'ipv4' ? 0xffffffff : 128),
    LITTLE,
  );
  view.setUint16(s + layout.service.family, familyNumber(service.family), LITTLE);
  view.setUint16(s + layout.service.protocol, service.protocol, LITTLE);
  view.setUint16(s + layout.service.port, service.port, LITTLE);
  bytes.set(Buffer.from(service.scheduler ?? 'rr', 'latin1'), s + layout.service.scheduler);
  if (destination === undefined) return bytes;
  const d = COMMAND.destination;
  bytes.set(destination.address, d + layout.destination.address);
  view.setUint32(d + layout.destination.forwarding, destination.forwarding, LITTLE);
  view.setUint32(d + layout.destination.weight, 1, LITTLE);
  view.setUint16(d + layout.destination.family, familyNumber(destination.family), LITTLE);
  view.setUint16(d + layout.destination.port, destination.port, LITTLE);
  view.setUint16(d + layout.destination.tunnelType, destination.tunnelType ?? 0, LITTLE);
  view.setUint16(d + layout.destination.tunnelPort, destination.tunnelPort ?? 0, LITTLE);
  view.setUint16(d + layout.destination.tunnelFlags, destination.tunnelFlags ?? 0, LITTLE);
  return bytes;
}

async function send(door: Door, record: Uint8Array): Promise<void> {
  const reply = new Reply(await door.transact(record));
  const outcomes = [reply.outcome, reply.result(0)];
  const failed = outcomes.find(({ errno }) => errno !== 0);
  if (failed) throw new Error(`the kernel refused a raw record: errno ${failed.errno}`);
}

/** Adds a service and destinations of it, whatever they are. */
export async function addRaw(
  ns: Namespace,
  service: RawService,
  ...destinations: RawDestination[]
): Promise<void> {
  const door = createDoor(ns.path, 5000);
  try {
    await door.open();
    await send(door, pack('IPVS_CMD_NEW_SERVICE', service));
    for (const each of destinations) await send(door, pack('IPVS_CMD_NEW_DEST', service, each));
  } finally {
    door.close();
  }
}
