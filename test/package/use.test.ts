/** The installed package at work, where there is no libnl. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { after, before, describe, it } from 'mocha';
import { parseList } from '../support/ipvsadm.js';
import { Site } from './install.js';
import type { Use } from './lab-process.js';
import { tarball } from './pack.js';
import { compile, copyPlain, programs, resolutions } from './programs.js';
import { makeSlimSystem } from './slim-system.js';
import { installers, lines } from './tools.js';

const LAB = 'dist/test/lab/main.js';
const added = {
  ...{ protocol: 'tcp', family: 'ipv4', address: '10.0.0.1', port: 80, scheduler: 'rr' },
  ...{ flags: [], onePacket: false, destinations: [] },
};

let site: Site;

before(function () {
  this.timeout(120_000);
  site = new Site(installers[0]);
  const { status, output } = site.npm('install', tarball());
  assert.equal(status, 0, output);
});

after(() => {
  site.remove();
});

describe('TypeScript', function () {
  this.timeout(120_000);

  for (const each of resolutions) {
    it(`compiles ${each.source} strictly under ${each.resolution}`, () => {
      assert.deepEqual(compile(site.app, each), { status: 0, output: '' });
    });
  }
});

describe('the installed package, in a slim system', function () {
  this.timeout(300_000);
  let root: string;
  let uses: Use[];

  before(() => {
    copyPlain(site.app);
    root = makeSlimSystem(site.app);
    const words = [LAB, process.execPath, 'dist/test/package/lab-process.js', root];
    const output = execFileSync(process.execPath, words, { encoding: 'utf8' });
    uses = output
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text) as Use);
  });

  it('has no libraries but those of Node.js', () => {
    const libraries = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((path) => !path.startsWith('app/') && path.includes('.so'))
      .map((path) => path.replace(/.*\/([^/]+)\.so.*/, '$1'));
    const nodes = ['libc', 'libdl', 'libgcc_s', 'libm', 'libpthread', 'libstdc++', 'libatomic'];
    const allowed = [...nodes, 'ld-linux-x86-64'];
    assert.deepEqual(
      libraries.filter((name) => !allowed.includes(name)),
      [],
    );
    assert.ok(libraries.includes('libc'));
  });

  for (const line of lines) {
    for (const program of programs) {
      it(`adds a service with ${line} and ${program}`, () => {
        const use = uses.find((each) => each.line === line && each.program === program);
        assert.ok(use !== undefined, 'it was not run');
        const { status, output, table } = use;
        assert.deepEqual({ status, output }, { status: 0, output: '' });
        assert.deepEqual(parseList(table), [added]);
      });
    }
  }
});
