/**
 * A daemon: `node main.js balancer.json --scope 10.0.0.0/24 --deadline 600000` keeps the kernel's table what
 * a file says.
 *
 * The file holds all services within the scope, each with its destinations, as
 * `ipvs.snapshot({ stats: false })` gives them. `--scope` is a network, an address or a key, and may be
 * repeated; nothing outside it is touched. The file is read every second: however it was saved, an edit is
 * applied soon. Where it is missing, wrong or half-written, that is reported, and what it said before stays
 * desired. Where it lacks more than `--max-removals` (0.5) of what is there, the table stays as it is.
 *
 * A server that is no longer in the file gets weight 0, and goes when it has no connections left, or
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

const USAGE = `usage: node main.js BALANCER.json --scope SCOPE [--scope SCOPE]... --deadline MILLISECONDS [OPTION]...
  --scope SCOPE            a network (10.0.0.0/24), an address or a key ('fwmark 7 ipv4'): what is ours
  --deadline MILLISECONDS  how long a server that left the file may keep its connections
  --max-removals SHARE     a file that lacks more of what is there is refused, 0..1; 0.5
  --allow-empty            an empty file ([]) is meant: everything within the scope goes
  --resync MILLISECONDS    how often what others change is repaired; 30000
  --state FILE             where it is kept since when servers drain; BALANCER.json.drains
  --address, --port        where /metrics is; 127.0.0.1, 9106`;

/** @returns {number} The number that an option is; its bounds are checked by whoever takes it. */
function readNumber(option, text) {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new Error(`--${option} takes a number, not '${text}'`);
}

/** What the command line says. */
function readArguments() {
  const text = (initial) => /** @type {const} */ ({ type: 'string', default: initial });
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ...{ scope: { type: 'string', multiple: true }, deadline: { type: 'string' } },
      ...{ 'max-removals': text('0.5'), 'allow-empty': { type: 'boolean', default: false } },
      ...{ resync: text('30000'), state: { type: 'string' } },
      ...{ address: text('127.0.0.1'), port: text('9106') },
    },
  });
  const [file] = positionals;
  const { scope, deadline, state = `${file}.drains`, resync } = values;
  if (file === undefined || scope === undefined || deadline === undefined) throw new Error(USAGE);
  return {
    ...{ file, scope, state, address: values.address, allowEmpty: values['allow-empty'] },
    deadline: readNumber('deadline', deadline),
    maxRemovals: readNumber('max-removals', values['max-removals']),
    resync: readNumber('resync', resync),
    port: readNumber('port', values.port),
  };
}

/** @returns {DrainingDestination[]} What an earlier run has kept. */
function readDrains(state) {
  try {
    const text = readFileSync(state, 'utf8');
    // What a power failure leaves of it.
    return text === '' ? [] : JSON.parse(text);
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

/** A drain in a line: where, and what it waits for or had to the end. */
function describe({ key, connections: { active, inactive, persistent } }) {
  return `${key.service} > ${key.destination}, connections: ${active} active, ${inactive} closing, ${persistent} persistent`;
}

/**
 * Prints what is done, and keeps since when servers drain.
 *
 * @param {Reconciler} reconciler
 */
function log(reconciler, state) {
  let known = new Set();
  /** @param {readonly DrainingDestination[]} drains */
  const follow = (drains) => {
    keepDrains(state, drains);
    const named = new Map(drains.map((each) => [JSON.stringify([each.key, each.since]), each]));
    for (const [name, drain] of named) {
      if (known.has(name)) continue;
      console.log(`drains until ${new Date(drain.until).toISOString()}: ${describe(drain)}`);
    }
    known = new Set(named.keys());
  };
  const ended = (how) => (drain) => {
    console.log(`${how} ${describe(drain)}`);
    keepDrains(state, reconciler.draining);
  };
  const tell = ({ applied, draining, warnings }) => {
    process.stdout.write(formatPlan(applied));
    for (const { message, remedy } of warnings) console.log(`warning: ${message}. ${remedy}`);
    follow(draining);
  };
  reconciler
    .on('drift', () => console.log('changed by somebody else:'))
    .on('applied', (report) => {
      if (report.applied.length === 0) console.log('the table is as desired');
      tell(report);
    })
    .on('failed', (error) => {
      console.error(error.message);
      // Without a report nothing new is known of drains.
      if (!(error instanceof IpvsApplyError)) return;
      for (const { error: other } of error.report.failed.slice(1)) console.error(other.message);
      tell(error.report);
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
  const isReached = define(Gauge, 'in_sync', 'Whether all of it is done: 1 or 0.', []);
  reconciler.on('applied', () => isReached.set(1)).on('failed', () => isReached.set(0));
  return { registry, isValid };
}

/** Answers requests for metrics. */
async function serve(registry, port, address) {
  const server = createServer(async ({ url }, response) => {
    if (url !== '/metrics') response.writeHead(404).end();
    else response.setHeader('content-type', registry.contentType).end(await registry.metrics());
  });
  await once(server.listen(port, address), 'listening');
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
      if (before !== undefined) console.log(`${file} can be used again`);
    } catch (error) {
      const rest = desired === undefined ? 'nothing is done' : 'what it said before stays desired';
      complaint = `${file}: ${error.message}; until that is mended, ${rest}`;
      if (complaint !== before) console.error(complaint);
    }
    isValid.set(complaint === undefined ? 1 : 0);
    await sleep(1000, undefined, { signal: end });
  }
}

const end = new AbortController();
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => end.abort());

/** @param {Ipvs} ipvs */
function createReconciler(ipvs, { state, scope, deadline, maxRemovals, allowEmpty, resync }) {
  const drain = { deadline, since: readDrains(state) };
  try {
    return new Reconciler(ipvs, { scope, drain, maxRemovals, allowEmpty, resync });
  } catch (error) {
    if (!error.field?.startsWith('options.drain.since')) throw error;
    throw new Error(`${state} is not a file of drains: ${error.message}`, { cause: error });
  }
}

/** @param {Ipvs} ipvs */
async function run(ipvs, options) {
  const { file, state, port, address } = options;
  const reconciler = createReconciler(ipvs, options);
  log(reconciler, state);
  const { registry, isValid } = metricsOf(reconciler);
  const server = await serve(registry, port, address);
  try {
    await follow(reconciler, file, isValid, end.signal);
  } finally {
    server.close();
    await reconciler.stop();
  }
}

try {
  const options = readArguments();
  const ipvs = await Ipvs.open();
  await run(ipvs, options).finally(() => ipvs.close());
} catch (error) {
  if (error.name !== 'AbortError') {
    console.error(error.message);
    process.exitCode = 1;
  }
}
