/** docs/peer-bugs.md names the tests that keep each known bug of a peer out: do they exist? */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, it } from 'mocha';
import { hold, namesIn } from '../run/hold.js';
import { filesOf, suites } from '../run/suites.js';

const TEXT = readFileSync('docs/peer-bugs.md', 'utf8');

async function allTests(): Promise<Set<string>> {
  const folder = mkdtempSync(resolve('build', 'test-list-'));
  try {
    const plan = {
      files: suites.flatMap((suite) => filesOf(suite)).map((file) => resolve(file)),
      ...{ grep: null, dryRun: true, inLab: false, color: false },
    };
    const { entries, ending } = await hold(plan, folder, [], 60_000);
    assert.equal(ending.status, 0);
    return new Set(namesIn(entries));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function namedTests(text: string): string[] {
  return [...text.matchAll(/`(test\/[^`]* › [^`]*)`/g)].map(([, name = '']) => name);
}

describe('the table of other bindings’ bugs', () => {
  it('has a row for each of B1 to B22, with a test or a row that has one', () => {
    const rows = new Map(
      [...TEXT.matchAll(/^\| (B\d+) +\|(.*)\|$/gm)].map(([, bug = '', row = '']) => [bug, row]),
    );
    assert.deepEqual(
      [...rows.keys()],
      Array.from({ length: 22 }, (_, index) => `B${index + 1}`),
    );
    for (const [bug, row] of rows) {
      const [, other] = /\| as (B\d+) +$/.exec(row) ?? [];
      const named = namedTests(other === undefined ? row : (rows.get(other) ?? ''));
      assert.ok(named.length > 0, `${bug} names no test`);
    }
  });

  it('names tests that exist', async function () {
    this.timeout(60_000);
    const tests = await allTests();
    const missing = namedTests(TEXT).filter((name) => !tests.has(name));
    assert.deepEqual(missing, []);
  });
});
