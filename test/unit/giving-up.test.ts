/** Calls that are given up by a signal, the limit of the queue, and waiting for its end. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'mocha';
import type { CallOptions } from '../../lib/index.js';
import { checkOptions } from '../../lib/input/options.js';
import { Queue } from '../../lib/queue.js';
import type { Ipvs } from '../../lib/ipvs.js';
import { IpvsObserver } from '../../lib/observer.js';
import { clientOver, executed, FakeDoor } from '../support/door.js';

const SERVICE = { protocol: 'tcp', address: '192.0.2.1', port: 80, scheduler: 'rr' } as const;
const DESTINATION = { address: '192.0.2.2', port: 80, forwarding: 'masquerade' } as const;
const DAEMON = { role: 'master', interface: 'lo' } as const;
const ABORTED = { name: 'AbortError', code: 'ABORT_ERR' };

const CALLS: Readonly<Record<string, (client: Ipvs, options: CallOptions) => Promise<unknown>>> = {
  getInfo: async (client, options) => await client.getInfo(options),
  addService: async (client, options) => {
    await client.addService(SERVICE, options);
  },
  setService: async (client, options) => {
    await client.setService(SERVICE, options);
  },
  updateService: async (client, options) => {
    await client.updateService(SERVICE, {}, options);
  },
  ensureService: async (client, options) => await client.ensureService(SERVICE, options),
  deleteService: async (client, options) => {
    await client.deleteService(SERVICE, options);
  },
  getService: async (client, options) => await client.getService(SERVICE, options),
  listServices: async (client, options) => await client.listServices(options),
  addDestination: async (client, options) => {
    await client.addDestination(SERVICE, DESTINATION, options);
  },
  setDestination: async (client, options) => {
    await client.setDestination(SERVICE, DESTINATION, options);
  },
  updateDestination: async (client, options) => {
    await client.updateDestination(SERVICE, DESTINATION, {}, options);
  },
  ensureDestination: async (client, options) =>
    await client.ensureDestination(SERVICE, DESTINATION, options),
  deleteDestination: async (client, options) => {
    await client.deleteDestination(SERVICE, DESTINATION, options);
  },
  getDestination: async (client, options) =>
    await client.getDestination(SERVICE, DESTINATION, options),
  listDestinations: async (client, options) => await client.listDestinations(SERVICE, options),
  snapshot: async (client, options) => await client.snapshot(options),
  zero: async (client, options) => {
    await client.zero(SERVICE, options);
  },
  zeroAll: async (client, options) => {
    await client.zeroAll(options);
  },
  flush: async (client, options) => {
    await client.flush(options);
  },
  getTimeouts: async (client, options) => await client.getTimeouts(options),
  setTimeouts: async (client, options) => {
    await client.setTimeouts({ tcp: 1 }, options);
  },
  listDaemons: async (client, options) => await client.listDaemons(options),
  startDaemon: async (client, options) => {
    await client.startDaemon(DAEMON, options);
  },
  stopDaemon: async (client, options) => {
    await client.stopDaemon('master', options);
  },
  getTotals: async (client, options) => await client.getTotals(options),
  getCpuTotals: async (client, options) => await client.getCpuTotals(options),
  listApplications: async (client, options) => await client.listApplications(options),
  listSysctls: async (client, options) => await client.listSysctls(options),
  getSysctl: async (client, options) => await client.getSysctl('conntrack', options),
  setSysctl: async (client, options) => await client.setSysctl('conntrack', 1, options),
  connections: async (client, options) => await client.connections(options).next(),
  streamServices: async (client, options) => await client.streamServices(options).next(),
  streamDestinations: async (client, options) =>
    await client.streamDestinations(SERVICE, options).next(),
  streamSnapshot: async (client, options) => await client.streamSnapshot(options).next(),
  diagnose: async (client, options) => await client.diagnose(options),
};

/** Calls that take a signal, and no room in the queue. */
const OTHERS: typeof CALLS = {
  drained: async (client, options) => {
    await client.drained(options);
  },
};

/** A promise, and what resolves it. */
function hold(): { held: Promise<void>; answer: () => void } {
  let answer = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  return { held, answer };
}

/** A door that answers nothing until it is told to. */
function holding(): { door: FakeDoor; answer: () => void } {
  const { held, answer } = hold();
  const door = new FakeDoor(async ({ names }) => {
    await held;
    return executed(names.map(() => ({})));
  });
  return { door, answer };
}

async function untilSent(door: FakeDoor): Promise<void> {
  while (door.jobs.length === 0) await new Promise(setImmediate);
}

describe('a call whose signal was aborted before', () => {
  for (const [name, call] of Object.entries({ ...CALLS, ...OTHERS })) {
    it(`${name} rejects and sends nothing`, async () => {
      const door = new FakeDoor();
      const signal = AbortSignal.abort(new Error('why'));
      await assert.rejects(call(clientOver(door), { signal }), (error: Error) => {
        assert.deepEqual({ name: error.name, code: 'code' in error && error.code }, ABORTED);
        assert.equal((error.cause as Error).message, 'why');
        return true;
      });
      assert.deepEqual(door.events, []);
    });
  }

  it('takes nothing else for a signal', async () => {
    const halves = [{ aborted: false }, { aborted: false, addEventListener: () => undefined }];
    for (const signal of [null, 1, 'x', {}, new AbortController(), ...halves]) {
      await assert.rejects(clientOver(new FakeDoor()).flush({ signal: signal as never }), {
        code: 'ERR_IPVS_INVALID_SIGNAL',
        field: 'options.signal',
      });
    }
  });
});

describe('a call that is given up', () => {
  it('is dropped while it waits; its neighbours are carried out in their order', async () => {
    const door = new FakeDoor();
    const client = clientOver(door);
    const controllers = Array.from({ length: 5 }, () => new AbortController());
    const ports = [1, 2, 3, 4, 5];
    const settled = Promise.allSettled(
      ports.map(async (port, index) => {
        const signal = controllers[index]?.signal;
        await client.deleteService({ ...SERVICE, port }, { signal });
      }),
    );
    controllers[0]?.abort();
    controllers[3]?.abort();
    assert.deepEqual(
      (await settled).map(({ status }) => status),
      ['rejected', 'fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    );
    const alone = new FakeDoor();
    const other = clientOver(alone);
    await Promise.all(
      [2, 3, 5].map(async (port) => {
        await other.deleteService({ ...SERVICE, port });
      }),
    );
    assert.deepEqual(door.jobs, alone.jobs);
  });

  for (const [name, call] of Object.entries({ ...CALLS, ...OTHERS })) {
    it(`${name} ends at once while it waits, whatever is under way, and sends nothing`, async () => {
      const { door, answer } = holding();
      const client = clientOver(door);
      const first = client.flush();
      await untilSent(door);
      const controller = new AbortController();
      const given = call(client, { signal: controller.signal });
      const neighbour = client.getInfo();
      await new Promise(setImmediate);
      controller.abort();
      await assert.rejects(given, ABORTED);
      assert.deepEqual(door.events, ['transact']);
      answer();
      await Promise.allSettled([first, neighbour]);
      await client.close();
      assert.deepEqual(
        door.jobs.flatMap(({ names }) => names),
        ['IPVS_CMD_FLUSH', 'IPVS_CMD_GET_INFO'],
      );
      assert.deepEqual(new Set(door.events), new Set(['transact', 'close']));
    });
  }

  it('between two others of its kind leaves these as they are', async () => {
    const { door, answer } = holding();
    const client = clientOver(door);
    const first = client.flush();
    await untilSent(door);
    const controller = new AbortController();
    const calls = [1, 2, 3].map(async (port) => {
      const { signal } = port === 2 ? controller : new AbortController();
      return await client.ensureService({ ...SERVICE, port }, { signal });
    });
    await new Promise(setImmediate);
    controller.abort();
    answer();
    await first;
    assert.deepEqual(
      (await Promise.allSettled(calls)).map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    const added = door.jobs
      .flatMap(({ names }) => names.slice())
      .filter((name) => name.includes('NEW'));
    assert.equal(added.length, 2);
  });

  it('is dropped when its job had no time for it', async () => {
    const controller = new AbortController();
    const door = new FakeDoor(() => {
      controller.abort();
      return executed([{}]);
    });
    const client = clientOver(door, 3);
    const { signal } = controller;
    const calls = [1, 2, 3].map(async (port) => {
      await client.deleteService({ ...SERVICE, port }, { signal });
    });
    const [first, ...others] = await Promise.allSettled(calls);
    assert.equal(first?.status, 'fulfilled');
    for (const other of others) {
      assert.ok(other.status === 'rejected');
      assert.equal((other.reason as Error).name, 'AbortError');
    }
    assert.equal(door.jobs.length, 1);
    await Promise.all([client.flush(), client.flush(), client.flush()]);
  });

  it('reports what became of it when its turn had come', async () => {
    const door = new FakeDoor();
    const client = clientOver(door);
    const controller = new AbortController();
    const given = client.getSysctl('conntrack', { signal: controller.signal });
    while (door.events.length === 0) await new Promise(setImmediate);
    controller.abort();
    await assert.rejects(given, { name: 'IpvsError', code: 'ENOENT' });
  });

  it('opens no list where it was given up before that', async () => {
    const controller = new AbortController();
    const other = new FakeDoor();
    const door = Object.assign(new FakeDoor(), {
      fork: (): FakeDoor => {
        controller.abort();
        return other;
      },
    });
    const { signal } = controller;
    await assert.rejects(clientOver(door).streamServices({ signal }).next(), ABORTED);
    assert.deepEqual(other.events, ['close']);
  });

  it('of an observer ends at once while it waits, too', async () => {
    const door = new FakeDoor();
    const { held, answer } = hold();
    const queue = new Queue(door);
    const observer = Reflect.construct(IpvsObserver, [queue]) as IpvsObserver;
    const first = queue.act(async () => {
      await held;
    });
    const controller = new AbortController();
    const given = observer.getSysctl('conntrack', { signal: controller.signal });
    await new Promise(setImmediate);
    controller.abort();
    await assert.rejects(given, ABORTED);
    answer();
    await first;
    await observer.close();
    assert.deepEqual(door.events, ['close']);
  });

  it('makes room in the queue at once', async () => {
    const { door, answer } = holding();
    const client = clientOver(door, 2);
    const first = client.flush();
    await untilSent(door);
    for (const call of Object.values(CALLS)) {
      const controller = new AbortController();
      const given = call(client, { signal: controller.signal });
      await new Promise(setImmediate);
      controller.abort();
      await assert.rejects(given, ABORTED);
    }
    answer();
    await first;
  });

  it('leaves nothing of itself to what is called after it', async () => {
    const door = new FakeDoor();
    const client = clientOver(door);
    const [first, last] = [new AbortController(), new AbortController()];
    const persistence = { timeout: 300, engine: 'sip' };
    const calls = [
      client.addService({ ...SERVICE, scheduler: 'mh' }, { signal: first.signal }),
      client.flush(),
      client.addService({ ...SERVICE, persistence }, { signal: last.signal }),
    ];
    first.abort();
    last.abort();
    const settled = Promise.allSettled([...calls, client.getInfo()]);
    await settled;
    const alone = new FakeDoor();
    await Promise.allSettled([clientOver(alone).flush()]);
    // One job, since neither has a scheduler that the kernel would have to look for.
    assert.deepEqual(door.sizes, [2]);
    assert.deepEqual(
      door.jobs.map(({ bytes }) => bytes.subarray(0, bytes.length / 2)),
      alone.jobs.map(({ bytes }) => bytes),
    );
    const rest = door.jobs[0]?.bytes.subarray(door.jobs[0].bytes.length / 2 + 4);
    assert.ok(rest?.every((byte) => byte === 0));
  });

  it('reports what became of it when it was sent already', async () => {
    const controller = new AbortController();
    const door = new FakeDoor((job) => {
      controller.abort();
      return executed(job.names.map((_, index) => (index === 0 ? {} : { errno: 3 })));
    });
    const client = clientOver(door);
    const { signal } = controller;
    const [first, second] = await Promise.allSettled([
      client.deleteService(SERVICE, { signal }),
      client.deleteService(SERVICE, { signal }),
    ]);
    assert.equal(first.status, 'fulfilled');
    assert.ok(second.status === 'rejected');
    assert.equal((second.reason as { reason: string }).reason, 'service-not-found');
  });

  it('of several commands goes on once it has changed something', async () => {
    const controller = new AbortController();
    // The service exists: the first command fails, and the second one sets it.
    const door = new FakeDoor((job, index) => {
      controller.abort();
      return executed(job.names.map(() => (index === 0 ? { errno: 17 } : {})));
    });
    const { signal } = controller;
    assert.equal(await clientOver(door).ensureService(SERVICE, { signal }), 'set');
    assert.equal(door.jobs.length, 2);
  });

  it('of several commands ends between two that read', async () => {
    const controller = new AbortController();
    const door = new FakeDoor((job) => {
      controller.abort();
      return executed(job.names.map(() => ({})));
    });
    const { signal } = controller;
    await assert.rejects(clientOver(door).listServices({ consistent: true, signal }), ABORTED);
    assert.equal(door.jobs.length, 1);
  });

  it('leaves no listener on its signal, of which thousands of calls take one', async () => {
    const { signal } = new AbortController();
    const client = clientOver(new FakeDoor());
    const calls = Array.from({ length: 3000 }, async () => {
      await client.flush({ signal });
    });
    assert.equal(getEventListeners(signal, 'abort').length, 1);
    await Promise.all(calls);
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });
});

describe('the limit of the queue', () => {
  it('refuses one call more, sends nothing of it, and takes calls again when others have ended', async () => {
    const door = new FakeDoor();
    const client = clientOver(door, 3);
    const calls = [client.flush(), client.ensureService(SERVICE), client.listServices()];
    for (const call of Object.values(CALLS)) {
      await assert.rejects(call(client, {}), {
        ...{ reason: 'queue-full', code: 'ERR_IPVS_QUEUE_FULL', outcome: 'not-applied' },
      });
    }
    await Promise.all(calls);
    await client.flush();
    assert.deepEqual(
      door.jobs.flatMap(({ names }) => names),
      ['IPVS_CMD_FLUSH', 'IPVS_CMD_NEW_SERVICE', 'IPVS_CMD_GET_SERVICE', 'IPVS_CMD_FLUSH'],
    );
  });

  it('holds for an observer, too', async () => {
    const observer = Reflect.construct(IpvsObserver, [
      new Queue(new FakeDoor(), 1),
    ]) as IpvsObserver;
    // The file is not there.
    const first = assert.rejects(observer.getTotals(), { reason: 'ipvs-unavailable' });
    await assert.rejects(observer.getTotals(), {
      ...{ reason: 'queue-full' },
      message: /of this observer are outstanding\. Await some of them, or open it/,
    });
    await first;
  });

  it('leaves room for waiting until the queue is empty', async () => {
    const client = clientOver(new FakeDoor(), 1);
    const calls = [client.flush(), client.drained(), client.drained()];
    await Promise.all(calls);
  });

  it('has room again for each call of each job that has ended', async () => {
    const client = clientOver(new FakeDoor(), 700);
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(
        Array.from({ length: 700 }, async () => {
          await client.flush();
        }),
      );
    }
  });

  it('counts what fails and what is given up as ended, too', async () => {
    const door = new FakeDoor((job) => executed(job.names.map(() => ({ errno: 3 }))));
    const client = clientOver(door, 2);
    const controller = new AbortController();
    for (let round = 0; round < 5; round += 1) {
      const { signal } = controller;
      await assert.rejects(client.deleteService(SERVICE));
      await assert.rejects(client.deleteService(SERVICE, { signal: AbortSignal.abort() }));
      await assert.rejects(client.updateService(SERVICE, {}, { signal }), {
        reason: 'service-not-found',
      });
    }
    const call = client.flush({ signal: controller.signal });
    controller.abort();
    await assert.rejects(call, ABORTED);
    const settled = await Promise.allSettled([client.flush(), client.flush()]);
    assert.ok(settled.every((each) => each.status === 'rejected'));
    assert.ok(
      !settled.some(
        ({ reason }: { reason?: { reason?: string } }) => reason?.reason === 'queue-full',
      ),
    );
  });

  it('is far above a table of ten thousand services with ten destinations each by default', async () => {
    const client = clientOver(new FakeDoor(), checkOptions(undefined).queueLimit);
    await Promise.all(
      Array.from({ length: 110_000 }, async () => {
        await client.flush();
      }),
    );
  }).timeout(30_000);
});

describe('drained', () => {
  it('resolves when what was called before it has ended, whatever was called since', async () => {
    const client = clientOver(new FakeDoor());
    const order: string[] = [];
    const note = async (name: string, call: Promise<unknown>): Promise<void> => {
      await call.catch(() => undefined);
      order.push(name);
    };
    await Promise.all([
      note('before', client.flush()),
      note('ensure', client.ensureService(SERVICE)),
      note('drained', client.drained()),
      note('after', client.flush()),
    ]);
    assert.deepEqual(order, ['before', 'ensure', 'drained', 'after']);
  });

  it('waits for a failed call that asks what is missing, too', async () => {
    const door = new FakeDoor((job, index) =>
      executed(job.names.map(() => ({ errno: index === 0 ? 2 : 22 }))),
    );
    const client = clientOver(door);
    const order: string[] = [];
    const persistence = { timeout: 1, engine: 'nope' };
    const adding = client.addService({ ...SERVICE, persistence }).catch(() => order.push('add'));
    await client.drained();
    order.push('drained');
    await adding;
    assert.deepEqual(order, ['add', 'drained']);
  });

  it('resolves at once on an idle client, and on a closed one', async () => {
    const door = new FakeDoor();
    const client = clientOver(door);
    await client.drained();
    await client.close();
    await client.drained();
    assert.deepEqual(door.events, ['close']);
  });
});
