/** Each fault is found where it is, and nowhere else. */
import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { CHECKS } from '../../lib/diagnose/checks.js';
import { type Facts, factsOfFailure, gatherFacts } from '../../lib/diagnose/facts.js';
import { findLocal } from '../../lib/diagnose/local.js';
import { parseAddress } from '../../lib/address.js';
import { diagnose, IpvsError, type IpvsErrorReason, type ServiceState } from '../../lib/index.js';
import { FakeFiles } from '../support/files.js';

const WEB: ServiceState = {
  ...{ protocol: 'tcp', address: '10.0.0.1', port: 80 },
  ...{ scheduler: 'wrr', schedulerFlags: [], onePacket: false },
  destinations: [
    {
      ...{ address: '10.0.1.1', port: 80, forwarding: 'masquerade', weight: 1 },
      ...{ upperThreshold: 0, lowerThreshold: 0 },
    },
  ],
};
const [REAL] = WEB.destinations;
assert.ok(REAL);

const GOOD: Facts = {
  failure: undefined,
  inUserNamespace: false,
  services: [WEB],
  missingSchedulers: [],
  kernel: { major: 6, minor: 1 },
  sysctls: new Map([
    ['ipv4/ip_forward', 1],
    ['ipv6/conf/all/forwarding', 1],
    ['ipv4/vs/conntrack', 0],
    ['ipv4/vs/conn_reuse_mode', 1],
    ['ipv4/vs/expire_nodest_conn', 1],
    ['ipv4/vs/expire_quiescent_template', 1],
    ['netfilter/nf_conntrack_count', 10],
    ['netfilter/nf_conntrack_max', 1000],
    ['ipv4/conf/all/rp_filter', 0],
    ['ipv4/conf/all/arp_ignore', 1],
    ['ipv4/conf/all/arp_announce', 2],
    ['ipv4/conf/eth0/rp_filter', 0],
    ['ipv4/conf/eth0/arp_ignore', 0],
    ['ipv4/conf/eth0/arp_announce', 0],
  ]),
  interfaces: ['eth0'],
  local: new Set(['10.0.0.1', '2001:db8::1']),
  unread: [],
};

function findings(facts: Facts): string[] {
  return CHECKS.flatMap((check) => check(facts)).map(({ id, severity, message, remedy }) => {
    assert.ok(message.length > 20 && remedy.length > 5);
    return `${severity} ${id}`;
  });
}

function withSysctls(change: Readonly<Record<string, number>>, facts = GOOD): Facts {
  return { ...facts, sysctls: new Map([...facts.sysctls, ...Object.entries(change)]) };
}

/** With one service: the usual one, changed. */
function withService(change: object, facts = GOOD): Facts {
  return { ...facts, services: [{ ...WEB, ...change }] };
}

function withDestination(change: object, service: object = {}, facts = GOOD): Facts {
  return withService({ destinations: [{ ...REAL, ...change }], ...service }, facts);
}

function failure(reason: IpvsErrorReason): IpvsError {
  return new IpvsError(`open: ${reason}, and a long explanation`, { code: 'EPERM', reason });
}

const udp = { protocol: 'udp' };
const sticky = { persistence: { timeout: 1 } };
const sip = { persistence: { timeout: 1, engine: 'sip' } };
const nothing = { protocol: undefined, address: undefined, port: undefined };
const mark = { ...nothing, fwmark: 7, family: 'ipv4' };
const v6 = { address: '2001:db8::1' };
const direct = withDestination({ forwarding: 'direct' });
const tunnel = withDestination({ forwarding: 'tunnel', tunnel: { type: 'ipip' } });
const old = { major: 5, minor: 8 };

/** what → facts → findings */
const ROWS: readonly [string, Facts, readonly string[]][] = [
  ['nothing is wrong', GOOD, []],
  ['there are no services', { ...GOOD, services: [] }, []],
  ['no module', factsOfFailure(failure('ipvs-unavailable'), true), ['error no-ipvs']],
  ['no permission', factsOfFailure(failure('permission-denied'), false), ['error no-permission']],
  [
    'no permission in a user namespace',
    factsOfFailure(failure('permission-denied'), true),
    ['error user-namespace'],
  ],
  ['another failure', factsOfFailure(failure('namespace-not-found'), false), ['error open-failed']],
  [
    'schedulers are missing',
    { ...GOOD, missingSchedulers: ['a', 'b'] },
    ['error scheduler-missing', 'error scheduler-missing'],
  ],
  ['a service has no scheduler', withService({ scheduler: 'none' }), ['warning no-scheduler']],
  ['an address is not local', withService({ address: '10.0.0.2' }), ['error address-not-local']],
  [
    'an IPv6 address is not local',
    withDestination({ address: '2001:db8::9' }, { address: '2001:db8::2' }),
    ['error address-not-local'],
  ],
  ['a firewall mark has no address', withService(mark), []],
  [
    'IPv4 is not forwarded, and masqueraded',
    withSysctls({ 'ipv4/ip_forward': 0, 'ipv6/conf/all/forwarding': 0 }),
    ['error ipv4-forwarding-off'],
  ],
  [
    'IPv6 is not forwarded, and masqueraded',
    withSysctls(
      { 'ipv4/ip_forward': 0, 'ipv6/conf/all/forwarding': 0 },
      withDestination({ address: '2001:db8::9' }, v6),
    ),
    ['error ipv6-forwarding-off'],
  ],
  [
    'IPv4 is not forwarded, and the masqueraded real servers are this machine',
    withSysctls(
      { 'ipv4/ip_forward': 0 },
      withDestination(
        { address: '10.0.1.9' },
        {},
        { ...GOOD, local: new Set(['10.0.0.1', '10.0.1.9']) },
      ),
    ),
    [],
  ],
  [
    'IPv4 is not forwarded, and one of the masqueraded real servers is this machine',
    withSysctls(
      { 'ipv4/ip_forward': 0 },
      withService({ destinations: [REAL, { ...REAL, address: '10.0.0.1' }] }),
    ),
    ['error ipv4-forwarding-off'],
  ],
  ['the engine sip and UDP', withService({ ...udp, ...sip }), []],
  ['the engine sip and TCP', withService(sip), ['error engine-not-for-protocol']],
  [
    'the engine sip and SCTP',
    withService({ protocol: 'sctp', ...sip }),
    ['error engine-not-for-protocol'],
  ],
  ['the engine sip and a firewall mark', withService({ ...mark, ...sip }), []],
  ['another port and masquerading', withDestination({ port: 8080 }), []],
  [
    'another port and direct routing',
    withDestination({ port: 8080, forwarding: 'direct' }),
    ['warning port-ignored'],
  ],
  [
    'another port and a tunnel',
    withDestination({ port: 8080, forwarding: 'tunnel', tunnel: { type: 'ipip' } }),
    ['warning port-ignored'],
  ],
  [
    'another port and local delivery',
    withDestination({ port: 8080, forwarding: 'local' }),
    ['warning port-ignored'],
  ],
  [
    'another port and direct routing by firewall mark',
    withDestination({ port: 8080, forwarding: 'direct' }, mark),
    [],
  ],
  ['nothing is forwarded, nor masqueraded', withSysctls({ 'ipv4/ip_forward': 0 }, direct), []],
  ['forwarding is unknown', { ...GOOD, sysctls: new Map() }, []],
  [
    'UDP with expire_nodest_conn 0',
    withSysctls({ 'ipv4/vs/expire_nodest_conn': 0 }, withService(udp)),
    ['warning udp-blackhole'],
  ],
  [
    'UDP datagram by datagram with expire_nodest_conn 0',
    withSysctls({ 'ipv4/vs/expire_nodest_conn': 0 }, withService({ ...udp, onePacket: true })),
    [],
  ],
  ['TCP with expire_nodest_conn 0', withSysctls({ 'ipv4/vs/expire_nodest_conn': 0 }), []],
  [
    'persistence with expire_quiescent_template 0',
    withSysctls({ 'ipv4/vs/expire_quiescent_template': 0 }, withService(sticky)),
    ['warning persistence-outlasts-weight-0'],
  ],
  [
    'expire_quiescent_template 0 alone',
    withSysctls({ 'ipv4/vs/expire_quiescent_template': 0 }),
    [],
  ],
  [
    'conn_reuse_mode 0 on a new kernel',
    withSysctls({ 'ipv4/vs/conn_reuse_mode': 0, 'ipv4/vs/conntrack': 1 }),
    ['warning connection-reuse-stale'],
  ],
  [
    'conn_reuse_mode 1 with conntrack before 5.9',
    { ...withSysctls({ 'ipv4/vs/conntrack': 1 }), kernel: old },
    ['warning connection-reuse-delay'],
  ],
  [
    'conn_reuse_mode 0 with conntrack before 5.9, which is the lesser evil',
    { ...withSysctls({ 'ipv4/vs/conntrack': 1, 'ipv4/vs/conn_reuse_mode': 0 }), kernel: old },
    [],
  ],
  ['conn_reuse_mode 1 without conntrack before 5.9', { ...GOOD, kernel: old }, []],
  [
    'conn_reuse_mode 1 with conntrack from 5.9 on',
    { ...withSysctls({ 'ipv4/vs/conntrack': 1 }), kernel: { major: 5, minor: 9 } },
    [],
  ],
  [
    'conntrack nearly full',
    withSysctls({ 'netfilter/nf_conntrack_count': 900 }),
    ['warning conntrack-full'],
  ],
  ['conntrack not so full', withSysctls({ 'netfilter/nf_conntrack_count': 899 }), []],
  [
    'conntrack full',
    withSysctls({ 'netfilter/nf_conntrack_count': 1000 }),
    ['error conntrack-full'],
  ],
  [
    'strict rp_filter and direct routing',
    withSysctls({ 'ipv4/conf/eth0/rp_filter': 1 }, direct),
    ['warning rp-filter-strict'],
  ],
  [
    'strict rp_filter for all and tunnels',
    withSysctls({ 'ipv4/conf/all/rp_filter': 1 }, tunnel),
    ['warning rp-filter-strict'],
  ],
  [
    'loose rp_filter for all',
    withSysctls({ 'ipv4/conf/all/rp_filter': 2, 'ipv4/conf/eth0/rp_filter': 1 }, direct),
    [],
  ],
  ['strict rp_filter and masquerading', withSysctls({ 'ipv4/conf/all/rp_filter': 1 }), []],
  [
    'ARP as the kernel has it at first, and direct routing',
    withSysctls({ 'ipv4/conf/all/arp_ignore': 0, 'ipv4/conf/all/arp_announce': 0 }, direct),
    ['info arp-ignore', 'info arp-announce'],
  ],
  [
    'ARP and rp_filter, which are of IPv4, and direct routing of IPv6',
    withSysctls(
      {
        ...{ 'ipv4/conf/all/arp_ignore': 0, 'ipv4/conf/all/arp_announce': 0 },
        ...{ 'ipv4/conf/all/rp_filter': 1 },
      },
      withDestination({ address: '2001:db8::9', forwarding: 'direct' }, v6),
    ),
    [],
  ],
  [
    'ARP set on the interface',
    withSysctls(
      {
        ...{ 'ipv4/conf/all/arp_ignore': 0, 'ipv4/conf/eth0/arp_ignore': 1 },
        ...{ 'ipv4/conf/all/arp_announce': 0, 'ipv4/conf/eth0/arp_announce': 2 },
      },
      direct,
    ),
    [],
  ],
  [
    'sh without fallback',
    withService({ scheduler: 'sh', schedulerFlags: ['port'] }),
    ['info hash-without-fallback'],
  ],
  [
    'mh without fallback, and weight 0',
    withService({ scheduler: 'mh', destinations: [REAL, { ...REAL, port: 81, weight: 0 }] }),
    ['warning hash-without-fallback'],
  ],
  ['dh', withService({ scheduler: 'dh' }), []],
  [
    'dh, and weight 0',
    withService({ scheduler: 'dh', destinations: [REAL, { ...REAL, port: 81, weight: 0 }] }),
    ['warning dh-without-weight'],
  ],
  ['mh with fallback', withService({ scheduler: 'mh', schedulerFlags: ['fallback'] }), []],
  ['no destinations', withService({ destinations: [] }), ['warning no-destinations']],
  ['weight 0 only', withDestination({ weight: 0 }), ['warning all-weights-0']],
  ['what could not be read', { ...GOOD, unread: ['/proc/net/fib_trie'] }, ['info not-checked']],
];

describe('the checks', () => {
  for (const [what, facts, expected] of ROWS) {
    it(`find what is wrong, and nothing else: ${what}`, () => {
      assert.deepEqual(findings(facts), expected);
    });
  }

  it('tell to keep the other flags of a scheduler', () => {
    const facts = withService({ scheduler: 'mh', schedulerFlags: ['port', 'flag-3'] });
    const [finding] = CHECKS.flatMap((check) => check(facts));
    assert.match(finding?.remedy ?? '', /schedulerFlags: \['fallback', 'port', 'flag-3'\] \}\)$/);
  });

  it('name a destination whose port is ignored, and its service', () => {
    const facts = withDestination({ port: 8080, forwarding: 'direct' });
    const [finding] = CHECKS.flatMap((check) => check(facts));
    assert.deepEqual(
      [finding?.service, finding?.destination],
      ['tcp 10.0.0.1:80', '10.0.1.1:8080'],
    );
    assert.match(
      finding?.message ?? '',
      /^10\.0\.1\.1:8080 of tcp 10\.0\.0\.1:80 .* port 80, never at 8080/,
    );
  });

  it('name the service and the command', () => {
    const facts = withService({ address: '2001:db8::5' });
    const [finding] = CHECKS.flatMap((check) => check(facts));
    assert.equal(finding?.service, 'tcp [2001:db8::5]:80');
    assert.equal(finding.remedy, 'ip addr add 2001:db8::5/128 dev lo');
  });
});

describe('facts', () => {
  const TRIE = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 10.9.0.0
        /24 link UNICAST
     |-- 192.0.2.1
        /32 link UNICAST
Local:
  +-- 0.0.0.0/0 3 0 5
     +-- 10.9.0.0/28 2 0 2
        |-- 10.9.0.0
           /32 link BROADCAST
        |-- 10.9.0.1
           /32 host LOCAL
           /24 host UNICAST
     |-- 127.0.0.0
        /8 host LOCAL
     |-- 172.16.0.0
        /13 host LOCAL tos 0x04
`;
  const zeros = '0'.repeat(32);
  const route = (address: string, length: string, flags: string): string =>
    `${address} ${length} ${zeros} 00 ${zeros} 00000000 00000001 00000000 ${flags}       lo\n`;
  const ROUTES =
    route('20010db8000000000000000000000001', '80', '80200001') +
    route('20010db8000100000000000000000000', '3f', '80200001') +
    route('20010db8000400000000000000000000', '40', '00000001') +
    route(zeros, '00', '00200200');
  const files = (trie = TRIE, routes = ROUTES): FakeFiles =>
    new FakeFiles({ '/proc/net/fib_trie': trie, '/proc/net/ipv6_route': routes }, 50);

  const addresses: readonly [string, boolean][] = [
    ['10.9.0.1', true],
    ['10.9.0.2', false],
    ['10.9.0.0', false],
    ['192.0.2.1', false],
    ['127.255.0.1', true],
    ['172.23.255.255', true],
    ['172.24.0.0', false],
    ['2001:db8::1', true],
    ['2001:db8::2', false],
    ['2001:db8:0:ffff::1', false],
    ['2001:db8:1:1::9', true],
    ['2001:db8:1:2::9', false],
    ['2001:db8:4::1', false],
  ];
  for (const [text, isLocal] of addresses) {
    it(`${text} is ${isLocal ? '' : 'not '}local`, async () => {
      const address = parseAddress(text);
      assert.ok(address);
      const found = await findLocal(files(), 'diagnose', [address]);
      assert.deepEqual([...found], isLocal ? [text] : []);
    });
  }

  it('of another form are an error, never a machine without addresses', async () => {
    const wanted = ['10.9.0.1', '2001:db8::1'].flatMap((text) => parseAddress(text) ?? []);
    for (const each of [files('something else\n'), files(TRIE, 'something else\n')]) {
      await assert.rejects(findLocal(each, 'diagnose', wanted), { reason: 'malformed-file' });
    }
    assert.deepEqual([...(await findLocal(files('', ''), 'diagnose', wanted))], []);
  });

  it('that can’t be read are noted and not judged; sysctls that are not there are no gap', async () => {
    const sources = {
      services: [WEB],
      missingSchedulers: [],
      unread: ['scheduler x'],
      release: '6.1.0-56-amd64',
    };
    const path = '/proc/sys/net/ipv4/ip_forward';
    const facts = await gatherFacts({ ...sources, files: new FakeFiles({ [path]: 'x\n' }) });
    assert.deepEqual(facts.kernel, { major: 6, minor: 1 });
    assert.ok(facts.unread.includes(path));
    assert.ok(facts.unread.some((each) => each.includes('fib_trie')));
    assert.deepEqual(findings(facts), ['info not-checked']);
  });
});

describe('a message about several services', () => {
  const rows: readonly [ports: readonly number[], said: string][] = [
    [[53], 'udp 10.0.0.1:53 is UDP'],
    [[53, 54], 'udp 10.0.0.1:53 and udp 10.0.0.1:54 are UDP'],
    [[53, 54, 55], 'udp 10.0.0.1:53, udp 10.0.0.1:54 and udp 10.0.0.1:55 are UDP'],
    [[1, 2, 3, 4, 5], 'udp 10.0.0.1:1, udp 10.0.0.1:2, udp 10.0.0.1:3 and 2 more are UDP'],
  ];
  for (const [ports, said] of rows) {
    it(`says that ${said}`, () => {
      const services = ports.map((port) => ({ ...WEB, ...udp, port }) as ServiceState);
      const facts = withSysctls({ 'ipv4/vs/expire_nodest_conn': 0 }, { ...GOOD, services });
      const [message, ...others] = CHECKS.flatMap((check) => check(facts)).map(
        (finding) => finding.message,
      );
      assert.deepEqual(others, []);
      assert.ok(message?.startsWith(`net.ipv4.vs.expire_nodest_conn is 0, and ${said}: `), message);
    });
  }
});

describe('diagnose', () => {
  it('refuses wrong options before it looks at anything', async () => {
    const rows: readonly [unknown, string][] = [
      [null, 'options'],
      [{ scheduler: 'rr' }, 'options.scheduler'],
      [{ schedulers: 'rr' }, 'options.schedulers'],
      [{ schedulers: ['rr', ''] }, 'options.schedulers[1]'],
      [{ schedulers: ['a b; reboot'] }, 'options.schedulers[0]'],
      [{ timeout: 0 }, 'options.timeout'],
    ];
    for (const [options, field] of rows) {
      await assert.rejects(diagnose(options as object), { field }, field);
    }
  });
});
