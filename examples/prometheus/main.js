/**
 * A Prometheus exporter: `node main.js [PORT] [ADDRESS]` serves http://127.0.0.1:9105/metrics until SIGTERM
 * or SIGINT.
 *
 * Every sample names its service as `formatKey` does: `tcp 10.0.0.1:443`, `fwmark 7 ipv6`. These texts are
 * as unique as the kernel's keys: services by firewall mark, which have neither protocol nor address, do not
 * clash. The parts of a service are labels of `ipvs_service_info`, to be joined where they are wanted:
 *
 *     rate(ipvs_service_in_bytes_total[5m]) * on (service) group_left (address) ipvs_service_info
 *
 * The kernel renews its counters every two seconds: there is no point in asking more often.
 *
 * @import { DestinationEntry, ServiceEntry, ServiceSnapshot } from 'ipvs'
 */
import { createServer } from 'node:http';
import { formatKey, Ipvs } from 'ipvs';
import { Counter, Gauge, Registry } from 'prom-client';

/**
 * What a metric is called, what it tells, and its value for a service or a destination. Prometheus computes
 * with doubles: of numbers above 2^53 the last digits are lost, here or there.
 *
 * @template Entry
 * @typedef {{ name: string, help: string, value: (entry: Entry) => number | bigint }} Definition
 */

/** @type {Definition<ServiceEntry | DestinationEntry>[]} */
const TOTALS = [
  {
    name: 'connections_total',
    help: 'Connections scheduled.',
    value: ({ stats }) => stats.connections,
  },
  {
    name: 'in_packets_total',
    help: 'Packets from the clients.',
    value: ({ stats }) => stats.inPackets,
  },
  {
    name: 'out_packets_total',
    help: 'Packets to the clients, where they pass the director.',
    value: ({ stats }) => stats.outPackets,
  },
  {
    name: 'in_bytes_total',
    help: 'Bytes from the clients.',
    value: ({ stats }) => stats.inBytes,
  },
  {
    name: 'out_bytes_total',
    help: 'Bytes to the clients, where they pass the director.',
    value: ({ stats }) => stats.outBytes,
  },
];

/** @type {Definition<DestinationEntry>[]} */
const GAUGES = [
  {
    name: 'weight',
    help: 'Share of the new connections.',
    value: ({ weight }) => weight,
  },
  {
    name: 'active_connections',
    help: 'Connections that are established or being opened.',
    value: ({ connections }) => connections.active,
  },
  {
    name: 'inactive_connections',
    help: 'All other connections; all those of UDP.',
    value: ({ connections }) => connections.inactive,
  },
  {
    name: 'persistent_clients',
    help: 'Clients that persistence has bound to it.',
    value: ({ connections }) => connections.persistent,
  },
];

/** @type {Definition<ServiceEntry>} */
const INFO = { name: 'info', help: 'What a service is: always 1.', value: () => 1 };

/** What a service is: the labels of its info, called as its fields are; empty where it has no such field. */
const PARTS = ['protocol', 'address', 'port', 'fwmark', 'family', 'scheduler'];

function partsOf(service) {
  return Object.fromEntries(PARTS.map((name) => [name, String(service[name] ?? '')]));
}

/** Adds metrics of one type to a registry, each with a sample for each entry. */
function add(registry, Metric, prefix, definitions, labelNames, entries) {
  for (const { name, help, value } of definitions) {
    const options = { name: `${prefix}_${name}`, help, labelNames, registers: [registry] };
    const metric = new Metric(options);
    for (const { labels, entry } of entries) metric.inc(labels, Number(value(entry)));
  }
}

/**
 * The metrics of a table. Each time from scratch: what has left the table has left the metrics.
 *
 * @param {ServiceSnapshot[]} table
 */
function metricsOf(table) {
  const services = table.map((entry) => ({ labels: { service: formatKey(entry) }, entry }));
  const infos = services.map(({ labels, entry }) => ({
    labels: { ...labels, ...partsOf(entry) },
    entry,
  }));
  const destinations = services.flatMap(({ labels, entry }) =>
    entry.destinations.map((each) => ({
      labels: { ...labels, destination: formatKey(each) },
      entry: each,
    })),
  );

  const registry = new Registry();
  add(registry, Gauge, 'ipvs_service', [INFO], ['service', ...PARTS], infos);
  add(registry, Counter, 'ipvs_service', TOTALS, ['service'], services);
  add(registry, Counter, 'ipvs_destination', TOTALS, ['service', 'destination'], destinations);
  add(registry, Gauge, 'ipvs_destination', GAUGES, ['service', 'destination'], destinations);
  return registry;
}

const [port = '9105', address = '127.0.0.1'] = process.argv.slice(2);
const ipvs = await Ipvs.open();

const server = createServer(async (request, response) => {
  if (request.url !== '/metrics') {
    response.writeHead(404).end();
    return;
  }
  try {
    const registry = metricsOf(await ipvs.snapshot());
    response.setHeader('content-type', registry.contentType).end(await registry.metrics());
  } catch (error) {
    // To Prometheus any status but 200 is a scrape that failed: `up` becomes 0.
    console.error(error.message);
    response.writeHead(500).end();
  }
});

server.listen(Number(port), address, () => {
  console.log(`listening on http://${address}:${port}/metrics`);
});

for (const name of ['SIGINT', 'SIGTERM']) {
  process.once(name, () => {
    // What is being answered is answered; then nothing keeps the process alive.
    server.close(() => ipvs.close());
  });
}
