/** Lists read page by page: what they give, and what they leave behind. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { compareKeys, type Destination, formatKey, type Service } from 'ipvs';
import { describe, it } from 'mocha';
import { inNamespace } from '../support/netns.js';
import { writeAll } from '../support/witness.js';

/** Several pages of services, each with two destinations. */
const TABLE = Array.from({ length: 700 }, (_, index) => {
  const address = `10.${index >> 8}.${index & 255}.1`;
  const service: Service = { protocol: 'tcp', address, port: 80, scheduler: 'rr' };
  const destinations = [81, 82].map((port): Destination => ({
    address: '10.200.0.1',
    port,
    forwarding: 'masquerade',
  }));
  return { service, destinations };
});
const BIG: Service = { protocol: 'udp', address: '2001:db8::1', port: 53, scheduler: 'wrr' };
const MANY = Array.from({ length: 1500 }, (_, index): Destination => ({
  ...{ address: `2001:db8:1::${(index + 1).toString(16)}`, port: 53 },
  ...{ forwarding: 'direct', weight: index },
}));

async function collect<Entry>(stream: AsyncIterable<Entry>): Promise<Entry[]> {
  const found: Entry[] = [];
  for await (const each of stream) found.push(each);
  return found;
}

async function openSockets(): Promise<number> {
  return (await readdir('/proc/self/fd')).length;
}

describe('streams', () => {
  it(
    'give what the lists do: services, destinations, and both',
    inNamespace(async (_, ipvs) => {
      await writeAll(ipvs, [...TABLE, { service: BIG, destinations: MANY }]);
      const services = await collect(ipvs.streamServices());
      assert.deepEqual(services.sort(compareKeys), await ipvs.listServices());
      const destinations = await collect(ipvs.streamDestinations(BIG));
      assert.equal(destinations.length, MANY.length);
      assert.deepEqual(destinations.sort(compareKeys), await ipvs.listDestinations(BIG));
      const whole = await collect(ipvs.streamSnapshot());
      assert.deepEqual(whole.sort(compareKeys), await ipvs.snapshot());
      const plain = await collect(ipvs.streamSnapshot({ stats: false }));
      assert.deepEqual(plain.sort(compareKeys), await ipvs.snapshot({ stats: false }));
    }),
  );

  it(
    'let the client be used inside the loop, several at once, and end when it is left',
    inNamespace(async (ns, ipvs) => {
      await writeAll(ipvs, TABLE);
      await ipvs.getInfo();
      const before = await openSockets();
      const seen: string[] = [];
      for await (const service of ipvs.streamServices()) {
        await ipvs.updateService(service, { scheduler: 'wrr' });
        for await (const { port } of ipvs.streamDestinations(service)) {
          seen.push(`${formatKey(service)} ${port}`);
          break;
        }
        if (seen.length === 300) break;
      }
      assert.equal(new Set(seen).size, 300);
      assert.equal(await openSockets(), before);
      const changed = (await ipvs.listServices()).filter(({ scheduler }) => scheduler === 'wrr');
      assert.equal(changed.length, 300);
      assert.equal((await ns.table()).length, TABLE.length);
    }),
  );

  it(
    'of an empty table are empty; of a service that is not there they reject',
    inNamespace(async (_, ipvs) => {
      assert.deepEqual(await collect(ipvs.streamServices()), []);
      assert.deepEqual(await collect(ipvs.streamSnapshot()), []);
      await assert.rejects(collect(ipvs.streamDestinations(BIG)), {
        reason: 'service-not-found',
        code: 'ESRCH',
        service: 'udp [2001:db8::1]:53',
      });
      await ipvs.addService(BIG);
      assert.deepEqual(await collect(ipvs.streamDestinations(BIG)), []);
    }),
  );

  it(
    'leave out services that go meanwhile, and tell of one whose list was cut',
    inNamespace(async (_, ipvs) => {
      await writeAll(ipvs, [...TABLE.slice(0, 20), { service: BIG, destinations: MANY }]);
      const stream = ipvs.streamDestinations(BIG);
      await stream.next();
      await ipvs.deleteService(BIG);
      await assert.rejects(collect(stream), { reason: 'service-not-found' });
      const snapshot = ipvs.streamSnapshot();
      const first = await snapshot.next();
      assert.ok(first.done !== true && first.value.destinations.length === 2);
      await ipvs.flush();
      assert.equal((await collect(snapshot)).length, 19, 'what was read already');
    }),
  );

  it(
    'can be given up between two pages, and leave no socket',
    inNamespace(async (_, ipvs) => {
      await writeAll(ipvs, TABLE);
      const before = await openSockets();
      const controller = new AbortController();
      const seen: unknown[] = [];
      const read = async (): Promise<void> => {
        for await (const each of ipvs.streamServices({ signal: controller.signal })) {
          if (seen.push(each) === 10) controller.abort(new Error('enough'));
        }
      };
      await assert.rejects(read(), { name: 'AbortError', code: 'ABORT_ERR' });
      assert.ok(seen.length >= 10 && seen.length < TABLE.length, String(seen.length));
      assert.equal(await openSockets(), before);
    }),
  );

  it(
    'that have begun go on after the client was closed, but those that ask it; no new one begins',
    inNamespace(async (_, ipvs) => {
      await writeAll(ipvs, TABLE);
      const [{ service }] = TABLE as [(typeof TABLE)[0]];
      const stream = ipvs.streamServices();
      const askingClient = [ipvs.streamDestinations(service), ipvs.streamSnapshot()];
      for (const each of [stream, ...askingClient]) await each.next();
      await ipvs.close();
      assert.equal((await collect(stream)).length, TABLE.length - 1);
      for (const each of askingClient)
        await assert.rejects(collect<unknown>(each), { reason: 'closed' });
      await assert.rejects(ipvs.streamServices().next(), { reason: 'closed' });
    }),
  );
});
