import type { Verdict } from './judge.js';
import { parse, type Request, usage } from './selection.js';
import { runSuite } from './suite-run.js';

/**
 * The test runner behind `npm test`. Mocha decides whether a test passes; this decides whether the
 * run as a whole may be believed: judge.ts has the rules. The last line is always the count.
 */
process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const request = understand(args);
  if (request === null) return 1;

  const total: Verdict = { passed: 0, failed: 0, skipped: 0, problems: [] };
  for (const selection of request.selections) {
    const verdict = await runSuite(selection, request.grep);
    add(verdict, total);
  }
  if (total.passed + total.failed + total.skipped === 0) {
    add({ passed: 0, failed: 1, skipped: 0, problems: ['no test matches'] }, total);
  }
  report(total);
  return total.failed === 0 ? 0 : 1;
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

function add(verdict: Verdict, total: Verdict): void {
  total.passed += verdict.passed;
  total.failed += verdict.failed;
  total.skipped += verdict.skipped;
  total.problems.push(...verdict.problems);
}

function report({ passed, failed, skipped, problems }: Verdict): void {
  if (problems.length > 0) console.log('\nNot as it should be:');
  for (const problem of problems) console.log(`  - ${problem}`);
  const counts = [`${passed} passed`, `${failed} failed`];
  if (skipped > 0) counts.push(`${skipped} skipped`);
  console.log(`\n${counts.join(', ')}`);
}
