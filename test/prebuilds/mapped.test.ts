/** Whether the tests beside this one are about the published binary. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { arch } from 'node:process';
import { describe, it } from 'mocha';
import { createDoor } from '../../lib/native/addon.js';

describe('the process of the tests', () => {
  it('has loaded the published binary', () => {
    createDoor(null, 1).close();
    const maps = readFileSync('/proc/self/maps', 'utf8');
    const mapped = new Set(maps.match(/\/\S*\/ipvs[^/\s]*\.node$/gm));
    assert.equal(mapped.size, 1, [...mapped].join());
    const published = readFileSync(`prebuilds/linux-${arch}/ipvs.glibc.node`);
    for (const path of mapped) assert.ok(readFileSync(path).equals(published), path);
    assert.equal(process.env['IPVS_PREBUILT'], `linux-${arch}-glibc`);
  });
});
