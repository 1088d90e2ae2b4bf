/** Another program deletes the whole table while a client works with it. */
import assert from 'node:assert/strict';
import type { IpvsErrorReason } from 'ipvs';
import { describe, it } from 'mocha';
import { failureOf, rejection } from '../support/failure.js';
import { inNamespace } from '../support/netns.js';

const WEB = { protocol: 'tcp', address: '10.0.0.1', port: 80, scheduler: 'rr' } as const;
const REAL = { address: '10.0.1.1', port: 80, forwarding: 'masquerade' } as const;
const GONE = { reason: 'service-not-found', outcome: 'not-applied' } as const;

/** What can be said of a service that others delete, or have deleted just now. */
const POSSIBLE: readonly (IpvsErrorReason | 'done')[] = [
  ...(['done', 'service-not-found', 'destination-not-found', 'destination-exists'] as const),
];

async function ending(call: Promise<unknown>): Promise<IpvsErrorReason | 'done'> {
  try {
    await call;
    return 'done';
  } catch (error) {
    const { reason, outcome } = failureOf(error);
    assert.equal(outcome, 'not-applied');
    return reason ?? 'other';
  }
}

describe('a table that another program deletes', () => {
  it(
    'is gone for every command, each says so, and the client makes it anew',
    inNamespace(async (ns, ipvs) => {
      await ipvs.addService(WEB);
      await ipvs.addDestination(WEB, REAL);
      await ns.ipvsadm('-C');
      const calls = [
        ...[ipvs.setService(WEB), ipvs.updateService(WEB, { scheduler: 'lc' })],
        ...[ipvs.deleteService(WEB), ipvs.getService(WEB), ipvs.zero(WEB)],
        ...[ipvs.addDestination(WEB, REAL), ipvs.setDestination(WEB, REAL)],
        ...[ipvs.updateDestination(WEB, REAL, { weight: 2 }), ipvs.ensureDestination(WEB, REAL)],
        ...[ipvs.deleteDestination(WEB, REAL), ipvs.getDestination(WEB, REAL)],
        ipvs.listDestinations(WEB),
      ];
      for (const call of calls) {
        const { reason, outcome } = await rejection(call);
        assert.deepEqual({ reason, outcome }, GONE);
      }
      assert.deepEqual(await ipvs.listServices(), []);
      assert.deepEqual(await ipvs.snapshot(), []);
      await ns.assertHolds([]);
      assert.equal(await ipvs.ensureService(WEB), 'added');
      assert.equal(await ipvs.ensureDestination(WEB, REAL), 'added');
      await ns.assertHolds([{ service: WEB, destinations: [REAL] }]);
    }),
  );

  it(
    'again and again in the middle of calls leads to no other reason, and ends with all of it',
    inNamespace(async (ns, ipvs) => {
      const services = Array.from({ length: 10 }, (_, index) => ({ ...WEB, port: 1 + index }));
      const fill = (): Promise<unknown>[] =>
        services.flatMap((service) => [
          ipvs.ensureService(service),
          ipvs.ensureDestination(service, REAL),
          ipvs.updateDestination(service, REAL, { weight: 2 }),
          ipvs.setDestination(service, { ...REAL, weight: 2 }),
          ipvs.getService(service),
          ipvs.listDestinations(service),
        ]);
      const seen = new Set<string>();
      let flushing = true;
      const flush = async (): Promise<void> => {
        for (let count = 0; count < 4; count += 1) await ns.ipvsadm('-C');
        flushing = false;
      };
      const call = async (): Promise<void> => {
        while (flushing) {
          const reads = [ipvs.listServices(), ipvs.snapshot()];
          const endings = await Promise.all([...fill(), ...reads].map(ending));
          for (const each of endings) seen.add(each);
        }
      };
      await Promise.all([flush(), call()]);
      const others = [...seen].filter((each) => !POSSIBLE.includes(each as 'done'));
      assert.deepEqual(others, []);
      assert.ok(seen.has('service-not-found'), 'the other program was noticed');
      await Promise.all(fill());
      await ns.assertHolds(
        services.map((service) => ({ service, destinations: [{ ...REAL, weight: 2 }] })),
      );
    }),
  );
});
