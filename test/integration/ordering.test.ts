import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Destination, Ipvs, Service } from 'ipvs';
import { describe, it } from 'mocha';
import { failureOf, rejection } from '../support/failure.js';
import { inNamespace, withNamespace } from '../support/netns.js';

const WEB: Service = { protocol: 'tcp', address: '10.0.0.1', port: 80, scheduler: 'rr' };
const REAL: Destination = { address: '10.0.1.1', port: 8080, forwarding: 'masquerade' };

const SERVICES: readonly Service[] = [
  WEB,
  { ...WEB, protocol: 'udp', port: 53 },
  { fwmark: 7, family: 'ipv4', scheduler: 'wlc' },
];
const REALS: readonly Destination[] = [
  REAL,
  { ...REAL, address: '10.0.1.2', forwarding: 'tunnel', tunnel: { type: 'gue', port: 6080 } },
  { ...REAL, address: '2001:db8:1::1', forwarding: 'tunnel', weight: 3, upperThreshold: 9 },
];

/** Any call, about one of few services and destinations, so that they meet. */
const call = fc
  .record({
    service: fc.constantFrom(...SERVICES),
    destination: fc.constantFrom(...REALS),
    number: fc.integer({ min: 0, max: 9 }),
    act: fc.constantFrom(
      'addService',
      'ensureService',
      'updateService',
      'setService',
      'deleteService',
      'addDestination',
      'ensureDestination',
      'updateDestination',
      'setDestination',
      'deleteDestination',
      'getDestination',
      'listDestinations',
      'snapshot',
    ),
  })
  .map(({ service, destination, number, act }) => {
    const definition = { ...destination, weight: number };
    const persistence = { timeout: 1 + number };
    const calls: Record<typeof act, (ipvs: Ipvs) => Promise<unknown>> = {
      addService: async (ipvs) => {
        await ipvs.addService({ ...service, persistence });
      },
      ensureService: async (ipvs) => await ipvs.ensureService({ ...service, persistence }),
      updateService: async (ipvs) => {
        await ipvs.updateService(service, number < 5 ? { scheduler: 'wrr' } : { persistence });
      },
      setService: async (ipvs) => {
        await ipvs.setService({ ...service, persistence });
      },
      deleteService: async (ipvs) => {
        await ipvs.deleteService(service);
      },
      addDestination: async (ipvs) => {
        await ipvs.addDestination(service, definition);
      },
      ensureDestination: async (ipvs) => await ipvs.ensureDestination(service, definition),
      updateDestination: async (ipvs) => {
        const patch = number < 5 ? { weight: 100 + number } : { upperThreshold: 10 + number };
        await ipvs.updateDestination(service, destination, patch);
      },
      setDestination: async (ipvs) => {
        await ipvs.setDestination(service, definition);
      },
      deleteDestination: async (ipvs) => {
        await ipvs.deleteDestination(service, destination);
      },
      getDestination: async (ipvs) => (await ipvs.getDestination(service, destination)).weight,
      listDestinations: async (ipvs) =>
        (await ipvs.listDestinations(service)).map(({ weight }) => weight),
      snapshot: async (ipvs) => await ipvs.snapshot({ stats: false }),
    };
    // Failing runs show what they did.
    return Object.assign(calls[act], {
      [fc.toStringMethod]: () => `${act}(${JSON.stringify([service, definition])})`,
    });
  });

/** What a call came to, for comparison. */
async function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    return { value: await promise };
  } catch (error) {
    return failureOf(error);
  }
}

describe('calls of one turn', () => {
  it(
    'are carried out in their order: each read sees the writes before it and none behind it',
    inNamespace(async (ns, ipvs) => {
      const results = await Promise.all([
        ipvs.listServices(),
        ipvs.addService(WEB),
        ipvs.getService(WEB),
        ipvs.addDestination(WEB, REAL),
        ipvs.listDestinations(WEB),
        ipvs.setDestination(WEB, { ...REAL, weight: 5 }),
        ipvs.getDestination(WEB, REAL),
        ipvs.setService({ ...WEB, scheduler: 'lc' }),
        ipvs.getService(WEB),
        ipvs.deleteDestination(WEB, REAL),
        ipvs.listDestinations(WEB),
        rejection(ipvs.addService(WEB)),
        ipvs.deleteService(WEB),
        rejection(ipvs.getService(WEB)),
        rejection(ipvs.listDestinations(WEB)),
        ipvs.addService({ ...WEB, scheduler: 'sed' }),
        ipvs.listServices(),
        ipvs.flush(),
        ipvs.listServices(),
        ipvs.addService({ ...WEB, scheduler: 'nq' }),
      ]);
      assert.deepEqual(results[0], []);
      assert.equal(results[2].scheduler, 'rr');
      assert.deepEqual(
        results[4].map((each) => each.weight),
        [1],
      );
      assert.equal(results[6].weight, 5);
      assert.equal(results[8].scheduler, 'lc');
      assert.deepEqual(results[10], []);
      assert.equal(results[11].reason, 'service-exists');
      assert.equal(results[13].reason, 'service-not-found');
      assert.equal(results[14].reason, 'service-not-found');
      assert.deepEqual(
        results[16].map((each) => each.scheduler),
        ['sed'],
      );
      assert.deepEqual(results[18], []);
      await ns.assertHolds([{ service: { ...WEB, scheduler: 'nq' }, destinations: [] }]);
    }),
  );

  it(
    'three thousand of them, some failing, each get their own result',
    inNamespace(async (ns, ipvs) => {
      const expected: string[] = [];
      const calls: Promise<unknown>[] = [];
      const call = (outcome: string, promise: Promise<unknown>): void => {
        expected.push(outcome);
        calls.push(promise);
      };
      const table = Array.from({ length: 500 }, (_, index) => {
        const service: Service = { ...WEB, port: 1 + index };
        const kept: Destination = { ...REAL, port: 1 + index };
        const gone: Destination = { ...REAL, port: 10_000 + index };
        call('ok', ipvs.addService(service));
        call('ok', ipvs.addDestination(service, kept));
        // In every batch, at changing places, and also at its end.
        if (index % 3 === 0) call('service-exists', ipvs.addService(service));
        else call('ok', ipvs.addDestination(service, gone));
        if (index % 5 === 0) call('destination-exists', ipvs.addDestination(service, kept));
        else call('ok', ipvs.setService({ ...service, scheduler: 'lc' }));
        if (index % 7 === 0) call(`port ${1 + index}`, ipvs.getService(service));
        else call('ok', ipvs.setDestination(service, { ...kept, weight: index }));
        if (index % 3 === 0) call('destination-not-found', ipvs.deleteDestination(service, gone));
        else call('ok', ipvs.deleteDestination(service, gone));
        return {
          service: { ...service, scheduler: index % 5 === 0 ? 'rr' : 'lc' },
          destinations: [{ ...kept, weight: index % 7 === 0 ? 1 : index }],
        };
      });
      assert.equal(calls.length, 3000);
      const settled = await Promise.allSettled(calls);
      const outcomes = settled.map((result) => {
        if (result.status === 'rejected') return String(failureOf(result.reason).reason);
        const entry = result.value as { port: number } | undefined;
        return entry === undefined ? 'ok' : `port ${entry.port}`;
      });
      assert.deepEqual(outcomes, expected);
      await ns.assertHolds(table);
    }),
  );

  it(
    'a failed one does not stop those behind it, even alone in the middle of a batch or at its end',
    inNamespace(async (ns, ipvs) => {
      await ipvs.addService(WEB);
      for (const place of [0, 1, 62, 63, 64, 65, 127, 128, 255, 256, 299]) {
        const calls = Array.from({ length: 300 }, async (_, index) => {
          const port = index === place ? 9_999 : 8080;
          // All but one are set to their place; the last word counts.
          await ipvs.setDestination(WEB, { ...REAL, port, weight: index });
        });
        await rejection(Promise.all(calls));
        const reasons = (await Promise.allSettled(calls)).map((result) =>
          result.status === 'rejected' ? failureOf(result.reason).reason : 'ok',
        );
        // Before the first round there is nothing to set.
        const all = reasons.every((reason) => reason === 'destination-not-found');
        assert.ok(all, 'none is there yet');
        await ipvs.addDestination(WEB, REAL);
        const again = Array.from({ length: 300 }, async (_, index) => {
          const port = index === place ? 9_999 : 8080;
          await ipvs.setDestination(WEB, { ...REAL, port, weight: 1 + index });
        });
        const outcomes = (await Promise.allSettled(again)).map((result) => result.status);
        const expected = Array.from({ length: 300 }, (_, index) =>
          index === place ? 'rejected' : 'fulfilled',
        );
        assert.deepEqual(outcomes, expected, `the one at ${place}`);
        const weight = place === 299 ? 299 : 300;
        assert.equal((await ipvs.getDestination(WEB, REAL)).weight, weight);
        if (place === 64) {
          await ns.assertHolds([{ service: WEB, destinations: [{ ...REAL, weight }] }]);
        }
        await ipvs.deleteDestination(WEB, REAL);
      }
    }),
  );

  it(
    'a value that is changed after the call is not what is written',
    inNamespace(async (ns, ipvs) => {
      const service = { ...WEB, persistence: { timeout: 60 } };
      const destination = { ...REAL, weight: 1 };
      const added = Promise.all([
        ipvs.addService(service),
        ipvs.addDestination(service, destination),
      ]);
      service.persistence.timeout = 61;
      Object.assign(service, { address: '10.9.9.9' });
      destination.weight = 2;
      await added;
      const table = [
        {
          service: { ...WEB, persistence: { timeout: 60 } },
          destinations: [{ ...REAL, weight: 1 }],
        },
      ];
      await ns.assertHolds(table);
    }),
  );

  it('end as they would one after the other, whatever they are', async () => {
    await withNamespace(async (ns) => {
      const ipvs = await ns.open();
      await fc.assert(
        fc.asyncProperty(fc.array(call, { minLength: 2, maxLength: 25 }), async (calls) => {
          await ipvs.flush();
          const apart: unknown[] = [];
          for (const act of calls) apart.push(await outcomeOf(act(ipvs)));
          const tableApart = await ipvs.snapshot({ stats: false });
          await ipvs.flush();
          const together = await Promise.all(calls.map(async (act) => await outcomeOf(act(ipvs))));
          assert.deepEqual(together, apart);
          assert.deepEqual(await ipvs.snapshot({ stats: false }), tableApart);
        }),
        { numRuns: 50 },
      );
    });
  });
});
