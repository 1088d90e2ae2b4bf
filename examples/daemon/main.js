/**
 * A daemon: `node main.js balancer.json --scope 10.0.0.0/24 --deadline 600000` keeps the kernel's table what
 * a file says.
 *
 * The file holds all services within the scope, each with its destinations, as
 * `ipvs.snapshot({ stats: false })` gives them. `--scope` is a network, an address or a key, and may be
 * repeated; nothing outside it is touched. The file is read every second: however it was saved, an edit is
 * applied soon. Where it is missing, wrong or written by half, that is reported, and what it said before stays
 * desired. Where it lacks more than `--max-removals` (0.5) of what is there, the table stays as it is.
 *
 * A server that is not in the file any more gets weight 0, and goes when it has no connections left, or
 * `--deadline` milliseconds later. Since when servers drain is kept in `--state` (balancer.json.drains), so
 * that another start, also after a crash, goes on with it. What others change within the scope is repaired every
 * `--resync` (30000) milliseconds.
 *
 * SIGTERM and SIGINT end the program and leave the table as it is: traffic goes on. What it does is printed, and
 * counted at http://127.0.0.1:9106/metrics (`--address`, `--port`).
 *
 * @import { DrainingDestination } from 'ipvs'
 */
import { once } from 'node:events';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { formatPlan, Ipvs, IpvsApplyError, Reconciler } from 'ipvs';
import { Counter, Gauge, Registry } from 'prom-client';

/** What the command line says. The numbers are checked by whoever takes them. */
function readArguments() {
  const text = (initial) => /** @type {const} */ ({ type: 'string', default: initial });
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ...{ scope: { type: 'string', multiple: true }, deadline: { type: 'string' } },
      ...{ 'max-removals': text('0.5'), resync: text('30000'), state: { type: 'string' } },
      ...{ address: text('127.0.0.1'), port: text('9106') },
    },
  });
  const [file] = positionals;
  const { scope, deadline, state = `${file}.drains` } = values;
  if (file === undefined || scope === undefined || deadline === undefined) {
    throw new Error('usage: node main.js BALANCER.json --scope SCOPE --deadline MILLISECONDS');
  }
  return { ...values, file, scope, deadline, state };
}

/** @returns {DrainingDestination[]} What an earlier run has kept. */
function readDrains(state) {
  try {
    return JSON.parse(readFileSync(state, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw new Error(`${state}: ${error.message}`, { cause: error });
  }
}

/** @param {readonly DrainingDestination[]} drains */
function keepDrains(state, drains) {
  try {
    // At any moment there is a whole one.
    writeFileSync(`${state}.new`, JSON.stringify(drains));
    renameSync(`${state}.new`, state);
  } catch (error) {
    console.error(`${error.message}: drains will begin anew at the next start`);
  }
}

/**
 * Prints what is done, and keeps since when servers drain.
 *
 * @param {Reconciler} reconciler
 */
function log(reconciler, state) {
  const ended = (how) => {
    return ({ key, connections }) => {
      console.log(`${how} ${key.service} > ${key.destination}, active: ${connections.active}`);
      keepDrains(state, reconciler.draining);
    };
  };
  reconciler
    .on('drift', () => console.log('changed by somebody else:'))
    .on('applied', ({ applied, draining }) => {
      process.stdout.write(formatPlan(applied) || 'the table is as desired\n');
      keepDrains(state, draining);
    })
    .on('failed', (error) => {
      console.error(error.message);
      // Without a report nothing new is known of drains.
      if (error instanceof IpvsApplyError) keepDrains(state, error.report.draining);
    })
    .on('drained', ended('drained'))
    .on('forced', ended('forced'));
}

/**
 * The metrics of a reconciler.
 *
 * @param {Reconciler} reconciler
 */
function metricsOf(reconciler) {
  const registry = new Registry();
  const define = (Metric, name, help, labelNames, collect) =>
    new Metric({
      name: `ipvs_reconciler_${name}`,
      help,
      labelNames,
      collect,
      registers: [registry],
    });

  const events = define(Counter, 'events_total', 'What happened.', ['event']);
  for (const event of /** @type {const} */ (['applied', 'failed', 'drift', 'drained', 'forced'])) {
    events.inc({ event }, 0);
    reconciler.on(event, () => events.inc({ event }));
  }
  /** @param {(drain: DrainingDestination) => number} value */
  const ofDrains = (name, help, value) => {
    const gauge = define(Gauge, name, help, ['service', 'destination'], () => {
      gauge.reset();
      for (const drain of reconciler.draining) gauge.set(drain.key, value(drain));
    });
  };
  ofDrains('draining_connections', 'Connections of a server that drains.', ({ connections }) => {
    return connections.active + connections.inactive;
  });
  ofDrains('draining_until_seconds', 'When it goes at the latest.', ({ until }) => until / 1000);
  const isValid = define(Gauge, 'file_valid', 'Whether the file could be used: 1 or 0.', []);
  return { registry, isValid };
}

/** Answers requests for metrics. */
async function serve(registry, port, address) {
  const server = createServer(async ({ url }, response) => {
    if (url !== '/metrics') response.writeHead(404).end();
    else response.setHeader('content-type', registry.contentType).end(await registry.metrics());
  });
  await once(server.listen(Number(port), address), 'listening');
  return server;
}

/**
 * Desires what the file says, again and again until the end.
 *
 * @param {Reconciler} reconciler
 */
async function follow(reconciler, file, isValid, end) {
  let desired;
  let complaint;
  for (;;) {
    const before = complaint;
    complaint = undefined;
    try {
      const text = await readFile(file, 'utf8');
      if (text !== desired) reconciler.setDesired(JSON.parse(text));
      desired = text;
    } catch (error) {
      complaint = `${file}: ${error.message}`;
      if (complaint !== before) console.error(complaint);
    }
    isValid.set(complaint === undefined ? 1 : 0);
    await sleep(1000, undefined, { signal: end });
  }
}

const end = new AbortController();
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => end.abort());

/** @param {Ipvs} ipvs */
async function run(ipvs) {
  const { file, state, scope, deadline, resync, ...others } = readArguments();
  const reconciler = new Reconciler(ipvs, {
    scope,
    drain: { deadline: Number(deadline), since: readDrains(state) },
    maxRemovals: Number(others['max-removals']),
    resync: Number(resync),
  });
  log(reconciler, state);
  const { registry, isValid } = metricsOf(reconciler);
  const server = await serve(registry, others.port, others.address);
  try {
    await follow(reconciler, file, isValid, end.signal);
  } finally {
    server.close();
    await reconciler.stop();
  }
}

try {
  const ipvs = await Ipvs.open();
  await run(ipvs).finally(() => ipvs.close());
} catch (error) {
  if (error.name !== 'AbortError') {
    console.error(error.message);
    process.exitCode = 1;
  }
}
