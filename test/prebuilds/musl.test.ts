/** The binaries for musl, loaded by a musl program through musl's own loader. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'mocha';
import type { Ended } from '../support/child.js';
import { readSharedObject } from './elf.js';
import { onArm64, start, withArm64 } from './programs.js';
import { compile } from './zig.js';

const SOURCE = 'test/prebuilds/native/host.c';

/** Has the program every function of Node-API that the addon asks for; those of host.c win. */
function stubs(addon: string): string {
  return readSharedObject(addon)
    .required.filter((name) => /^(?:napi|node_api)_/.test(name))
    .map((name) => `__attribute__((weak)) int ${name}(void) { return 0; }\n`)
    .join('');
}

const x64 = { platform: 'x64', target: 'x86_64-linux-musl', loader: ['/lib/ld-musl-x86_64.so.1'] };
const arm64 = {
  ...{ platform: 'arm64', target: 'aarch64-linux-musl' },
  loader: onArm64('lib/ld-musl-aarch64.so.1'),
};

for (const { platform, target, loader } of withArm64 ? [x64, arm64] : [x64]) {
  describe(`the binary for musl on ${platform}`, function () {
    this.timeout(300_000);
    const addon = resolve(`prebuilds/linux-${platform}/ipvs.musl.node`);
    let folder: string;

    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'ipvs-musl-'));
      const generated = join(folder, 'stubs.c');
      writeFileSync(generated, stubs(addon));
      const program = join(folder, 'host');
      const options = ['-w', '-O2', '-shared', '-fPIC', '-Wl,-e,Start', '-o', program];
      compile('cc', target, ...options, SOURCE, generated);
    });

    after(() => {
      rmSync(folder, { recursive: true });
    });

    function load(...words: string[]): Ended {
      return start([...loader, join(folder, 'host'), addon, ...words]);
    }

    it('finds all that it needs, and sets its exports', () => {
      const { status, stdout, stderr } = load();
      assert.equal(stderr, '');
      assert.match(stdout, /^version 9\n(?:property \w+\n)+$/);
      for (const name of ['Client', 'layout'])
        assert.match(stdout, new RegExp(`^property ${name}$`, 'm'));
      assert.equal(status, 0);
    });

    it('throws and catches exceptions of C++', () => {
      const { status, stdout, stderr } = load('napi_create_object');
      assert.deepEqual(
        { status, stdout: stdout.replace(/^property.*\n/gm, ''), stderr },
        {
          status: 0,
          stdout: 'version 9\nthrown\n',
          stderr: '',
        },
      );
    });
  });
}
