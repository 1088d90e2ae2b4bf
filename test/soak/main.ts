/**
 * `npm run soak`: first short soaks with a fault planted, each of which must be found, then the one
 * that matters; or, with `opens`, clients that come and go. The README beside this file says what is
 * looked at.
 */
import { parseArgs } from 'node:util';
import { openMany } from './opens.js';
import { type Plant, PLANTS } from './plants.js';
import { type Settings, Soak } from './soak.js';

const usage = `usage: npm run soak -- [MINUTES] [--seed NUMBER] [--unplanted]
       npm run soak -- opens [COUNT]`;

/** Rounds are short at first, so that there are enough samples to tell growth from noise. */
const ROUND = 5_000;
const ROUNDS_AT_LEAST = 12;
const PLANTED = { rounds: 6, round: 1_500 };

type Request =
  | { readonly opens: number }
  | {
      readonly minutes: number;
      readonly seed: number;
      /** Whether to show first that planted faults are found. */
      readonly planted: boolean;
    };

function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0 && number < Infinity)) throw new RangeError(`${text} is no positive number`);
  return number;
}

function understand(): Request {
  const options = {
    seed: { type: 'string' },
    unplanted: { type: 'boolean', default: false },
  } as const;
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  const [first = '1', second, ...rest] = positionals;
  if (rest.length > 0) throw new RangeError('too many arguments');
  if (first === 'opens') return { opens: positive(second ?? '10000') };
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
  if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)) {
    throw new RangeError(`the seed is a whole number below ${2 ** 32}`);
  }
  return { minutes: positive(first), seed, planted: !values.unplanted };
}

async function soak(settings: Settings): Promise<readonly string[]> {
  await using running = await Soak.begin(settings);
  return await running.run();
}

/** Whether a fault is found, and not another one. */
async function finds(plant: Plant, seed: number): Promise<boolean> {
  const lines: string[] = [];
  const problems = await soak({ ...PLANTED, seed, plant, log: (line) => lines.push(line) });
  const found = problems.length > 0 && problems.every((problem) => PLANTS[plant].test(problem));
  console.log(`soak: planted: ${plant}: ${found ? 'found' : 'NOT FOUND'}`);
  if (!found) console.error([...lines, ...problems].join('\n'));
  return found;
}

/** The planted fault that is not found; undefined when all are. */
async function missedPlant(seed: number): Promise<Plant | undefined> {
  for (const plant of Object.keys(PLANTS) as Plant[]) {
    if (!(await finds(plant, seed))) return plant;
  }
  return undefined;
}

async function soakFor(minutes: number, seed: number): Promise<readonly string[]> {
  const time = minutes * 60_000;
  const rounds = Math.max(ROUNDS_AT_LEAST, Math.round(time / ROUND));
  return await soak({
    ...{ seed, rounds, round: time / rounds },
    log: (line) => {
      console.log(`soak: ${line}`);
    },
  });
}

async function problemsOf(request: Request): Promise<readonly string[]> {
  if ('opens' in request) return await openMany(request.opens);
  const { minutes, seed, planted } = request;
  console.log(`soak: ${minutes} minutes, --seed ${seed}`);
  const missed = planted ? await missedPlant(seed) : undefined;
  if (missed !== undefined) return [`the planted fault '${missed}' was not found`];
  return await soakFor(minutes, seed);
}

async function main(request: Request): Promise<boolean> {
  const problems = await problemsOf(request);
  for (const problem of problems) console.error(`soak: WRONG: ${problem}`);
  const seed = 'seed' in request ? `, --seed ${request.seed}` : '';
  console.log(`soak: ${problems.length === 0 ? 'passed' : 'FAILED'}${seed}`);
  return problems.length === 0;
}

/** Undefined when the command line makes no sense, which is said. */
function request(): Request | undefined {
  try {
    return understand();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error(usage);
    return undefined;
  }
}

const requested = request();
process.exitCode = requested !== undefined && (await main(requested)) ? 0 : 1;
