import assert from 'node:assert/strict';
import type { Destination, DestinationEntry, Ipvs, Service, ServiceReference } from 'ipvs';
import { describe, it } from 'mocha';
import { inNamespace, type Namespace } from '../support/netns.js';
import { asIpvsadmLists, readAll, writeAll } from '../support/witness.js';

const WEB: Service = { protocol: 'tcp', address: '10.0.0.1', port: 80, scheduler: 'rr' };
const WEB6: Service = { protocol: 'udp', address: '2001:db8::1', port: 53, scheduler: 'wrr' };
const MARK: Service = { fwmark: 7, family: 'ipv4', scheduler: 'wlc' };
const MARK6: Service = { fwmark: 7, family: 'ipv6', scheduler: 'wlc' };
const EVERY_PORT: Service = { ...WEB, port: 0, persistence: { timeout: 60 } };

const V4 = { address: '10.0.1.1', port: 8080 } as const;
const V6 = { address: '2001:db8:1::1', port: 8080 } as const;

/** A destination with every field, and the same one with none that has a default. */
const FULL: Destination = {
  ...V4,
  forwarding: 'tunnel',
  weight: 2147483647,
  upperThreshold: 2147483647,
  lowerThreshold: 2147483646,
  tunnel: { type: 'gue', port: 6080, checksum: 'remote' },
};
const BARE: Destination = { ...V4, forwarding: 'masquerade' };

/** Adds services with destinations, and asks ipvsadm whether they are there. */
async function assertAdded(
  ns: Namespace,
  ipvs: Ipvs,
  ...table: { service: Service; destinations: Destination[] }[]
): Promise<void> {
  await writeAll(ipvs, table);
  await ns.assertHolds(table);
}

/** Adds destinations to one service, each at a port of its own. */
function numbered(definitions: readonly Omit<Destination, 'address' | 'port'>[]): Destination[] {
  return definitions.map((definition, index) => ({ ...V4, port: 1 + index, ...definition }));
}

async function read(
  ipvs: Ipvs,
  service: ServiceReference,
): Promise<Omit<DestinationEntry, 'stats' | 'connections'>[]> {
  return (await ipvs.listDestinations(service)).map(({ stats, connections, ...rest }) => {
    assert.deepEqual(connections, { active: 0, inactive: 0, persistent: 0 });
    assert.equal(stats.connections, 0n);
    return rest;
  });
}

describe('destinations', () => {
  it(
    'addDestination sets each forwarding method',
    inNamespace(async (ns, ipvs) => {
      const forwardings = ['masquerade', 'direct', 'tunnel', 'local'] as const;
      const destinations = numbered(forwardings.map((forwarding) => ({ forwarding })));
      await assertAdded(ns, ipvs, { service: WEB, destinations });
    }),
  );

  it(
    'addDestination sets weights and thresholds over their whole range',
    inNamespace(async (ns, ipvs) => {
      const forwarding = 'masquerade';
      const most = 2147483647;
      await assertAdded(ns, ipvs, {
        service: WEB,
        destinations: numbered([
          { forwarding, weight: 0 },
          { forwarding, weight: 1 },
          { forwarding, weight: 0x01020304 },
          { forwarding, weight: most },
          { forwarding, upperThreshold: 1 },
          { forwarding, upperThreshold: most },
          { forwarding, upperThreshold: 100, lowerThreshold: 50 },
          { forwarding, upperThreshold: most, lowerThreshold: most },
        ]),
      });
    }),
  );

  it(
    'addDestination sets each kind of tunnel with its port and checksum',
    inNamespace(async (ns, ipvs) => {
      const tunnels: Destination['tunnel'][] = [
        { type: 'ipip' },
        { type: 'gue', port: 1 },
        { type: 'gue', port: 0x0102, checksum: 'none' },
        { type: 'gue', port: 65535, checksum: 'checksum' },
        { type: 'gue', port: 6080, checksum: 'remote' },
        { type: 'gre' },
        { type: 'gre', checksum: 'none' },
        { type: 'gre', checksum: 'checksum' },
      ];
      await assertAdded(ns, ipvs, {
        service: WEB,
        destinations: numbered(
          tunnels.map((tunnel) => ({ forwarding: 'tunnel', ...(tunnel && { tunnel }) })),
        ),
      });
    }),
  );

  it(
    'addDestination adds to services of both families, by address and by mark',
    inNamespace(async (ns, ipvs) => {
      const direct = { forwarding: 'direct', weight: 3 } as const;
      await assertAdded(
        ns,
        ipvs,
        { service: WEB, destinations: [{ ...V4, ...direct }] },
        { service: WEB6, destinations: [{ ...V6, ...direct }] },
        { service: MARK, destinations: [{ ...V4, ...direct }] },
        { service: MARK6, destinations: [{ ...V6, ...direct }] },
      );
    }),
  );

  it(
    'addDestination adds destinations of the other family with a tunnel',
    inNamespace(async (ns, ipvs) => {
      const tunnel = { forwarding: 'tunnel' } as const;
      const both = [
        { ...V4, ...tunnel },
        { ...V6, ...tunnel },
        // Of which the last bytes are zero, as they are of every IPv4 address in a record.
        { ...V6, ...tunnel, address: '2001:db8::' },
      ];
      const services = [WEB, WEB6, MARK, MARK6];
      await assertAdded(ns, ipvs, ...services.map((service) => ({ service, destinations: both })));
    }),
  );

  it(
    'addDestination takes port 0 in services by mark and with port 0',
    inNamespace(async (ns, ipvs) => {
      const destinations = [{ ...BARE, port: 0 }, BARE];
      await assertAdded(
        ns,
        ipvs,
        ...[MARK, EVERY_PORT].map((service) => ({ service, destinations })),
      );
    }),
  );

  it(
    'addDestination tells apart what differs in address, port or service alone',
    inNamespace(async (ns, ipvs) => {
      const destinations = [
        BARE,
        { ...BARE, port: 8081 },
        { ...BARE, address: '10.0.1.2' },
        { ...BARE, address: '1.1.0.10' },
      ];
      await assertAdded(
        ns,
        ipvs,
        { service: WEB, destinations },
        { service: { ...WEB, port: 81 }, destinations: destinations.slice(1) },
      );
    }),
  );

  for (const [name, service] of Object.entries({ address: WEB, mark: MARK })) {
    it(
      `setDestination replaces a whole definition in a service by ${name}, both ways`,
      inNamespace(async (ns, ipvs) => {
        const other: Destination = { ...FULL, port: 8081 };
        await assertAdded(ns, ipvs, { service, destinations: [FULL, other] });
        await ipvs.setDestination(service, BARE);
        await ns.assertHolds([{ service, destinations: [BARE, other] }]);
        await ipvs.setDestination(service, FULL);
        await ns.assertHolds([{ service, destinations: [FULL, other] }]);
        const plainTunnel: Destination = { ...V4, forwarding: 'tunnel' };
        await ipvs.setDestination(service, plainTunnel);
        await ns.assertHolds([{ service, destinations: [plainTunnel, other] }]);
        const [first] = await read(ipvs, service);
        assert.deepEqual(first?.tunnel, { type: 'ipip' });
      }),
    );
  }

  it(
    'deleteDestination deletes just the one named',
    inNamespace(async (ns, ipvs) => {
      const twin: Service = { ...WEB, port: 81 };
      const all: Destination[] = [
        { ...V6, forwarding: 'tunnel' },
        BARE,
        { ...BARE, port: 8081 },
        { ...BARE, address: '10.0.1.2' },
      ];
      await assertAdded(
        ns,
        ipvs,
        { service: WEB, destinations: all },
        { service: twin, destinations: all },
      );
      // Of the other family first: the kernel would look for it in the service's own otherwise.
      await ipvs.deleteDestination(WEB, V6);
      await ipvs.deleteDestination(WEB, V4);
      await ns.assertHolds([
        { service: WEB, destinations: all.slice(2) },
        { service: twin, destinations: all },
      ]);
    }),
  );

  it(
    'listDestinations reads every field that ipvsadm wrote, sorted by key',
    inNamespace(async (ns, ipvs) => {
      await ns.restore([
        '-A -f 7 -s rr',
        '-a -f 7 -r 200.0.0.1:80 -m -w 2147483647 -x 2147483647 -y 5',
        '-a -f 7 -r 10.0.0.9:90 -g -w 0',
        '-a -f 7 -r 10.0.0.9:80 -i --tun-type gue --tun-port 6080 --tun-remcsum',
        '-a -f 7 -r 9.0.0.1:0 -i --tun-type gre --tun-csum',
        '-a -f 7 -r [2001:db8::2]:80 -i --tun-type gue --tun-port 258',
      ]);
      const plain = { weight: 1, upperThreshold: 0, lowerThreshold: 0 };
      assert.deepEqual(await read(ipvs, MARK), [
        {
          ...{ address: '9.0.0.1', port: 0, forwarding: 'tunnel', ...plain },
          tunnel: { type: 'gre', checksum: 'checksum' },
        },
        {
          ...{ address: '10.0.0.9', port: 80, forwarding: 'tunnel', ...plain },
          tunnel: { type: 'gue', port: 6080, checksum: 'remote' },
        },
        { address: '10.0.0.9', port: 90, forwarding: 'direct', ...plain, weight: 0 },
        {
          ...{ address: '200.0.0.1', port: 80, forwarding: 'masquerade', weight: 2147483647 },
          ...{ upperThreshold: 2147483647, lowerThreshold: 5 },
        },
        {
          ...{ address: '2001:db8::2', port: 80, forwarding: 'tunnel', ...plain },
          tunnel: { type: 'gue', port: 258, checksum: 'none' },
        },
      ]);
    }),
  );

  it(
    'listDestinations lists many datagrams whole, and none where there are none',
    inNamespace(async (ns, ipvs) => {
      await ns.restore([
        '-A -t 10.0.0.1:81 -s rr',
        '-A -t 10.0.0.1:80 -s rr',
        ...Array.from(
          { length: 700 },
          (_, index) => `-a -t 10.0.0.1:80 -r 10.0.${index >> 8}.${1 + (index & 127)}:${index} -m`,
        ).filter((rule) => !rule.includes(':0 ')),
      ]);
      assert.deepEqual(await ipvs.listDestinations({ ...WEB, port: 81 }), []);
      assert.deepEqual(asIpvsadmLists(await readAll(ipvs)), await ns.table());
      assert.equal((await ipvs.listDestinations(WEB)).length, 699);
    }),
  );

  it(
    'getDestination reads just the one named',
    inNamespace(async (ns, ipvs) => {
      await ns.restore([
        '-A -t 10.0.0.1:80 -s rr',
        '-a -t 10.0.0.1:80 -r 10.0.1.1:8080 -m -w 1',
        '-a -t 10.0.0.1:80 -r 10.0.1.1:8081 -m -w 2',
        '-a -t 10.0.0.1:80 -r 10.0.1.2:8080 -m -w 3',
        '-a -t 10.0.0.1:80 -r [2001:db8::1]:80 -i -w 4',
      ]);
      const weights = await Promise.all(
        [
          { address: '10.0.1.1', port: 8080 },
          { address: '::ffff:10.0.1.1', port: 8081 },
          { address: '10.0.1.2', port: 8080 },
          { address: '2001:DB8::1', port: 80 },
        ].map(async (key) => (await ipvs.getDestination(WEB, key)).weight),
      );
      assert.deepEqual(weights, [1, 2, 3, 4]);
    }),
  );

  it(
    'an entry that was read can be passed in again, and names what it was read from',
    inNamespace(async (ns, ipvs) => {
      const destinations = [FULL, { ...BARE, port: 1 }, { ...V6, forwarding: 'tunnel' as const }];
      await assertAdded(ns, ipvs, { service: WEB, destinations });
      const before = await ns.table();
      const [service] = await ipvs.listServices();
      assert.ok(service);
      const entries = await ipvs.listDestinations(service);
      for (const entry of entries) await ipvs.setDestination(service, entry);
      assert.deepEqual(await ns.table(), before);
      for (const entry of entries) await ipvs.deleteDestination(service, entry);
      await ns.assertHolds([{ service: WEB, destinations: [] }]);
      for (const entry of entries) await ipvs.addDestination(service, entry);
      assert.deepEqual(await ns.table(), before);
    }),
  );
});
