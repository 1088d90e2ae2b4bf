/** The whole table in one pass, and reads while others write. */
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { type Destination, formatKey, type Ipvs, IpvsError, type Service } from 'ipvs';
import { describe, it } from 'mocha';
import { inNamespace, withNamespace } from '../support/netns.js';
import { readAll, type TableEntry, writeAll } from '../support/witness.js';

function service(index: number): Service {
  return { protocol: 'tcp', address: '10.0.0.1', port: 1 + index, scheduler: 'rr' };
}

function destinations(count: number): Destination[] {
  return Array.from({ length: count }, (_, index) => ({
    address: `10.0.1.${1 + index}`,
    port: 80,
    forwarding: 'masquerade',
  }));
}

function table(services: number, each: number): TableEntry[] {
  return Array.from({ length: services }, (_, index) => ({
    service: service(index),
    destinations: destinations(each),
  }));
}

/** Adds and deletes services with destinations until told to stop. */
async function churn(ipvs: Ipvs, signal: AbortSignal): Promise<number> {
  let rounds = 0;
  while (!signal.aborted) {
    const fresh = Array.from({ length: 40 }, (_, index) => service(10_000 + index));
    await writeAll(
      ipvs,
      fresh.map((each) => ({ service: each, destinations: destinations(3) })),
    );
    await Promise.all(
      fresh.map(async (each) => {
        await ipvs.deleteService(each);
      }),
    );
    rounds += 1;
    // Longer than a read now and then, so that two reads can agree.
    await setTimeout(rounds % 2 === 0 ? 400 : 0);
  }
  return rounds;
}

describe('snapshot', () => {
  it(
    'holds what lists hold, of every kind of service, with and without statistics',
    inNamespace(async (ns, ipvs) => {
      const entries: TableEntry[] = [
        ...table(40, 3),
        { service: { fwmark: 4294967295, family: 'ipv6', scheduler: 'wlc' }, destinations: [] },
        {
          service: {
            ...{ protocol: 'udp', address: '2001:db8::1', port: 0, scheduler: 'mh' },
            ...{ schedulerFlags: ['fallback'], persistence: { timeout: 9, prefixLength: 64 } },
          },
          destinations: [
            {
              ...{ address: '10.0.1.1', port: 0, forwarding: 'tunnel', weight: 3 },
              tunnel: { type: 'gue', port: 7 },
            },
          ],
        },
      ];
      await writeAll(ipvs, entries);
      const whole = await ipvs.snapshot();
      const listed = await readAll(ipvs);
      assert.deepEqual(
        whole.map(({ destinations: each, ...rest }) => ({ service: rest, destinations: each })),
        listed,
      );
      assert.deepEqual(await ipvs.snapshot({ consistent: true }), whole);
      const plain = await ipvs.snapshot({ stats: false });
      assert.deepEqual(JSON.parse(JSON.stringify(plain)), plain);
      await ns.assertHolds(
        plain.map(({ destinations: each, ...rest }) => ({
          service: rest as Service,
          destinations: each as Destination[],
        })),
      );
    }),
  );

  it(
    'of an empty table is empty',
    inNamespace(async (_, ipvs) => {
      assert.deepEqual(await ipvs.snapshot(), []);
      assert.deepEqual(await ipvs.snapshot({ stats: false, consistent: true }), []);
    }),
  );

  it('can be written again elsewhere, and is equal there', async () => {
    await withNamespace(async (here) => {
      const ipvs = await here.open();
      await writeAll(ipvs, table(5, 2));
      const saved = await ipvs.snapshot({ stats: false });
      await inNamespace(async (_, there) => {
        for (const entry of saved) {
          await there.addService(entry);
          for (const each of entry.destinations) {
            await there.addDestination(entry, each);
          }
        }
        assert.deepEqual(await there.snapshot({ stats: false }), saved);
      })();
    });
  });
});

describe('a table that another client changes', () => {
  it(
    'is read consistently with all that stayed, or not at all',
    inNamespace(async (ns, ipvs) => {
      const stable = table(150, 3);
      await writeAll(ipvs, stable);
      const writer = await ns.open();
      const stop = new AbortController();
      const writing = churn(writer, stop.signal);
      let agreed = 0;
      let refused = 0;
      try {
        for (let reads = 0; reads < 15; reads += 1) {
          try {
            const read = await ipvs.snapshot({ consistent: true });
            const ports = new Map(read.map((each) => [each.port, each.destinations.length]));
            for (let index = 0; index < stable.length; index += 1) {
              assert.equal(ports.get(1 + index), 3, `service at port ${1 + index}`);
            }
            agreed += 1;
          } catch (error) {
            assert.ok(error instanceof IpvsError, String(error));
            assert.equal(error.reason, 'table-changing');
            refused += 1;
          }
        }
      } finally {
        stop.abort();
        assert.ok((await writing) > 0);
      }
      assert.equal(agreed + refused, 15);
      assert.ok(agreed > 0, 'no two reads agreed in the pauses of the writer');
    }),
  );

  it(
    'is read without an error, each service with its own destinations, none twice',
    inNamespace(async (ns, ipvs) => {
      await writeAll(ipvs, table(100, 3));
      const writer = await ns.open();
      const stop = new AbortController();
      const writing = churn(writer, stop.signal);
      try {
        for (let reads = 0; reads < 15; reads += 1) {
          const read = await ipvs.snapshot();
          assert.equal(new Set(read.map((each) => formatKey(each))).size, read.length);
          for (const each of read) {
            const wanted = (each.port ?? 0) < 10_000 ? [3] : [0, 1, 2, 3];
            assert.ok(wanted.includes(each.destinations.length), formatKey(each));
          }
        }
      } finally {
        stop.abort();
        await writing;
      }
    }),
  );
});
