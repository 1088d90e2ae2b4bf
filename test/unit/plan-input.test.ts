/** What a plan is made of: its scope, and what it refuses, with the path of what is wrong. */
import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  type ApplyOptions,
  type DesiredService,
  type DesiredState,
  plan,
  type PlanOptions,
  type ServiceState,
} from '../../lib/index.js';
import { ALL, OTHER, REAL, table, WEB } from '../support/memory-table.js';

describe('the scope of a plan', () => {
  const MARK = { fwmark: 7, family: 'ipv4', scheduler: 'rr', destinations: [] } as const;
  const V6 = { ...WEB, address: '2001:db8::1', destinations: [] } as DesiredService;
  const services = table(WEB, V6, MARK);
  const CASES: readonly (readonly [PlanOptions['scope'], readonly string[]])[] = [
    ['everything', ['tcp 10.0.0.1:80', 'tcp [2001:db8::1]:80', 'fwmark 7 ipv4']],
    [['10.0.0.0/8'], ['tcp 10.0.0.1:80']],
    [['10.0.0.1'], ['tcp 10.0.0.1:80']],
    [['10.0.0.2', '10.1.0.0/16'], []],
    [['0.0.0.0/0'], ['tcp 10.0.0.1:80']],
    [['::/0'], ['tcp [2001:db8::1]:80']],
    [
      ['2001:db8::/32', 'fwmark 7 ipv4'],
      ['tcp [2001:db8::1]:80', 'fwmark 7 ipv4'],
    ],
    [['tcp 10.0.0.1:80'], ['tcp 10.0.0.1:80']],
    [['tcp 10.0.0.1:81', 'udp 10.0.0.1:80', 'fwmark 7 ipv6'], []],
    [({ fwmark }) => fwmark === 7, ['fwmark 7 ipv4']],
  ];
  for (const [scope, expected] of CASES) {
    it(typeof scope === 'function' ? 'a function' : String(scope), () => {
      const deleted = plan([], services, { scope }).filter(
        ({ action }) => action === 'delete-service',
      );
      assert.deepEqual(
        deleted.map(({ key }) => key.service),
        expected,
      );
    });
  }
});

describe('a plan refuses', () => {
  const CASES: Readonly<Record<string, readonly [unknown, unknown, unknown, string]>> = {
    'no scope': [[], [], {}, 'options.scope'],
    'a scope that is another word': [[], [], { scope: 'all' }, 'options.scope'],
    'an empty scope': [[], [], { scope: [] }, 'options.scope'],
    'a scope of no network': [[], [], { scope: ['10.0.0.0/33'] }, 'options.scope[0]'],
    'a scope of no key': [[], [], { scope: ['::/0', 'tcp 10.0.0.1'] }, 'options.scope[1]'],
    'a scope of numbers': [[], [], { scope: [7] }, 'options.scope[0]'],
    'a scope that answers later': [
      [WEB],
      [],
      { scope: async () => await Promise.resolve(true) },
      'options.scope',
    ],
    'a scope with a hole': [[], [], { scope: new Array(1) }, 'options.scope[0]'],
    'a scope of a network that is not meant': [
      [],
      [],
      { scope: ['10.9.9.9/8'] },
      'options.scope[0]',
    ],
    'a hole where a service was': [new Array(1), table(WEB), ALL, 'services[0]'],
    'a hole where a destination was': [
      [{ ...WEB, destinations: new Array(1) }],
      table(WEB),
      ALL,
      'services[0].destinations[0]',
    ],
    'another option': [[], [], { ...ALL, color: 1 }, 'options.color'],
    'another option of a drain': [[], [], { ...ALL, drain: { color: 1 } }, 'options.drain.color'],
    'a drain of no protocol': [
      [],
      [],
      { ...ALL, drain: { protocols: ['icmp'] } },
      'options.drain.protocols[0]',
    ],
    'a state that is none': [{ services: [] }, [], ALL, 'services'],
    'an actual table that is none': [[], undefined, ALL, 'actual'],
    'a service twice': [[WEB, { ...WEB, address: '::ffff:10.0.0.1' }], [], ALL, 'services[1]'],
    'a destination twice': [
      [{ ...WEB, destinations: [REAL, OTHER, REAL] }],
      [],
      ALL,
      'services[0].destinations[2]',
    ],
    'a destination twice, where it is there': [
      [{ ...WEB, destinations: [REAL, REAL] }],
      table(WEB),
      ALL,
      'services[0].destinations[1]',
    ],
    'no destinations': [[{ ...WEB, destinations: undefined }], [], ALL, 'services[0].destinations'],
    'an unknown field': [[WEB, { ...WEB, port: 81, color: 1 }], [], ALL, 'services[1].color'],
    'an unknown field of a destination that is there': [
      [{ ...WEB, destinations: [{ ...REAL, color: 1 }] }],
      table(WEB),
      ALL,
      'services[0].destinations[0].color',
    ],
    'a destination that lacks its method, where it is there': [
      [{ ...WEB, destinations: [{ address: REAL.address, port: 80 }] }],
      table(WEB),
      ALL,
      'services[0].destinations[0].forwarding',
    ],
    'a weight of no use': [
      [{ ...WEB, destinations: [{ ...REAL, weight: -1 }] }],
      [],
      ALL,
      'services[0].destinations[0].weight',
    ],
    'another family': [
      [{ ...WEB, destinations: [{ ...REAL, address: '2001:db8::1' }] }],
      [],
      ALL,
      'services[0].destinations[0].address',
    ],
  };
  for (const [title, [desired, actual, options, field]] of Object.entries(CASES)) {
    it(`${title}, and says where: ${field}`, () => {
      assert.throws(
        () => plan(desired as DesiredState, actual as ServiceState[], options as PlanOptions),
        (error: { field?: string; code?: string }) => {
          assert.equal(error.field, field);
          assert.match(error.code ?? '', /^ERR_IPVS_/);
          return true;
        },
      );
    });
  }
});

describe('a plan with the options of an apply', () => {
  const APPLY: Required<ApplyOptions> = {
    ...{ scope: ['10.0.0.0/8'], keepWeights: true, maxRemovals: 0, allowEmpty: false },
    drain: { deadline: 60_000, protocols: ['udp'], since: [], allowRefusals: true },
    ...{ shuffle: true, dryRun: true, quick: true, signal: AbortSignal.abort() },
  };

  it('heeds what is about plans, and nothing else', () => {
    const dns = { ...WEB, protocol: 'udp' } as const;
    const far = { ...WEB, address: '192.0.2.1', destinations: [] };
    const [service, web] = [
      { ...dns, destinations: [REAL, { ...OTHER, weight: 7 }] },
      { ...WEB, destinations: [REAL, OTHER] },
    ];
    const desired = [
      { ...dns, destinations: [OTHER] },
      { ...WEB, destinations: [OTHER] },
    ];
    const actions = plan(desired, table(service, web, far), APPLY).map(
      ({ action, key }) => `${action} ${key.destination} of ${key.service}`,
    );
    assert.deepEqual(actions, [
      'drain-destination 10.0.1.1:80 of udp 10.0.0.1:80',
      'delete-destination 10.0.1.1:80 of tcp 10.0.0.1:80',
    ]);
  });

  it('is refused by the compiler where such an option is written out, which is likely a mistake', () => {
    // @ts-expect-error -- a plan does not change anything in any case
    assert.deepEqual(plan([], [], { scope: 'everything', dryRun: true }), []);
  });
});
