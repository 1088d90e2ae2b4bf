/**
 * A health-checked balancer: `node main.js balancer.json` keeps one service whose real servers have their
 * weight while they answer HTTP requests, and weight 0 while they don't.
 *
 * Weight 0 takes no new connections and lets those end that there are. A server is believed unhealthy after
 * `check.failures` checks in a row, and healthy again after `check.successes`; the first check of a server
 * is believed at once. A check fails unless an answer with a status from 200 to 299 begins within
 * `check.timeout` milliseconds.
 *
 * SIGTERM and SIGINT end the program, as soon as the checks that are under way have ended, and leave the
 * table as it is: traffic goes on, and the next start goes on from there. When the kernel refuses something
 * (somebody deleted the service, say) the program ends with status 1; what runs it is to start it again,
 * and that repairs the table.
 *
 * @import { Destination, Service } from 'ipvs'
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatKey, Ipvs } from 'ipvs';

/** @typedef {{ service: Service, destinations: Destination[], check?: Check }} Balancer */
/** @typedef {{ path?: string, interval?: number, timeout?: number, failures?: number, successes?: number }} Check */

/** Whether a server answers well and in time. Each check takes a connection of its own, as clients do. */
async function isHealthy(url, timeout) {
  const request = get(url, { agent: false, signal: AbortSignal.timeout(timeout) });
  try {
    const [{ statusCode }] = await once(request, 'response');
    return statusCode >= 200 && statusCode <= 299;
  } catch {
    return false;
  } finally {
    request.destroy();
  }
}

/**
 * Checks one server until the end, and gives it its weight.
 *
 * @param {Ipvs} ipvs
 * @param {Balancer} balancer
 * @param {Destination} destination
 * @param {AbortSignal} end
 */
async function watch(ipvs, { service, check = {} }, destination, end) {
  const { path = '/', interval = 2000, timeout = 1000, failures = 3, successes = 2 } = check;
  const name = formatKey(destination);

  let believed;
  let contradictions = 0;
  for (;;) {
    const healthy = await isHealthy(`http://${name}${path}`, timeout);
    end.throwIfAborted();
    contradictions = healthy === believed ? 0 : contradictions + 1;
    const changes = believed === undefined || contradictions >= (healthy ? successes : failures);
    if (changes) {
      believed = healthy;
      contradictions = 0;
    }
    // Also where nothing changes: somebody else may have edited or deleted it.
    const weight = believed ? (destination.weight ?? 1) : 0;
    await ipvs.ensureDestination(service, { ...destination, weight });
    if (changes) console.log(`${name} is ${healthy ? 'healthy' : 'unhealthy'}: weight ${weight}`);
    await sleep(interval, undefined, { signal: end });
  }
}

/**
 * Deletes servers that the file does not mention any more: nobody would watch them.
 *
 * @param {Ipvs} ipvs
 * @param {Balancer} balancer
 */
async function removeOthers(ipvs, { service, destinations }) {
  const wanted = new Set(destinations.map(formatKey));
  for (const entry of await ipvs.listDestinations(service)) {
    if (!wanted.has(formatKey(entry))) await ipvs.deleteDestination(service, entry);
  }
}

const end = new AbortController();
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => end.abort());

try {
  const [file] = process.argv.slice(2);
  if (file === undefined) throw new Error('usage: node main.js BALANCER.json');
  /** @type {Balancer} */
  const balancer = JSON.parse(await readFile(file, 'utf8'));
  const ipvs = await Ipvs.open();
  try {
    await ipvs.ensureService(balancer.service);
    await removeOthers(ipvs, balancer);
    const watches = balancer.destinations.map((each) => watch(ipvs, balancer, each, end.signal));
    // The first that fails ends them all.
    await Promise.all(watches).finally(() => end.abort());
  } finally {
    await ipvs.close();
  }
} catch (error) {
  if (error.name !== 'AbortError') {
    console.error(error.message);
    process.exitCode = 1;
  }
}
