import { type DestinationEntry, formatKey, Ipvs, type ServiceEntry } from 'ipvs';
import type { Namespace } from './namespaces.js';
import { show, step } from './report.js';

/** What `kube-proxy` would make for the API server and the name service of a cluster. */
async function makeTable(ipvs: Ipvs): Promise<void> {
  const api = { protocol: 'tcp', address: '10.0.0.1', port: 443 } as const;
  const names = { address: '10.0.0.10', port: 53, scheduler: 'rr' } as const;

  // Calls need not wait for each other: the kernel sees them in this order.
  await Promise.all([
    ipvs.addService({ ...api, scheduler: 'rr', persistence: { timeout: 10800 } }),
    ipvs.addDestination(api, { address: '10.229.43.2', port: 6443, forwarding: 'masquerade' }),
    ipvs.addService({ protocol: 'tcp', ...names }),
    ipvs.addService({ protocol: 'udp', ...names }),
  ]);
}

function serviceLine(service: ServiceEntry): string {
  const [protocol = '', endpoint = ''] = formatKey(service).split(' ');
  const { scheduler, persistence } = service;
  const flags = persistence === undefined ? '' : ` persistent ${persistence.timeout}`;
  return `${protocol.toUpperCase().padEnd(4)} ${endpoint} ${scheduler}${flags}`;
}

const forwardingNames: Readonly<Record<string, string>> = {
  masquerade: 'Masq',
  direct: 'Route',
  tunnel: 'Tunnel',
  local: 'Local',
};

function destinationLine(destination: DestinationEntry): string {
  const { forwarding, weight, connections } = destination;
  const cells = [
    formatKey(destination).padEnd(28),
    (forwardingNames[forwarding] ?? forwarding).padEnd(7),
    String(weight).padEnd(6),
    String(connections.active).padEnd(10),
    connections.inactive,
  ];
  return `  -> ${cells.join(' ')}`;
}

/** The table in ipvsadm's style, without its titles. */
async function ourLines(ipvs: Ipvs): Promise<string[]> {
  const services = await ipvs.listServices();
  const blocks = services.map(async (service) => {
    const destinations = await ipvs.listDestinations(service);
    return [serviceLine(service), ...destinations.map(destinationLine)];
  });
  return (await Promise.all(blocks)).flat();
}

/** The same from ipvsadm, whose first three lines are the version of IPVS and the titles. */
async function ipvsadmLines(namespace: Namespace): Promise<string[]> {
  const output = await namespace.run('ipvsadm', '-ln');
  return output.trimEnd().split('\n').slice(3);
}

/** How lines are compared: ipvsadm pads the last column too. */
function withoutPadding(lines: readonly string[]): string {
  return lines.map((line) => line.trim().replace(/\s+/g, ' ')).join('\n');
}

/** Makes a table and reads it twice: by the library, and by the program that everyone knows. */
export async function tableDemo(namespace: Namespace): Promise<void> {
  await using ipvs = await Ipvs.open({ netns: { name: namespace.name } });
  await makeTable(ipvs);
  step('three services in a namespace of their own, as the library lists them:');
  const ours = await ourLines(ipvs);
  show(ours);

  step('and as ipvsadm -ln does:');
  const theirs = await ipvsadmLines(namespace);
  show(theirs);
  if (withoutPadding(ours) !== withoutPadding(theirs)) {
    throw new Error('ipvs and ipvsadm read different tables');
  }
  step('they agree');
}
