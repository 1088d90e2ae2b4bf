/** What is said of libnl's version, and what is passed on of others' licences. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';

const LICENCES = readFileSync('THIRD-PARTY-LICENSES', 'utf8');

describe('the licences of what is inside the published binaries', () => {
  it('are about the very source of libnl that is compiled', () => {
    const [, version = ''] =
      / libnl3_(\S+)\.dsc$/m.exec(readFileSync('packaging/libnl.sha256', 'utf8')) ?? [];
    assert.match(version, /^\d+(?:\.\d+)+-\S+$/);
    for (const text of [LICENCES, readFileSync('docs/relinking.md', 'utf8')]) {
      const named = [...text.matchAll(/libnl3[ =_](\d[\w.~+-]*?)(?=[\s*,.`)]*(?:\s|\.dsc|$))/g)];
      assert.ok(named.length > 0);
      for (const [, other] of named) assert.equal(other, version);
    }
  });

  it('are those of the sources in node_modules', () => {
    for (const file of ['node-addon-api/LICENSE.md', 'node-api-headers/LICENSE']) {
      assert.ok(LICENCES.includes(readFileSync(`node_modules/${file}`, 'utf8').trim()), file);
    }
  });

  it('are published', () => {
    const { files } = JSON.parse(readFileSync('package.json', 'utf8')) as { files: string[] };
    assert.ok(files.includes('THIRD-PARTY-LICENSES'));
  });
});
