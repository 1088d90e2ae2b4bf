import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { bootingTimeout, lab, processesWith, secondsToBegin, startLab, until } from './support.js';

const runsOnHost = process.env['IPVS_LAB'] === 'host';

describe('the end of a lab', function () {
  this.timeout(bootingTimeout);
  let directory: string;
  let env: NodeJS.ProcessEnv;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'lab-test-'));
    env = { ...process.env, TMPDIR: directory };
  });

  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  function assertNothingIsLeft() {
    assert.deepEqual(processesWith(directory), []);
    assert.deepEqual(readdirSync(directory), []);
  }

  it('comes at the time limit, with a status of its own and what the kernel said', async () => {
    const { status, stdout, stderr } = await lab(['sh', '-c', 'echo before; exec sleep 1000'], {
      env: { ...env, IPVS_LAB_TIMEOUT: String(secondsToBegin) },
    });
    assert.equal(status, 124);
    assert.equal(stdout.toString(), 'before\n');
    assert.match(
      stderr.toString(),
      /^lab: the command was ended after \d+ seconds; IPVS_LAB_TIMEOUT=SECONDS .*\n$/m,
    );
    if (!runsOnHost) assert.match(stderr.toString(), /last messages of its kernel:\n.+\n/);
    assertNothingIsLeft();
  });

  for (const [signal, expected] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    it(`comes with ${signal}, and leaves nothing`, async () => {
      const child = startLab(['sh', '-c', 'sleep 100 & echo ready; sleep 100'], { env });
      assert.ok(child.stdout);
      await once(child.stdout, 'data');
      child.kill(signal);
      await once(child, 'exit');
      assert.equal(child.exitCode, expected);
      assertNothingIsLeft();
    });
  }

  it('comes when the lab itself is killed, and leaves no process', async () => {
    // A command that computes: the guest's code must not go on, as a process of the host.
    const child = startLab(['sh', '-c', 'echo ready; while :; do :; done'], { env });
    assert.ok(child.stdout);
    await once(child.stdout, 'data');
    assert.notDeepEqual(processesWith(directory), []);
    child.kill('SIGKILL');
    await until(() => processesWith(directory).length === 0);
  });

  it('comes when nobody reads its output any more', async () => {
    const child = startLab(['yes'], { env });
    assert.ok(child.stdout);
    await once(child.stdout, 'data');
    child.stdout.destroy();
    await once(child, 'exit');
    assert.equal(child.exitCode, 141);
    assertNothingIsLeft();
  });

  if (!runsOnHost) {
    it('comes when the kernel panics, with what it said', async () => {
      const { status, stderr } = await lab(['sh', '-c', 'echo c >/proc/sysrq-trigger'], { env });
      assert.equal(status, 125);
      assert.match(stderr.toString(), /^lab: the guest ended before the command did$/m);
      assert.match(stderr.toString(), /Kernel panic - not syncing: sysrq triggered crash/);
      assertNothingIsLeft();
    });
  }

  if (process.getuid?.() === 0 && !runsOnHost) {
    it('is the same for a user without rights or home, inside whom is root', async () => {
      chmodSync(directory, 0o777);
      const cache = join(directory, 'cache');
      const { status, stdout, stderr } = await lab(
        ['sh', '-c', 'id -u; ipvsadm -A -t 10.0.0.1:80 -s wrr; ipvsadm -Sn; echo x >&2; exit 7'],
        {
          uid: 65534,
          gid: 65534,
          env: {
            ...env,
            PATH: '/usr/bin:/bin',
            HOME: '/nonexistent',
            XDG_CACHE_HOME: cache,
          },
        },
      );
      // With a cache of its own, the emulated kernel is downloaded first, and the lab says so.
      assert.match(stderr.toString(), /^(lab: downloading .*\n)?x\n$/);
      assert.equal(stdout.toString(), '0\n-A -t 10.0.0.1:80 -s wrr\n');
      assert.equal(status, 7);
      rmSync(cache, { recursive: true, force: true });
      assertNothingIsLeft();
    });
  }
});
