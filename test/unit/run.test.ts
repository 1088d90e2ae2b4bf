import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { type Ending, judge } from '../run/judge.js';
import type { Entry, State } from '../run/record.js';

const well: Ending = { status: 0, signal: null, timedOut: false };
const begin: Entry = { event: 'begin', kind: 'uml', release: '6.1.0' };
const end: Entry = { event: 'end' };
const test = (id: string, state: State = 'passed'): Entry => ({ event: 'test', id, state });

describe("the test runner's judgement", () => {
  it('is content when every listed test passed once', () => {
    const verdict = judge(['a', 'b'], [begin, test('a'), test('b'), end], well);
    assert.deepEqual(verdict, { passed: 2, failed: 0, skipped: 0, problems: [] });
  });

  it('counts a test that failed, and leaves the report to mocha', () => {
    const verdict = judge(['a', 'b'], [begin, test('a', 'failed'), test('b'), end], {
      ...well,
      status: 1,
    });
    assert.deepEqual(verdict, { passed: 1, failed: 1, skipped: 0, problems: [] });
  });

  it('names a listed test that did not run', () => {
    const verdict = judge(['a', 'b'], [begin, test('a'), end], well);
    assert.deepEqual(verdict, { passed: 1, failed: 1, skipped: 0, problems: ['did not run: b'] });
  });

  it('fails a test that ran although nobody listed it', () => {
    const { failed, problems } = judge(['a'], [begin, test('a'), test('b'), end], well);
    assert.equal(failed, 1);
    assert.deepEqual(problems, ['ran 1 times more than listed: b']);
  });

  it('takes two tests of one name for two tests', () => {
    const twice = [begin, test('a'), test('a'), end];
    assert.equal(judge(['a', 'a'], twice, well).failed, 0);
    assert.equal(judge(['a'], twice, well).failed, 1);
    assert.deepEqual(judge(['a', 'a'], [begin, test('a'), end], well).problems, ['did not run: a']);
  });

  it('does not forgive a test that passes when it is tried again', () => {
    const retried = [begin, test('a', 'failed'), test('a'), end];
    assert.equal(judge(['a'], retried, well).failed, 2);
  });

  for (const kind of ['uml', 'qemu', 'no lab', 'unknown']) {
    it(`fails a skipped test on ${kind}`, () => {
      const entries = [{ ...begin, kind }, test('a', 'skipped'), end];
      const { failed, skipped, problems } = judge(['a'], entries, well);
      assert.deepEqual([failed, skipped], [1, 0]);
      assert.match(problems.join(), new RegExp(`^skipped, .*${kind}.*: a$`));
    });
  }

  it("counts a skipped test on a host's own kernel", () => {
    const entries: Entry[] = [{ ...begin, kind: 'host' }, test('a', 'skipped'), end];
    const verdict = judge(['a'], entries, well);
    assert.deepEqual(verdict, { passed: 0, failed: 0, skipped: 1, problems: [] });
  });

  it('counts a hook that failed', () => {
    const entries: Entry[] = [begin, test('a'), { event: 'hook', id: 'after all' }, end];
    assert.equal(judge(['a'], entries, { ...well, status: 1 }).failed, 1);
  });

  it('says what kept the process alive after the last test', () => {
    const leak: Entry = { event: 'open-handles', resources: ['TCPServerWrap'] };
    const { failed, problems } = judge(['a'], [begin, test('a'), end, leak], {
      ...well,
      status: 1,
    });
    assert.equal(failed, 1);
    assert.match(problems.join(), /TCPServerWrap/);
  });

  it('names the last test before the time limit', () => {
    const ending = { status: null, signal: 'SIGKILL', timedOut: true };
    const { failed, problems } = judge(['a', 'b'], [begin, test('a')], ending);
    assert.equal(failed, 2);
    assert.deepEqual(problems, ['did not run: b', 'the time limit passed after this test: a']);
  });

  it('fails a session that a signal ended, even after its last test', () => {
    const ending = { status: null, signal: 'SIGSEGV', timedOut: false };
    const { failed, problems } = judge(['a'], [begin, test('a'), end], ending);
    assert.equal(failed, 1);
    assert.deepEqual(problems, ['ended by SIGSEGV after the last test had ended']);
  });

  it('fails a session that ended before mocha did, even with status 0', () => {
    const { failed, problems } = judge(['a'], [begin, test('a')], well);
    assert.equal(failed, 1);
    assert.deepEqual(problems, ['ended early, with status 0, after this test: a']);
  });

  it('fails a session that left no record at all', () => {
    const { passed, failed, problems } = judge(['a'], [], { ...well, status: 125 });
    assert.deepEqual([passed, failed], [0, 2]);
    assert.match(problems.join(), /status 125, before any test file was loaded/);
  });

  it('fails a status that the tests do not explain', () => {
    const { failed, problems } = judge(['a'], [begin, test('a'), end], { ...well, status: 7 });
    assert.equal(failed, 1);
    assert.match(problems.join(), /status is 7/);
  });
});
