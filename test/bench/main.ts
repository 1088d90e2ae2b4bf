/**
 * The benchmark behind `npm run bench`: one boot for each kernel (session.ts), then the report.
 *
 * Its exit status says whether the figures may be believed, not whether they please: 0 also where a
 * target was missed, 1 for a run that is void or that made more system calls than it may.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from '../run/process.js';
import type { Measured, Work } from './figures.js';
import { measureNatively } from './native.js';
import { type Options, parse, usage } from './options.js';
import { formatFigures, formatJson, formatRows } from './report.js';
import { callsAreFew, type Row, rowsOf, voidReason } from './targets.js';

/** For everything on one kernel; the emulated one takes long. */
const LAB_SECONDS = process.env['IPVS_LAB_TIMEOUT'] ?? '7200';

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

async function main(args: string[]): Promise<number> {
  const options = understand(args);
  if (options === null) return 1;
  const rows: Row[] = [];
  let valid = true;
  for (const kernel of options.kernels) {
    const before = load();
    const measured =
      kernel === 'native' ? await measureNatively(options) : await measureInLab(kernel, options);
    const own = rowsOf(measured);
    rows.push(...own);
    valid = print(measured, options.works, own, before) && valid;
  }
  if (options.json) console.log(formatJson(rows));
  return valid ? 0 : 1;
}

function understand(args: string[]): Options | null {
  try {
    return parse(args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error(usage);
    return null;
  }
}

/** Runs one session in the lab. */
async function measureInLab(kernel: string, plan: Options): Promise<Measured> {
  // Inside the project, because that is what the lab's guest shares with us.
  const folder = mkdtempSync(resolve('build', 'bench-run-'));
  try {
    const [planFile, record] = [join(folder, 'plan.json'), join(folder, 'record.json')];
    writeFileSync(planFile, JSON.stringify(plan));
    const session = [process.execPath, resolve('dist/test/bench/session.js'), planFile, record];
    const environment = ['env', `IPVS_LAB=${kernel}`, `IPVS_LAB_TIMEOUT=${LAB_SECONDS}`];
    const ending = await run([...environment, resolve('scripts/lab'), ...session], null);
    if (ending.status !== 0) {
      throw new Error(`the session on ${kernel} ended with status ${ending.status}`);
    }
    return JSON.parse(readFileSync(record, 'utf8')) as Measured;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** How busy the machine is: others at work make every figure worse. */
function load(): string {
  return (loadavg()[0] ?? NaN).toFixed(1);
}

/** Prints what was measured; whether it may be believed. */
function print(
  measured: Measured,
  works: readonly Work[],
  rows: readonly Row[],
  loadBefore: string,
): boolean {
  const processors = cpus();
  const machine = `${processors.length} x ${processors[0]?.model ?? 'unknown'}, Node ${process.version}`;
  console.log(`\n── ${measured.kernel}, Linux ${measured.release}, on ${machine} ──`);
  console.log(`load of the host: ${loadBefore} before, ${load()} after\n`);
  console.log(formatFigures(measured));
  console.log(`\n${formatRows(rows)}`);
  const reason = voidReason(measured, works);
  if (reason !== undefined) console.log(`\nVOID: ${reason}`);
  const few = callsAreFew(rows);
  if (!few) console.log('\nFAILED: more system calls or commands than there may be');
  return reason === undefined && few;
}
