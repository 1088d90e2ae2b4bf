/** Reading back what a packed command says. */
import { type Address, formatAddress } from '../address.js';
import type { CheckedDestinationKey } from '../input/destination.js';
import type { CheckedServiceKey } from '../input/service.js';
import { familyName, roleName } from './bits.js';
import { type CommandName, commandName, layout } from './layout.js';
import { Records } from './records.js';

const { command: COMMAND, service: SERVICE, destination: DESTINATION, daemon: DAEMON } = layout;

/** What a packed command says, as far as an error needs it. */
export interface DecodedCommand {
  readonly name: CommandName;
  /** Missing where it is about none; likewise `destination`. */
  readonly service?: CheckedServiceKey;
  readonly destination?: CheckedDestinationKey;
  /** The role of a sync daemon, and its interface where it is started. */
  readonly detail?: string;
  /** What it defines a service with; empty where it does not. */
  readonly scheduler: string;
  readonly engine: string;
}

/** The part of a key that services and destinations have in common; undefined where there is none. */
function decodeEndpoint(
  records: Records,
  at: { family: number; address: number; port: number },
): CheckedDestinationKey | undefined {
  const number = records.u16(at.family);
  if (number === 0) return undefined;
  const family = familyName(number);
  const bytes = records.bytes.slice(at.address, at.address + (family === 'ipv6' ? 16 : 4));
  const address: Address = { family, bytes, text: formatAddress(family, bytes) };
  return { family, address, port: records.u16(at.port) };
}

function decodeService(records: Records, base: number): CheckedServiceKey | undefined {
  const endpoint = decodeEndpoint(records, {
    family: base + SERVICE.family,
    address: base + SERVICE.address,
    port: base + SERVICE.port,
  });
  if (endpoint === undefined) return undefined;
  if (records.u16(base + SERVICE.byFwmark) !== 0) {
    return { fwmark: records.u32(base + SERVICE.fwmark), family: endpoint.family };
  }
  return { ...endpoint, protocol: records.u16(base + SERVICE.protocol) };
}

function decodeDestination(records: Records, base: number): CheckedDestinationKey | undefined {
  return decodeEndpoint(records, {
    family: base + DESTINATION.family,
    address: base + DESTINATION.address,
    port: base + DESTINATION.port,
  });
}

/** What a sync daemon is called in a message: `master on eth0`. */
function decodeDaemon(records: Records, base: number): string | undefined {
  const role = records.u32(base + DAEMON.state);
  if (role === 0) return undefined;
  const name = records.utf8(base + DAEMON.interface, DAEMON.group - DAEMON.interface);
  return name === '' ? roleName(role) : `${roleName(role)} on ${name}`;
}

/** Reads a packed command. */
export function decodeCommand(command: Uint8Array): DecodedCommand {
  const records = new Records(command);
  const name = commandName(records.u32(COMMAND.command));
  const service = decodeService(records, COMMAND.service);
  // The place of a destination is that of other arguments in other commands.
  const destination = name.endsWith('_DEST')
    ? decodeDestination(records, COMMAND.destination)
    : undefined;
  const detail = name.endsWith('_DAEMON') ? decodeDaemon(records, COMMAND.daemon) : undefined;
  const { scheduler, engine, size } = SERVICE;
  return {
    name,
    ...(service === undefined ? {} : { service }),
    ...(destination === undefined ? {} : { destination }),
    ...(detail === undefined ? {} : { detail }),
    scheduler: records.text(COMMAND.service + scheduler, engine - scheduler),
    engine: records.text(COMMAND.service + engine, size - engine),
  };
}
