/**
 * A static balancer: `node main.js table.json` makes the kernel's table what the file says, and ends.
 * The kernel goes on balancing.
 *
 * The file holds all services of the network namespace, each with its destinations, as
 * `ipvs.snapshot({ stats: false })` gives them; what it does not mention is deleted. Services and destinations that
 * stay are edited, not deleted and added, so that connections live on. A file that is empty, or would delete more
 * than half of the table, is refused: it is more likely half-written than meant.
 *
 * The output has a line for each change that was made, like a diff. Where something is wrong, the program says what,
 * and ends with status 1; everything that does not depend on it is done.
 */
import { readFile } from 'node:fs/promises';
import { checkDesiredState, formatPlan, Ipvs, IpvsApplyError } from 'ipvs';

/** Reads the whole table from a file; an error says where the file is wrong. */
async function readTable(file) {
  const text = await readFile(file, 'utf8');
  try {
    return checkDesiredState(JSON.parse(text));
  } catch (error) {
    throw new Error(`${file}: ${error.message}`, { cause: error });
  }
}

try {
  const [file] = process.argv.slice(2);
  if (file === undefined) throw new Error('usage: node main.js TABLE.json');
  const table = await readTable(file);
  const ipvs = await Ipvs.open();
  try {
    // Whoever owns only a part of the table names that part here, a network for instance: scope: ['10.0.0.0/16'].
    const { applied } = await ipvs.apply(table, { scope: 'everything' });
    process.stdout.write(formatPlan(applied));
  } finally {
    await ipvs.close();
  }
} catch (error) {
  if (error instanceof IpvsApplyError) process.stdout.write(formatPlan(error.report.applied));
  console.error(error.message);
  process.exitCode = 1;
}
