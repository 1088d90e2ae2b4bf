/** It balances: real flows through every forwarding method, and what is counted of them. */
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import {
  type Connection,
  type Destination,
  formatKey,
  type Ipvs,
  keyOf,
  type Service,
  type ServiceKey,
  type ServiceSnapshot,
  type Tunnel,
} from 'ipvs';
import { after, before, describe, it } from 'mocha';
import { collect, inItsWords, listed } from '../support/connections.js';
import { parseStats, sortTable } from '../support/ipvsadm.js';
import { patience } from '../support/patience.js';
import {
  ADDRESSES,
  FIRST_PORT,
  QUESTION_SIZE,
  type Question,
  Topology,
} from '../support/topology.js';
import { asIpvsadmCounts, totalsOf } from '../support/witness.js';

type Family = 'ipv4' | 'ipv6';

/** How packets reach a real server. */
interface Way {
  readonly name: string;
  readonly forwarding: Destination['forwarding'];
  readonly tunnel?: Tunnel;
  /** Who is to answer. Default: r1. */
  readonly server?: 'r1' | 'r2' | 'director';
  /** Family of the real server's address, where it is another one than the service's. */
  readonly crossing?: boolean;
}

const gue = { type: 'gue', port: 6080 } as const;
const WAYS: readonly Way[] = [
  { name: 'masquerading', forwarding: 'masquerade' },
  { name: 'direct routing', forwarding: 'direct' },
  { name: 'local delivery', forwarding: 'local', server: 'director' },
  { name: 'an IPIP tunnel', forwarding: 'tunnel' },
  { name: 'an IPIP tunnel of the other family', forwarding: 'tunnel', crossing: true },
  { name: 'a GUE tunnel', forwarding: 'tunnel', tunnel: gue },
  {
    ...{ name: 'a GUE tunnel with checksums', forwarding: 'tunnel' },
    tunnel: { ...gue, checksum: 'checksum' },
  },
  {
    ...{ name: 'a GUE tunnel with remote checksums', forwarding: 'tunnel' },
    tunnel: { ...gue, checksum: 'remote' },
  },
  { name: 'a GRE tunnel', forwarding: 'tunnel', tunnel: { type: 'gre' } },
  {
    ...{ name: 'a GRE tunnel with checksums', forwarding: 'tunnel', server: 'r2' },
    tunnel: { type: 'gre', checksum: 'checksum' },
  },
];

/** One service with one destination, and one flow through it. */
interface Case extends Question {
  readonly title: string;
  readonly service: Service;
  readonly destination: Destination;
  readonly server: string;
}

const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;
const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];

function caseOf(
  index: number,
  way: Way,
  protocol: Question['protocol'],
  family: Family,
  byMark: boolean,
): Case {
  const port = FIRST_PORT + index;
  const { virtual } = ADDRESSES[family];
  const server = way.server ?? 'r1';
  const other = family === 'ipv4' ? 'ipv6' : 'ipv4';
  const addresses = ADDRESSES[way.crossing === true ? other : family];
  const key: ServiceKey = byMark ? { fwmark: port, family } : { protocol, address: virtual, port };
  return {
    title: `${protocol} over ${family} by ${way.name}${byMark ? ', by firewall mark' : ''}`,
    ...{ protocol, family, port, server, masqueraded: way.forwarding === 'masquerade' },
    service: { ...key, scheduler: 'rr' },
    destination: {
      ...{ address: addresses[server === 'director' ? 'virtual' : server], port },
      forwarding: way.forwarding,
      ...(way.tunnel === undefined ? {} : { tunnel: way.tunnel }),
    },
  };
}

function allCases(): Case[] {
  const rows = (ways: readonly Way[], byMark: boolean) =>
    ways.flatMap((way) =>
      PROTOCOLS.flatMap((protocol) =>
        FAMILIES.map((family) => ({ way, protocol, family, byMark })),
      ),
    );
  return [...rows(WAYS, false), ...rows(WAYS.slice(0, 4), true)].map(
    ({ way, protocol, family, byMark }, index) => caseOf(index, way, protocol, family, byMark),
  );
}

const CASES = allCases();

async function mark(topology: Topology, { service, family, protocol, port }: Case): Promise<void> {
  if (service.fwmark === undefined) return;
  await topology.director.run(
    family === 'ipv4' ? 'iptables-legacy' : 'ip6tables-legacy',
    ...['-t', 'mangle', '-A', 'PREROUTING', '-p', protocol, '--dport', String(port)],
    ...['-j', 'MARK', '--set-mark', String(service.fwmark)],
  );
}

/** How many packets of each kind of tunnel the director counted. */
function tunnelled(table: ReadonlyMap<string, ServiceSnapshot>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { destinations } of table.values()) {
    for (const { tunnel, stats } of destinations) {
      if (tunnel === undefined) continue;
      const { type, checksum } = tunnel;
      const name = type === 'gue' ? `${type}:${checksum ?? 'none'}` : type;
      counts[name] = (counts[name] ?? 0) + Number(stats.inPackets);
    }
  }
  return counts;
}

describe('traffic', () => {
  let topology: Topology;
  let ipvs: Ipvs;
  let answers: string[] = [];
  const table = new Map<string, ServiceSnapshot>();
  let connections: Connection[] = [];
  let encapsulated: Record<string, number> = {};

  before(async function () {
    this.timeout(180_000 * patience);
    topology = await Topology.create();
    ipvs = await topology.director.open();
    await Promise.all(
      CASES.flatMap(({ service, destination }) => [
        ipvs.addService(service),
        ipvs.addDestination(service, destination),
      ]),
    );
    for (const each of CASES) await mark(topology, each);
    answers = await topology.ask(CASES);
    connections = await collect(ipvs.connections());
    // The kernel adds up what its CPUs counted every two seconds.
    const deadline = Date.now() + 10_000 * patience;
    const missing = async (): Promise<boolean> =>
      (await ipvs.listServices()).some(({ stats }) => stats.connections === 0n);
    while ((await missing()) && Date.now() < deadline) await setTimeout(100);
    await setTimeout(2500);
    await ipvs.setSysctl('run_estimation', 0);
    for (const each of await ipvs.snapshot()) table.set(formatKey(each), each);
    encapsulated = await topology.encapsulated();
  });

  after(async () => {
    await topology.end();
  });

  CASES.forEach((each, index) => {
    it(`carries ${each.title}, and counts it`, () => {
      assert.equal(answers[index], each.server);
      const service = table.get(formatKey(keyOf(each.service)));
      const [destination, ...others] = service?.destinations ?? [];
      assert.ok(service && destination && others.length === 0);
      const counted = totalsOf(service.stats);
      assert.deepEqual(counted, totalsOf(destination.stats));
      assert.equal(counted.connections, 1n);
      const headers = each.family === 'ipv4' ? 28 : 48;
      if (each.protocol === 'udp') {
        assert.equal(counted.inPackets, 1n);
        assert.equal(counted.inBytes, BigInt(QUESTION_SIZE + headers));
      } else {
        assert.ok(counted.inPackets >= 3n, String(counted.inPackets));
      }
      if (each.masqueraded && each.protocol === 'udp') {
        assert.equal(counted.outBytes, BigInt(each.server.length + headers));
      }
      if (['direct', 'tunnel'].includes(each.destination.forwarding)) {
        assert.equal(counted.outPackets, 0n);
      }
      const [connection, ...more] = connections.filter(
        ({ protocol, virtual }) => protocol === each.protocol && virtual?.port === each.port,
      );
      assert.deepEqual(more, []);
      assert.deepEqual(connection?.destination, {
        address: each.destination.address,
        port: each.port,
      });
      assert.equal(
        connection.client.address,
        ADDRESSES[each.family][each.masqueraded ? 'far' : 'near'],
      );
    });
  });

  it('reaches the real servers in the encapsulation that was asked for', () => {
    const { 'gue:checksum': plain = 0, 'gue:remote': remote = 0, ...others } = tunnelled(table);
    assert.deepEqual(encapsulated, {
      // Remote checksums are options of packets that have a checksum of their own.
      ...others,
      'gue:remote': remote,
      'gue:checksum': plain + remote,
    });
    assert.ok(Object.values(encapsulated).every((packets) => packets > 0));
  });

  it('is counted as ipvsadm says: statistics, gauges and connections', async () => {
    const witness = parseStats(await topology.director.ipvsadm('-Ln', '--stats', '--exact'));
    assert.deepEqual(asIpvsadmCounts([...table.values()]), sortTable(witness));
    // Connections end by themselves: until two reads that follow each other agree.
    for (let attempts = 0; ; attempts += 1) {
      const own = (await collect(ipvs.connections())).map(inItsWords).sort();
      const theirs = (await listed(topology.director)).sort();
      if (own.join('\n') === theirs.join('\n')) break;
      if (attempts === 20) assert.deepEqual(own, theirs);
    }
    const gauges = await ipvs.snapshot();
    const all = gauges.flatMap(({ destinations }) => destinations);
    const sum = all.reduce((total, each) => total + each.connections.inactive, 0);
    assert.ok(sum >= CASES.filter(({ protocol }) => protocol === 'udp').length);
  });

  describe('goes', () => {
    const port = FIRST_PORT + 99;
    const { virtual, r1, r2 } = ADDRESSES.ipv4;
    const question: Question = { protocol: 'udp', family: 'ipv4', masqueraded: false, port };
    const key = { protocol: 'udp', address: virtual, port } as const;
    const REALS: readonly Destination[] = [r1, r2].map((address) => ({
      ...{ address, port, forwarding: 'direct' },
    }));
    const asked = async (times: number): Promise<string[]> =>
      await topology.ask(Array.from({ length: times }, () => question));

    /** Replaces the service and asks. */
    async function balance(
      service: Omit<Service, 'protocol' | 'address' | 'port' | 'fwmark' | 'family'>,
      changes: readonly Partial<Destination>[] = [],
    ): Promise<void> {
      await ipvs.deleteService(key).catch(() => undefined);
      await ipvs.addService({ ...key, ...service });
      for (const [index, each] of REALS.entries()) {
        await ipvs.addDestination(key, { ...each, ...changes[index] });
      }
    }

    it('to the servers in turn with rr, by weight with wrr', async () => {
      await balance({ scheduler: 'rr' });
      assert.deepEqual((await asked(4)).sort(), ['r1', 'r1', 'r2', 'r2']);
      await balance({ scheduler: 'wrr' }, [{ weight: 3 }, { weight: 1 }]);
      assert.deepEqual((await asked(8)).sort(), [...Array<string>(6).fill('r1'), 'r2', 'r2']);
    });

    it('to one server with persistence, whose template is counted', async () => {
      await balance({ scheduler: 'rr', persistence: { timeout: 60 } });
      const [first, ...others] = await asked(5);
      assert.deepEqual(others, Array<string>(4).fill(first ?? ''));
      const gauges = (await ipvs.listDestinations(key)).map((each) => each.connections.persistent);
      assert.deepEqual(gauges.sort(), [0, 1]);
      const templates = (await collect(ipvs.connections({ service: key }))).filter(
        ({ template }) => template,
      );
      assert.equal(templates.length, 1);
    });

    it('datagram by datagram with one-packet scheduling, and leaves no connection', async () => {
      await balance({ scheduler: 'rr', onePacket: true });
      const before = (await collect(ipvs.connections({ service: key }))).length;
      const [answer = ''] = await topology.ask([{ ...question, times: 6 }]);
      assert.deepEqual(answer.split(',').sort(), ['r1', 'r1', 'r1', 'r2', 'r2', 'r2']);
      assert.equal((await collect(ipvs.connections({ service: key }))).length, before);
    });

    it('elsewhere above the upper threshold', async () => {
      await balance({ scheduler: 'rr' }, [{ port, upperThreshold: 1 }]);
      const all = await asked(5);
      assert.ok(all.filter((each) => each === 'r1').length <= 1, all.join());
      assert.ok(!all.includes('failed'));
    });

    it('nowhere new with weight 0, and on where it went before', async () => {
      await balance({ scheduler: 'wrr' }, [{ weight: 0 }]);
      assert.deepEqual(await asked(3), ['r2', 'r2', 'r2']);
    });

    it('by source with sh: by port too with its flag, elsewhere with fallback', async () => {
      await balance({ scheduler: 'sh' });
      const [first = '', ...others] = await asked(6);
      assert.deepEqual(new Set(others), new Set([first]));
      await balance({ scheduler: 'sh', schedulerFlags: ['port'] });
      assert.deepEqual(new Set(await asked(24)), new Set(['r1', 'r2']));
      const off = first === 'r1' ? [{ weight: 0 }] : [{}, { weight: 0 }];
      await balance({ scheduler: 'sh' }, off);
      assert.deepEqual(await asked(1), ['failed']);
      await balance({ scheduler: 'sh', schedulerFlags: ['fallback'] }, off);
      assert.deepEqual(await asked(2), Array<string>(2).fill(first === 'r1' ? 'r2' : 'r1'));
    });
  });
});
