/** What the error of an apply says of the table as a whole. */
import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { type ApplyReport, type Change, IpvsApplyError, IpvsError } from '../../lib/index.js';

const CHANGE: Change = {
  action: 'delete-service',
  key: { service: 'tcp 10.0.0.1:80' },
  from: { scheduler: 'rr', schedulerFlags: [], onePacket: false },
};

function failing(outcome: IpvsError['outcome']): IpvsError {
  return new IpvsError('deleteService: refused', { code: 'EIO', reason: 'other', outcome });
}

function outcomeOf(applied: readonly Change[], errors: readonly Error[]): IpvsError['outcome'] {
  const report: ApplyReport = {
    ...{ planned: [], applied, failed: errors.map((error) => ({ change: CHANGE, error })) },
    ...{ unchanged: { services: 0, destinations: 0 }, draining: [], drained: [], warnings: [] },
  };
  return new IpvsApplyError(report, false).outcome;
}

describe('the error of an apply says', () => {
  it('that nothing was applied where that is known', () => {
    assert.equal(outcomeOf([], [failing('not-applied')]), 'not-applied');
    assert.equal(outcomeOf([], [failing('not-applied'), new Error('aborted')]), 'not-applied');
  });

  it('that some of it was, which its report has', () => {
    assert.equal(outcomeOf([CHANGE], [failing('not-applied')]), 'partly-applied');
  });

  it('that it is not known where an answer was lost', () => {
    const lost = [failing('not-applied'), failing('unknown')];
    assert.equal(outcomeOf([], lost), 'unknown');
    assert.equal(outcomeOf([CHANGE], lost), 'unknown');
  });
});
