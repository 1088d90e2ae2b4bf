import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import loadAddon from 'node-gyp-build';
import type { Door } from '../../lib/native/addon.js';
import { layout, stageName } from '../../lib/native/layout.js';
import { Reply } from '../../lib/native/reply.js';
import { PACKAGE_ROOT, runModule } from '../support/child.js';

interface Addon {
  readonly Client: new (
    ...values: unknown[]
  ) => Door & Record<string, (...values: unknown[]) => unknown>;
  readonly layout: unknown;
}

const addon = loadAddon(PACKAGE_ROOT) as Addon;
const { Client } = addon;
const RECORD = layout.command.size;
const noSuchPlace = '/nonexistent/namespace';

describe('the layout of records', () => {
  it('is the one with which the addon was compiled, field for field', () => {
    assert.deepEqual(addon.layout, layout);
  });

  it('has no two fields in one place, and all of them inside the record', () => {
    for (const [name, record] of Object.entries(layout)) {
      if (!('size' in record)) continue;
      const { size, ...fields } = record;
      const offsets = Object.values(fields as Record<string, number>);
      // A command has one of three: native/records.h, union.
      const shared = name === 'command' ? 2 : 0;
      assert.equal(new Set(offsets).size, offsets.length - shared, name);
      assert.ok(
        offsets.every((offset) => offset < size),
        name,
      );
      assert.equal(size % 8, 0, name);
    }
  });

  it('names every stage by its number, and refuses others', () => {
    for (const [name, number] of Object.entries(layout.stages))
      assert.equal(stageName(number), name);
    assert.throws(() => stageName(Object.keys(layout.stages).length), RangeError);
  });
});

describe('the native door refuses', () => {
  const CONSTRUCTIONS: readonly unknown[][] = [
    [],
    [null],
    [null, 1, 2],
    [undefined, 1],
    [1, 1],
    [{}, 1],
    [['/a'], 1],
    [null, '1'],
    [null, null],
    [null, 1n],
    [null, { valueOf: () => 1 }],
    [Symbol('path'), 1],
  ];
  for (const values of CONSTRUCTIONS) {
    it(`to be made from (${values.map((value) => typeof value).join(', ')})`, () => {
      const message = 'Expected (namespacePath, timeoutMilliseconds)';
      assert.throws(() => new Client(...values), { name: 'TypeError', message });
    });
  }

  it('to be called instead of constructed', () => {
    assert.throws(() => (Client as unknown as () => unknown)(), TypeError);
  });

  const buffer = new ArrayBuffer(RECORD);
  const NO_COMMANDS = [
    undefined,
    null,
    1,
    'text',
    {},
    [],
    [0],
    buffer,
    new DataView(buffer),
    new Uint16Array(buffer),
    new Int8Array(buffer),
    new Uint8ClampedArray(buffer),
    Object.create(Uint8Array.prototype) as unknown,
  ];
  for (const method of ['transact', 'dump']) {
    it(`what is no Uint8Array: ${method}`, () => {
      const client = new Client(noSuchPlace, 1);
      const message = 'Expected a Uint8Array of command records';
      for (const value of NO_COMMANDS) {
        assert.throws(() => client[method]?.(value), { name: 'TypeError', message });
      }
      assert.throws(() => client[method]?.(), { name: 'TypeError', message });
      assert.throws(() => client[method]?.(new Uint8Array(RECORD), 1), {
        name: 'TypeError',
        message,
      });
    });

    it(`a batch that is no whole number of records: ${method}`, () => {
      const client = new Client(noSuchPlace, 1);
      const message = 'Expected a whole number of command records';
      for (const size of [0, 1, RECORD - 1, RECORD + 1, 2 * RECORD - 1]) {
        assert.throws(() => client[method]?.(new Uint8Array(size)), {
          name: 'RangeError',
          message,
        });
      }
    });
  }

  it('a second job while one is under way, and to be closed then; afterwards it works again', async () => {
    const client = new Client(noSuchPlace, 1);
    const first = client.open();
    const busy = { name: 'Error', message: 'A job is under way' };
    assert.throws(() => void client.open(), busy);
    assert.throws(() => void client.transact(new Uint8Array(RECORD)), busy);
    assert.throws(() => void client.dump(new Uint8Array(RECORD)), busy);
    assert.throws(() => {
      client.close();
    }, busy);
    const { outcome } = new Reply(await first);
    assert.deepEqual(outcome, { errno: 2, stage: 'namespaceFile' });
    assert.deepEqual(new Reply(await client.transact(new Uint8Array(RECORD))).outcome, outcome);
    client.close();
    client.close();
  });

  it('a method on a foreign receiver', () => {
    const client = new Client(noSuchPlace, 1);
    const receivers = [
      undefined,
      null,
      1,
      {},
      [],
      new Map(),
      new Proxy(client, {}),
      Object.create(client) as unknown,
      Object.create(Client.prototype as object) as unknown,
    ];
    for (const method of ['open', 'transact', 'dump', 'close']) {
      for (const receiver of receivers) {
        const act = (): unknown => client[method]?.call(receiver as Door, new Uint8Array(RECORD));
        assert.throws(act, { name: 'TypeError', message: 'Illegal invocation' });
      }
    }
  });

  it('a file that is no network namespace', async () => {
    for (const [path, errno, stage] of [
      ['/dev/null', 22, 'namespace'],
      ['/proc/self/ns/mnt', 22, 'namespace'],
      ['/proc/self', 22, 'namespace'],
      [noSuchPlace, 2, 'namespaceFile'],
      ['', 2, 'namespaceFile'],
    ] as const) {
      const { outcome } = new Reply(await new Client(path, 1).open());
      assert.deepEqual(outcome, { errno, stage }, path);
    }
  });
});

describe('the native door does not crash', () => {
  const PROGRAMS: Readonly<Record<string, string>> = {
    'when its memory is taken away or shared while a job reads it': `
      const { Client } = addon();
      const buffer = new ArrayBuffer(${RECORD} * 64);
      const client = new Client('${noSuchPlace}', 1);
      const job = client.transact(new Uint8Array(buffer));
      structuredClone(buffer, { transfer: [buffer] });
      assert.throws(() => new Client(null, 1).transact(new Uint8Array(buffer)));
      await job;
      await client.transact(new Uint8Array(new SharedArrayBuffer(${RECORD})));
      await client.transact(new Uint8Array(new ArrayBuffer(${RECORD} + 3), 3));
      await client.transact(Buffer.alloc(${RECORD}));`,
    'on commands of random bytes, or 100,000 of them': `
      import { randomFillSync } from 'node:crypto';
      const client = new (addon().Client)('${noSuchPlace}', 1);
      await client.transact(randomFillSync(new Uint8Array(${RECORD} * 100)));
      await client.dump(randomFillSync(new Uint8Array(${RECORD})));
      await client.transact(new Uint8Array(${RECORD} * 100_000));`,
    'when nobody keeps it while jobs are under way': `
      const { Client } = addon();
      const jobs = [];
      for (let index = 0; index < 200; index += 1) jobs.push(new Client(null, 1).open());
      for (let index = 0; index < 200; index += 1) new Client(null, 1);
      gc(); gc();
      await Promise.all(jobs);
      gc();`,
    'when the process ends while jobs are under way': `
      const { Client } = addon();
      for (let index = 0; index < 20; index += 1) new Client(null, 1).open();
      process.exit(0);`,
    'when a constructor that threw is used again': `
      const { Client } = addon();
      for (let index = 0; index < 1000; index += 1) assert.throws(() => new Client(1, 1), TypeError);
      class Sub extends Client {}
      assert.throws(() => new Sub(), TypeError);
      const sub = new Sub('${noSuchPlace}', 1);
      await sub.open();
      assert.throws(() => Reflect.construct(Client.prototype.open, []));
      const odd = Reflect.construct(Client, ['${noSuchPlace}', 1], Map);
      await Client.prototype.open.call(odd);
      gc();`,
    'on odd timeouts': `
      const { Client } = addon();
      for (const timeout of [NaN, Infinity, -1, 0, 1e300, 2 ** 32, -0.5]) {
        await new Client('${noSuchPlace}', timeout).open();
      }`,
    'in worker threads that are terminated while jobs are under way': `
      import { Worker } from 'node:worker_threads';
      addon();
      const text = ${JSON.stringify(`
        const { parentPort } = require('node:worker_threads');
        const { Client } = require('node-gyp-build')(process.cwd());
        const turn = () => new Client(null, 1).open().then(turn);
        for (let index = 0; index < 8; index += 1) turn();
        setTimeout(() => parentPort.postMessage('started'), 5);
      `)};
      for (let index = 0; index < 10; index += 1) {
        const worker = new Worker(text, { eval: true, execArgv: [] });
        await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
        await worker.terminate();
      }`,
  };
  for (const [title, program] of Object.entries(PROGRAMS)) {
    it(title, () => {
      const { status, signal, stderr } = runModule(program, ['--expose-gc']);
      assert.deepEqual({ status, signal }, { status: 0, signal: null }, stderr);
    }).timeout(60_000);
  }
});
