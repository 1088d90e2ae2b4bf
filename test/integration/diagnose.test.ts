/** Each fault is produced, found, and mended by the very command that its remedy names. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { type Destination, diagnose, type Finding, type Ipvs, type Service } from 'ipvs';
import { describe, it } from 'mocha';
import { needsGuest, unloadIpvs, withModuleLoader } from '../support/guest.js';
import { inNamespace, type Namespace, run } from '../support/netns.js';
import { writeAll } from '../support/witness.js';

const CHILD = fileURLToPath(new URL('../support/children/diagnose.js', import.meta.url));

const WEB: Service = { protocol: 'tcp', address: '10.77.0.1', port: 80, scheduler: 'wrr' };
const WEB6: Service = { ...WEB, address: '2001:db8:77::1' };
const REAL: Destination = { address: '10.77.1.1', port: 80, forwarding: 'masquerade' };
const REAL6: Destination = { ...REAL, address: '2001:db8:77:1::1' };

function ids(findings: readonly Finding[]): string[] {
  return findings.map(({ id }) => id).sort();
}

/** A director without a fault, with an interface of its own. */
async function sound(ns: Namespace): Promise<void> {
  const commands = [
    'ip link add eth7 type dummy && ip link set eth7 up',
    'ip addr add 10.77.0.1/32 dev lo',
    'ip -6 route add local 2001:db8:77::/64 dev lo',
    'sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1',
    'sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2',
    'sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth7.rp_filter=0',
    'sysctl -qw net.ipv4.vs.expire_nodest_conn=1 net.ipv4.vs.expire_quiescent_template=1',
  ];
  await ns.run('sh', '-ec', commands.join('\n'));
}

interface Fault {
  readonly id: string;
  readonly services?: readonly { service: Service; destinations: Destination[] }[];
  /** What brings it about, in a shell. */
  readonly cause?: string;
}

const DIRECT = [{ service: WEB, destinations: [{ ...REAL, forwarding: 'direct' as const }] }];

const FAULTS: readonly Fault[] = [
  { id: 'address-not-local', cause: 'ip addr del 10.77.0.1/32 dev lo' },
  {
    id: 'address-not-local',
    cause: 'ip -6 route del local 2001:db8:77::/64 dev lo',
    services: [{ service: WEB6, destinations: [REAL6] }],
  },
  { id: 'ipv4-forwarding-off', cause: 'sysctl -qw net.ipv4.ip_forward=0' },
  {
    id: 'ipv6-forwarding-off',
    cause: 'sysctl -qw net.ipv6.conf.all.forwarding=0',
    services: [{ service: WEB6, destinations: [REAL6] }],
  },
  {
    id: 'udp-blackhole',
    cause: 'sysctl -qw net.ipv4.vs.expire_nodest_conn=0',
    services: [{ service: { ...WEB, protocol: 'udp' }, destinations: [REAL] }],
  },
  {
    id: 'persistence-outlasts-weight-0',
    cause: 'sysctl -qw net.ipv4.vs.expire_quiescent_template=0',
    services: [{ service: { ...WEB, persistence: { timeout: 9 } }, destinations: [REAL] }],
  },
  { id: 'connection-reuse-stale', cause: 'sysctl -qw net.ipv4.vs.conn_reuse_mode=0' },
  {
    id: 'rp-filter-strict',
    cause: 'sysctl -qw net.ipv4.conf.eth7.rp_filter=1',
    services: DIRECT,
  },
  { id: 'arp-ignore', cause: 'sysctl -qw net.ipv4.conf.all.arp_ignore=0', services: DIRECT },
  { id: 'arp-announce', cause: 'sysctl -qw net.ipv4.conf.all.arp_announce=0', services: DIRECT },
];

/** Whatever diagnosing might leave behind. */
async function traces(ns: Namespace): Promise<string[]> {
  const sysctls = "sysctl -a --pattern '^net[.]' 2>/dev/null | grep -v conntrack_count";
  const all = `ipvsadm -Sn; ${sysctls}; lsmod; ip addr; ip route`;
  return (await ns.run('sh', '-c', all)).split('\n');
}

/** Who answers a client in the namespace that asks for WEB, of servers at every address and port. */
async function whoAnswers(ns: Namespace): Promise<string> {
  const program = `const net = require('net');
    const places = ['10.77.0.1', '10.77.1.1'].flatMap((host) => [[host, 80], [host, 8080]]);
    let waiting = places.length;
    const tell = (text) => { console.log(String(text)); process.exit(); };
    const ask = () => {
      net.connect(80, '10.77.0.1').on('data', tell);
      setTimeout(tell, 5000, 'nobody');
    };
    for (const [host, port] of places)
      net.createServer((socket) => socket.end('port ' + port + ' of ' + host))
        .listen(port, host, () => --waiting === 0 && ask());`;
  return (await ns.run(process.execPath, '-e', program)).trimEnd();
}

async function add(ipvs: Ipvs, { services }: Fault): Promise<void> {
  await writeAll(ipvs, services ?? [{ service: WEB, destinations: [REAL] }]);
}

describe('diagnose', () => {
  it(
    'finds nothing where nothing is wrong, and leaves no trace',
    inNamespace(async (ns, ipvs) => {
      await sound(ns);
      await writeAll(ipvs, [
        { service: WEB, destinations: [REAL] },
        { service: WEB6, destinations: [REAL6] },
        {
          service: { ...WEB, port: 81 },
          destinations: [{ ...REAL, port: 81, forwarding: 'tunnel' }],
        },
      ]);
      const before = await traces(ns);
      assert.deepEqual(await ipvs.diagnose({ schedulers: ['wrr'] }), []);
      assert.deepEqual(await diagnose({ netns: { name: ns.name }, schedulers: ['wrr'] }), []);
      assert.deepEqual(await traces(ns), before);
    }),
  );

  for (const fault of FAULTS) {
    it(
      `finds ${fault.id}, which its remedy mends (${fault.cause ?? ''})`,
      inNamespace(async (ns, ipvs) => {
        await sound(ns);
        await add(ipvs, fault);
        assert.deepEqual(ids(await ipvs.diagnose()), []);
        await ns.run('sh', '-c', fault.cause ?? '');
        const [finding, ...others] = await ipvs.diagnose();
        assert.deepEqual([finding?.id, others], [fault.id, []]);
        await ns.run('sh', '-c', finding?.remedy ?? 'false');
        assert.deepEqual(ids(await ipvs.diagnose()), []);
      }),
    );
  }

  it(
    'finds services that refuse clients',
    inNamespace(async (ns, ipvs) => {
      await sound(ns);
      await writeAll(ipvs, [
        { service: { ...WEB, port: 1 }, destinations: [] },
        { service: { ...WEB, port: 2 }, destinations: [{ ...REAL, weight: 0 }] },
        { service: { ...WEB, port: 3, scheduler: 'mh' }, destinations: [REAL] },
      ]);
      assert.deepEqual(
        (await ipvs.diagnose()).map(({ id, service }) => [id, service]),
        [
          ['no-destinations', 'tcp 10.77.0.1:1'],
          ['all-weights-0', 'tcp 10.77.0.1:2'],
          ['hash-without-fallback', 'tcp 10.77.0.1:3'],
        ],
      );
      await ipvs.updateService({ ...WEB, port: 3 }, { schedulerFlags: ['fallback'] });
      await ipvs.updateDestination({ ...WEB, port: 2 }, REAL, { weight: 1 });
      assert.deepEqual(ids(await ipvs.diagnose()), ['no-destinations']);
    }),
  );

  it(
    'does not miss forwarding where the real servers are on the director itself',
    inNamespace(async (ns, ipvs) => {
      await sound(ns);
      await ns.run('ip', 'addr', 'add', '10.77.1.1/32', 'dev', 'lo');
      await ns.run('sysctl', '-qw', 'net.ipv4.ip_forward=0');
      await writeAll(ipvs, [{ service: WEB, destinations: [REAL] }]);
      assert.equal(await whoAnswers(ns), 'port 80 of 10.77.1.1');
      assert.deepEqual(ids(await ipvs.diagnose()), []);
      await ipvs.addDestination(WEB, { ...REAL, address: '10.77.1.2' });
      assert.deepEqual(ids(await ipvs.diagnose()), ['ipv4-forwarding-off']);
    }),
  );

  it(
    'finds destinations whose port is ignored, as it is',
    inNamespace(async (ns, ipvs) => {
      await sound(ns);
      await ns.run('ip', 'addr', 'add', '10.77.1.1/32', 'dev', 'lo');
      const other = { ...REAL, port: 8080 };
      await writeAll(ipvs, [{ service: WEB, destinations: [other] }]);
      assert.equal(await whoAnswers(ns), 'port 8080 of 10.77.1.1');
      assert.deepEqual(ids(await ipvs.diagnose()), []);
      for (const forwarding of ['direct', 'tunnel', 'local'] as const) {
        await ipvs.setDestination(WEB, { ...other, forwarding });
        assert.equal(await whoAnswers(ns), 'port 80 of 10.77.0.1');
        const found = (await ipvs.diagnose()).filter(({ id }) => id === 'port-ignored');
        assert.deepEqual(
          found.map(({ service, destination }) => [service, destination]),
          [['tcp 10.77.0.1:80', '10.77.1.1:8080']],
        );
      }
    }),
  );

  it(
    'finds services whose persistence engine drops every client',
    inNamespace(async (ns, ipvs) => {
      await sound(ns);
      await ns.run('ip', 'addr', 'add', '10.77.1.1/32', 'dev', 'lo');
      const persistence = { timeout: 9, engine: 'sip' };
      await writeAll(ipvs, [{ service: { ...WEB, persistence }, destinations: [REAL] }]);
      assert.equal(await whoAnswers(ns), 'nobody');
      assert.deepEqual(ids(await ipvs.diagnose()), ['engine-not-for-protocol']);
      await ipvs.updateService(WEB, { persistence: { engine: null } });
      assert.equal(await whoAnswers(ns), 'port 80 of 10.77.1.1');
      assert.deepEqual(ids(await ipvs.diagnose()), []);
    }),
  );

  it(
    'finds schedulers that the kernel lacks, without adding a service',
    inNamespace(async (ns, ipvs) => {
      const found = await ipvs.diagnose({ schedulers: ['nosuch', 'rr', 'mh', 'other'] });
      assert.deepEqual(
        found.map(({ id, remedy }) => [id, remedy]),
        [
          ['scheduler-missing', 'modprobe ip_vs_nosuch'],
          ['scheduler-missing', 'modprobe ip_vs_other'],
        ],
      );
      await ns.assertHolds([]);
    }),
  );

  it(
    'finds a connection-tracking table that is full',
    inNamespace(async (ns, ipvs) => {
      const path = '/proc/sys/net/netfilter/nf_conntrack_max';
      // Tracking begins with the first rule that asks for it.
      await ns.run('iptables-legacy', '-A', 'OUTPUT', '-m', 'conntrack', '--ctstate', 'NEW');
      const before = (await run('cat', [path])).trim();
      try {
        await run('sh', ['-c', `echo 3 >${path}`]);
        const program = `const s = require('dgram').createSocket('udp4');
          for (let p = 1; p < 9; p++) s.send('x', p, '127.0.0.1', () => p === 8 && s.close());`;
        await ns.run(process.execPath, '-e', `${program} s.on('error', () => undefined)`);
        const [finding] = await ipvs.diagnose();
        assert.equal(finding?.id, 'conntrack-full');
        assert.match(finding.remedy, /^sysctl -w net\.netfilter\.nf_conntrack_max=\d+ /);
      } finally {
        await run('sh', ['-c', `echo ${before} >${path}`]);
      }
      assert.deepEqual(ids(await ipvs.diagnose()), []);
    }),
  );

  it('says why no client can be opened: permissions, user namespaces', async () => {
    const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    const rows: readonly [string, string[], string][] = [
      ['setpriv', [...nobody, process.execPath, CHILD], 'no-permission'],
      ['unshare', ['-Urn', process.execPath, CHILD], 'user-namespace'],
    ];
    for (const [command, args, id] of rows) {
      const [finding, ...others] = JSON.parse(await run(command, args)) as Finding[];
      assert.deepEqual([finding?.id, finding?.severity, others], [id, 'error', []]);
    }
    assert.deepEqual(ids(await diagnose({ netns: { name: 'nosuch' } })), ['open-failed']);
  });

  it('says that the module is missing', async function () {
    needsGuest(this);
    await withModuleLoader('/bin/false', async () => {
      await unloadIpvs();
      assert.deepEqual(
        (await diagnose()).map(({ id, remedy }) => [id, remedy]),
        [['no-ipvs', 'modprobe ip_vs']],
      );
      await run('modprobe', ['ip_vs']);
      assert.deepEqual(ids(await diagnose()), []);
    });
  });
});
