import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Ipvs } from '../../lib/index.js';
import { IpvsError } from '../../lib/index.js';
import {
  clientOver,
  dumped,
  executed,
  failedJob,
  FakeDoor,
  type Job,
  success,
} from '../support/door.js';

const SERVICE = { protocol: 'tcp', address: '192.0.2.1', port: 80, scheduler: 'rr' } as const;
const DESTINATION = { address: '192.0.2.2', port: 80, forwarding: 'masquerade' } as const;
const TUNNELLED = {
  ...DESTINATION,
  forwarding: 'tunnel',
  tunnel: { type: 'gue', port: 6080 },
} as const;
const UNKNOWN = { ...SERVICE, persistence: { timeout: 300, engine: 'abc' } } as const;

const CALLS: Readonly<Record<string, (client: Ipvs) => Promise<unknown>>> = {
  getInfo: async (client) => await client.getInfo(),
  addService: async (client) => {
    await client.addService(SERVICE);
  },
  setService: async (client) => {
    await client.setService(SERVICE);
  },
  deleteService: async (client) => {
    await client.deleteService(SERVICE);
  },
  getService: async (client) => await client.getService(SERVICE),
  listServices: async (client) => await client.listServices(),
  addDestination: async (client) => {
    await client.addDestination(SERVICE, DESTINATION);
  },
  setDestination: async (client) => {
    await client.setDestination(SERVICE, DESTINATION);
  },
  deleteDestination: async (client) => {
    await client.deleteDestination(SERVICE, DESTINATION);
  },
  getDestination: async (client) => await client.getDestination(SERVICE, DESTINATION),
  listDestinations: async (client) => await client.listDestinations(SERVICE),
  flush: async (client) => {
    await client.flush();
  },
  updateService: async (client) => {
    await client.updateService(SERVICE, {});
  },
  ensureService: async (client) => await client.ensureService(SERVICE),
  updateDestination: async (client) => {
    await client.updateDestination(SERVICE, DESTINATION, {});
  },
  ensureDestination: async (client) => await client.ensureDestination(SERVICE, DESTINATION),
  'addDestination with a tunnel': async (client) => {
    await client.addDestination(SERVICE, TUNNELLED);
  },
  'listServices consistently': async (client) => await client.listServices({ consistent: true }),
  'listDestinations consistently': async (client) =>
    await client.listDestinations(SERVICE, { consistent: true }),
  snapshot: async (client) => await client.snapshot(),
  zero: async (client) => {
    await client.zero(SERVICE);
  },
  zeroAll: async (client) => {
    await client.zeroAll();
  },
  getTimeouts: async (client) => await client.getTimeouts(),
  setTimeouts: async (client) => {
    await client.setTimeouts({ tcp: 1 });
  },
  listDaemons: async (client) => await client.listDaemons(),
  startDaemon: async (client) => {
    await client.startDaemon({ role: 'master', interface: 'lo' });
  },
  stopDaemon: async (client) => {
    await client.stopDaemon('master');
  },
};

describe('a closed client', () => {
  for (const [name, call] of Object.entries(CALLS)) {
    it(`${name} rejects with reason closed, and sends nothing`, async () => {
      const [method = ''] = name.split(' ');
      const door = new FakeDoor();
      const client = clientOver(door);
      await client.close();
      await assert.rejects(call(client), (error) => {
        assert.ok(error instanceof IpvsError);
        assert.deepEqual(
          [error.code, error.reason, error.outcome, error.errno],
          ['ERR_IPVS_CLOSED', 'closed', 'not-applied', undefined],
        );
        assert.match(error.message, new RegExp(`^${method}: .*Ipvs\\.open`));
        return true;
      });
      assert.deepEqual(door.events, ['close']);
    });
  }

  it('is closed from the call of close on; what was called before ends well', async () => {
    const door = new FakeDoor();
    const client = clientOver(door);
    const before = client.flush();
    const closing = client.close();
    await assert.rejects(client.flush(), { reason: 'closed' });
    await Promise.all([before, closing]);
    assert.deepEqual(door.events, ['transact', 'close']);
  });

  it('waits for a diagnosis, which takes many turns', async () => {
    const door = new FakeDoor();
    const client = clientOver(door);
    const before = client.diagnose({ schedulers: ['rr', 'mh'] });
    const closing = client.close();
    await assert.rejects(client.diagnose(), { reason: 'closed' });
    assert.ok(Array.isArray(await before));
    await closing;
    assert.equal(door.events.indexOf('close'), door.events.length - 1);
    assert.ok(door.events.includes('openFile'));
  });

  it('may be closed twice, and by await using', async () => {
    const door = new FakeDoor();
    const client = clientOver(door);
    await Promise.all([client.close(), client.close(), client[Symbol.asyncDispose]()]);
    await client.close();
    assert.deepEqual(door.events, ['close']);
  });

  it('is not used again by a call that asks which module is missing', async () => {
    const door = new FakeDoor((job) => executed(job.names.map(() => ({ errno: 2 }))));
    const client = clientOver(door);
    const call = assert.rejects(client.addService(UNKNOWN), IpvsError);
    await Promise.all([call, client.close()]);
    assert.equal(door.events.at(-1), 'close');
    assert.equal(door.events.filter((event) => event === 'close').length, 1);
  });
});

describe('a scheduler or engine that the kernel lacks', () => {
  const ends = (first: number, probe: number) => (job: Job, index: number) =>
    executed(job.names.map(() => ({ errno: index === 0 ? first : probe })));
  const rows = [
    [UNKNOWN, 22, 'unknown-engine', 2],
    [UNKNOWN, 2, 'unknown-scheduler', 2],
    [UNKNOWN, 97, 'unknown-scheduler-or-engine', 2],
    [SERVICE, 0, 'unknown-scheduler', 1],
  ] as const;
  for (const [service, probe, reason, jobs] of rows) {
    it(`${reason} when the probe ends with ${probe} (${jobs} jobs)`, async () => {
      for (const method of ['addService', 'setService'] as const) {
        const door = new FakeDoor(ends(2, probe));
        await assert.rejects(clientOver(door)[method](service), { reason, code: 'ENOENT' });
        assert.equal(door.jobs.length, jobs);
      }
    });
  }

  it('is told all the same where the question fails', async () => {
    const door = new FakeDoor((job, index) => {
      if (index > 0) throw new Error('no memory');
      return executed(job.names.map(() => ({ errno: 2 })));
    });
    await assert.rejects(clientOver(door).addService(UNKNOWN), (error) => {
      assert.ok(error instanceof IpvsError);
      assert.deepEqual(
        [error.reason, error.code, error.outcome],
        ['unknown-scheduler-or-engine', 'ENOENT', 'not-applied'],
      );
      return true;
    });
  });
});

describe('a sysctl that was written', () => {
  it('and cannot be read again may have been set', async () => {
    const done = executed([]);
    let opened = 0;
    const door = Object.assign(new FakeDoor(), {
      openFile: async () => {
        opened += 1;
        if (opened > 1) return await Promise.resolve(failedJob(24, 'file'));
        const file = {
          read: async () => await Promise.resolve(done),
          write: async () => await Promise.resolve(done),
        };
        return { ...file, close: () => undefined };
      },
    });
    const client = clientOver(door);
    await assert.rejects(client.setSysctl('conntrack', 1), { code: 'EMFILE', outcome: 'unknown' });
    await assert.rejects(client.setSysctl('conntrack', 1), {
      code: 'EMFILE',
      outcome: 'not-applied',
    });
  });
});

describe('the answers of a client', () => {
  it('reject each call with its own error and its own subject', async () => {
    const door = new FakeDoor(() => executed([{}, { errno: 3 }, { errno: 110, stage: 'receive' }]));
    const client = clientOver(door);
    const [first, second, third] = await Promise.allSettled([
      client.flush(),
      client.deleteService(SERVICE),
      client.deleteDestination(SERVICE, DESTINATION),
    ]);
    assert.equal(first.status, 'fulfilled');
    assert.ok(second.status === 'rejected' && third.status === 'rejected');
    const errors = [second.reason, third.reason] as IpvsError[];
    assert.deepEqual(
      errors.map(({ reason, outcome, service, destination }) => ({
        reason,
        outcome,
        service,
        destination,
      })),
      [
        {
          reason: 'service-not-found',
          outcome: 'not-applied',
          service: 'tcp 192.0.2.1:80',
          destination: undefined,
        },
        {
          reason: 'timeout',
          outcome: 'unknown',
          service: 'tcp 192.0.2.1:80',
          destination: '192.0.2.2:80',
        },
      ],
    );
  });

  it('without the row that was asked for are malformed', async () => {
    const client = clientOver(new FakeDoor());
    await assert.rejects(client.getInfo(), {
      reason: 'malformed-reply',
      code: 'ERR_IPVS_MALFORMED_REPLY',
    });
    await assert.rejects(client.getService(SERVICE), { reason: 'malformed-reply' });
  });

  it('say that the job failed when the door rejects, and the client goes on', async () => {
    const door = new FakeDoor((job, index) => {
      if (index === 0) throw new Error('std::bad_alloc');
      return success(job);
    });
    const client = clientOver(door);
    await assert.rejects(client.flush(), {
      reason: 'out-of-memory',
      outcome: 'unknown',
      code: 'ERR_IPVS_JOB_FAILED',
    });
    await client.flush();
  });

  it('say that a destination is not in the list that was read', async () => {
    const client = clientOver(new FakeDoor(() => dumped([])));
    await assert.rejects(client.getDestination(SERVICE, DESTINATION), {
      reason: 'destination-not-found',
      destination: '192.0.2.2:80',
    });
  });
});
