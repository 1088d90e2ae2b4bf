/** The README's tables of the kernel's interface leave nothing of linux/ip_vs.h out. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';

/** What a row may say of names that begin alike: `IPVS_SVC_ATTR_PORT`, `_ADDR`. */
function namesIn(row: string): string[] {
  const names: string[] = [];
  for (const [, name = ''] of row.matchAll(/`(\w+)`/g)) {
    const first = names[0] ?? '';
    const stem = /^IPVS_(?:CMD_ATTR|CMD|INFO_ATTR|SVC_ATTR|DEST_ATTR|DAEMON_ATTR|STATS_ATTR)/.exec(
      first,
    );
    names.push(name.startsWith('_') ? `${stem?.[0] ?? ''}${name}` : name);
  }
  return names;
}

/** Every command and attribute that the header declares, by the compiler's word. */
function declared(): string[] {
  const header = execFileSync(
    'c++',
    ['-E', '-x', 'c++', '-include', 'linux/ip_vs.h', '/dev/null'],
    {
      encoding: 'utf8',
    },
  );
  const names = header.match(/\bIPVS_(?:CMD|INFO|SVC|DEST|DAEMON|STATS)_\w+/g) ?? [];
  // Not messages: ends of their lists, and the number 0 of each.
  return [...new Set(names)].filter((name) => !/(_MAX|_UNSPEC|_LAST)$/.test(name));
}

describe('the README', () => {
  it('has our name for every command and attribute of the kernel', () => {
    const text = readFileSync('README.md', 'utf8');
    const rows = [...text.matchAll(/^\| (`IPVS_.*?) *\|/gm)].flatMap(([, row = '']) =>
      namesIn(row),
    );
    const names = declared();
    assert.ok(names.length > 60, `the header declares only ${names.length}`);
    const known = new Set(rows);
    assert.deepEqual(
      names.filter((name) => !known.has(name)),
      [],
    );
  });
});
