/** What is in the tarball. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'mocha';
import { run } from './command.js';
import { noteOf, staleness } from '../prebuilds/sources.js';
import { expectedContents, requiredBinaries } from './contents.js';
import { contents, pack, tarball, unpack } from './pack.js';

describe('the tarball', function () {
  this.timeout(120_000);
  let path: string;

  before(() => {
    path = tarball();
  });

  it('has exactly the files that belong to the package', () => {
    assert.deepEqual(contents(path), expectedContents());
  });

  it('has the binaries that were made of these very sources', () => {
    const folder = unpack(path);
    const note = noteOf('.');
    assert.notEqual(requiredBinaries.length, 0);
    for (const file of requiredBinaries) {
      assert.deepEqual(staleness(file, note), [], file);
      assert.ok(readFileSync(join(folder, file)).equals(readFileSync(file)), file);
    }
  });

  // What was unpacked lies in another folder, in another order, and is as old as this run.
  it('has the same bytes when it is packed from another folder at another time', () => {
    const again = pack(unpack(path));
    assert.ok(readFileSync(again).equals(readFileSync(path)), `${again} differs from ${path}`);
  });

  it('satisfies publint', () => {
    const { status, output } = run('node_modules/.bin/publint', ['run', path, '--strict']);
    assert.match(output, /^All good!$/m);
    assert.equal(status, 0);
  });

  it('has the right types, as attw sees them', () => {
    const words = ['--profile', 'esm-only', '--no-definitely-typed', '--format', 'ascii'];
    const { status, output } = run('node_modules/.bin/attw', [path, ...words]);
    assert.equal(status, 0, output);
    assert.match(output, /^"ipvs"$[^]*^bundler: 🟢 *$/m);
  });
});
