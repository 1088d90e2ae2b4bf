/** Whether ThreadSanitizer is at work, before anything relies on it. */
import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { plant } from './plant.js';

describe('ThreadSanitizer', () => {
  it('finds a planted race of two threads for one connection', async () => {
    const { status, report } = await plant('race');
    assert.notEqual(status, 0);
    assert.match(report, /data race/);
    assert.match(report, /ipvs::Connection::Reset\(/);
  });
});
