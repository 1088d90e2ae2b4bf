import type { Verdict } from './judge.js';

/** The verdicts of several suites, added up. */
export class Total {
  readonly #sum: Verdict = { passed: 0, failed: 0, skipped: 0, problems: [] };

  add({ passed, failed, skipped, problems }: Verdict): void {
    this.#sum.passed += passed;
    this.#sum.failed += failed;
    this.#sum.skipped += skipped;
    this.#sum.problems.push(...problems);
  }

  /** Something that is wrong beside the tests. */
  complain(problem: string): void {
    this.add({ passed: 0, failed: 1, skipped: 0, problems: [problem] });
  }

  /** Prints the count, as the last line of all; returns the exit status. */
  report(): number {
    if (this.#count() === 0) this.complain('no test matches');
    const { passed, failed, skipped, problems } = this.#sum;
    if (problems.length > 0) console.log('\nNot as it should be:');
    for (const problem of problems) console.log(`  - ${problem}`);
    const counts = [`${passed} passed`, `${failed} failed`];
    if (skipped > 0) counts.push(`${skipped} skipped`);
    console.log(`\n${counts.join(', ')}`);
    return failed === 0 ? 0 : 1;
  }

  #count(): number {
    const { passed, failed, skipped } = this.#sum;
    return passed + failed + skipped;
  }
}
