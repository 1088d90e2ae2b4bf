/** Calls that take several commands: which commands they are, and what becomes of them. */
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { describe, it } from 'mocha';
import type { Destination, Service } from '../../lib/index.js';
import { checkSyncDaemon } from '../../lib/input/daemon.js';
import { checkDestination } from '../../lib/input/destination.js';
import { checkService } from '../../lib/input/service.js';
import { type Command, encodeCommands } from '../../lib/native/encode.js';
import { layout } from '../../lib/native/layout.js';
import { clientOver, executed, FakeDoor, type Job, type Result, rowOf } from '../support/door.js';

const { EEXIST, EINTR, EIO, ENOENT, ESRCH, ETIMEDOUT } = constants.errno;
const { command: COMMAND, destination: DESTINATION } = layout;

const SERVICE = { protocol: 'tcp', address: '192.0.2.1', port: 80, scheduler: 'rr' } as const;
const OTHER = { ...SERVICE, port: 81 } as const;
const PLAIN = { address: '192.0.2.2', port: 80, forwarding: 'masquerade', weight: 3 } as const;
const GUE = {
  ...PLAIN,
  forwarding: 'tunnel',
  tunnel: { type: 'gue', port: 6080, checksum: 'checksum' },
} as const;
const GRE = { ...PLAIN, forwarding: 'tunnel', tunnel: { type: 'gre' } } as const;
const IPIP = { ...PLAIN, forwarding: 'tunnel' } as const;

function serviceRow(service: Service): Uint8Array {
  const definition = checkService('service', service);
  const command: Command = { name: 'IPVS_CMD_NEW_SERVICE', service: definition.key, definition };
  return rowOf('service', command);
}

function destinationRow(destination: Destination): Uint8Array {
  const { key } = checkService('service', SERVICE);
  const definition = checkDestination('destination', destination, key);
  return rowOf('destination', {
    name: 'IPVS_CMD_NEW_DEST',
    destination: definition.key,
    destinationDefinition: definition,
  });
}

function daemonRow(role: 'master' | 'backup'): Uint8Array {
  const daemon = checkSyncDaemon('daemon', { role, interface: 'lo' });
  const bytes = encodeCommands([{ name: 'IPVS_CMD_NEW_DAEMON', daemon }]);
  return bytes.slice(COMMAND.daemon, COMMAND.daemon + layout.daemon.size);
}

/** A kernel that gives prepared answers, one job after the other; the last one again and again. */
function scripted(...answers: readonly (readonly Result[] | ((job: Job) => Result[]))[]): FakeDoor {
  return new FakeDoor((job, index) => {
    const answer = answers[Math.min(index, answers.length - 1)] ?? [];
    return executed(typeof answer === 'function' ? answer(job) : answer);
  });
}

/** The short names of the commands of each job. */
function commandsOf(door: FakeDoor): string[] {
  return door.jobs.map(({ names }) => names.map((name) => name.replace('IPVS_CMD_', '')).join(' '));
}

/** The packed destination of a command. */
function destinationOf({ bytes }: Job, index = 0): Uint8Array {
  const base = index * COMMAND.size + COMMAND.destination;
  return bytes.slice(base, base + DESTINATION.size);
}

const OK: readonly Result[] = [{}];
const all = (job: Job): Result[] => job.names.map(() => ({}));
const fails = (errno: number): readonly Result[] => [{ errno }];
const lost: readonly Result[] = [{ errno: ETIMEDOUT, stage: 'receive' }];

describe('sequences of one turn', () => {
  it('that patch destinations of one service read its list once and write together', async () => {
    const many = Array.from({ length: 100 }, (_, index) => ({ ...PLAIN, port: 1 + index }));
    const door = scripted([{ rows: many.map(destinationRow) }], all);
    const client = clientOver(door);
    await Promise.all(
      many.map(async (each, weight) => {
        await client.updateDestination(SERVICE, each, { weight });
      }),
    );
    assert.deepEqual(door.sizes, [1, 100]);
    const written = door.jobs[1];
    assert.ok(written);
    many.forEach((each, weight) => {
      const expected = destinationRow({ ...each, weight }).subarray(0, DESTINATION.size);
      assert.deepEqual(destinationOf(written, weight), expected);
    });
  });

  it('never run at once for the same destination, however it is spelt', async () => {
    const door = scripted(
      [{ rows: [destinationRow(PLAIN)] }],
      OK,
      [{ rows: [destinationRow({ ...PLAIN, weight: 9 })] }],
      OK,
    );
    const client = clientOver(door);
    await Promise.all([
      client.updateDestination(SERVICE, PLAIN, { weight: 9 }),
      client.updateDestination(
        { ...SERVICE, address: '::ffff:192.0.2.1' },
        { ...PLAIN, address: '::FFFF:192.0.2.2' },
        { upperThreshold: 5 },
      ),
    ]);
    assert.deepEqual(commandsOf(door), ['GET_DEST', 'SET_DEST', 'GET_DEST', 'SET_DEST']);
    const last = door.jobs[3];
    assert.ok(last);
    assert.deepEqual(
      destinationOf(last),
      destinationRow({ ...PLAIN, weight: 9, upperThreshold: 5 }).subarray(0, DESTINATION.size),
    );
  });

  it('about a service and about its destinations never run at once', async () => {
    const door = scripted(all);
    const client = clientOver(door);
    await Promise.allSettled([
      client.ensureDestination(SERVICE, PLAIN),
      client.ensureDestination(SERVICE, { ...PLAIN, port: 81 }),
      client.ensureService(SERVICE),
      client.ensureDestination(SERVICE, { ...PLAIN, port: 82 }),
      client.ensureService(OTHER),
      client.ensureDestination(OTHER, PLAIN),
    ]);
    assert.deepEqual(commandsOf(door), [
      'NEW_DEST NEW_DEST',
      'NEW_SERVICE',
      'NEW_DEST NEW_SERVICE',
      'NEW_DEST',
    ]);
  });

  it('keep their place: what is called after one waits for its end', async () => {
    const door = scripted([{ rows: [destinationRow(PLAIN)] }], all);
    const client = clientOver(door);
    await Promise.all([
      client.updateDestination(SERVICE, PLAIN, { weight: 1 }),
      client.flush(),
      client.ensureService(SERVICE),
      client.deleteService(SERVICE),
    ]);
    assert.deepEqual(commandsOf(door), [
      'GET_DEST',
      'SET_DEST',
      'FLUSH',
      'NEW_SERVICE',
      'DEL_SERVICE',
    ]);
  });

  it('send their commands in the order of the calls, lists between them', async () => {
    const door = scripted(all, [{ errno: ESRCH }], all);
    const client = clientOver(door);
    const settled = await Promise.allSettled([
      client.ensureService(SERVICE),
      client.updateDestination(OTHER, PLAIN, {}),
      client.ensureDestination(SERVICE, PLAIN),
    ]);
    assert.deepEqual(commandsOf(door), ['NEW_SERVICE', 'GET_DEST', 'NEW_DEST']);
    assert.deepEqual(
      settled.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
  });

  it('end for themselves: one that fails stops no other', async () => {
    const door = scripted([{ errno: EEXIST }, {}, { errno: EEXIST }], (job) =>
      job.names.map((_, index) => (index === 0 ? { errno: 12 } : {})),
    );
    const client = clientOver(door);
    const [first, second, third] = await Promise.allSettled([
      client.ensureDestination(SERVICE, PLAIN),
      client.ensureDestination(SERVICE, { ...PLAIN, port: 81 }),
      client.ensureDestination(SERVICE, { ...PLAIN, port: 82 }),
    ]);
    assert.ok(first.status === 'rejected');
    assert.deepEqual(second, { status: 'fulfilled', value: 'added' });
    assert.deepEqual(third, { status: 'fulfilled', value: 'set' });
    assert.deepEqual(commandsOf(door), ['NEW_DEST NEW_DEST NEW_DEST', 'SET_DEST SET_DEST']);
  });

  it('reject when the door does, all that were under way, and the queue goes on', async () => {
    const door = new FakeDoor((job, index) => {
      if (index === 0) throw new Error('std::bad_alloc');
      return executed(all(job));
    });
    const client = clientOver(door);
    const settled = await Promise.allSettled([
      client.ensureDestination(SERVICE, PLAIN),
      client.updateDestination(SERVICE, { ...PLAIN, port: 81 }, {}),
      client.flush(),
    ]);
    assert.deepEqual(
      settled.map((each) =>
        each.status === 'rejected' ? (each.reason as { code: string }).code : each.status,
      ),
      ['ERR_IPVS_JOB_FAILED', 'ERR_IPVS_JOB_FAILED', 'fulfilled'],
    );
  });

  it('are waited for by close', async () => {
    const door = scripted([{ rows: [destinationRow(PLAIN)] }], OK);
    const client = clientOver(door);
    await Promise.all([
      client.updateDestination(SERVICE, PLAIN, { weight: 1 }),
      client.updateDestination(SERVICE, PLAIN, { weight: 2 }).catch(() => undefined),
      client.close(),
    ]);
    // The second finds an empty list.
    assert.deepEqual(door.events, ['dump', 'transact', 'dump', 'close']);
  });
});

describe('ensureService and ensureDestination', () => {
  it('add, and say so', async () => {
    const door = scripted(OK);
    const client = clientOver(door);
    assert.equal(await client.ensureService(SERVICE), 'added');
    assert.equal(await client.ensureDestination(SERVICE, PLAIN), 'added');
    assert.deepEqual(commandsOf(door), ['NEW_SERVICE', 'NEW_DEST']);
  });

  it('replace what is there, and say so', async () => {
    const door = scripted(fails(EEXIST), OK, fails(EEXIST), OK);
    const client = clientOver(door);
    assert.equal(await client.ensureService(SERVICE), 'set');
    assert.equal(await client.ensureDestination(SERVICE, PLAIN), 'set');
    assert.deepEqual(commandsOf(door), ['NEW_SERVICE', 'SET_SERVICE', 'NEW_DEST', 'SET_DEST']);
  });

  it('try again when another program deletes in between, four times and not for ever', async () => {
    const services = scripted(fails(EEXIST), fails(ESRCH), OK);
    assert.equal(await clientOver(services).ensureService(SERVICE), 'added');
    const destinations = scripted(fails(EEXIST), fails(ENOENT), fails(EEXIST), OK);
    assert.equal(await clientOver(destinations).ensureDestination(SERVICE, PLAIN), 'set');

    const flip = new FakeDoor((_, index) => executed(fails(index % 2 === 0 ? EEXIST : ESRCH)));
    await assert.rejects(clientOver(flip).ensureService(SERVICE), { reason: 'service-not-found' });
    assert.equal(flip.jobs.length, 8);
    const flop = new FakeDoor((_, index) => executed(fails(index % 2 === 0 ? EEXIST : ENOENT)));
    await assert.rejects(clientOver(flop).ensureDestination(SERVICE, PLAIN), {
      reason: 'destination-not-found',
    });
    assert.equal(flop.jobs.length, 8);
  });

  it('say which module is missing', async () => {
    const service = { ...SERVICE, persistence: { timeout: 1, engine: 'abc' } };
    const door = scripted(fails(ENOENT), fails(22));
    await assert.rejects(clientOver(door).ensureService(service), { reason: 'unknown-engine' });
  });
});

describe('a tunnel that the kernel may be too old for', () => {
  it('is read back when it is the first of its kind, and never again', async () => {
    const door = scripted(OK, [{ rows: [destinationRow(GUE)] }], OK, OK);
    const client = clientOver(door);
    await client.addDestination(SERVICE, GUE);
    await client.addDestination(SERVICE, GUE);
    await client.setDestination(SERVICE, GUE);
    assert.deepEqual(commandsOf(door), ['NEW_DEST', 'GET_DEST', 'NEW_DEST', 'SET_DEST']);
  });

  it('is read back for each type and checksum, and not for ipip or without tunnel', async () => {
    const none = { ...GUE, tunnel: { type: 'gue', port: 6080 } } as const;
    const door = new FakeDoor((job, index) => {
      const rows = [[GUE], [GRE], [none]][(index - 1) / 2]?.map(destinationRow) ?? [];
      return executed(job.method === 'dump' ? [{ rows }] : all(job));
    });
    const client = clientOver(door);
    for (const each of [GUE, GRE, none]) await client.addDestination(SERVICE, each);
    for (const each of [IPIP, PLAIN]) await client.addDestination(SERVICE, each);
    assert.deepEqual(commandsOf(door), [
      'NEW_DEST',
      'GET_DEST',
      'NEW_DEST',
      'GET_DEST',
      'NEW_DEST',
      'GET_DEST',
      'NEW_DEST',
      'NEW_DEST',
    ]);
  });

  const stored: readonly [string, Destination, Destination][] = [
    ['the type', GUE, IPIP],
    ['the type', GRE, IPIP],
    ['the port', GUE, { ...GUE, tunnel: { ...GUE.tunnel, port: 1 } }],
    ['the checksum', GUE, { ...GUE, tunnel: { type: 'gue', port: 6080 } }],
  ];
  for (const [what, wanted, found] of stored) {
    it(`is removed and rejected when ${what} was lost (${wanted.tunnel?.type})`, async () => {
      for (const method of ['addDestination', 'ensureDestination'] as const) {
        const door = scripted(OK, [{ rows: [destinationRow(found)] }], OK);
        await assert.rejects(clientOver(door)[method](SERVICE, wanted), {
          reason: 'unsupported-by-kernel',
          code: 'ERR_IPVS_UNSUPPORTED_BY_KERNEL',
          outcome: 'not-applied',
          destination: '192.0.2.2:80',
          syscall: 'IPVS_CMD_NEW_DEST',
        });
        assert.deepEqual(commandsOf(door), ['NEW_DEST', 'GET_DEST', 'DEL_DEST']);
      }
    });
  }

  it('is put back, byte for byte, where it replaced something', async () => {
    const before = destinationRow(PLAIN);
    // What another program wrote, and our types can't say.
    before[DESTINATION.forwarding] = 4;
    for (const change of ['setDestination', 'ensureDestination'] as const) {
      const answers = [[{ rows: [before] }], OK, [{ rows: [destinationRow(IPIP)] }], OK];
      const door =
        change === 'setDestination' ? scripted(...answers) : scripted(fails(EEXIST), ...answers);
      await assert.rejects(clientOver(door)[change](SERVICE, GUE), {
        reason: 'unsupported-by-kernel',
        outcome: 'not-applied',
      });
      const undone = door.jobs.at(-1);
      assert.ok(undone);
      assert.deepEqual(undone.names, ['IPVS_CMD_SET_DEST']);
      assert.deepEqual(destinationOf(undone), before.slice(0, DESTINATION.size));
    }
  });

  it('in place of a destination that is not there fails as any other does', async () => {
    for (const answer of [fails(ESRCH), [{ rows: [] }]]) {
      const door = scripted(answer, fails(ENOENT));
      await assert.rejects(clientOver(door).setDestination(SERVICE, GUE), {
        reason: 'destination-not-found',
        syscall: 'IPVS_CMD_SET_DEST',
      });
      assert.deepEqual(commandsOf(door), ['GET_DEST', 'SET_DEST']);
    }
  });

  it('that cannot be undone leaves the outcome unknown, and says so', async () => {
    const door = scripted(OK, [{ rows: [destinationRow(IPIP)] }], fails(EIO));
    await assert.rejects(clientOver(door).addDestination(SERVICE, GUE), {
      reason: 'unsupported-by-kernel',
      outcome: 'unknown',
      message: /Undoing it failed with EIO/,
    });
  });

  it('that cannot be read back leaves the outcome unknown', async () => {
    const door = scripted(OK, lost);
    await assert.rejects(clientOver(door).addDestination(SERVICE, GUE), {
      outcome: 'unknown',
      syscall: 'IPVS_CMD_NEW_DEST',
    });
  });

  it('that another program deletes meanwhile is no failure, and proves nothing', async () => {
    const door = scripted(OK, fails(ESRCH), OK, [{ rows: [] }], OK, [
      { rows: [destinationRow(GUE)] },
    ]);
    const client = clientOver(door);
    for (let times = 0; times < 3; times += 1) await client.addDestination(SERVICE, GUE);
    assert.equal(door.jobs.length, 6);
  });
});

describe('update', () => {
  it('refuses what another program wrote and the patch does not replace', async () => {
    const row = destinationRow(PLAIN);
    row[DESTINATION.forwarding] = 4;
    const door = scripted([{ rows: [row] }], OK);
    const client = clientOver(door);
    await assert.rejects(client.updateDestination(SERVICE, PLAIN, { weight: 1 }), {
      reason: 'unsupported-entry',
      code: 'ERR_IPVS_UNSUPPORTED_ENTRY',
      outcome: 'not-applied',
      message: /wrote forwarding so/,
    });
    assert.deepEqual(commandsOf(door), ['GET_DEST']);
    const second = scripted([{ rows: [row] }], OK);
    await clientOver(second).updateDestination(SERVICE, PLAIN, { forwarding: 'direct' });
    assert.deepEqual(commandsOf(second), ['GET_DEST', 'SET_DEST']);
  });

  it('writes nothing when the patched entry would make no sense', async () => {
    const door = scripted([{ rows: [destinationRow({ ...PLAIN, upperThreshold: 9 })] }]);
    await assert.rejects(
      clientOver(door).updateDestination(SERVICE, PLAIN, { lowerThreshold: 10 }),
      { name: 'RangeError', field: 'patch.lowerThreshold' },
    );
    const services = scripted([{ rows: [serviceRow(SERVICE)] }]);
    await assert.rejects(clientOver(services).updateService(SERVICE, { onePacket: true }), {
      name: 'RangeError',
      field: 'patch.onePacket',
    });
    assert.deepEqual([...commandsOf(door), ...commandsOf(services)], ['GET_DEST', 'GET_SERVICE']);
  });

  it('says what is not there', async () => {
    const missing = clientOver(scripted(fails(ESRCH)));
    await assert.rejects(missing.updateService(SERVICE, {}), { reason: 'service-not-found' });
    await assert.rejects(missing.updateDestination(SERVICE, PLAIN, {}), {
      reason: 'service-not-found',
    });
    const empty = clientOver(scripted([{ rows: [] }]));
    await assert.rejects(empty.updateDestination(SERVICE, PLAIN, {}), {
      reason: 'destination-not-found',
    });
    await assert.rejects(empty.updateService(SERVICE, {}), { reason: 'malformed-reply' });
  });
});

describe('a destination that a list lacks', () => {
  const others = (first: number, count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, index) =>
      destinationRow({ ...PLAIN, address: `198.51.100.${first + index}` }),
    );

  it('is not there where the list came in one piece', async () => {
    const door = scripted([{ rows: others(1, 8) }]);
    await assert.rejects(clientOver(door).getDestination(SERVICE, PLAIN), {
      reason: 'destination-not-found',
    });
    assert.equal(door.jobs.length, 1);
  });

  it('is not there when two longer lists agree', async () => {
    const door = scripted([{ rows: others(1, 9) }], [{ rows: others(2, 9) }]);
    await assert.rejects(clientOver(door).getDestination(SERVICE, PLAIN), {
      reason: 'destination-not-found',
    });
    assert.equal(door.jobs.length, 3);
  });

  it('is there when the next list has it: the kernel passes over some while others are deleted', async () => {
    const rows = [...others(20, 50), destinationRow(PLAIN)];
    const door = scripted([{ rows: others(1, 60) }], [{ rows }]);
    const { weight } = await clientOver(door).getDestination(SERVICE, PLAIN);
    assert.equal(weight, PLAIN.weight);
    const patched = scripted([{ rows: others(1, 60) }], [{ rows }], OK);
    await clientOver(patched).updateDestination(SERVICE, PLAIN, { weight: 9 });
    assert.deepEqual(commandsOf(patched), ['GET_DEST', 'GET_DEST', 'SET_DEST']);
  });

  it('may be there where no two lists agree', async () => {
    let lists = 0;
    const door = new FakeDoor(() => executed([{ rows: others((lists += 1), 9) }]));
    await assert.rejects(clientOver(door).getDestination(SERVICE, PLAIN), {
      reason: 'table-changing',
    });
  });
});

describe('stopDaemon', () => {
  const interrupted = fails(EINTR);
  const absent = [{ rows: [daemonRow('backup')] }];
  const present = [{ rows: [daemonRow('backup'), daemonRow('master')] }];

  it('is done when the kernel says so', async () => {
    const door = scripted(OK);
    await clientOver(door).stopDaemon('master');
    assert.deepEqual(commandsOf(door), ['DEL_DAEMON']);
  });

  it('asks for the truth when the kernel does not answer', async () => {
    const door = scripted(interrupted, absent);
    await clientOver(door).stopDaemon('master');
    assert.deepEqual(commandsOf(door), ['DEL_DAEMON', 'GET_DAEMON']);
  });

  it('stops it again when it runs all the same', async () => {
    const door = scripted(interrupted, present, fails(ESRCH));
    await clientOver(door).stopDaemon('master');
    assert.deepEqual(commandsOf(door), ['DEL_DAEMON', 'GET_DAEMON', 'DEL_DAEMON']);
  });

  it('does not try for ever', async () => {
    const door = new FakeDoor((job) => executed(job.method === 'dump' ? present : interrupted));
    await assert.rejects(clientOver(door).stopDaemon('master'), {
      code: 'EINTR',
      message: /Try again/,
    });
    // The last thing that it does is to look.
    assert.deepEqual(commandsOf(door).slice(-2), ['DEL_DAEMON', 'GET_DAEMON']);
    assert.equal(door.jobs.length, 16);
  });

  it('looks after its last attempt, too', async () => {
    const door = new FakeDoor((job, index) => {
      if (job.method === 'transact') return executed(interrupted);
      return executed(index === 15 ? absent : present);
    });
    await clientOver(door).stopDaemon('master');
    assert.equal(door.jobs.length, 16);
  });

  it('does not say that nothing was done where it cannot look', async () => {
    const door = scripted(interrupted, [{ errno: ETIMEDOUT, stage: 'receive' }]);
    await assert.rejects(clientOver(door).stopDaemon('master'), {
      outcome: 'unknown',
      syscall: 'IPVS_CMD_DEL_DAEMON',
    });
  });

  it('says when there is none to stop', async () => {
    await assert.rejects(clientOver(scripted(fails(ESRCH))).stopDaemon('backup'), {
      reason: 'daemon-not-found',
      message: /^stopDaemon backup: /,
    });
  });
});

describe('a consistent read', () => {
  const rows = (...ports: number[]): Uint8Array[] =>
    ports.map((port) => serviceRow({ ...SERVICE, port }));
  const list = (...ports: number[]): readonly Result[] => [{ rows: rows(...ports) }];

  it('repeats until two reads in a row show the same keys', async () => {
    const door = scripted(list(1), list(1, 2), list(2, 1, 1), list(3));
    const services = await clientOver(door).listServices({ consistent: true });
    assert.deepEqual(
      services.map(({ port }) => port),
      [1, 2],
    );
    assert.equal(door.jobs.length, 3);
  });

  it('gives up after ten reads of which no two agree', async () => {
    const door = new FakeDoor((_, index) => executed(list(1 + index)));
    await assert.rejects(clientOver(door).listServices({ consistent: true }), {
      reason: 'table-changing',
      code: 'ERR_IPVS_TABLE_CHANGING',
      message: /10 reads/,
    });
    assert.equal(door.jobs.length, 10);
  });

  it('compares the destinations of a service and of a snapshot too', async () => {
    const destinations = (...ports: number[]): readonly Result[] => [
      { rows: ports.map((port) => destinationRow({ ...PLAIN, port })) },
    ];
    const door = scripted(destinations(1), destinations(1, 2), destinations(1, 2));
    await clientOver(door).listDestinations(SERVICE, { consistent: true });
    assert.equal(door.jobs.length, 3);
    const pass = (...ports: number[]) => [list(80), destinations(...ports), list(80)];
    const table = scripted(...pass(1), ...pass(1, 2), ...pass(2, 1));
    const [service] = await clientOver(table).snapshot({ consistent: true });
    assert.equal(service?.destinations.length, 2);
    assert.equal(table.jobs.length, 9);
  });

  it('fails when one of its reads does', async () => {
    const door = scripted(list(1), lost);
    await assert.rejects(clientOver(door).listServices({ consistent: true }), {
      reason: 'timeout',
      outcome: 'not-applied',
    });
  });
});

describe('snapshot', () => {
  const list = (...services: Service[]): readonly Result[] => [{ rows: services.map(serviceRow) }];
  const destinations = (job: Job): Result[] =>
    job.names.map((_, index) => ({ rows: [destinationRow({ ...PLAIN, port: 1 + index })] }));

  it('gives each service its own destinations, in one job', async () => {
    const door = scripted(list(OTHER, SERVICE), destinations, list(SERVICE, OTHER));
    const table = await clientOver(door).snapshot();
    assert.deepEqual(
      table.map((service) => [service.port, service.destinations.map(({ port }) => port)]),
      [
        [80, [1]],
        [81, [2]],
      ],
    );
    assert.deepEqual(door.sizes, [1, 2, 1]);
  });

  it('leaves out a service only when the kernel says that it is gone', async () => {
    const door = scripted(list(SERVICE, OTHER), destinations, list(), [{}, { errno: ESRCH }]);
    const table = await clientOver(door).snapshot();
    assert.deepEqual(
      table.map(({ port }) => port),
      [80],
    );
    assert.deepEqual(commandsOf(door).at(-1), 'GET_SERVICE GET_SERVICE');
  });

  it('rejects when any of its reads fails', async () => {
    const both = list(SERVICE, OTHER);
    for (const answers of [
      [lost],
      [both, [{}, lost[0] ?? {}]],
      [both, destinations, lost],
      [both, destinations, list(SERVICE), lost],
    ]) {
      await assert.rejects(clientOver(scripted(...answers)).snapshot(), { reason: 'timeout' });
    }
  });

  it('without statistics is plain data', async () => {
    const door = scripted(list(SERVICE), destinations, list(SERVICE));
    const table = await clientOver(door).snapshot({ stats: false });
    assert.deepEqual(JSON.parse(JSON.stringify(table)), table);
    assert.deepEqual(Object.keys(table[0]?.destinations[0] ?? {}), [
      'address',
      'port',
      'forwarding',
      'weight',
      'upperThreshold',
      'lowerThreshold',
    ]);
  });
});
