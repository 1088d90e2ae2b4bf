/** Clients that nobody closed: what they hold goes with them. */
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { Ipvs } from 'ipvs';
import { describe, it } from 'mocha';
import { descriptors } from '../support/descriptors.js';
import { collectGarbage } from '../support/garbage.js';
import { inNamespace, type Namespace } from '../support/netns.js';

const WEB = { protocol: 'tcp', address: '10.0.0.1', scheduler: 'rr' } as const;
const COUNT = 20;

/** The descriptors that are open now, and were not before. */
async function since(before: readonly string[]): Promise<string[]> {
  return (await descriptors()).filter((each) => !before.includes(each));
}

/** Asserts that nothing stays open once `use` has ended and garbage was collected. */
async function assertCloses(use: () => Promise<void>): Promise<void> {
  // What the first use loads and opens is kept.
  await use();
  await collectGarbage();
  const before = await descriptors();
  await use();
  for (let attempt = 0; attempt < 20; attempt += 1) {
    await collectGarbage();
    if ((await since(before)).length === 0) return;
    await setTimeout(100);
  }
  assert.deepEqual(await since(before), []);
}

function openIn({ path }: Namespace): () => Promise<Ipvs> {
  return async () => await Ipvs.open({ netns: { path } });
}

describe('clients that are dropped without close', () => {
  it(
    'are closed',
    inNamespace(async (ns) => {
      const open = openIn(ns);
      await assertCloses(async () => {
        const before = await descriptors();
        const clients = await Promise.all(Array.from({ length: COUNT }, open));
        assert.equal(clients.length, COUNT);
        // A socket and a namespace each.
        assert.ok((await since(before)).length >= 2 * COUNT, 'open clients are seen');
      });
    }),
  );

  it(
    'are closed when what they were asked for is done',
    inNamespace(async (ns, ipvs) => {
      const open = openIn(ns);
      await assertCloses(async () => {
        const calls: Promise<void>[] = [];
        for (let port = 1; port <= COUNT; port += 1) {
          calls.push((await open()).addService({ ...WEB, port }));
        }
        await collectGarbage();
        await Promise.all(calls);
        const services = Array.from({ length: COUNT }, (_, index) => ({ ...WEB, port: 1 + index }));
        await ns.assertHolds(services.map((service) => ({ service, destinations: [] })));
        await ipvs.flush();
      });
    }),
  );

  it(
    'are closed in the middle of a stream, and so is what it read',
    inNamespace(async (ns) => {
      const rules = ['-A -u 10.99.0.1:53 -s rr', '-a -u 10.99.0.1:53 -r 10.99.0.2:53 -m'];
      await ns.restore(rules);
      await ns.run('ip', 'addr', 'add', '10.99.0.1/32', 'dev', 'lo');
      await ns.run('bash', '-c', 'echo >/dev/udp/10.99.0.1/53');
      const open = openIn(ns);
      await assertCloses(async () => {
        const before = await descriptors();
        const connections = (await open()).connections();
        const { value } = await connections.next();
        assert.equal(value?.protocol, 'udp');
        const files = (await since(before)).filter((each) => each.endsWith('ip_vs_conn'));
        assert.equal(files.length, 1, 'the open file is seen');
      });
    }),
  );
});
