/**
 * What a client says and does when the kernel's answer is lost or makes no sense. The kernel can't
 * be made to do that: a library loaded before libc (test/native/faults.cc) spoils what is received.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, it } from 'mocha';
import { patience } from '../support/patience.js';

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

/** Opens a client of another namespace without memory, then with it; tells what came of each. */
const WITHOUT_MEMORY = `import { Ipvs } from 'ipvs';
const path = '/proc/1/ns/net';
const open = async () => {
  const ipvs = await Ipvs.open({ netns: { path } });
  await ipvs.close();
};
process.env.IPVS_FAULT = 'memory';
const failure = await open().then(() => 'none', ({ reason, code }) => reason + ' ' + code);
delete process.env.IPVS_FAULT;
console.log(failure, await open().then(() => 'opened', (error) => error.message));`;

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
      assert.ok(report.milliseconds < 3000 * patience, `took ${report.milliseconds} ms`);
      assert.equal(report.afterwards, 1);
    });
  }

  for (const [fault, what] of Object.entries({ garble: 'nonsense', curt: 'values cut short' })) {
    it(`is never read out of bounds: a reply of ${what} is malformed`, async () => {
      const report = await reportOf(fault);
      const malformed = { reason: 'malformed-reply', code: 'ERR_IPVS_MALFORMED_REPLY' };
      assert.deepEqual(report.read, { ...malformed, outcome: 'not-applied' });
      assert.deepEqual(report.listed, { ...malformed, outcome: 'not-applied' });
      assert.equal(report.afterwards, 1);
    });
  }
});

describe('a thread inside another namespace', () => {
  it('that runs out of memory fails its job, and does not end the process', async () => {
    const words = ['-n', process.execPath, '--input-type=module', '-e', WITHOUT_MEMORY];
    const { stdout } = await promisify(execFile)('unshare', words, {
      env: { ...process.env, LD_PRELOAD: FAULTS },
    });
    assert.equal(stdout.trim(), 'out-of-memory ERR_IPVS_JOB_FAILED opened');
  });
});
