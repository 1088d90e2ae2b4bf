import assert from 'node:assert/strict';
import { type Destination, Ipvs, type IpvsErrorReason, type Service } from 'ipvs';
import { describe, it } from 'mocha';
import { rejection } from '../support/failure.js';
import { inNamespace, type Namespace, withNamespace } from '../support/netns.js';
import { writeAll } from '../support/witness.js';

const WEB: Service = { protocol: 'tcp', address: '10.0.0.1', port: 80, scheduler: 'rr' };
const MARK6: Service = { fwmark: 7, family: 'ipv6', scheduler: 'wrr' };
const SIP: Service = { protocol: 'udp', address: '2001:db8::1', port: 5060, scheduler: 'rr' };
const REAL: Destination = { address: '10.0.1.1', port: 8080, forwarding: 'masquerade' };
const REAL6: Destination = { address: '2001:db8:1::1', port: 0, forwarding: 'masquerade' };

/** The table against which every command here fails. */
const TABLE = [
  { service: WEB, destinations: [REAL] },
  { service: MARK6, destinations: [REAL6] },
];

const NO_WEB: Service = { ...WEB, port: 81 };
const NO_MARK: Service = { ...MARK6, family: 'ipv4' };
const NO_REAL: Destination = { ...REAL, port: 8081 };

const MIXED: Destination = { address: '2001:db8::9', port: 80, forwarding: 'tunnel' };

const UNKNOWN = { scheduler: 'nonesuch' };
const NO_ENGINE = { persistence: { timeout: 60, engine: 'nonesuch' } };
const SIP_ENGINE = { persistence: { timeout: 60, engine: 'sip' } };

const WEB_KEY = 'tcp 10.0.0.1:80';
const NO_WEB_KEY = 'tcp 10.0.0.1:81';
const SIP_KEY = 'udp [2001:db8::1]:5060';
const MARK_KEY = 'fwmark 7 ipv6';
const NO_MARK_KEY = 'fwmark 7 ipv4';
const REAL_KEY = '10.0.1.1:8080';
const NO_REAL_KEY = '10.0.1.1:8081';

const SYSCALLS = {
  addService: 'IPVS_CMD_NEW_SERVICE',
  setService: 'IPVS_CMD_SET_SERVICE',
  deleteService: 'IPVS_CMD_DEL_SERVICE',
  getService: 'IPVS_CMD_GET_SERVICE',
  addDestination: 'IPVS_CMD_NEW_DEST',
  setDestination: 'IPVS_CMD_SET_DEST',
  deleteDestination: 'IPVS_CMD_DEL_DEST',
  getDestination: 'IPVS_CMD_GET_DEST',
  listDestinations: 'IPVS_CMD_GET_DEST',
  zero: 'IPVS_CMD_ZERO',
  startDaemon: 'IPVS_CMD_NEW_DAEMON',
} as const;

const CODES = { ENOENT: -2, ESRCH: -3, EEXIST: -17, EINVAL: -22 } as const;

const CODE_OF: Readonly<Partial<Record<IpvsErrorReason, keyof typeof CODES>>> = {
  'service-exists': 'EEXIST',
  'service-not-found': 'ESRCH',
  'destination-exists': 'EEXIST',
  'destination-not-found': 'ENOENT',
  'unknown-scheduler': 'ENOENT',
  'unknown-engine': 'ENOENT',
  'invalid-destination': 'EINVAL',
};

/** What is wrong, the call, the reason of its error, and the keys that it names. */
type Row = readonly [
  string,
  keyof typeof SYSCALLS,
  readonly unknown[],
  IpvsErrorReason,
  string,
  string?,
];

const ROWS: readonly Row[] = [
  ['is there', 'addService', [WEB], 'service-exists', WEB_KEY],
  ['mark is there', 'addService', [MARK6], 'service-exists', MARK_KEY],
  [
    'before its unknown scheduler',
    'addService',
    [{ ...WEB, ...UNKNOWN }],
    'service-exists',
    WEB_KEY,
  ],
  ['alone', 'addService', [{ ...NO_WEB, ...UNKNOWN }], 'unknown-scheduler', NO_WEB_KEY],
  [
    ...(['with a known engine', 'addService'] as const),
    ...([[{ ...SIP, ...UNKNOWN, ...SIP_ENGINE }], 'unknown-scheduler', SIP_KEY] as const),
  ],
  ['alone', 'addService', [{ ...SIP, ...NO_ENGINE }], 'unknown-engine', SIP_KEY],
  [
    ...(['with an unknown engine', 'addService'] as const),
    ...([[{ ...SIP, ...UNKNOWN, ...NO_ENGINE }], 'unknown-scheduler', SIP_KEY] as const),
  ],
  ['by address', 'setService', [NO_WEB], 'service-not-found', NO_WEB_KEY],
  ['by mark', 'setService', [NO_MARK], 'service-not-found', NO_MARK_KEY],
  ['alone', 'setService', [{ ...WEB, ...UNKNOWN }], 'unknown-scheduler', WEB_KEY],
  ['alone', 'setService', [{ ...MARK6, ...NO_ENGINE }], 'unknown-engine', MARK_KEY],
  ['by address', 'deleteService', [NO_WEB], 'service-not-found', NO_WEB_KEY],
  ['mark of the other family', 'deleteService', [NO_MARK], 'service-not-found', NO_MARK_KEY],
  ['by address', 'getService', [NO_WEB], 'service-not-found', NO_WEB_KEY],
  ['by address', 'listDestinations', [NO_WEB], 'service-not-found', NO_WEB_KEY],
  ['by address', 'zero', [NO_WEB], 'service-not-found', NO_WEB_KEY],
  ['by mark', 'zero', [NO_MARK], 'service-not-found', NO_MARK_KEY],
  ['by address', 'addDestination', [NO_WEB, REAL], 'service-not-found', NO_WEB_KEY, REAL_KEY],
  ['is there', 'addDestination', [WEB, REAL], 'destination-exists', WEB_KEY, REAL_KEY],
  ['by address', 'setDestination', [NO_WEB, REAL], 'service-not-found', NO_WEB_KEY, REAL_KEY],
  ['by port', 'setDestination', [WEB, NO_REAL], 'destination-not-found', WEB_KEY, NO_REAL_KEY],
  ['by address', 'deleteDestination', [NO_WEB, REAL], 'service-not-found', NO_WEB_KEY, REAL_KEY],
  ['by port', 'deleteDestination', [WEB, NO_REAL], 'destination-not-found', WEB_KEY, NO_REAL_KEY],
  ['by address', 'getDestination', [NO_WEB, REAL], 'service-not-found', NO_WEB_KEY, REAL_KEY],
  ['by port', 'getDestination', [WEB, NO_REAL], 'destination-not-found', WEB_KEY, NO_REAL_KEY],
  // What packets can't be sent to.
  ...['0.0.0.0', '224.0.0.1', '255.255.255.255'].map((address): Row => {
    const call = [WEB, { ...REAL, address }];
    return [address, 'addDestination', call, 'invalid-destination', WEB_KEY, `${address}:8080`];
  }),
  ...['::', 'ff02::1', 'fe80::1'].map((address): Row => {
    const call = [MARK6, { ...REAL, address }];
    return [address, 'addDestination', call, 'invalid-destination', MARK_KEY, `[${address}]:8080`];
  }),
];

async function assertRow(ns: Namespace, ipvs: Ipvs, row: Row): Promise<void> {
  const [, method, args, reason, service, destination] = row;
  await writeAll(ipvs, TABLE);
  const call = ipvs[method].bind(ipvs) as (...all: readonly unknown[]) => Promise<unknown>;
  const code = CODE_OF[reason];
  assert.ok(code);
  assert.deepEqual(await rejection(call(...args)), {
    ...{ code, errno: CODES[code], syscall: SYSCALLS[method], reason },
    ...{ outcome: 'not-applied', service, ...(destination === undefined ? {} : { destination }) },
  });
  await ns.assertHolds(TABLE, 'a refused command left a trace');
}

describe('a command that the kernel refuses says why and leaves no trace', () => {
  for (const row of ROWS) {
    const [what, method, , reason] = row;
    it(
      `${method}: ${reason}, ${what}`,
      inNamespace(async (ns, ipvs) => {
        await assertRow(ns, ipvs, row);
      }),
    );
  }

  it('addDestination before lo was ever up: EINVAL, invalid-destination', async () => {
    await withNamespace(async (ns) => {
      const ipvs = await ns.open();
      await ipvs.addService(WEB);
      assert.deepEqual(await rejection(ipvs.addDestination(WEB, REAL)), {
        ...{
          code: 'EINVAL',
          errno: -22,
          syscall: SYSCALLS.addDestination,
          reason: 'invalid-destination',
        },
        ...{ outcome: 'not-applied', service: WEB_KEY, destination: REAL_KEY },
      });
      await ns.assertHolds([{ service: WEB, destinations: [] }]);
    }, 'down');
  });

  it(
    'a destination of the other family while a sync daemon runs: EINVAL, invalid-destination',
    inNamespace(async (ns, ipvs) => {
      await writeAll(ipvs, TABLE);
      await ns.ipvsadm('--start-daemon', 'backup', '--mcast-interface', 'lo');
      // Before the kernel looks whether it is there.
      for (const method of ['addDestination', 'setDestination'] as const) {
        assert.deepEqual(await rejection(ipvs[method](WEB, MIXED)), {
          ...{ code: 'EINVAL', errno: CODES.EINVAL, syscall: SYSCALLS[method] },
          ...{ reason: 'invalid-destination', outcome: 'not-applied' },
          ...{ service: WEB_KEY, destination: '[2001:db8::9]:80' },
        });
      }
      await ns.assertHolds(TABLE);
      await ns.ipvsadm('--stop-daemon', 'backup');
    }),
  );

  it(
    'a sync daemon while a destination is of the other family: EINVAL, invalid-daemon',
    inNamespace(async (ns, ipvs) => {
      const table = [{ service: WEB, destinations: [REAL, MIXED] }];
      await writeAll(ipvs, table);
      for (const role of ['master', 'backup'] as const) {
        assert.deepEqual(await rejection(ipvs.startDaemon({ role, interface: 'lo' })), {
          ...{ code: 'EINVAL', errno: CODES.EINVAL, syscall: SYSCALLS.startDaemon },
          ...{ reason: 'invalid-daemon', outcome: 'not-applied' },
        });
      }
      assert.deepEqual(await ipvs.listDaemons(), []);
      await ns.assertHolds(table);
      await ipvs.deleteDestination(WEB, MIXED);
      await ipvs.startDaemon({ role: 'backup', interface: 'lo' });
      await ipvs.stopDaemon('backup');
    }),
  );

  it(
    'IPv6 that is switched off by sysctl hinders no command',
    inNamespace(async (ns, ipvs) => {
      const script = 'echo 1 | tee /proc/sys/net/ipv6/conf/*/disable_ipv6';
      await ns.run('sh', '-c', script);
      await writeAll(ipvs, TABLE);
      await ns.assertHolds(TABLE);
    }),
  );

  it(
    'an error has no field about which it has nothing to say',
    inNamespace(async (_ns, ipvs) => {
      const error: unknown = await ipvs.deleteService(WEB).catch((reason: unknown) => reason);
      assert.ok(error instanceof Error);
      assert.equal('service' in error, true);
      assert.equal('destination' in error, false);
    }),
  );
});
