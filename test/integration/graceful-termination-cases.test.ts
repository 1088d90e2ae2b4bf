/** What kube-proxy's graceful termination was tested for: the cases of graceful_termination_test.go (Kubernetes 1.28). */
import assert from 'node:assert/strict';
import { type DesiredState, parseDestinationKey } from 'ipvs';
import { describe, it } from 'mocha';
import { FIRST, SECOND, VIRTUAL, withClients } from '../support/clients.js';
import { ALL, becomes, rules, saved } from '../support/derived.js';
import { inNamespace } from '../support/netns.js';

describe('cases of graceful termination', () => {
  const drain = { deadline: 600_000 } as const;
  const service = (...addresses: string[]): DesiredState => [
    {
      ...{ protocol: 'tcp', address: VIRTUAL, port: 80, scheduler: 'rr' },
      destinations: addresses.map((address) => ({ address, port: 8080, forwarding: 'masquerade' })),
    },
  ];
  const DRAINED = [`-A -t ${VIRTUAL}:80 -s rr`, `-a -t ${VIRTUAL}:80 -r ${FIRST}:8080 -m -w 0`];

  it(
    'G1 a TCP server without connections goes, and its service stays',
    withClients(async (ns, ipvs) => {
      await ipvs.apply(service(FIRST), ALL);
      await ipvs.apply(service(), { ...ALL, drain });
      await ipvs.apply(service(), { ...ALL, drain });
      assert.deepEqual(await saved(ns), [`-A -t ${VIRTUAL}:80 -s rr`]);
    }),
  );

  it(
    'G2 a TCP server with active connections gets weight 0, and stays',
    withClients(async (ns, ipvs, clients) => {
      await ipvs.apply(service(FIRST), ALL);
      await clients.open();
      for (let round = 0; round < 3; round += 1) {
        const { draining } = await ipvs.apply(service(), { ...ALL, drain });
        assert.deepEqual(
          draining.map(({ connections }) => connections.active),
          [1],
        );
        assert.deepEqual(await saved(ns), DRAINED);
      }
    }),
  );

  it(
    'G3 so does one with inactive connections alone',
    withClients(async (ns, ipvs) => {
      await ipvs.apply(service(FIRST), ALL);
      await ns.run('bash', '-c', `exec 3<>/dev/tcp/${VIRTUAL}/80; exec 3>&-; sleep 0.5`);
      for (let round = 0; round < 3; round += 1) {
        const { draining } = await ipvs.apply(service(), { ...ALL, drain });
        const gauges = draining.map(({ connections: { active, inactive } }) => [active, inactive]);
        assert.deepEqual(gauges, [[0, 1]]);
        assert.deepEqual(await saved(ns), DRAINED);
      }
    }),
  );

  it(
    'G4 a UDP server goes at once',
    withClients(async (ns, ipvs, clients) => {
      const udp = { protocol: 'udp', address: VIRTUAL, port: 53, scheduler: 'rr' } as const;
      const real = { address: FIRST, port: 8080, forwarding: 'masquerade' } as const;
      await ipvs.apply([{ ...udp, destinations: [real] }], ALL);
      await clients.send();
      await ipvs.apply([{ ...udp, destinations: [] }], { ...ALL, drain });
      assert.deepEqual(await saved(ns), [`-A -u ${VIRTUAL}:53 -s rr`]);
    }),
  );

  it(
    'G5 to drain a server at a port at which there is none changes nothing, and is an error where it is asked for by name',
    withClients(async (ns, ipvs) => {
      await ipvs.apply(service(FIRST), ALL);
      const before = await saved(ns);
      const [key] = service();
      assert.ok(key !== undefined);
      const wrong = { address: FIRST, port: 81 };
      await assert.rejects(
        ipvs.drain({ protocol: 'tcp', address: VIRTUAL, port: 80 }, wrong, drain),
        {
          reason: 'destination-not-found',
        },
      );
      assert.deepEqual((await ipvs.apply(service(FIRST), { ...ALL, drain })).applied, []);
      assert.deepEqual(await saved(ns), before);
    }),
  );

  it(
    'G6 a thousand servers come while the table is flushed: each call tells what became of it, and the next apply mends all',
    inNamespace(async (ns, ipvs) => {
      const web = { protocol: 'tcp', address: VIRTUAL, port: 80 } as const;
      const reals = Array.from(
        { length: 1000 },
        (_, index) => `10.99.${index >> 8}.${index & 255}:80`,
      );
      const other = await ns.open();
      await ipvs.addService({ ...web, scheduler: 'rr' });
      const adding = Promise.allSettled(
        reals.map(async (real) => {
          await ipvs.addDestination(web, {
            ...parseDestinationKey(real),
            forwarding: 'masquerade',
          });
        }),
      );
      await other.flush();
      for (const each of await adding) {
        if (each.status === 'fulfilled') continue;
        assert.equal((each.reason as { reason?: string }).reason, 'service-not-found');
      }
      await becomes(ns, ipvs, [['tcp 10.99.0.1:80', reals]]);
      await ipvs.apply(service(SECOND), { ...ALL, drain: { deadline: 1 } });
      const { draining } = await ipvs.apply(service(SECOND), { ...ALL, drain: { deadline: 1 } });
      assert.deepEqual(draining, []);
      assert.deepEqual(await saved(ns), rules([['tcp 10.99.0.1:80', [`${SECOND}:8080`]]]));
    }),
  );
});
