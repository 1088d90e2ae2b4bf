/**
 * What a client says and does when the kernel's answer is lost or makes no sense. The kernel can't
 * be made to do that: a library loaded before libc (test/native/faults.cc) spoils what is received.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, it } from 'mocha';

const FAULTS = fileURLToPath(new URL('../../../build/test/faults.so', import.meta.url));
const CHILD = fileURLToPath(new URL('../support/lost-answers-child.js', import.meta.url));

interface Failure {
  readonly reason: string;
  readonly code: string;
  readonly outcome: string;
}

interface Report {
  readonly written: Failure;
  readonly read: Failure;
  readonly listed: Failure;
  readonly milliseconds: number;
  /** Services in the table when answers came again. */
  readonly afterwards: number;
}

async function reportOf(fault: string): Promise<Report> {
  const { stdout } = await promisify(execFile)('unshare', ['-n', process.execPath, CHILD, fault], {
    env: { ...process.env, LD_PRELOAD: FAULTS },
  });
  return JSON.parse(stdout) as Report;
}

const EXPECTED: Readonly<Record<string, Omit<Failure, 'outcome'>>> = {
  lose: { reason: 'timeout', code: 'ERR_IPVS_TIMEOUT' },
  overflow: { reason: 'other', code: 'ENOBUFS' },
  cut: { reason: 'malformed-reply', code: 'ERR_IPVS_MALFORMED_REPLY' },
  empty: { reason: 'malformed-reply', code: 'ERR_IPVS_MALFORMED_REPLY' },
};

describe('an answer of the kernel that is lost or spoilt', () => {
  for (const [fault, failure] of Object.entries(EXPECTED)) {
    it(`is reported in time, and the client goes on afterwards (${fault})`, async () => {
      const report = await reportOf(fault);
      assert.deepEqual(report.written, { ...failure, outcome: 'unknown' });
      assert.deepEqual(report.read, { ...failure, outcome: 'not-applied' });
      assert.deepEqual(report.listed, { ...failure, outcome: 'not-applied' });
      // Each of the three waits for 200 ms at most, besides the work.
      assert.ok(report.milliseconds < 3000, `took ${report.milliseconds} ms`);
      assert.equal(report.afterwards, 1);
    });
  }

  it('is never read out of bounds: a reply of nonsense is malformed', async () => {
    const report = await reportOf('garble');
    const malformed = { reason: 'malformed-reply', code: 'ERR_IPVS_MALFORMED_REPLY' };
    assert.deepEqual(report.read, { ...malformed, outcome: 'not-applied' });
    assert.deepEqual(report.listed, { ...malformed, outcome: 'not-applied' });
    assert.equal(report.afterwards, 1);
  });
});
