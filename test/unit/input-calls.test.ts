import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { Ipvs, IpvsObserver } from '../../lib/index.js';
import { serviceAndDestination } from '../support/arbitraries.js';
import { clientOver, FakeDoor } from '../support/door.js';
import { assertRefusal, show } from '../support/refusals.js';

const SERVICE = { protocol: 'tcp', address: '192.0.2.1', port: 80, scheduler: 'rr' } as const;
const DESTINATION = { address: '192.0.2.2', port: 80, forwarding: 'masquerade' } as const;
const NO_OBJECTS = [null, true, 1, NaN, 1n, '', 'tcp 192.0.2.1:80', Symbol('s'), [], [SERVICE]];

describe('calls of a client with wrong arguments', () => {
  const METHODS = [
    'addService',
    'setService',
    'deleteService',
    'getService',
    'listDestinations',
    'addDestination',
    'setDestination',
    'deleteDestination',
    'getDestination',
    'updateService',
    'ensureService',
    'updateDestination',
    'ensureDestination',
  ] as const;
  type Untyped = Record<string, (...values: unknown[]) => Promise<unknown>>;

  for (const method of METHODS) {
    it(`${method} rejects, never throws, and sends nothing`, async () => {
      const door = new FakeDoor();
      const client = clientOver(door) as unknown as Untyped;
      const call = async (...values: unknown[]): Promise<unknown> =>
        await client[method]?.(...values);
      for (const value of [undefined, ...NO_OBJECTS]) {
        const promise = client[method]?.(value, DESTINATION);
        assert.ok(promise instanceof Promise);
        const code = 'ERR_IPVS_INVALID_SERVICE';
        await assert.rejects(promise, (error) =>
          assertRefusal(error, { error: 'TypeError', code, field: 'service' }, show(value)),
        );
      }
      await assert.rejects(call({ ...SERVICE, port: 65536 }, DESTINATION), {
        code: 'ERR_IPVS_INVALID_PORT',
        field: 'service.port',
      });
      if (method.endsWith('Destination')) {
        await assert.rejects(call(SERVICE), {
          name: 'TypeError',
          code: 'ERR_IPVS_INVALID_DESTINATION',
        });
        await assert.rejects(call(SERVICE, { ...DESTINATION, port: -1 }), {
          code: 'ERR_IPVS_INVALID_PORT',
          field: 'destination.port',
        });
      }
      assert.deepEqual(door.jobs, []);
    });
  }

  it('zero, snapshot, lists and daemons reject too, and send nothing', async () => {
    const door = new FakeDoor();
    const client = clientOver(door) as unknown as Untyped;
    const calls: readonly [string, readonly unknown[], string][] = [
      ['zero', [], 'service'],
      ['zero', [undefined, {}], 'service'],
      ['zero', [null], 'service'],
      ['zeroAll', [SERVICE], 'options.protocol'],
      ['zero', [{ ...SERVICE, port: -1 }], 'service.port'],
      ['updateService', [SERVICE], 'patch'],
      ['updateDestination', [SERVICE, DESTINATION, { weight: -1 }], 'patch.weight'],
      ['listServices', [true], 'options'],
      ['listServices', [{ consistent: 1 }], 'options.consistent'],
      ['listServices', [{ stats: false }], 'options.stats'],
      ['listDestinations', [SERVICE, null], 'options'],
      ['snapshot', [{ stats: 'no' }], 'options.stats'],
      ['snapshot', [{ consistent: null }], 'options.consistent'],
      ['setTimeouts', [], 'timeouts'],
      ['setTimeouts', [{ udp: 0 }], 'timeouts.udp'],
      ['startDaemon', [], 'daemon'],
      ['stopDaemon', [{ role: 'master' }], 'role'],
    ];
    for (const [method, values, field] of calls) {
      const promise = client[method]?.(...values);
      assert.ok(promise instanceof Promise, method);
      await assert.rejects(promise, { field }, `${method} ${field}`);
    }
    assert.deepEqual(door.jobs, []);
  });

  it('open rejects before it looks for a kernel', async () => {
    const open = Ipvs.open.bind(Ipvs) as (options: unknown) => Promise<unknown>;
    const promise = open({ timeout: 0 });
    await assert.rejects(promise, { name: 'RangeError', code: 'ERR_IPVS_INVALID_TIMEOUT' });
    await assert.rejects(open(null), { name: 'TypeError', code: 'ERR_IPVS_INVALID_OPTIONS' });
  });

  it('one bad call among good ones stops none of them', async () => {
    const door = new FakeDoor();
    const client = clientOver(door);
    const settled = await Promise.allSettled([
      client.addService(SERVICE),
      client.addService({ ...SERVICE, port: 0 }),
      client.deleteService(SERVICE),
    ]);
    assert.deepEqual(
      settled.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(
      door.jobs.flatMap(({ names }) => names),
      ['IPVS_CMD_NEW_SERVICE', 'IPVS_CMD_DEL_SERVICE'],
    );
  });
});

describe('what a caller does with its objects after the call', () => {
  function spoil(value: object): void {
    for (const [name, inner] of Object.entries(value)) {
      if (typeof inner === 'object' && inner !== null) spoil(inner as object);
      (value as Record<string, unknown>)[name] = typeof inner === 'number' ? 4242 : 'spoilt';
    }
  }

  it('does not matter: arguments are copied at once', async () => {
    await fc.assert(
      fc.asyncProperty(serviceAndDestination, async ([each, within]) => {
        const sent = await Promise.all(
          [false, true].map(async (spoilt) => {
            const door = new FakeDoor();
            const client = clientOver(door);
            const [first, second] = structuredClone([each, within] as const);
            const calls = [
              client.addService(first),
              client.addDestination(first, second),
              client.deleteService(first),
            ];
            if (spoilt) [first, second].forEach(spoil);
            await Promise.all(calls);
            return door.jobs.map(({ bytes }) => bytes);
          }),
        );
        assert.deepEqual(sent[1], sent[0]);
      }),
      { numRuns: 30 },
    );
  });

  it('arguments are not changed and may be frozen', async () => {
    const frozen = Object.freeze({ ...SERVICE, persistence: Object.freeze({ timeout: 1 }) });
    await clientOver(new FakeDoor()).addService(frozen);
  });
});

describe('new', () => {
  for (const Class of [Ipvs, IpvsObserver]) {
    it(`is refused for ${Class.name}, which is opened: TypeError`, () => {
      const message = new RegExp(`use await ${Class.name}\\.open\\(\\)`);
      assert.throws(() => void Reflect.construct(Class, []), { name: 'TypeError', message });
      assert.throws(() => void Reflect.construct(Class, [{}]), { name: 'TypeError', message });
    });
  }
});
