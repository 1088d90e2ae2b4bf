/** The installed package with an addon that was built from source beside it, as the README's 'Build from source' says. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { run } from './command.js';
import { cleanEnvironment } from './environment.js';
import { Site } from './install.js';
import { tarball } from './pack.js';
import { installers } from './tools.js';

/** Opens a client, which need not find IPVS, and prints which addons are mapped then. */
const PROGRAM = `import { readFileSync } from 'node:fs';
import { Ipvs } from 'ipvs';
await Ipvs.open().then((ipvs) => ipvs.close(), ({ reason }) => {
  if (reason === 'addon-not-loaded') throw new Error(reason);
});
const lines = readFileSync('/proc/self/maps', 'utf8').split('\\n');
const paths = lines.flatMap((line) => /\\/\\S+\\.node$/.exec(line) ?? []);
console.log(JSON.stringify([...new Set(paths)]));
`;

describe('an addon that was built from source', function () {
  this.timeout(120_000);
  let site: Site;
  let folder: string;

  before(() => {
    site = new Site(installers[0]);
    const { status, output } = site.npm('install', tarball());
    assert.equal(status, 0, output);
    folder = realpathSync(join(site.app, 'node_modules/ipvs'));
    writeFileSync(join(site.app, 'mapped.mjs'), PROGRAM);
  });

  after(() => {
    site.remove();
  });

  function mapped(): unknown {
    const environment = { cwd: site.app, env: cleanEnvironment() };
    const { status, output } = run(process.execPath, ['mapped.mjs'], environment);
    assert.equal(status, 0, output);
    return JSON.parse(output);
  }

  it('is preferred to the binary that came with the package, once it is copied there', () => {
    const published = join(folder, `prebuilds/linux-${process.arch}/ipvs.glibc.node`);
    assert.deepEqual(mapped(), [published]);
    mkdirSync(join(folder, 'build/Release'), { recursive: true });
    const built = join(folder, 'build/Release/ipvs.node');
    cpSync('build/Release/ipvs.node', built);
    assert.deepEqual(mapped(), [built]);
  });
});
