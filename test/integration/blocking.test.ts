import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'mocha';
import { rejection } from '../support/failure.js';
import { needsGuest, withSlowLoader } from '../support/guest.js';
import { withNamespace } from '../support/netns.js';

const SECONDS = 1;

/** The longest time, in milliseconds, for which the event loop stood still during `work`. */
async function longestPause(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 5);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return Math.max(longest, performance.now() - last);
}

describe('the event loop', () => {
  it('is not blocked while the kernel takes its time over a command', async function () {
    needsGuest(this);
    await withNamespace(async (ns) => {
      const ipvs = await ns.open();
      const key = { protocol: 'tcp', address: '10.0.0.1', port: 80 } as const;
      await withSlowLoader(SECONDS, async () => {
        const begin = performance.now();
        const pause = await longestPause(async () => {
          const failure = await rejection(ipvs.addService({ ...key, scheduler: 'nonesuch' }));
          assert.equal(failure.reason, 'unknown-scheduler');
        });
        const duration = performance.now() - begin;
        assert.ok(duration >= SECONDS * 1000, `the command took but ${duration} ms`);
        assert.ok(pause < SECONDS * 500, `stood still for ${pause} of ${duration} ms`);
      });
    });
  });

  it('is seen to be blocked by what blocks it: the measure of the other test works', async () => {
    const pause = await longestPause(async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      spawnSync('sleep', [String(SECONDS)]);
    });
    assert.ok(pause >= SECONDS * 900, `only ${pause} ms`);
  });
});
