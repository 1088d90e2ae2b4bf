/** What happens when the package is installed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { Site } from './install.js';
import { contents, tarball } from './pack.js';
import { installers } from './tools.js';
import { newFolder } from './work.js';

/** Where there was nothing to build and no script to ask about, npm says no more. */
const silence = /^\nadded (\d+) packages? in \S+\n$/;

/** A package that would have npm build something. */
function plantedPackage(): string {
  const folder = newFolder('planted');
  mkdirSync(join(folder, 'package'));
  const description = { name: 'planted', version: '1.0.0', scripts: { install: 'node -p 1' } };
  writeFileSync(join(folder, 'package/package.json'), JSON.stringify(description));
  const path = join(folder, 'planted.tgz');
  execFileSync('tar', ['--create', '--gzip', '--file', path, '--directory', folder, 'package']);
  return path;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

for (const installer of installers) {
  describe(`${installer.npm}, without a compiler`, function () {
    this.timeout(120_000);
    let site: Site;

    before(() => {
      site = new Site(installer);
    });

    after(() => {
      site.remove();
    });

    function assertInstalled(...words: string[]): void {
      const { status, output } = site.npm(...words);
      assert.match(output, silence);
      assert.equal(status, 0);
      assert.deepEqual(site.scripts, []);
      const installed = filesBelow(join(site.app, 'node_modules/ipvs'));
      assert.deepEqual(installed, contents(tarball()));
    }

    it('installs the package, and runs nothing', () => {
      assertInstalled('install', tarball());
    });

    it('installs it again from its lock file, and runs nothing', () => {
      rmSync(join(site.app, 'node_modules'), { recursive: true });
      assertInstalled('ci');
    });

    it('would be caught running or announcing a script', () => {
      const planted = new Site(installer);
      const { output } = planted.npm('install', plantedPackage());
      const caught = { byOutput: !silence.test(output), byRecord: planted.scripts.length > 0 };
      planted.remove();
      // The oldest says nothing of what it runs, the newest does not run what it speaks of.
      const expected = {
        'npm-10': { byOutput: false, byRecord: true },
        'npm-11': { byOutput: true, byRecord: true },
        'npm-12': { byOutput: true, byRecord: false },
      };
      assert.deepEqual(caught, expected[installer.npm]);
    });
  });
}
