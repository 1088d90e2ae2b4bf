import assert from 'node:assert/strict';
import { Ipvs, type Service } from 'ipvs';
import { describe, it } from 'mocha';
import { collect } from '../support/connections.js';
import { type Failure, rejection } from '../support/failure.js';
import { loadIpvs, needsGuest, unloadIpvs, withModuleLoader } from '../support/guest.js';
import { inNamespace, type Namespace } from '../support/netns.js';

const WEB: Service = { protocol: 'tcp', address: '10.0.0.1', port: 80, scheduler: 'rr' };
const REAL = { address: '10.0.1.1', port: 80, forwarding: 'masquerade' } as const;
const UNAVAILABLE = {
  code: 'ENOENT',
  errno: -2,
  reason: 'ipvs-unavailable',
  outcome: 'not-applied',
};

/** Runs `body` without IPVS in the kernel, nor a way to load it; then it is loaded again. */
async function withoutIpvs(body: () => Promise<void>): Promise<void> {
  await withModuleLoader('/bin/false', async () => {
    await unloadIpvs();
    await body();
  });
  await loadIpvs();
}

async function reasons(calls: readonly Promise<unknown>[]): Promise<Failure['reason'][]> {
  return await Promise.all(calls.map(async (call) => (await rejection(call)).reason));
}

/** The function of a test that unloads IPVS. */
function whereItCanBeUnloaded(body: (ns: Namespace, ipvs: Ipvs) => Promise<void>) {
  const test = inNamespace(body);
  return async function (this: Mocha.Context): Promise<void> {
    needsGuest(this);
    await test();
  };
}

/** Reads of each kind, and how many they find of what is there. */
const READS: Readonly<Record<string, (ipvs: Ipvs) => Promise<number>>> = {
  listServices: async (ipvs) => (await ipvs.listServices()).length,
  listDestinations: async (ipvs) => (await ipvs.listDestinations(WEB)).length,
  snapshot: async (ipvs) => (await ipvs.snapshot({ consistent: true })).length,
};

describe('a kernel without IPVS', () => {
  it(
    'open says that IPVS is unavailable',
    whereItCanBeUnloaded(async (ns) => {
      await withoutIpvs(async () => {
        assert.deepEqual(await rejection(Ipvs.open()), {
          ...UNAVAILABLE,
          syscall: 'CTRL_CMD_GETFAMILY',
        });
        const elsewhere = await rejection(Ipvs.open({ netns: { path: ns.path } }));
        assert.equal(elsewhere.reason, 'ipvs-unavailable');
      });
      // Nor does it take more than the next attempt.
      await (await ns.open()).getInfo();
    }),
  );

  it(
    'every command of an open client says so, and works again once the module is back',
    whereItCanBeUnloaded(async (ns, ipvs) => {
      await ipvs.addService(WEB);
      await ipvs.flush();
      await withoutIpvs(async () => {
        assert.deepEqual(await rejection(ipvs.addService(WEB)), {
          ...{ ...UNAVAILABLE, syscall: 'IPVS_CMD_NEW_SERVICE', service: 'tcp 10.0.0.1:80' },
        });
        const calls = [
          ...[ipvs.getInfo(), ipvs.listServices(), ipvs.getService(WEB), ipvs.setService(WEB)],
          ...[ipvs.deleteService(WEB), ipvs.flush(), ipvs.listDestinations(WEB)],
          ...[ipvs.addDestination(WEB, REAL), ipvs.setDestination(WEB, REAL)],
          ...[ipvs.getDestination(WEB, REAL), ipvs.deleteDestination(WEB, REAL)],
          ...[ipvs.updateService(WEB, { scheduler: 'lc' }), ipvs.ensureService(WEB)],
          ...[ipvs.updateDestination(WEB, REAL, { weight: 2 }), ipvs.ensureDestination(WEB, REAL)],
          ...[ipvs.snapshot(), ipvs.snapshot({ consistent: true }), ipvs.zero(WEB), ipvs.zeroAll()],
          ...[ipvs.getTimeouts(), ipvs.setTimeouts({ udp: 30 }), ipvs.listDaemons()],
          ...[ipvs.startDaemon({ role: 'master', interface: 'lo' }), ipvs.stopDaemon('master')],
          ...[collect(ipvs.connections()), ipvs.getTotals()],
        ];
        assert.deepEqual(
          await reasons(calls),
          calls.map(() => 'ipvs-unavailable'),
        );
      });
      await ipvs.addService(WEB);
      await ipvs.addDestination(WEB, REAL);
      await ns.assertHolds([{ service: WEB, destinations: [REAL] }]);
      assert.equal((await ipvs.listDestinations(WEB)).length, 1);
    }),
  );

  it(
    'a batch after the module was loaded again is carried out, each command once',
    whereItCanBeUnloaded(async (ns, ipvs) => {
      await ipvs.addService(WEB);
      await ipvs.flush();
      await unloadIpvs();
      await loadIpvs();
      const table = Array.from({ length: 300 }, (_, index) => ({
        service: { ...WEB, port: 1 + index },
        destinations: [REAL],
      }));
      // None of them may be told that it exists already.
      await Promise.all(
        table.flatMap(({ service }) => [
          ipvs.addService(service),
          ipvs.addDestination(service, REAL),
        ]),
      );
      await ns.assertHolds(table);
    }),
  );

  for (const [name, read] of Object.entries(READS)) {
    it(
      `${name} is right when it is the first call after the module was loaded again`,
      whereItCanBeUnloaded(async (ns, ipvs) => {
        const other = await ns.open();
        await other.addService({ ...WEB, port: 81 });
        await other.flush();
        await unloadIpvs();
        await loadIpvs();
        await other.addService(WEB);
        await other.addDestination(WEB, REAL);
        assert.equal(await read(ipvs), 1);
      }),
    );
  }

  it(
    'what else is missing keeps its own reason, before and after the module was loaded again',
    whereItCanBeUnloaded(async (ns, ipvs) => {
      const wrong = async (client: Ipvs): Promise<void> => {
        const calls = [
          ...[client.getService(WEB), client.addDestination(WEB, REAL), client.zero(WEB)],
          ...[client.listDestinations(WEB), client.updateService(WEB, { scheduler: 'lc' })],
        ];
        assert.deepEqual(
          await reasons(calls),
          calls.map(() => 'service-not-found'),
        );
        const unknown = client.addService({ ...WEB, scheduler: 'nonesuch' });
        assert.equal((await rejection(unknown)).reason, 'unknown-scheduler');
      };
      await wrong(ipvs);
      await unloadIpvs();
      await loadIpvs();
      await wrong(ipvs);
      await wrong(await ns.open());
    }),
  );

  it(
    'a command brings the module back where the kernel can load it',
    whereItCanBeUnloaded(async (ns, ipvs) => {
      await unloadIpvs();
      assert.deepEqual(await ipvs.listServices(), []);
      await unloadIpvs();
      await ipvs.addService(WEB);
      await ns.assertHolds([{ service: WEB, destinations: [] }]);
    }),
  );
});
