import { parse, type Request, usage } from './selection.js';
import { runSuite } from './suite-run.js';
import { Total } from './total.js';

/**
 * The test runner behind `npm test`. Mocha decides whether a test passes; this decides whether the
 * run as a whole may be believed: judge.ts has the rules. The last line is always the count.
 */
process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const request = understand(args);
  if (request === null) return 1;

  const total = new Total();
  for (const selection of request.selections) {
    total.add(await runSuite(selection, request.grep));
  }
  return total.report();
}

function understand(args: string[]): Request | null {
  try {
    return parse(args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error(usage);
    return null;
  }
}
