/** A process or a worker thread may end at any moment: with its code, in time, and nothing stays. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, it } from 'mocha';
import type { Stage, StageData } from '../support/children/stages.js';
import { descriptors } from '../support/descriptors.js';
import { needsGuest, withSlowLoader } from '../support/guest.js';
import { inNamespace, type Namespace, withNamespace } from '../support/netns.js';
import { patience } from '../support/patience.js';

const PROGRAM = fileURLToPath(new URL('../support/children/stages.js', import.meta.url));
const STAGES: readonly Stage[] = [
  ...(['opening', 'open', 'queued', 'in flight'] as const),
  ...(['streaming', 'paging', 'closing', 'closed'] as const),
];
const CODE = 7;
/** Milliseconds; what takes longer is taken for hanging. */
const LIMIT = 25_000 * patience;

/** Runs the program as a process of its own, which must exit with the code that it was told. */
async function assertExits(data: StageData): Promise<void> {
  const ending = await new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [PROGRAM, JSON.stringify(data)],
      { timeout: LIMIT, killSignal: 'SIGKILL' },
      (_, __, stderr) => {
        resolve({ code: child.exitCode, signal: child.signalCode, stderr });
      },
    );
  });
  assert.deepEqual(ending, { code: data.code, signal: null, stderr: '' });
}

/** Runs the program as a worker thread, which is terminated unless it exits by itself. */
async function endOfWorker(data: StageData): Promise<number> {
  const worker = new Worker(PROGRAM, { workerData: data });
  const ended = once(worker, 'exit') as Promise<[number]>;
  await once(worker, 'message');
  const begin = performance.now();
  if (data.code === undefined) await worker.terminate();
  const [code] = await ended;
  assert.ok(performance.now() - begin < LIMIT, 'it took too long to end');
  return code;
}

/** The ways in which a thread ends, and the code that Node reports then. */
const WAYS: Readonly<Record<string, [Pick<StageData, 'code' | 'busy'>, number]>> = {
  'exits by itself': [{ code: CODE }, CODE],
  'is terminated': [{}, 1],
  'is terminated while its event loop is busy': [{ busy: true }, 1],
};

/** Runs `body` where a thread at the stage `blocked` waits inside the kernel for a second. */
async function whileBlocked(body: (data: StageData) => Promise<void>): Promise<void> {
  await withNamespace(async (ns) => {
    await withSlowLoader(1, async (loading) => {
      await body({ path: ns.path, stages: ['blocked'], loading });
    });
    await ns.assertHolds([]);
  });
}

/** Makes the kernel keep a connection, so that a stream has something to begin with. */
async function connect(ns: Namespace): Promise<void> {
  const rules = ['-A -u 10.99.0.1:53 -s rr', '-a -u 10.99.0.1:53 -r 10.99.0.2:53 -m'];
  await ns.restore(rules);
  await ns.run('ip', 'addr', 'add', '10.99.0.1/32', 'dev', 'lo');
  await ns.run('bash', '-c', 'echo >/dev/udp/10.99.0.1/53');
}

describe('a process exits with its own code', () => {
  for (const stage of STAGES) {
    it(
      `while a client is ${stage}`,
      inNamespace(async (ns) => {
        if (stage === 'streaming') await connect(ns);
        await assertExits({ path: ns.path, stages: [stage], code: CODE, loading: '' });
        if (stage === 'queued') await ns.assertHolds([]);
      }),
    );
  }

  it('while the kernel looks for the module of a scheduler', async function () {
    needsGuest(this);
    await whileBlocked(async (data) => {
      await assertExits({ ...data, code: CODE });
    });
  });
});

describe('a worker thread ends, and leaves nothing open', () => {
  for (const [way, [how, code]] of Object.entries(WAYS)) {
    it(
      `when it ${way} with clients at every stage of their life`,
      inNamespace(async (ns) => {
        await connect(ns);
        const before = await descriptors();
        const data = { path: ns.path, stages: STAGES, loading: '', ...how };
        assert.equal(await endOfWorker(data), code);
        assert.deepEqual(await descriptors(), before);
      }),
    );

    it(`when it ${way} while the kernel looks for the module of a scheduler`, async function () {
      needsGuest(this);
      await whileBlocked(async (data) => {
        const before = await descriptors();
        assert.equal(await endOfWorker({ ...data, ...how }), code);
        assert.deepEqual(await descriptors(), before);
      });
    });
  }
});
