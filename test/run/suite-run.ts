import { mkdtempSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { hold, namesIn } from './hold.js';
import { judge, type Verdict } from './judge.js';
import type { Selection } from './selection.js';

const lab = resolve('dist/test/lab/main.js');
/** What the lab ends with when its own time limit, IPVS_LAB_TIMEOUT, has passed. */
const labTimedOut = 124;
/** For a whole suite; longer than the lab's default, since an emulated kernel is slow. */
const labSeconds = process.env['IPVS_LAB_TIMEOUT'] ?? '1800';

/** Lists a suite's tests, runs them with the program `node`, and compares the two. */
export async function runSuite(
  { suite, files }: Selection,
  grep: string | null,
  node = process.execPath,
): Promise<Verdict> {
  // Inside the project, because that is what the lab's guest shares with us.
  const folder = mkdtempSync(resolve('build', 'test-run-'));
  try {
    const plan = {
      files: files.map((file) => resolve(file)),
      grep,
      inLab: suite.inLab,
      color: process.stdout.isTTY,
    };
    const dryRun = { ...plan, dryRun: true, inLab: false };
    const listing = await hold(dryRun, folder, [], suite.limit, node);
    if (listing.ending.status !== 0)
      return failure(`the ${suite.name} tests can't be listed, see above`);
    const listed = namesIn(listing.entries);
    if (listed.length === 0) return nothingListed(suite.name, grep);

    console.log(`\n── ${suite.name} tests (${listed.length}) ──`);
    const through = suite.inLab
      ? ['env', `IPVS_LAB_TIMEOUT=${labSeconds}`, process.execPath, lab]
      : [];
    const { entries, ending } = await hold(
      { ...plan, dryRun: false },
      folder,
      through,
      suite.limit,
      node,
    );
    if (suite.inLab && ending.status === labTimedOut) ending.timedOut = true;
    return judge(listed, entries, ending);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function failure(problem: string): Verdict {
  return { passed: 0, failed: 1, skipped: 0, problems: [problem] };
}

/** A filter may leave a suite empty. Without one, an empty suite is one whose tests were lost. */
function nothingListed(name: string, grep: string | null): Verdict {
  if (grep === null) return failure(`there are no ${name} tests`);
  return { passed: 0, failed: 0, skipped: 0, problems: [] };
}
