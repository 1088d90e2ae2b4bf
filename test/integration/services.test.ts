import assert from 'node:assert/strict';
import { formatKey, type Service, type ServiceKey } from 'ipvs';
import { describe, it } from 'mocha';
import { SCHEDULERS } from '../support/arbitraries.js';
import { inNamespace, withNamespace } from '../support/netns.js';
import { asIpvsadmLists, readAll, writeAll } from '../support/witness.js';

const KEYS: readonly ServiceKey[] = [
  { protocol: 'tcp', address: '10.0.0.1', port: 80 },
  { protocol: 'udp', address: '10.0.0.1', port: 80 },
  { protocol: 'sctp', address: '10.0.0.1', port: 80 },
  { protocol: 'tcp', address: '2001:db8::1', port: 80 },
  { protocol: 'udp', address: '2001:db8::1', port: 65535 },
  { protocol: 'sctp', address: '2001:db8:1:2:3:4:5:6', port: 1 },
  { protocol: 'tcp', address: '255.255.255.255', port: 258 },
  { protocol: 'tcp', address: '2001:db8::', port: 80 },
  { protocol: 'tcp', address: '::', port: 80 },
  { fwmark: 1, family: 'ipv4' },
  { fwmark: 1, family: 'ipv6' },
  { fwmark: 0x01020304, family: 'ipv4' },
  { fwmark: 4294967295, family: 'ipv6' },
];

const WEB: Service = { protocol: 'tcp', address: '10.0.0.1', port: 80, scheduler: 'rr' };
const SIP = { protocol: 'udp', address: '10.0.0.1', port: 5060 } as const;
const FULL: Service = {
  ...SIP,
  scheduler: 'sh',
  schedulerFlags: ['fallback', 'port', 'flag-3'],
  onePacket: true,
  persistence: { timeout: 4294967, prefixLength: 20, engine: 'sip' },
};
const MARK = { fwmark: 7, family: 'ipv6' } as const;
const FULL_MARK: Service = {
  ...MARK,
  scheduler: 'mh',
  schedulerFlags: ['fallback', 'port', 'flag-3'],
  onePacket: true,
  persistence: { timeout: 1, prefixLength: 1, engine: 'sip' },
};
const DESTINATION = { address: '10.0.1.1', port: 8080, forwarding: 'masquerade' } as const;

function bare(services: readonly Service[]) {
  return services.map((service) => ({ service, destinations: [] }));
}

describe('services', () => {
  it(
    'addService adds every kind of key, as ipvsadm sees it',
    inNamespace(async (ns, ipvs) => {
      const table = bare(KEYS.map((key): Service => ({ ...key, scheduler: 'wrr' })));
      await writeAll(ipvs, table);
      await ns.assertHolds(table);
    }),
  );

  it(
    'addService sets each scheduler that the kernel has',
    inNamespace(async (ns, ipvs) => {
      const table = bare(
        SCHEDULERS.map((scheduler, index) => ({ ...WEB, port: 1 + index, scheduler })),
      );
      await writeAll(ipvs, table);
      await ns.assertHolds(table);
    }),
  );

  it(
    'addService sets each scheduler flag alone and all of them',
    inNamespace(async (ns, ipvs) => {
      const flags = ['flag-1', 'flag-2', 'flag-3'] as const;
      const hashing = ['fallback', 'port', 'flag-3'] as const;
      const services: Service[] = [
        ...[...flags.map((flag) => [flag]), flags].map((each, index): Service => {
          return { ...WEB, port: 1 + index, scheduler: 'wrr', schedulerFlags: each };
        }),
        ...(['sh', 'mh'] as const).flatMap((scheduler, row) =>
          [...hashing.map((flag) => [flag]), hashing].map((each, index): Service => {
            return { ...WEB, port: 100 * (row + 1) + index, scheduler, schedulerFlags: each };
          }),
        ),
      ];
      await writeAll(ipvs, bare(services));
      await ns.assertHolds(bare(services));
    }),
  );

  it(
    'addService sets persistence: timeout, prefix length, engine, and port 0 with it',
    inNamespace(async (ns, ipvs) => {
      const v6 = { ...SIP, address: '2001:db8::1', scheduler: 'rr' } as const;
      const table = bare([
        { ...WEB, persistence: { timeout: 1 } },
        { ...WEB, port: 0, persistence: { timeout: 4294967, prefixLength: 32 } },
        { ...WEB, port: 81, persistence: { timeout: 300, prefixLength: 1 } },
        { ...WEB, port: 82, persistence: { timeout: 360, prefixLength: 17 } },
        { ...v6, persistence: { timeout: 360, prefixLength: 128 } },
        { ...v6, port: 1, persistence: { timeout: 360, prefixLength: 1 } },
        { ...v6, port: 2, persistence: { timeout: 360, prefixLength: 64, engine: 'sip' } },
        { ...MARK, scheduler: 'rr', persistence: { timeout: 60, prefixLength: 127 } },
        { ...MARK, family: 'ipv4', scheduler: 'rr', persistence: { timeout: 60, prefixLength: 8 } },
      ]);
      await writeAll(ipvs, table);
      await ns.assertHolds(table);
    }),
  );

  it(
    'addService sets one-packet scheduling on UDP and on firewall marks',
    inNamespace(async (ns, ipvs) => {
      const table = bare([
        { ...SIP, scheduler: 'rr', onePacket: true },
        { ...SIP, address: '2001:db8::1', scheduler: 'rr', onePacket: true },
        { ...MARK, scheduler: 'rr', onePacket: true },
        { ...SIP, port: 1, scheduler: 'rr', onePacket: false },
      ]);
      await writeAll(ipvs, table);
      await ns.assertHolds(table);
    }),
  );

  it(
    'addService takes any spelling of an address as the one address it is',
    inNamespace(async (ns, ipvs) => {
      await ipvs.addService({ ...WEB, address: '::ffff:10.0.0.1' });
      await ipvs.addService({ ...WEB, address: '2001:DB8:0:0::0001' });
      await ns.assertHolds(bare([WEB, { ...WEB, address: '2001:db8::1' }]));
    }),
  );

  for (const full of [FULL, FULL_MARK]) {
    it(
      `setService replaces a whole definition of a ${full.protocol ?? 'mark'} service, both ways`,
      inNamespace(async (ns, ipvs) => {
        const { onePacket, persistence, schedulerFlags, ...key } = full;
        assert.ok(onePacket === true && persistence && schedulerFlags, 'every field is given');
        const plain: Service = { ...key, scheduler: 'lc' };
        const destination = { ...DESTINATION, forwarding: 'tunnel' as const };
        await ipvs.addService(full);
        await ipvs.addDestination(full, destination);
        await ns.assertHolds([{ service: full, destinations: [destination] }]);
        await ipvs.setService(plain);
        await ns.assertHolds([{ service: plain, destinations: [destination] }]);
        await ipvs.setService(full);
        await ns.assertHolds([{ service: full, destinations: [destination] }]);
      }),
    );
  }

  it(
    'setService touches no other service',
    inNamespace(async (ns, ipvs) => {
      const others = KEYS.slice(1).map((key): Service => ({ ...key, scheduler: 'wrr' }));
      await writeAll(ipvs, bare([WEB, ...others]));
      await ipvs.setService({ ...WEB, scheduler: 'lblc', persistence: { timeout: 5 } });
      const changed: Service = { ...WEB, scheduler: 'lblc', persistence: { timeout: 5 } };
      await ns.assertHolds(bare([changed, ...others]));
    }),
  );

  it(
    'deleteService deletes just the one named, with its destinations',
    inNamespace(async (ns, ipvs) => {
      const table = KEYS.map((key) => ({
        service: { ...key, scheduler: 'rr' },
        destinations: [{ ...DESTINATION, forwarding: 'tunnel' as const }],
      }));
      await writeAll(ipvs, table);
      for (let left = table.slice(1); left.length > 0; left = left.slice(1)) {
        const gone = table[table.length - left.length - 1];
        assert.ok(gone);
        await ipvs.deleteService(gone.service);
        // Every third time is enough: three processes each.
        if (left.length % 3 === 1) await ns.assertHolds(left);
      }
    }),
  );

  it(
    'getService reads every field that ipvsadm wrote',
    inNamespace(async (ns, ipvs) => {
      await ns.restore([
        '-A -u 10.0.0.1:5060 -s sh -p 100 -M 255.255.240.0 --pe sip -o -b sh-fallback,sh-port,flag-3',
        '-A -f 7 -6 -s wrr -p 9 -M 64 -o -b flag-2',
        '-A --sctp-service [2001:db8::1]:9 -s wlc',
      ]);
      const { stats, ...sip } = await ipvs.getService(SIP);
      assert.equal(stats.connections, 0n);
      assert.deepEqual(sip, {
        ...SIP,
        scheduler: 'sh',
        schedulerFlags: ['fallback', 'port', 'flag-3'],
        onePacket: true,
        persistence: { timeout: 100, prefixLength: 20, engine: 'sip' },
      });
      const { stats: ofMark, ...mark } = await ipvs.getService(MARK);
      assert.equal(ofMark.inBytes, 0n);
      assert.deepEqual(mark, {
        ...MARK,
        scheduler: 'wrr',
        schedulerFlags: ['flag-2'],
        onePacket: true,
        persistence: { timeout: 9, prefixLength: 64 },
      });
      const sctp = { protocol: 'sctp', address: '2001:db8::1', port: 9 } as const;
      const { stats: ofSctp, ...plain } = await ipvs.getService(sctp);
      assert.equal(ofSctp.outPackets, 0n);
      assert.deepEqual(plain, { ...sctp, scheduler: 'wlc', schedulerFlags: [], onePacket: false });
    }),
  );

  it(
    'listServices lists what ipvsadm wrote, sorted by key, each once',
    inNamespace(async (ns, ipvs) => {
      const names = [
        '-t 9.0.0.1:80',
        '-t 10.0.0.1:9',
        '-t 10.0.0.1:80',
        '-t 200.0.0.1:80',
        '-u 1.0.0.1:1',
        '--sctp-service 1.0.0.1:1',
        '-t [2001:db8::9]:80',
        '-t [2001:db8::10]:80',
        '-u [::1]:80',
        '-f 2',
        '-f 2 -6',
        '-f 10',
      ];
      await ns.restore(names.toReversed().map((name) => `-A ${name} -s rr`));
      const listed = await ipvs.listServices();
      assert.deepEqual(
        listed.map((each) => formatKey(each)),
        [
          ...['tcp 9.0.0.1:80', 'tcp 10.0.0.1:9', 'tcp 10.0.0.1:80', 'tcp 200.0.0.1:80'],
          ...['udp 1.0.0.1:1', 'sctp 1.0.0.1:1', 'tcp [2001:db8::9]:80', 'tcp [2001:db8::10]:80'],
          ...['udp [::1]:80', 'fwmark 2 ipv4', 'fwmark 2 ipv6', 'fwmark 10 ipv4'],
        ],
      );
    }),
  );

  it(
    'listServices lists a table of many datagrams whole, and an empty one as empty',
    inNamespace(async (ns, ipvs) => {
      assert.deepEqual(await ipvs.listServices(), []);
      const rules = Array.from(
        { length: 1000 },
        (_, index) => `-A -t 10.0.${index >> 8}.${index & 255}:${1 + index} -s rr`,
      );
      await ns.restore(rules);
      assert.deepEqual(asIpvsadmLists(await readAll(ipvs)), await ns.table());
      assert.equal((await ipvs.listServices()).length, 1000);
    }),
  );

  it(
    'an entry that was read can be passed in again, to setService and to addService elsewhere',
    inNamespace(async (ns, ipvs) => {
      await writeAll(ipvs, bare([FULL, FULL_MARK, WEB]));
      const before = await ns.table();
      const entries = await ipvs.listServices();
      for (const entry of entries) await ipvs.setService(entry);
      assert.deepEqual(await ns.table(), before);
      await withNamespace(async (other) => {
        await writeAll(
          await other.open(),
          entries.map((service) => ({ service, destinations: [] })),
        );
        assert.deepEqual(await other.table(), before);
      });
    }),
  );

  it(
    'flush empties the table of its namespace, and of no other',
    inNamespace(async (ns, ipvs) => {
      await withNamespace(async (other) => {
        const table = [{ service: WEB, destinations: [DESTINATION] }];
        await writeAll(ipvs, [...table, ...bare([FULL, FULL_MARK])]);
        await writeAll(await other.open(), table);
        await ipvs.flush();
        await ns.assertHolds([]);
        await other.assertHolds(table);
        await ipvs.flush();
        await ns.assertHolds([]);
      });
    }),
  );

  it(
    'getInfo tells the version and the table size of ipvsadm’s header',
    inNamespace(async (ns, ipvs) => {
      const { version, connectionTableSize } = await ipvs.getInfo();
      const [header] = (await ns.ipvsadm('-Ln')).split('\n');
      assert.equal(header, `IP Virtual Server version ${version} (size=${connectionTableSize})`);
    }),
  );
});
