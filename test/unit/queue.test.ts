import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, it } from 'mocha';
import { checkService } from '../../lib/input/service.js';
import type { Answer } from '../../lib/batch.js';
import { JobFailure } from '../../lib/jobs.js';
import type { Sequence } from '../../lib/sequence.js';
import type { Command } from '../../lib/native/encode.js';
import { AskingQueue, executed, failedJob, FakeDoor, success } from '../support/door.js';

function never(): never {
  throw new Error('not reached');
}

/** As many as travel together at most. */
const FULL = 256;

const INFO: Command = { name: 'IPVS_CMD_GET_INFO' };
const FLUSH: Command = { name: 'IPVS_CMD_FLUSH' };
const LIST: Command = { name: 'IPVS_CMD_GET_SERVICE' };

function add(scheduler: string, engine?: string): Command {
  const definition = checkService('service', {
    fwmark: 1,
    family: 'ipv4',
    scheduler,
    ...(engine === undefined ? {} : { persistence: { timeout: 1, engine } }),
  });
  return { name: 'IPVS_CMD_NEW_SERVICE', service: definition.key, definition };
}

const turn = async (): Promise<void> => {
  await new Promise((resolve) => setImmediate(resolve));
};

const times = (count: number, act: () => Promise<Answer>): Promise<Answer>[] =>
  Array.from({ length: count }, act);

describe('a queue', () => {
  it('makes one batch of the calls of one turn, in their order', async () => {
    const door = new FakeDoor();
    const queue = new AskingQueue(door);
    await Promise.all(
      [INFO, FLUSH, INFO, LIST, FLUSH].map(async (each) => await queue.command(each)),
    );
    assert.deepEqual(
      door.jobs.map(({ method, names }) => [method, ...names]),
      [['transact', ...[INFO, FLUSH, INFO, LIST, FLUSH].map(({ name }) => name)]],
    );
  });

  it('takes along what promise jobs of the same turn call, however deep', async () => {
    const door = new FakeDoor();
    const queue = new AskingQueue(door);
    const later = async (depth: number): Promise<Answer> => {
      for (let index = 0; index < depth; index += 1) await Promise.resolve();
      return await queue.command(INFO);
    };
    await Promise.all([queue.command(INFO), later(1), later(3), later(50)]);
    assert.deepEqual(door.sizes, [4]);
  });

  it('sends nothing before the turn ends', async () => {
    const door = new FakeDoor();
    const call = new AskingQueue(door).command(INFO);
    assert.deepEqual(door.events, []);
    await call;
    assert.deepEqual(door.events, ['transact']);
  });

  it('gathers the calls that are made while a job is under way', async () => {
    const door = new FakeDoor();
    const queue = new AskingQueue(door);
    const calls = [queue.command(INFO)];
    while (door.jobs.length === 0) await turn();
    await Promise.all([...calls, ...times(3, async () => await queue.command(INFO))]);
    assert.deepEqual(door.sizes, [1, 3]);
  });

  it('has one job under way at a time, over many turns', async () => {
    let under = 0;
    const door = new FakeDoor(async (job) => {
      under += 1;
      assert.equal(under, 1);
      await turn();
      under -= 1;
      return success(job);
    });
    const queue = new AskingQueue(door);
    const calls: Promise<Answer>[] = [];
    for (let index = 0; index < 30; index += 1) {
      calls.push(queue.command(INFO), queue.dump(LIST));
      if (index % 3 === 0) await turn();
    }
    await Promise.all(calls);
    assert.equal(door.jobs.flatMap(({ names }) => names).length, 60);
  });

  it('settles each call with its own result, in order', async () => {
    const row = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const door = new FakeDoor(() =>
      executed([{}, { errno: 3 }, { rows: [row] }, { errno: 110, stage: 'receive' }]),
    );
    const queue = new AskingQueue(door);
    const order: number[] = [];
    const answers = await Promise.all(
      [INFO, FLUSH, INFO, INFO].map(async (each, index) => {
        const answer = await queue.command(each);
        order.push(index);
        return answer;
      }),
    );
    assert.deepEqual(order, [0, 1, 2, 3]);
    assert.deepEqual(
      answers.map(({ outcome }) => [outcome.errno, outcome.stage]),
      [
        [0, 'kernel'],
        [3, 'kernel'],
        [0, 'kernel'],
        [110, 'receive'],
      ],
    );
    assert.deepEqual(
      answers.map(({ count }) => count),
      [0, 0, 1, 0],
    );
    const [, , found] = answers;
    assert.deepEqual(found?.reply.bytes.subarray(found.row, found.row + 8), row);
  });

  it('gives the rest of a job that ended early to the next one, in order', async () => {
    const names = [INFO, FLUSH, LIST, INFO, FLUSH];
    let sent = 0;
    const door = new FakeDoor((job, index) => {
      sent += 1;
      return executed(job.names.slice(0, index === 0 ? 2 : 1).map(() => ({ errno: sent })));
    });
    const queue = new AskingQueue(door);
    const answers = await Promise.all(names.map(async (each) => await queue.command(each)));
    assert.deepEqual(door.sizes, [5, 3, 2, 1]);
    assert.deepEqual(
      door.jobs.map((job) => job.names[0]),
      [INFO, LIST, INFO, FLUSH].map(({ name }) => name),
    );
    assert.deepEqual(
      answers.map(({ outcome }) => outcome.errno),
      [1, 1, 2, 3, 4],
    );
  });

  it('sends dumps together, between what was called before them and after them', async () => {
    const door = new FakeDoor();
    const queue = new AskingQueue(door);
    await Promise.all([
      queue.command(INFO),
      queue.command(FLUSH),
      queue.dump(LIST),
      queue.dump(LIST),
      queue.command(INFO),
    ]);
    assert.deepEqual(door.events, ['transact', 'dump', 'transact']);
    assert.deepEqual(door.sizes, [2, 2, 1]);
  });

  it('sends at most 256 commands in one job', async () => {
    const door = new FakeDoor();
    const queue = new AskingQueue(door);
    await Promise.all(times(2 * FULL + 1, async () => await queue.command(INFO)));
    assert.deepEqual(door.sizes, [FULL, FULL, 1]);
  });
});

describe('a scheduler or engine', () => {
  it('that was never seen to work goes alone; proven ones travel together', async () => {
    const door = new FakeDoor();
    const queue = new AskingQueue(door);
    const commands = [
      INFO,
      add('rr'),
      add('rr'),
      add('wlc'),
      INFO,
      add('wlc'),
      add('rr'),
      add('rr', 'sip'),
    ];
    await Promise.all(commands.map(async (each) => await queue.command(each)));
    // rr; then rr until wlc; wlc; then all that is known; the engine.
    assert.deepEqual(door.sizes, [1, 1, 1, 1, 3, 1]);
    await Promise.all(
      [add('rr'), add('wlc'), add('rr', 'sip')].map(async (each) => await queue.command(each)),
    );
    assert.deepEqual(door.sizes.slice(6), [3]);
  });

  it('is not proven by another one with the same letters', async () => {
    const door = new FakeDoor();
    const queue = new AskingQueue(door);
    await queue.command(add('rr', 'sip'));
    await Promise.all([queue.command(INFO), queue.command(add('rrsip'))]);
    assert.deepEqual(door.sizes, [1, 1, 1]);
  });

  it('is not proven by a failure', async () => {
    const door = new FakeDoor((job) => executed(job.names.map(() => ({ errno: 2 }))));
    const queue = new AskingQueue(door);
    await Promise.all(times(3, async () => await queue.command(add('rr'))));
    assert.deepEqual(door.sizes, [1, 1, 1]);
  });
});

describe('a job that fails', () => {
  it('as a whole settles each of its calls with that, once, and the queue goes on', async () => {
    const door = new FakeDoor((job, index) =>
      index === 0 ? failedJob(2, 'family') : success(job),
    );
    const queue = new AskingQueue(door);
    const [first, second, third] = await Promise.all([
      queue.command(INFO),
      queue.command(FLUSH),
      queue.dump(LIST),
    ]);
    assert.deepEqual(first.outcome, { errno: 2, stage: 'family' });
    assert.deepEqual(second, first);
    assert.equal(first.count, 0);
    assert.equal(third.outcome.errno, 0);
    assert.deepEqual(door.sizes, [2, 1]);
  });

  it('as a dump settles with its outcome', async () => {
    const { outcome } = await new AskingQueue(new FakeDoor(() => failedJob(3, 'kernel'))).dump(
      LIST,
    );
    assert.deepEqual(outcome, { errno: 3, stage: 'kernel' });
  });

  it('because the door rejects, rejects its own calls alone, and the queue goes on', async () => {
    const failure = new Error('std::bad_alloc');
    const door = new FakeDoor((job, index) => {
      if (index === 0) throw failure;
      return success(job);
    });
    const queue = new AskingQueue(door);
    const settled = await Promise.allSettled([
      queue.command(INFO),
      queue.command(INFO),
      queue.dump(LIST),
      queue.command(INFO),
    ]);
    const [first, second, ...others] = settled;
    for (const each of [first, second]) {
      assert.ok(each.status === 'rejected');
      assert.ok(each.reason instanceof JobFailure);
      assert.equal(each.reason.cause, failure);
    }
    assert.deepEqual(
      others.map(({ status }) => status),
      ['fulfilled', 'fulfilled'],
    );
    await queue.command(INFO);
    assert.deepEqual(door.sizes, [2, 1, 1, 1]);
  });
});

describe('closing a queue', () => {
  it('waits for everything that was called before', async () => {
    const door = new FakeDoor();
    const queue = new AskingQueue(door);
    let ended = 0;
    const calls = times(FULL + 1, async () => await queue.command(INFO)).concat(queue.dump(LIST));
    for (const call of calls) void call.then(() => (ended += 1));
    await queue.close();
    assert.equal(ended, calls.length);
    assert.deepEqual(door.events, ['transact', 'transact', 'dump', 'close']);
  });

  it('that has nothing to do closes the door', async () => {
    const door = new FakeDoor();
    await new AskingQueue(door).close();
    assert.deepEqual(door.events, ['close']);
  });

  it('waits for a job that fails, too', async () => {
    const door = new FakeDoor(() => {
      throw new Error('std::bad_alloc');
    });
    const queue = new AskingQueue(door);
    const call = queue.command(INFO);
    await Promise.all([assert.rejects(call), queue.close()]);
    assert.deepEqual(door.events, ['transact', 'close']);
  });
});

describe('many calls', () => {
  it('of a client that is never idle do not pile up: what has ended can be collected', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const ended: WeakRef<ArrayBuffer>[] = [];
    const door = new FakeDoor((job) => {
      const reply = success(job);
      ended.push(new WeakRef(reply));
      return reply;
    });
    const queue = new AskingQueue(door);
    const ask = function* (): Sequence<Answer> {
      const [answer] = yield [{ command: LIST, dump: true }];
      if (answer === undefined) throw new Error('no answer');
      return answer;
    };
    const loop = async (): Promise<void> => {
      for (let index = 0; index < 700; index += 1) {
        await queue.command(INFO);
        await queue.run(ask());
        await queue.act(async () => await Promise.resolve(success(door.jobs[0] ?? never())));
      }
    };
    const first = loop();
    while (door.jobs.length === 0) await turn();
    // From here on one call waits whenever another one is under way, and one more while that is answered.
    const others = [loop(), loop()];
    let alive = Infinity;
    for (let sample = 0; sample < 3; sample += 1) {
      const { length } = ended;
      while (ended.length < length + 700) await turn();
      collect();
      alive = ended.filter((each) => each.deref() !== undefined).length;
    }
    assert.ok(alive < 50, `${alive} of ${ended.length} calls are still held`);
    await Promise.all([first, ...others]);
  }).timeout(30_000);

  it('10,000 of one turn travel in full jobs, each command once', async () => {
    const door = new FakeDoor();
    const queue = new AskingQueue(door);
    await Promise.all(times(10_000, async () => await queue.command(INFO)));
    assert.deepEqual(door.sizes, [...new Array<number>(39).fill(FULL), 16]);
  });

  it('take time in proportion to their number', async () => {
    const measure = async (count: number): Promise<number> => {
      const queue = new AskingQueue(new FakeDoor());
      const begun = performance.now();
      await Promise.all(times(count, async () => await queue.command(INFO)));
      return performance.now() - begun;
    };
    await measure(2_000);
    const [few, many] = [await measure(2_000), await measure(40_000)];
    // Twenty times as many: 400 times as long if each looked at all the others.
    assert.ok(many < few * 120 + 500, `${few} ms, then ${many} ms`);
  }).timeout(30_000);
});
