import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { checkRole, checkSyncDaemon } from '../../lib/input/daemon.js';
import { checkTimeouts } from '../../lib/input/timeouts.js';
import { describeField, type Field, NOT_ADDRESSES, NOT_WHOLE } from '../support/fields.js';
import { assertRefused } from '../support/refusals.js';

const MASTER = { role: 'master', interface: 'eth0' };
const BACKUP = { role: 'backup', interface: 'eth0' };
const MASTER6 = { ...MASTER, group: 'ff02::81' };

const FIELDS: readonly Field[] = [
  {
    field: 'role',
    code: 'ERR_IPVS_INVALID_ROLE',
    base: MASTER,
    missing: 'refused',
    takes: ['master', 'backup'],
    refuses: ['', 'Master', 'none', 'toString'],
  },
  {
    field: 'interface',
    code: 'ERR_IPVS_INVALID_INTERFACE',
    base: MASTER,
    missing: 'refused',
    takes: ['lo', 'a'.repeat(15), 'é'.repeat(7), '$%.@#-_', '...'],
    refuses: ['', 'a b', 'a\tb', 'lo\0', 'a'.repeat(16), 'é'.repeat(8)].concat(
      // The second byte of à is a blank to the kernel.
      ['.', '..', 'a/b', 'a:b', 'à', '\ud800'],
    ),
  },
  {
    field: 'syncId',
    code: 'ERR_IPVS_INVALID_SYNC_ID',
    base: MASTER,
    takes: [0, 1, 255],
    refuses: [-1, 256, 1000, 4294967295, ...NOT_WHOLE],
  },
  {
    field: 'maxLength',
    code: 'ERR_IPVS_INVALID_MAX_LENGTH',
    base: MASTER,
    takes: [1, 1023, 1472, 65507],
    refuses: [0, -1, 65508, 65536, ...NOT_WHOLE],
  },
  {
    field: 'maxLength',
    code: 'ERR_IPVS_INVALID_MAX_LENGTH',
    base: MASTER6,
    takes: [1, 65487],
    refuses: [0, 65488],
  },
  {
    field: 'maxLength',
    code: 'ERR_IPVS_INVALID_MAX_LENGTH',
    base: BACKUP,
    takes: [1024, 65507],
    refuses: [0, 1, 1023, 65508],
  },
  {
    field: 'group',
    code: 'ERR_IPVS_INVALID_GROUP',
    base: MASTER,
    takes: ['224.0.0.0', '239.255.255.255', 'ff00::', 'FF05::1:3', '::ffff:224.0.0.81'],
    refuses: [...NOT_ADDRESSES, '223.255.255.255', '240.0.0.0', 'fe80::1', '2001:db8::1'],
  },
  {
    field: 'port',
    code: 'ERR_IPVS_INVALID_PORT',
    base: MASTER,
    takes: [1, 8848, 65535],
    refuses: [0, -1, 65536, ...NOT_WHOLE],
  },
  {
    field: 'ttl',
    code: 'ERR_IPVS_INVALID_TTL',
    base: MASTER,
    takes: [1, 255],
    refuses: [0, -1, 256, ...NOT_WHOLE],
  },
];

const TIMEOUTS: readonly Field[] = ['tcp', 'tcpFin', 'udp'].map((field) => ({
  field,
  code: `ERR_IPVS_INVALID_${field === 'tcpFin' ? 'TCP_FIN' : field.toUpperCase()}`,
  base: {},
  takes: [1, 900, 2147483],
  // The kernel would take 0 for 'keep'.
  refuses: [0, -0, -1, 2147484, 4294967296, ...NOT_WHOLE],
}));

describe('a sync daemon', () => {
  for (const field of FIELDS) {
    describeField('daemon', field, (value) => checkSyncDaemon('daemon', value));
  }

  it('refuses fields that nobody knows, and takes what listDaemons gave', () => {
    assertRefused(() => checkSyncDaemon('daemon', { ...MASTER, state: 1 }), {
      error: 'TypeError',
      code: 'ERR_IPVS_UNKNOWN_FIELD',
      field: 'daemon.state',
    });
    const entry = { ...MASTER, syncId: 7, maxLength: 1472, group: '224.0.0.81', port: 1, ttl: 1 };
    const { group, ...rest } = checkSyncDaemon('daemon', entry);
    assert.deepEqual({ ...rest, group: group?.text }, entry);
  });

  it('of which another program wrote parts that cannot be written is refused by their name', () => {
    const entry = { ...MASTER, syncId: 1000, unsupported: ['syncId'] };
    assertRefused(() => checkSyncDaemon('daemon', entry), {
      error: 'RangeError',
      code: 'ERR_IPVS_INVALID_SYNC_ID',
      field: 'daemon.syncId',
    });
  });

  it('is named by its role alone', () => {
    assert.equal(checkRole('role', 'backup'), 'backup');
    for (const value of [undefined, null, 1, MASTER]) {
      assertRefused(() => checkRole('role', value), {
        error: 'TypeError',
        code: 'ERR_IPVS_INVALID_ROLE',
        field: 'role',
      });
    }
  });
});

describe('timeouts', () => {
  for (const field of TIMEOUTS) {
    describeField('timeouts', field, (value) => checkTimeouts('timeouts', value));
  }

  it('are those that are mentioned, and no others', () => {
    assert.deepEqual(checkTimeouts('timeouts', { tcp: 1, udp: undefined }), { tcp: 1 });
    assert.deepEqual(checkTimeouts('timeouts', {}), {});
    assertRefused(() => checkTimeouts('timeouts', { sctp: 1 }), {
      error: 'TypeError',
      code: 'ERR_IPVS_UNKNOWN_FIELD',
      field: 'timeouts.sctp',
    });
  });
});
