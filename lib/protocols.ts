import type { ForeignProtocol, Protocol } from './model.js';

/** The IANA protocol numbers (`IPPROTO_*`) that IPVS balances. */
const NUMBERS: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 };

/** The protocols that IPVS balances. */
export const PROTOCOLS = Object.keys(NUMBERS) as readonly Protocol[];

const NAMES: ReadonlyMap<number, Protocol> = new Map(
  PROTOCOLS.map((name) => [NUMBERS[name], name]),
);

/** Whether IPVS balances this protocol. */
export function isProtocol(name: string): name is Protocol {
  return Object.hasOwn(NUMBERS, name);
}

/** The name of a protocol number; `protocol-47` for what IPVS stores but never balances. */
export function protocolName(number: number): Protocol | ForeignProtocol {
  return NAMES.get(number) ?? `protocol-${number}`;
}

/** The number of a protocol's name, or undefined for what is no such name. */
export function protocolNumber(name: string): number | undefined {
  if (isProtocol(name)) return NUMBERS[name];
  const number = /^protocol-(0|[1-9]\d{0,4})$/.exec(name)?.[1];
  if (number === undefined || Number(number) > 0xffff || NAMES.has(Number(number))) {
    return undefined;
  }
  return Number(number);
}
