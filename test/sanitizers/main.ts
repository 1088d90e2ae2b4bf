import { parseArgs } from 'node:util';
import { parse, patternOf, type Selection } from '../run/selection.js';
import { Total } from '../run/total.js';
import { runUnder } from './run.js';
import { apart, sanitizers, type Sanitizer } from './sanitizers.js';

const usage = `usage: scripts/asan [--full] [address|thread]... [unit|integration|FILE]...

  FILE is a test's source, such as test/integration/proc.test.ts. Without one, the tests run that between
  them walk every native path; with --full, all unit and integration tests. Without a name both
  sanitizers are used, one after the other.`;

interface Request {
  sanitizer: Sanitizer;
  selections: Selection[];
  /** The names of tests that don't run. */
  without: readonly string[];
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const requests = understand(args);
  if (requests === null) return 1;
  const total = new Total();
  for (const { sanitizer, selections, without } of requests) {
    const grep = `^(?!.*(?:${without.map(patternOf).join('|')}))`;
    await runUnder(sanitizer, selections, grep, total);
  }
  return total.report();
}

function understand(args: string[]): Request[] | null {
  try {
    return read(args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error(usage);
    return null;
  }
}

function read(args: string[]): Request[] {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { full: { type: 'boolean', default: false } },
  });
  const named = sanitizers.filter(({ name }) => positionals.includes(name));
  const given = positionals.filter((word) => !named.some(({ name }) => name === word));
  const wanted = values.full ? ['unit', 'integration'] : given;
  return (named.length > 0 ? named : sanitizers).map((sanitizer) =>
    wanted.length > 0
      ? { sanitizer, selections: select(wanted), without: apart }
      : {
          sanitizer,
          selections: select(sanitizer.walk),
          without: [...apart, ...sanitizer.long],
        },
  );
}

function select(wanted: readonly string[]): Selection[] {
  const { selections } = parse([...wanted]);
  const lab = selections.find(({ suite }) => suite.name === 'lab');
  if (lab !== undefined) throw new RangeError('the lab has no native part of ours to be sanitized');
  return selections;
}
