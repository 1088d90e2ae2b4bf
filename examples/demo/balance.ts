import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Destination, type Family, Ipvs, type ServiceKey } from 'ipvs';
import { type Network, virtualAddresses } from './network.js';
import { row, show, step } from './report.js';

const serverPort = 8080;

/** Requests, and what the weights promise to servers 1, 2 and 3. */
interface Round {
  readonly requests: number;
  readonly weights: readonly number[];
  readonly promised: readonly number[];
}

const weighted: Round = { requests: 300, weights: [1, 2, 3], promised: [50, 100, 150] };
const quiesced: Round = { requests: 120, weights: [1, 2, 0], promised: [40, 80, 0] };

/** A program of the demo, compiled into the folder that this file was compiled into. */
function program(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Starts an HTTP server, which answers both families, on each of the real servers. */
export async function startServers({ servers }: Network): Promise<void> {
  await Promise.all(
    servers.map(async ({ label, namespace }) => {
      const file = program('http-server.js');
      await namespace.start(process.execPath, file, label, String(serverPort));
    }),
  );
  step(`${servers.length} HTTP servers listen`);
}

/** A virtual service of one family, and the real servers behind it as its destinations. */
interface Balancer {
  readonly ipvs: Ipvs;
  readonly network: Network;
  readonly service: ServiceKey;
  readonly url: string;
  readonly destinations: readonly Destination[];
}

function makeBalancer(ipvs: Ipvs, network: Network, family: Family): Balancer {
  const address = virtualAddresses[family];
  return {
    ipvs,
    network,
    service: { protocol: 'tcp', address, port: 80 },
    url: family === 'ipv4' ? `http://${address}/` : `http://[${address}]/`,
    destinations: network.servers.map(({ addresses }) => ({
      address: addresses[family],
      port: serverPort,
      forwarding: 'masquerade',
    })),
  };
}

/** How many answers the client got from each server. */
async function sendRequests({ network, url }: Balancer, count: number): Promise<number[]> {
  const client = program('http-client.js');
  const output = await network.client.namespace.run(process.execPath, client, url, String(count));
  const answers = JSON.parse(output) as Record<string, number>;
  return network.servers.map(({ label }) => answers[label] ?? 0);
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

/** How many connections the kernel gave each server: lists are sorted, as the servers are. */
async function readCounters({ ipvs, service }: Balancer): Promise<number[]> {
  const entries = await ipvs.listDestinations(service);
  return entries.map(({ stats }) => Number(stats.connections));
}

/** The counters once they account for `connections`, or have had more time than that takes. */
async function settledCounters(balancer: Balancer, connections: number): Promise<number[]> {
  // The kernel shows what it counted with a delay of two seconds (net/netfilter/ipvs/ip_vs_est.c).
  const deadline = performance.now() + 15_000;
  let counters = await readCounters(balancer);
  while (total(counters) < connections && performance.now() < deadline) {
    await sleep(100);
    counters = await readCounters(balancer);
  }
  return counters;
}

/** Sends the requests, shows who answered, and throws unless that is exactly what was promised. */
async function playRound(balancer: Balancer, round: Round): Promise<void> {
  const { requests, weights, promised } = round;
  step(`${requests} requests to ${balancer.url}, weights ${weights.join(' : ')}`);
  const before = await readCounters(balancer);
  const answered = await sendRequests(balancer, requests);
  const after = await settledCounters(balancer, total(before) + requests);
  const counted = after.map((counter, index) => counter - (before[index] ?? 0));

  const rows = balancer.network.servers.map(({ label }, index) =>
    row(label, ...[weights, promised, answered, counted].map((numbers) => numbers[index] ?? '-')),
  );
  show([row('', 'weight', 'promised', 'answered', 'counted'), ...rows]);
  expectShares('the client got', answered, promised);
  expectShares('the kernel counted', counted, promised);
}

function expectShares(what: string, actual: readonly number[], promised: readonly number[]): void {
  if (String(actual) === String(promised)) return;
  throw new Error(`${what} ${actual.join(', ')}; the weights promise ${promised.join(', ')}`);
}

/** The destinations with their weights in a round. */
function withWeights({ destinations }: Balancer, { weights }: Round): Destination[] {
  return destinations.map((destination, index) => ({
    ...destination,
    weight: weights[index] ?? 0,
  }));
}

/** Balances requests by weight, then takes the heaviest server out and goes on without it. */
export async function balanceDemo(network: Network, family: Family): Promise<void> {
  await using ipvs = await Ipvs.open({ netns: { name: network.director.name } });
  const balancer = makeBalancer(ipvs, network, family);
  const { service } = balancer;

  await ipvs.addService({ ...service, scheduler: 'wrr' });
  for (const destination of withWeights(balancer, weighted)) {
    await ipvs.addDestination(service, destination);
  }
  await playRound(balancer, weighted);

  for (const destination of withWeights(balancer, quiesced)) {
    if (destination.weight === 0) await ipvs.setDestination(service, destination);
  }
  await playRound(balancer, quiesced);
}
