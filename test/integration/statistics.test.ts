import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type DestinationEntry, formatKey, type Ipvs, type Service, type Statistics } from 'ipvs';
import { describe, it } from 'mocha';
import { parseList, parseStats, sortTable } from '../support/ipvsadm.js';
import { inNamespace, type Namespace } from '../support/netns.js';
import { asIpvsadmCounts, totalsOf, writeAll } from '../support/witness.js';

const TRAFFIC = fileURLToPath(new URL('../support/children/traffic.js', import.meta.url));

const PERSISTENT = { scheduler: 'rr', persistence: { timeout: 300 } } as const;
const WEB: Service = { protocol: 'tcp', address: '10.99.0.1', port: 80, ...PERSISTENT };
const DNS: Service = { protocol: 'udp', address: '10.99.0.1', port: 53, scheduler: 'rr' };
const TABLE = [
  {
    service: WEB,
    destinations: [
      { address: '10.99.0.2', port: 8080, forwarding: 'masquerade' as const },
      { address: '10.99.0.3', port: 8080, forwarding: 'masquerade' as const, weight: 0 },
    ],
  },
  {
    service: DNS,
    destinations: [{ address: '10.99.0.2', port: 5353, forwarding: 'masquerade' as const }],
  },
];

/** Runs `body` in a namespace through whose virtual servers there was traffic. */
function afterTraffic(body: (ns: Namespace, ipvs: Ipvs) => Promise<void>): () => Promise<void> {
  return inNamespace(async (ns, ipvs) => {
    await ns.run('ip', 'addr', 'add', '10.99.0.1/32', 'dev', 'lo');
    await ns.run('ip', 'addr', 'add', '10.99.0.2/32', 'dev', 'lo');
    await writeAll(ipvs, TABLE);
    const child = spawn(...ns.inside(process.execPath, TRAFFIC), {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    try {
      const [ready] = (await once(child.stdout, 'data')) as [Buffer];
      assert.equal(String(ready), 'ready\n');
      await body(ns, ipvs);
    } finally {
      child.stdin.end();
      await once(child, 'close');
    }
  });
}

/**
 * Waits until the kernel has counted what there was: it adds up what its CPUs counted every two
 * seconds only. Then makes it stop, so that whoever reads reads the same.
 */
async function settle(ns: Namespace, ipvs: Ipvs): Promise<void> {
  // The last that is counted: a tick in the midst of the traffic has seen a part of it.
  const total = async (of: Service) => (await ipvs.getService(of)).stats;
  while ((await total(WEB)).outBytes < 3000n || (await total(DNS)).outPackets < 100n) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await ns.run('sh', '-c', 'echo 0 >/proc/sys/net/ipv4/vs/run_estimation');
}

async function destinationsOf(ipvs: Ipvs, service: Service): Promise<DestinationEntry[]> {
  return await ipvs.listDestinations(service);
}

/** The rates that ipvsadm prints, service by service, each with its destinations. */
function parseRates(text: string): Record<string, number[]> {
  const rows = text.split('\n').filter((line) => /^(TCP|UDP|FWM|SCTP| {2}-> \d)/.test(line));
  let service = '';
  return Object.fromEntries(
    rows.map((row) => {
      const [first = '', name = '', ...numbers] = row.trim().split(/ +/);
      if (first !== '->') service = `${first.toLowerCase()} ${name}`;
      const key = first === '->' ? `${service} ${name}` : service;
      assert.equal(numbers.length, 5, row);
      return [key, numbers.map(Number)];
    }),
  );
}

function rates(of: Statistics): number[] {
  return [of.connectionRate, of.inPacketRate, of.outPacketRate, of.inByteRate, of.outByteRate];
}

describe('what the kernel counted', () => {
  it(
    'equals what ipvsadm says: counters of services and destinations',
    afterTraffic(async (ns, ipvs) => {
      await settle(ns, ipvs);
      const witness = sortTable(parseStats(await ns.ipvsadm('-Ln', '--stats', '--exact')));
      const services = await ipvs.listServices();
      const table = services.map(async (service) => ({
        ...service,
        destinations: await ipvs.listDestinations(service),
      }));
      assert.deepEqual(asIpvsadmCounts(await Promise.all(table)), witness);
      // It is known what there was.
      const web = (await ipvs.getService(WEB)).stats;
      assert.equal(web.connections, 1n);
      assert.ok(web.inBytes > 1000n && web.outBytes > 3000n && web.inBytes < web.outBytes);
      assert.ok(web.inPackets >= 3n && web.outPackets >= 2n);
      const dns = (await ipvs.getService(DNS)).stats;
      assert.deepEqual(totalsOf(dns), {
        ...{ connections: 20n, inPackets: 100n, outPackets: 100n },
        ...{ inBytes: 12_800n, outBytes: 32_800n },
      });
    }),
  );

  it(
    'equals what ipvsadm says: active, inactive and persistent connections',
    afterTraffic(async (ns, ipvs) => {
      const gauges = async (service: Service) =>
        (await destinationsOf(ipvs, service)).map(({ connections }) => connections);
      assert.deepEqual(await gauges(WEB), [
        { active: 1, inactive: 0, persistent: 1 },
        { active: 0, inactive: 0, persistent: 0 },
      ]);
      assert.deepEqual(await gauges(DNS), [{ active: 0, inactive: 20, persistent: 0 }]);
      const listed = sortTable(parseList(await ns.ipvsadm('-Ln'))).map(({ destinations }) =>
        destinations.map(({ active, inactive }) => [active, inactive]),
      );
      assert.deepEqual(listed, [
        [
          [1, 0],
          [0, 0],
        ],
        [[0, 20]],
      ]);
      const persistent = await ns.ipvsadm('-Ln', '--persistent-conn');
      assert.match(persistent, /-> 10\.99\.0\.2:8080 +1 +1 +1 +0 *$/m);
    }),
  );

  it(
    'equals what ipvsadm says: rates, which are bytes and not bits',
    afterTraffic(async (ns, ipvs) => {
      await settle(ns, ipvs);
      const witness = parseRates(await ns.ipvsadm('-Ln', '--rate', '--exact'));
      const ours: Record<string, number[]> = {};
      for (const service of [WEB, DNS]) {
        const name = formatKey(service);
        ours[name] = rates((await ipvs.getService(service)).stats);
        for (const each of await destinationsOf(ipvs, service)) {
          ours[`${name} ${each.address}:${each.port}`] = rates(each.stats);
        }
      }
      assert.deepEqual(ours, witness);
      const [perSecond, inPackets, outPackets, inBytes, outBytes] = ours['udp 10.99.0.1:53'] ?? [];
      assert.ok(perSecond && inPackets && outPackets && inBytes && outBytes, JSON.stringify(ours));
      // 128 and 328 bytes a packet.
      assert.ok(inBytes > 100 * inPackets && inBytes < 200 * inPackets);
      assert.ok(outBytes > 300 * outPackets && outBytes < 500 * outPackets);
    }),
  );

  it(
    'is zeroed for one service with its destinations, or for all; connections stay',
    afterTraffic(async (ns, ipvs) => {
      await settle(ns, ipvs);
      const read = async () => {
        const table = await ipvs.snapshot();
        return table.map(({ port, stats, destinations }) => ({
          port,
          counted: [stats, ...destinations.map((each) => each.stats)].map(totalsOf),
          gauges: destinations.map(({ connections }) => connections),
        }));
      };
      const zeros = { connections: 0n, inPackets: 0n, outPackets: 0n, inBytes: 0n, outBytes: 0n };
      const before = await read();
      const [web, dns] = before;
      assert.ok(web && dns);
      assert.notDeepEqual(dns.counted, [zeros, zeros]);

      await ipvs.zero(DNS);
      assert.deepEqual(await read(), [web, { ...dns, counted: [zeros, zeros] }]);
      const listed = parseStats(await ns.ipvsadm('-Ln', '--stats', '--exact'));
      const listedDns = listed.find(({ protocol }) => protocol === 'udp');
      assert.ok(listedDns);
      assert.deepEqual(totalsOf(listedDns), zeros);

      await ipvs.zeroAll();
      assert.deepEqual(await read(), [
        { ...web, counted: [zeros, zeros, zeros] },
        { ...dns, counted: [zeros, zeros] },
      ]);
      await assert.rejects(ipvs.zero({ ...DNS, port: 54 }), {
        reason: 'service-not-found',
        syscall: 'IPVS_CMD_ZERO',
      });
    }),
  );
});
