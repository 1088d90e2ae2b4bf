/**
 * A static balancer: `node main.js table.json` makes the kernel's table what the file says, and ends.
 * The kernel goes on balancing.
 *
 * The file holds all services of the network namespace, each with its destinations, as
 * `ipvs.snapshot({ stats: false })` gives them; what it does not mention is deleted. Services and
 * destinations that stay are edited, not made anew, so that connections live on.
 *
 * Every line of the output says what was done. Where something is wrong, the program says where, and ends
 * with status 1: what came before it is in the table. Nothing is deleted before all else is done.
 *
 * @import { DestinationInput, ServiceInput } from 'ipvs'
 */
import { readFile } from 'node:fs/promises';
import { formatKey, Ipvs } from 'ipvs';

/** @typedef {ServiceInput & { destinations: DestinationInput[] }} Balanced A service and its servers. */

/** @returns {Promise<Balanced[]>} */
async function readTable(file) {
  const table = JSON.parse(await readFile(file, 'utf8'));
  if (!Array.isArray(table)) throw new Error(`${file} must hold a list of services`);
  return table.map(({ destinations = [], ...service }) => ({ ...service, destinations }));
}

/** Runs one step, whose failure is to say which entry of the file it was about. */
async function at(place, step) {
  try {
    return await step();
  } catch (error) {
    throw new Error(`${place}: ${error.message}`, { cause: error });
  }
}

/**
 * Makes and edits what the file mentions.
 *
 * @param {Ipvs} ipvs
 * @param {Balanced[]} table
 */
async function define(ipvs, table) {
  for (const [number, service] of table.entries()) {
    const place = `services[${number}]`;
    console.log(await at(place, () => ipvs.ensureService(service)), formatKey(service));
    for (const [index, destination] of service.destinations.entries()) {
      const ensure = () => ipvs.ensureDestination(service, destination);
      const done = await at(`${place}.destinations[${index}]`, ensure);
      console.log(done, formatKey(service), formatKey(destination));
    }
  }
}

/**
 * Deletes what the file does not mention: last, so that no service is without servers in between.
 *
 * @param {Ipvs} ipvs
 * @param {Balanced[]} table
 */
async function removeOthers(ipvs, table) {
  const wanted = new Map(
    table.map((service) => [formatKey(service), new Set(service.destinations.map(formatKey))]),
  );
  for (const service of await ipvs.snapshot({ consistent: true })) {
    const key = formatKey(service);
    const servers = wanted.get(key);
    if (servers === undefined) {
      await ipvs.deleteService(service);
      console.log('deleted', key);
      continue;
    }
    for (const destination of service.destinations) {
      if (servers.has(formatKey(destination))) continue;
      await ipvs.deleteDestination(service, destination);
      console.log('deleted', key, formatKey(destination));
    }
  }
}

try {
  const [file] = process.argv.slice(2);
  if (file === undefined) throw new Error('usage: node main.js TABLE.json');
  const table = await readTable(file);
  const ipvs = await Ipvs.open();
  try {
    await define(ipvs, table);
    await removeOthers(ipvs, table);
  } finally {
    await ipvs.close();
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
