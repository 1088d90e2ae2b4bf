import type { Family } from 'ipvs';
import type { Namespace, Namespaces } from './namespaces.js';

/** The addresses that clients know; the director alone has them. */
export const virtualAddresses: Readonly<Record<Family, string>> = {
  ipv4: '192.0.2.80',
  ipv6: '2001:db8::80',
};

/** A machine behind the director. */
export interface Host {
  readonly label: string;
  readonly namespace: Namespace;
  readonly addresses: Readonly<Record<Family, string>>;
}

/**
 * Five machines, each a network namespace:
 *
 *     client ── director ─┬─ server-1
 *                         ├─ server-2
 *                         └─ server-3
 *
 * Every link is a pair of virtual Ethernet devices and a subnet of its own, so all ways lead through
 * the director. Masquerading takes that: it must see the answers to undo its translation.
 */
export interface Network {
  readonly director: Namespace;
  readonly client: Host;
  readonly servers: readonly Host[];
}

async function makeDirector(namespaces: Namespaces): Promise<Namespace> {
  const director = await namespaces.add('director');
  await director.ip(
    `address add ${virtualAddresses.ipv4}/32 dev lo`,
    `address add ${virtualAddresses.ipv6}/128 dev lo nodad`,
  );
  const forwarding = ['/proc/sys/net/ipv4/ip_forward', '/proc/sys/net/ipv6/conf/all/forwarding'];
  await director.run('sh', '-c', forwarding.map((file) => `echo 1 >${file}`).join(' && '));
  return director;
}

/** Adds a machine in subnet 10.0.N.0/24 and fd00:0:0:N::/64, whose gateway is the director. */
async function makeHost(
  namespaces: Namespaces,
  director: Namespace,
  label: string,
  subnet: number,
): Promise<Host> {
  const namespace = await namespaces.add(label);
  const [ipv4, ipv6] = [`10.0.${subnet}`, `fd00:0:0:${subnet}:`];
  // nodad: an address that is still being checked for duplicates can't be used for a second or two.
  await director.ip(
    `link add ${label} type veth peer name eth0 netns ${namespace.name}`,
    `address add ${ipv4}.1/24 dev ${label}`,
    `address add ${ipv6}:1/64 dev ${label} nodad`,
    `link set ${label} up`,
  );
  await namespace.ip(
    `address add ${ipv4}.2/24 dev eth0`,
    `address add ${ipv6}:2/64 dev eth0 nodad`,
    'link set eth0 up',
    `route add default via ${ipv4}.1`,
    `route add default via ${ipv6}:1`,
  );
  return { label, namespace, addresses: { ipv4: `${ipv4}.2`, ipv6: `${ipv6}:2` } };
}

export async function makeNetwork(namespaces: Namespaces): Promise<Network> {
  const director = await makeDirector(namespaces);
  const client = await makeHost(namespaces, director, 'client', 0);
  const servers: Host[] = [];
  for (const number of [1, 2, 3]) {
    servers.push(await makeHost(namespaces, director, `server-${number}`, number));
  }
  return { director, client, servers };
}
