/** The README's tables for those who know ipvsadm leave none of its commands and options out. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { PACKAGE_ROOT } from '../support/child.js';
import { inNamespace } from '../support/netns.js';

/** What ipvsadm's own help lists, each as all of its spellings: `--add-service`, `-A`. */
function spellings(help: string): string[][] {
  return [...help.matchAll(/^ {2}(--[\w-]+)(?:\s*\|\s*|\s+)?(-\w)?(?:\|(-\w))?/gm)].map(
    ([, ...names]) => names.filter((name: string | undefined) => name !== undefined),
  );
}

describe('the README', () => {
  it(
    'has our name for every command and option of ipvsadm',
    inNamespace(async (ns) => {
      const text = readFileSync(join(PACKAGE_ROOT, 'README.md'), 'utf8');
      const [, section = ''] = /^## From ipvsadm\n([^]*?)^## /m.exec(text) ?? [];
      const rows = [...section.matchAll(/^\| (.*?) *\|/gm)].map(([, first = '']) => first);
      const known = new Set(
        rows.flatMap((row) => [...row.matchAll(/(?<![\w-])--?[\w-]+/g)].map(([word]) => word)),
      );
      const all = spellings(await ns.ipvsadm('-h'));
      assert.ok(all.length > 45, `the help lists only ${all.length}`);
      assert.deepEqual(
        all.filter((names) => !names.some((name) => known.has(name))),
        [['--help', '-h']],
      );
    }),
  );
});
