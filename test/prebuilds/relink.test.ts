/** The right that libnl's licence gives, exercised: the addon with a changed libnl inside. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { start } from './programs.js';

const TARGET = `linux-${process.arch}-glibc`;
const OPEN = `
  const { Ipvs } = await import('ipvs');
  await Ipvs.open().then(async (client) => await client.close(), () => undefined);`;

/** Opens a client with the binary in a folder; what the process said. */
function open(folder: string): string {
  const words = ['--input-type=module', '--eval', OPEN];
  const { status, stderr } = start([process.execPath, ...words], { IPVS_PREBUILD: folder });
  assert.equal(status, 0, stderr);
  return stderr;
}

describe('a changed libnl', function () {
  this.timeout(600_000);
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ipvs-relink-'));
  });

  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('is linked into the addon by one command', () => {
    const source = join(folder, 'libnl');
    cpSync('build/libnl/source', source, { recursive: true });
    const changed = join(source, 'lib/nl.c');
    const begins = /^(int nl_connect\(struct nl_sock \*sk, int protocol\)\n\{\n)/m;
    const text = readFileSync(changed, 'utf8');
    assert.match(text, begins);
    writeFileSync(changed, text.replace(begins, '$1\tfputs("a changed libnl\\n", stderr);\n'));

    const words = ['--libnl', source, '--out', folder, TARGET];
    const { status, stdout, stderr } = start(['npm', 'run', '-s', 'prebuild', '--', ...words]);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^ok +\d+ bytes {2}prebuilds\/linux-\w+\/ipvs\.glibc\.node\n$/);
    assert.equal(open(folder), 'a changed libnl\n');
    // And where nobody changed it:
    const copy = join(folder, 'published');
    cpSync('prebuilds', join(copy, 'prebuilds'), { recursive: true });
    assert.equal(open(copy), '');
  });

  it('must be one', () => {
    const words = ['--libnl', folder, '--out', folder, TARGET];
    const { status, stderr } = start([resolve('scripts/prebuild'), ...words]);
    assert.equal(status, 1);
    assert.match(stderr, /is not an unpacked source of libnl 3\n$/);
  });
});
