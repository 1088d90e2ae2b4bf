/** The last of all: whether anything was lost in this process, and whether that would be noticed. */
import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { leak } from './plant.js';

describe('LeakSanitizer, after all tests', () => {
  it('finds planted leaks and no other', () => {
    assert.deepEqual(leak(), { others: false, messages: true, replies: true });
  });
});
