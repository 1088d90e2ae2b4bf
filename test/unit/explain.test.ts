import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { describe, it } from 'mocha';
import type { IpvsErrorReason } from '../../lib/errors.js';
import { commandError, jobError, openError, unknownModuleError } from '../../lib/failures.js';
import { checkDestinationReference } from '../../lib/input/destination.js';
import { checkServiceReference } from '../../lib/input/service.js';
import type { CommandName, StageName } from '../../lib/native/layout.js';

const SERVICE = 'tcp 192.0.2.1:80';
const DESTINATION = '[2001:db8::2]:8080';
const service = checkServiceReference('service', {
  protocol: 'tcp',
  address: '192.0.2.1',
  port: 80,
});
const destination = checkDestinationReference('destination', {
  address: '2001:db8::2',
  port: 8080,
});

/** What shows that a message says what to do, after what it was about. */
const ADVICE =
  /: .*\b(Add|Change|Check|Load|[Rr]un|Open|Install|Try|Retry|Free|Give|Use|Enable|Read|Mount|read the table|Please report|must|shows those)\b/;

/** command, errno, stage → code, reason, outcome */
type Row = readonly [
  CommandName,
  string,
  StageName,
  string,
  IpvsErrorReason,
  'not-applied' | 'unknown',
];

const ROWS: readonly Row[] = [
  ['IPVS_CMD_NEW_SERVICE', 'EEXIST', 'kernel', 'EEXIST', 'service-exists', 'not-applied'],
  [
    'IPVS_CMD_NEW_SERVICE',
    'EAFNOSUPPORT',
    'kernel',
    'EAFNOSUPPORT',
    'unsupported-family',
    'not-applied',
  ],
  [
    'IPVS_CMD_NEW_SERVICE',
    'ENOPROTOOPT',
    'kernel',
    'ENOPROTOOPT',
    'ipvs-unavailable',
    'not-applied',
  ],
  ['IPVS_CMD_NEW_SERVICE', 'ENOMEM', 'kernel', 'ENOMEM', 'out-of-memory', 'not-applied'],
  ['IPVS_CMD_SET_SERVICE', 'ESRCH', 'kernel', 'ESRCH', 'service-not-found', 'not-applied'],
  [
    'IPVS_CMD_SET_SERVICE',
    'EAFNOSUPPORT',
    'kernel',
    'EAFNOSUPPORT',
    'unsupported-family',
    'not-applied',
  ],
  ['IPVS_CMD_DEL_SERVICE', 'ESRCH', 'kernel', 'ESRCH', 'service-not-found', 'not-applied'],
  ['IPVS_CMD_GET_SERVICE', 'ESRCH', 'kernel', 'ESRCH', 'service-not-found', 'not-applied'],
  ['IPVS_CMD_NEW_DEST', 'ESRCH', 'kernel', 'ESRCH', 'service-not-found', 'not-applied'],
  ['IPVS_CMD_NEW_DEST', 'EEXIST', 'kernel', 'EEXIST', 'destination-exists', 'not-applied'],
  ['IPVS_CMD_NEW_DEST', 'EINVAL', 'kernel', 'EINVAL', 'invalid-destination', 'not-applied'],
  [
    'IPVS_CMD_NEW_DEST',
    'EAFNOSUPPORT',
    'kernel',
    'EAFNOSUPPORT',
    'unsupported-family',
    'not-applied',
  ],
  ['IPVS_CMD_SET_DEST', 'ESRCH', 'kernel', 'ESRCH', 'service-not-found', 'not-applied'],
  ['IPVS_CMD_SET_DEST', 'ENOENT', 'kernel', 'ENOENT', 'destination-not-found', 'not-applied'],
  ['IPVS_CMD_SET_DEST', 'EINVAL', 'kernel', 'EINVAL', 'invalid-destination', 'not-applied'],
  ['IPVS_CMD_DEL_DEST', 'ESRCH', 'kernel', 'ESRCH', 'service-not-found', 'not-applied'],
  ['IPVS_CMD_DEL_DEST', 'ENOENT', 'kernel', 'ENOENT', 'destination-not-found', 'not-applied'],
  ['IPVS_CMD_GET_DEST', 'ESRCH', 'kernel', 'ESRCH', 'service-not-found', 'not-applied'],
  ['IPVS_CMD_GET_DEST', 'ENOENT', 'kernel', 'ENOENT', 'destination-not-found', 'not-applied'],
  ['IPVS_CMD_NEW_SERVICE', 'EPERM', 'kernel', 'EPERM', 'permission-denied', 'not-applied'],
  ['IPVS_CMD_FLUSH', 'EPERM', 'kernel', 'EPERM', 'permission-denied', 'not-applied'],
  ['IPVS_CMD_GET_INFO', 'EPERM', 'kernel', 'EPERM', 'permission-denied', 'not-applied'],
  ['IPVS_CMD_FLUSH', 'EIO', 'kernel', 'EIO', 'other', 'not-applied'],
  // The same errno is another matter in another place.
  ['IPVS_CMD_SET_DEST', 'ENOENT', 'family', 'ENOENT', 'ipvs-unavailable', 'not-applied'],
  ['IPVS_CMD_SET_DEST', 'ENOENT', 'namespaceFile', 'ENOENT', 'namespace-not-found', 'not-applied'],
  ['IPVS_CMD_NEW_DEST', 'EINVAL', 'send', 'EINVAL', 'other', 'not-applied'],
  ['IPVS_CMD_NEW_DEST', 'ENOBUFS', 'send', 'ENOBUFS', 'out-of-memory', 'not-applied'],
  ['IPVS_CMD_NEW_DEST', 'ENOMEM', 'send', 'ENOMEM', 'out-of-memory', 'not-applied'],
  ['IPVS_CMD_NEW_DEST', 'ETIMEDOUT', 'receive', 'ERR_IPVS_TIMEOUT', 'timeout', 'unknown'],
  ['IPVS_CMD_NEW_DEST', 'ENOBUFS', 'receive', 'ENOBUFS', 'other', 'unknown'],
  // A read changes nothing, whatever became of its answer.
  ['IPVS_CMD_GET_DEST', 'ETIMEDOUT', 'receive', 'ERR_IPVS_TIMEOUT', 'timeout', 'not-applied'],
  ['IPVS_CMD_GET_SERVICE', 'ENOBUFS', 'receive', 'ENOBUFS', 'other', 'not-applied'],
  [
    'IPVS_CMD_NEW_DEST',
    'EBADMSG',
    'reply',
    'ERR_IPVS_MALFORMED_REPLY',
    'malformed-reply',
    'unknown',
  ],
];

const numberOf = (name: string): number =>
  (constants.errno as Readonly<Record<string, number>>)[name] ?? NaN;

describe('a failed command', () => {
  for (const [command, name, stage, code, reason, outcome] of ROWS) {
    const errno = numberOf(name);

    it(`${command}, ${name} from ${stage}: ${code}, ${reason}, ${outcome}`, () => {
      const subject = { method: 'doIt', service, destination };
      const error = commandError(subject, command, { errno, stage });
      const own = code.startsWith('ERR_IPVS_');
      assert.deepEqual(
        [error.code, error.reason, error.outcome, error.errno, error.syscall],
        [code, reason, outcome, own ? undefined : -errno, command],
      );
      assert.deepEqual([error.service, error.destination], [SERVICE, DESTINATION]);
      assert.ok(error.message.startsWith(`doIt ${DESTINATION} of ${SERVICE}: `), error.message);
      assert.ok(error.message.endsWith(`(${error.code})`), error.message);
    });

    if (reason !== 'other') {
      it(`${command}, ${name} from ${stage}: the message says what to do`, () => {
        const error = commandError({ method: 'doIt', service }, command, { errno, stage });
        assert.match(error.message, ADVICE);
        assert.ok(error.message.startsWith(`doIt ${SERVICE}: `), error.message);
      });
    }
  }

  it('that adds what is there names what changes it, and what does either', () => {
    const { EEXIST: errno } = constants.errno;
    for (const [command, thing] of [
      ['IPVS_CMD_NEW_SERVICE', 'Service'],
      ['IPVS_CMD_NEW_DEST', 'Destination'],
    ] as const) {
      const { message } = commandError({ method: 'add' }, command, { errno, stage: 'kernel' });
      for (const verb of ['set', 'update', 'ensure']) assert.ok(message.includes(verb + thing));
    }
  });

  it('of no service in particular names the method alone', () => {
    const error = commandError({ method: 'flush' }, 'IPVS_CMD_FLUSH', {
      errno: 1,
      stage: 'kernel',
    });
    assert.match(error.message, /^flush: CAP_NET_ADMIN/);
    assert.deepEqual([error.service, error.destination], [undefined, undefined]);
  });

  it('has a code for every errno there is, also one that nobody knows', () => {
    for (let errno = 1; errno < 200; errno += 1) {
      const error = commandError({ method: 'flush' }, 'IPVS_CMD_FLUSH', { errno, stage: 'kernel' });
      assert.equal(error.errno, -errno);
      assert.match(error.code, /^(E[A-Z0-9]+|ERRNO_\d+)$/);
    }
  });

  it('calls errno 11 EAGAIN, as Node does', () => {
    const error = commandError({ method: 'flush' }, 'IPVS_CMD_FLUSH', {
      errno: 11,
      stage: 'kernel',
    });
    assert.equal(error.code, 'EAGAIN');
  });
});

describe('a client that cannot be opened', () => {
  const PATH = '/somewhere/blue';
  const rows: readonly [string, StageName, IpvsErrorReason, string][] = [
    ['ENOENT', 'family', 'ipvs-unavailable', 'CTRL_CMD_GETFAMILY'],
    ['ENOMEM', 'family', 'out-of-memory', 'CTRL_CMD_GETFAMILY'],
    ['EPROTONOSUPPORT', 'socket', 'ipvs-unavailable', 'socket'],
    ['EAFNOSUPPORT', 'socket', 'ipvs-unavailable', 'socket'],
    ['EPERM', 'socket', 'permission-denied', 'socket'],
    ['ENOENT', 'namespaceFile', 'namespace-not-found', 'open'],
    ['ESRCH', 'namespaceFile', 'namespace-not-found', 'open'],
    ['EACCES', 'namespaceFile', 'permission-denied', 'open'],
    ['EINVAL', 'namespace', 'not-a-namespace', 'setns'],
    ['EPERM', 'namespace', 'permission-denied', 'setns'],
  ];
  for (const [name, stage, reason, syscall] of rows) {
    it(`${name} from ${stage}: ${reason}, with the path and what to do`, () => {
      const error = openError(PATH, { errno: numberOf(name), stage });
      assert.deepEqual(
        [error.code, error.reason, error.errno, error.outcome],
        [name, reason, -numberOf(name), 'not-applied'],
      );
      assert.equal(error.syscall, syscall);
      assert.ok(error.message.startsWith(`open in network namespace ${PATH}: `), error.message);
      assert.match(error.message, ADVICE);
    });
  }

  it('in a namespace that is not there says where to look: the name, the process, /proc', () => {
    const told = (path: string | null): string => {
      const error = openError(path, { errno: 2, stage: 'namespaceFile' });
      assert.deepEqual([error.reason, error.syscall], ['namespace-not-found', 'open']);
      assert.match(error.message, ADVICE);
      return error.message;
    };
    assert.match(told('/var/run/netns/blue'), /'ip netns list'/);
    assert.match(
      told('/proc/77/ns/net'),
      /^open in .*\/proc\/77\/ns\/net: there is no such process/,
    );
    assert.match(told(null), /^open: .*'mount -t proc proc \/proc'/);
  });

  it('in its own namespace names no path', () => {
    assert.match(openError(null, { errno: 2, stage: 'family' }).message, /^open: .*modprobe ip_vs/);
  });

  it('tells a missing right to enter a namespace from a missing right to use IPVS', () => {
    const enter = openError(PATH, { errno: 1, stage: 'namespace' }).message;
    const use = commandError({ method: 'open' }, 'IPVS_CMD_GET_INFO', {
      errno: 1,
      stage: 'kernel',
    });
    assert.match(enter, /CAP_SYS_ADMIN/);
    assert.match(use.message, /CAP_NET_ADMIN/);
  });
});

describe('a scheduler or engine that the kernel lacks', () => {
  const outcome = { errno: 2, stage: 'kernel' } as const;
  const names = { scheduler: 'xyz', engine: 'abc' };
  for (const [missing, reason, pattern] of [
    ['scheduler', 'unknown-scheduler', /'xyz' \(module ip_vs_xyz\)/],
    ['engine', 'unknown-engine', /'abc' \(module ip_vs_pe_abc\)/],
    ['either', 'unknown-scheduler-or-engine', /'xyz'.*'abc'/],
  ] as const) {
    it(`${reason}: names what is missing, the service and what to do`, () => {
      const subject = { method: 'addService', service };
      const error = unknownModuleError(subject, 'IPVS_CMD_NEW_SERVICE', outcome, missing, names);
      assert.deepEqual([error.reason, error.code, error.errno], [reason, 'ENOENT', -2]);
      assert.equal(error.service, SERVICE);
      assert.ok(error.message.startsWith(`addService ${SERVICE}: `), error.message);
      assert.match(error.message, pattern);
      assert.match(error.message, ADVICE);
    });
  }
});

describe('a job that failed in this process', () => {
  it('names the subject, and that the outcome is unknown', () => {
    const cause = new Error('std::bad_alloc');
    const subject = { method: 'deleteDestination', service, destination };
    const error = jobError(subject, 'IPVS_CMD_DEL_DEST', cause);
    assert.deepEqual(
      [error.code, error.reason, error.outcome],
      ['ERR_IPVS_JOB_FAILED', 'out-of-memory', 'unknown'],
    );
    assert.equal(error.cause, cause);
    assert.deepEqual([error.service, error.destination], [SERVICE, DESTINATION]);
    assert.ok(
      error.message.startsWith(`deleteDestination ${DESTINATION} of ${SERVICE}: `),
      error.message,
    );
  });
});
