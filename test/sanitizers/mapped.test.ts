import assert from 'node:assert/strict';
import { realpathSync } from 'node:fs';
import { describe, it } from 'mocha';
import { createDoor } from '../../lib/native/addon.js';
import { addon, libraries, mappedAddons, mappedFiles } from './environment.js';

describe('the process of the tests', () => {
  it('has loaded the sanitizer, and the addon that was built for it and no other', () => {
    createDoor(null, 1).close();
    for (const library of libraries) assert.ok(mappedFiles().includes(realpathSync(library)));
    assert.deepEqual(mappedAddons(), [addon]);
  });

  it('hides the sanitizer from programs that are not ours', () => {
    assert.equal(process.env['LD_PRELOAD'], undefined);
  });
});
