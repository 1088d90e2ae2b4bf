/**
 * What kube-proxy's IPVS mode was tested for, as desired states and what the kernel's table is then, by ipvsadm's word:
 * the cases of pkg/proxy/ipvs/proxier_test.go (Kubernetes 1.28), under their names. What these derive from Services and
 * EndpointSlices is given; the whole table is compared every time.
 */
import assert from 'node:assert/strict';
import type { ApplyOptions } from 'ipvs';
import { describe, it } from 'mocha';
import { ALL, becomes, desire, type Row, rules, saved } from '../support/derived.js';
import { inNamespace } from '../support/netns.js';
import { words } from '../support/reconciling.js';

const [A, B, C, D] = ['10.180.0.1:80', '10.180.1.1:80', '10.0.1.3:80', '10.0.1.4:80'];
const A6 = '[1002:ab8::2:10]:80';
const DAY = { persistence: { timeout: 10_800 } } as const;

/** The states of each case, one after the other. */
const CASES: readonly (readonly [name: string, ...states: (readonly Row[])[]])[] = [
  [
    '1 TestNodePortIPv4',
    [
      ['tcp 10.20.30.41:80', [A]],
      ['tcp 100.101.102.103:3001', [A]],
    ],
  ],
  [
    '2 TestNodePortIPv4, 1 UDP service with node port',
    [
      ['udp 10.20.30.41:80', [A]],
      ['udp 100.101.102.103:3001', [A]],
    ],
  ],
  [
    '3 TestNodePortIPv4, service has no endpoints',
    [
      ['tcp 10.20.30.41:80', []],
      ['tcp 100.101.102.103:3001', []],
    ],
  ],
  [
    '4 TestNodePortIPv4, node port service with protocol sctp on a node with multiple nodeIPs',
    [
      ['sctp 10.20.30.41:80', [A]],
      ['sctp 100.101.102.103:3001', [A]],
      ['sctp 100.101.102.104:3001', [A]],
      ['sctp 100.101.102.105:3001', [A]],
    ],
  ],
  [
    '5 TestNodePortIPv4, node port service with protocol sctp and externalTrafficPolicy local',
    [
      ['sctp 10.20.30.41:80', [A, B]],
      ['sctp 100.101.102.103:3001', [A]],
    ],
  ],
  [
    '6 TestNodePortIPv6',
    [
      ['tcp [2020::1]:80', [A6]],
      ['tcp [2001:db8::1:1]:3001', [A6]],
    ],
    [
      ['tcp [2020::1]:80', []],
      ['tcp [2001:db8::1:1]:3001', []],
    ],
    [
      ['sctp [2020::1]:80', ['[2001::1]:80']],
      ['sctp [2001:db8::1:1]:3001', ['[2001::1]:80']],
      ['sctp [2001:db8::1:2]:3001', ['[2001::1]:80']],
    ],
  ],
  [
    '7 TestIPv4Proxier and TestIPv6Proxier, both families in one table',
    [
      ['tcp 10.20.30.41:80', [A]],
      ['tcp [1002:ab8::2:1]:8080', ['[1009:ab8::5:6]:8080']],
    ],
    [
      ['tcp 10.20.30.41:80', []],
      ['tcp [2001::1]:80', []],
    ],
  ],
  [
    '8 TestOnlyLocalExternalIPs',
    [
      ['tcp 10.20.30.41:80', [A, B]],
      ['tcp 50.60.70.81:80', [A]],
      ['tcp 127.0.0.1:80', [A]],
      ['tcp [2012::51]:80', []],
    ],
  ],
  [
    '9 TestExternalIPsNoEndpoint, and TestExternalIPs with endpoints of its own protocol',
    [
      ['tcp 10.20.30.41:80', []],
      ['tcp 50.60.70.81:80', []],
    ],
    [
      ['tcp 10.20.30.41:80', [A]],
      ['tcp 50.60.70.81:80', [A]],
    ],
  ],
  [
    '10 TestOnlyLocalLoadBalancing, and TestLoadBalancer with endpoints of its own protocol',
    [
      ['tcp 10.20.30.41:80', [A, B]],
      ['tcp 1.2.3.4:80', [A]],
    ],
    [
      ['tcp 10.20.30.41:80', [A]],
      ['tcp 1.2.3.4:80', [A]],
      ['tcp 100.101.102.103:3001', [A]],
    ],
  ],
  [
    '11 TestOnlyLocalNodePorts',
    [
      ['tcp 10.20.30.41:80', [A, B]],
      ['tcp 100.101.102.103:3001', [A]],
    ],
  ],
  [
    '12 TestLoadBalancerIngressRouteTypeProxy',
    [['tcp 10.20.30.41:80', [A]]],
    [
      ['tcp 10.20.30.42:80', [A]],
      ['tcp 1.2.3.5:80', [A]],
    ],
    [
      ['tcp 10.20.30.43:80', [A]],
      ['tcp 1.2.3.6:80', [A]],
    ],
  ],
  [
    '13 TestSessionAffinity',
    [
      ['tcp 10.20.30.41:80', [], DAY],
      ['tcp 50.60.70.81:80', [], DAY],
      ['tcp 100.101.102.103:3001', [], DAY],
    ],
  ],
  ['19 TestEndpointSliceE2E', [['tcp 172.20.1.1:80', [A, B, C]]], [['tcp 172.20.1.1:80', []]]],
  [
    '20 TestTestInternalTrafficPolicyE2E',
    [['tcp 172.20.1.1:80', [A, B, C]]],
    [['tcp 172.20.1.1:80', [A]]],
    [['tcp 172.20.1.1:80', []]],
  ],
  ...[
    '21 Test_EndpointSliceReadyAndTerminating',
    '22 Test_EndpointSliceOnlyReadyAndTerminating',
  ].map(
    (name, only) =>
      [
        name,
        [
          ['tcp 172.20.1.1:80', [A, B, D]],
          ['tcp 1.2.3.4:80', [A, B, D]],
        ],
        [
          ['tcp 172.20.1.1:80', only === 0 ? [A, B, D] : [D]],
          ['tcp 1.2.3.4:80', [A, B]],
        ],
        [
          ['tcp 172.20.1.1:80', []],
          ['tcp 1.2.3.4:80', []],
        ],
      ] as const,
  ),
];

describe('cases of kube-proxy', () => {
  for (const [name, ...states] of CASES) {
    it(
      name,
      inNamespace(async (ns, ipvs) => {
        for (const rows of states) await becomes(ns, ipvs, rows);
      }),
    );
  }

  for (const [name, before, after, changes] of [
    ['0 TCP, nothing changes', ['tcp 1.2.3.4:80', []], ['tcp 1.2.3.4:80', []], []],
    [
      '1 TCP, its flags change',
      ['tcp 1.2.3.4:8080', []],
      ['tcp 1.2.3.4:8080', [], DAY],
      ['edit-service tcp 1.2.3.4:8080'],
    ],
    [
      '2 TCP, its scheduler changes',
      ['tcp 1.2.3.4:8080', []],
      ['tcp 1.2.3.4:8080', [], { scheduler: 'wlc' }],
      ['edit-service tcp 1.2.3.4:8080'],
    ],
    ['3 UDP, it is new', null, ['udp 1.2.3.4:53', []], ['add-service udp 1.2.3.4:53']],
    ['4 SCTP, nothing changes', ['sctp 1.2.3.4:80', []], ['sctp 1.2.3.4:80', []], []],
    [
      '5 SCTP, its flags change',
      ['sctp 1.2.3.4:8080', []],
      ['sctp 1.2.3.4:8080', [], DAY],
      ['edit-service sctp 1.2.3.4:8080'],
    ],
    [
      '6 SCTP, its scheduler changes',
      ['sctp 1.2.3.4:8080', []],
      ['sctp 1.2.3.4:8080', [], { scheduler: 'wlc' }],
      ['edit-service sctp 1.2.3.4:8080'],
    ],
    ['7 SCTP, it is new', null, ['sctp 1.2.3.4:53', []], ['add-service sctp 1.2.3.4:53']],
    ['8 SCTP, it is there', ['sctp 1.2.3.4:53', []], ['sctp 1.2.3.4:53', []], []],
  ] as const satisfies readonly (readonly [string, Row | null, Row, readonly string[]])[]) {
    it(
      `14 Test_syncService, ${name}`,
      inNamespace(async (ns, ipvs) => {
        if (before !== null) await ns.restore(rules([before]));
        assert.deepEqual(await becomes(ns, ipvs, [after]), changes);
      }),
    );
  }

  for (const [name, active, leftovers, excluded] of [
    [
      '15 TestCleanLegacyService',
      ['udp 1.1.1.1:53', 'udp 2.2.2.2:54'],
      ['udp 5.5.5.5:57', 'udp 6.6.6.6:58'],
      ['udp 3.3.3.3:55', 'udp 4.4.4.4:56'],
    ],
    [
      '16 TestCleanLegacyService6',
      ['udp [1000::1]:53', 'udp [1000::2]:54'],
      ['udp [5000::1]:57', 'udp [1000::6]:58'],
      ['udp [3000::1]:55', 'udp [4000::1]:56'],
    ],
  ] as const) {
    it(
      name,
      inNamespace(async (ns, ipvs) => {
        const rows = (keys: readonly string[]): Row[] => keys.map((key) => [key, []]);
        await ns.restore(rules(rows([...active, ...leftovers, ...excluded])));
        // All but 3.3.3.0/24, 4.4.4.0/24, 3000::/64 and 4000::/64.
        const scope: ApplyOptions['scope'] = ({ address = '' }) =>
          !/^[34]\.|^[34]000:/.test(address);
        const { applied } = await ipvs.apply(desire(rows(active)), { ...ALL, scope });
        assert.deepEqual(
          applied.map(words).sort(),
          leftovers.map((key) => `delete-service ${key}`).sort(),
        );
        assert.deepEqual(await saved(ns), rules(rows([...active, ...excluded])));
      }),
    );
  }

  it(
    '17 TestCleanLegacyServiceWithRealServers',
    inNamespace(async (ns, ipvs) => {
      const stays: Row = ['udp 3.3.3.3:54', []];
      const reals = ['10.180.0.1:53'];
      await ns.restore(rules([['udp 1.1.1.1:53', reals], ['udp 2.2.2.2:54', []], stays]));
      await becomes(ns, ipvs, [stays]);
    }),
  );

  it(
    '17 TestCleanLegacyServiceWithRealServersExcludeCIDRs, also after a drain',
    inNamespace(async (ns, ipvs) => {
      const theirs = [
        '-A -u 4.4.4.4:56 -s rr',
        '-a -u 4.4.4.4:56 -r 10.10.10.10:56 -m -w 0',
        '-a -u 4.4.4.4:56 -r 11.11.11.11:56 -m -w 0',
      ];
      await ns.restore([...theirs, '-A -u 5.5.5.5:57 -s rr']);
      const scope: ApplyOptions['scope'] = ({ address }) => address !== '4.4.4.4';
      const drain = { deadline: 1, protocols: ['udp'] } as const;
      for (let round = 0; round < 3; round += 1) await ipvs.apply([], { ...ALL, scope, drain });
      assert.deepEqual(await saved(ns), theirs.sort());
    }),
  );

  it(
    '18 TestMultiPortServiceBindAddr',
    inNamespace(async (ns, ipvs) => {
      const [one, two, three]: Row[] = [
        ['tcp 172.16.55.4:1234', []],
        ['tcp 172.16.55.4:1235', []],
        ['udp 172.16.55.4:1236', []],
      ];
      assert.ok(one !== undefined && two !== undefined && three !== undefined);
      for (const rows of [[one, two], [one], [one, two, three], []]) await becomes(ns, ipvs, rows);
    }),
  );

  it(
    'Test_syncEndpoint_updateWeightsOnRestart, with the endpoint that it lacks',
    inNamespace(async (ns, ipvs) => {
      await ns.restore([
        '-A -t 10.20.30.41:80 -s rr',
        '-a -t 10.20.30.41:80 -r 10.180.0.1:80 -m -w 0',
      ]);
      const changes = await becomes(ns, ipvs, [['tcp 10.20.30.41:80', [A]]]);
      assert.deepEqual(changes, ['edit-destination 10.180.0.1:80']);
    }),
  );
});
