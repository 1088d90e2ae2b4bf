/** The connection table, as the client streams it and as ipvsadm lists it. */
import type { Connection } from 'ipvs';
import type { Namespace } from './netns.js';

/** All of a stream. */
export async function collect(connections: AsyncIterable<Connection>): Promise<Connection[]> {
  const found: Connection[] = [];
  for await (const each of connections) found.push(each);
  return found;
}

/** A connection in the words of `ipvsadm -Lnc`, without its time, which passes between two reads. */
export function inItsWords({
  protocol,
  state,
  client,
  virtual,
  fwmark,
  destination,
}: Connection): string {
  const at = ({ address, port }: { address: string; port: number }): string =>
    address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  const to = virtual === undefined ? `mark ${fwmark ?? 0}` : at(virtual);
  return [protocol.toUpperCase(), state, at(client), to, at(destination)].join(' ');
}

/** What `ipvsadm -Lnc` lists. */
export async function listed(ns: Namespace): Promise<string[]> {
  const [, , ...lines] = (await ns.ipvsadm('-Lnc')).trimEnd().split('\n');
  return lines.map((line) => {
    const [protocol = '', , state = '', client = '', virtual = '', destination = ''] = line
      .trim()
      .split(/ +/);
    if (protocol !== 'IP') return [protocol, state, client, virtual, destination].join(' ');
    const mark = virtual.replace(/:0$/, '').split('.').map(Number);
    return ['ANY', state, client, `mark ${Buffer.from(mark).readUInt32BE()}`, destination].join(
      ' ',
    );
  });
}
