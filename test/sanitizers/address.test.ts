/** Whether AddressSanitizer and its companions are at work, before anything relies on them. */
import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { leak, plant } from './plant.js';

describe('AddressSanitizer', () => {
  it('finds a planted read past the end of memory', async () => {
    const { status, report } = await plant('overflow');
    assert.notEqual(status, 0);
    assert.match(report, /heap-buffer-overflow/);
    assert.match(report, /in ipvs::ReadDatagram\(/);
  });

  it('finds a planted read of the byte behind a datagram of the kernel', async () => {
    const { status, report } = await plant('overread');
    assert.notEqual(status, 0);
    assert.match(report, /use-after-poison/);
    assert.match(report, /READ of size 1 /);
    assert.match(report, /in Overread /);
  });
});

describe('UndefinedBehaviorSanitizer', () => {
  it('finds a planted datagram at an odd address', async () => {
    const { status, report } = await plant('misalign');
    assert.notEqual(status, 0);
    assert.match(report, /misaligned address/);
    assert.match(report, /in ipvs::ReadDatagram\(/);
  });
});

describe('LeakSanitizer', () => {
  it('finds planted leaks, also behind its suppressions', () => {
    assert.deepEqual(leak(), { others: false, messages: true, replies: true });
  });
});
