import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { Ipvs, IpvsObserver, type Service } from 'ipvs';
import { describe, it } from 'mocha';
import { descriptors } from '../support/descriptors.js';
import { rejection } from '../support/failure.js';
import { inNamespace, type Namespace } from '../support/netns.js';
import { patience } from '../support/patience.js';

const WEB: Service = { protocol: 'tcp', address: '10.0.0.1', port: 80, scheduler: 'rr' };
const REAL = { address: '10.0.1.1', port: 80, forwarding: 'masquerade' } as const;
const LIBRARY = fileURLToPath(import.meta.resolve('ipvs'));

/** Runs a script with the library in a process of its own. */
async function script(ns: Namespace, text: string): Promise<string> {
  const module = `import { Ipvs } from ${JSON.stringify(LIBRARY)};
    const service = ${JSON.stringify(WEB)};
    const ipvs = await Ipvs.open();
    ${text}`;
  return await ns.run(process.execPath, '--input-type=module', '--eval', module);
}

describe('the life of a client', () => {
  it(
    'close carries out what was called before it',
    inNamespace(async (ns, ipvs) => {
      const services = Array.from({ length: 500 }, (_, index): Service => {
        return { ...WEB, port: 1 + index };
      });
      const added = services.map(async (service) => {
        await ipvs.addService(service);
      });
      await ipvs.close();
      await ns.assertHolds(services.map((service) => ({ service, destinations: [] })));
      await Promise.all(added);
    }),
  );

  it(
    'every call after close is refused, and closing twice is closing once',
    inNamespace(async (ns, ipvs) => {
      await ipvs.addService(WEB);
      const first = ipvs.close();
      const early = rejection(ipvs.flush());
      await Promise.all([first, ipvs.close(), ipvs[Symbol.asyncDispose]()]);
      await ipvs.close();
      const closed = { code: 'ERR_IPVS_CLOSED', reason: 'closed', outcome: 'not-applied' };
      assert.deepEqual(await early, closed);
      const calls: Promise<unknown>[] = [
        ...[ipvs.getInfo(), ipvs.addService(WEB), ipvs.setService(WEB), ipvs.deleteService(WEB)],
        ...[ipvs.getService(WEB), ipvs.listServices(), ipvs.addDestination(WEB, REAL)],
        ...[ipvs.setDestination(WEB, REAL), ipvs.deleteDestination(WEB, REAL), ipvs.flush()],
        ...[ipvs.getDestination(WEB, REAL), ipvs.listDestinations(WEB)],
      ];
      for (const call of calls) assert.deepEqual(await rejection(call), closed);
      await ns.assertHolds([{ service: WEB, destinations: [] }]);
    }),
  );

  it(
    'a client and an observer have room for as many calls as queueLimit says',
    inNamespace(async (ns) => {
      const netns = { name: ns.name };
      await using ipvs = await Ipvs.open({ netns, queueLimit: 2 });
      await using observer = await IpvsObserver.open({ netns, queueLimit: 2 });
      for (const client of [ipvs, observer]) {
        const calls = Array.from({ length: 3 }, async () => await client.getTotals());
        const settled = await Promise.allSettled(calls);
        assert.deepEqual(
          settled.map(({ status }) => status),
          ['fulfilled', 'fulfilled', 'rejected'],
        );
        assert.equal((await rejection(calls[2] ?? Promise.resolve())).reason, 'queue-full');
        await client.getInfo();
      }
    }),
  );

  it(
    'ends with the block of `await using`',
    inNamespace(async (ns) => {
      let escaped: Ipvs;
      {
        await using ipvs = await Ipvs.open({ netns: { name: ns.name } });
        await ipvs.addService(WEB);
        escaped = ipvs;
      }
      assert.equal((await rejection(escaped.getInfo())).reason, 'closed');
    }),
  );

  it(
    'leaves no descriptor open, whether opening succeeds or fails',
    inNamespace(async (ns) => {
      const cycle = async (): Promise<void> => {
        const ipvs = await Ipvs.open({ netns: { name: ns.name } });
        await ipvs.close();
        await rejection(Ipvs.open({ netns: { name: 'ipvs-test-none' } }));
        await rejection(Ipvs.open({ netns: { path: '/proc/self/ns/mnt' } }));
      };
      // The first one loads the addon, and libuv may open something of its own.
      await cycle();
      const before = await descriptors();
      const held = await Ipvs.open({ netns: { name: ns.name } });
      assert.notDeepEqual(await descriptors(), before, 'an open client is seen');
      await held.close();
      for (let count = 0; count < 200; count += 1) await cycle();
      assert.deepEqual(await descriptors(), before);
    }),
  );

  it(
    'is one of as many as a process has descriptors for: more than libnl has ports',
    inNamespace(async (ns) => {
      const text = `const others = [];
        for (let count = 0; count < 1100; count += 1) others.push(await Ipvs.open());
        console.log((await others.at(-1).listServices()).length);
        for (const each of others) await each.close();`;
      assert.equal(await script(ns, text), '0\n');
    }),
  ).timeout(60_000 * patience);

  it(
    'does not keep the process alive',
    inNamespace(async (ns) => {
      assert.equal(
        await script(ns, `await ipvs.addService(service); console.log('end');`),
        'end\n',
      );
      assert.equal(await ns.ipvsadm('-Sn'), '-A -t 10.0.0.1:80 -s rr\n');
    }),
  );

  it(
    'does not end when nobody refers to it while a command is under way',
    inNamespace(async (ns) => {
      const many = `let called = [];
        for (let port = 1; port <= 300; port += 1) {
          called.push((await Ipvs.open()).addService({ ...service, port }));
          if (port % 50 === 0) globalThis.gc?.();
        }
        await Promise.all(called);
        console.log((await ipvs.listServices()).length);`;
      const text = many.replace(
        'let called',
        `(await import('node:v8')).setFlagsFromString('--expose-gc');
        globalThis.gc = (await import('node:vm')).runInNewContext('gc');
        let called`,
      );
      assert.equal(await script(ns, text), '300\n');
    }),
  );
});
