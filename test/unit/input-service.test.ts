import { checkService } from '../../lib/input/service.js';
import { describeField, type Field, NOT_ADDRESSES, NOT_WHOLE } from '../support/fields.js';

const SERVICE = { protocol: 'tcp', address: '192.0.2.1', port: 80, scheduler: 'rr' };
const UDP = { ...SERVICE, protocol: 'udp' };
const IPV6 = { ...SERVICE, address: '2001:db8::1' };
const MARK = { fwmark: 7, family: 'ipv4', scheduler: 'rr' };
const PERSISTENCE = { timeout: 300 };

const FIELDS: readonly Field[] = [
  {
    field: 'protocol',
    code: 'ERR_IPVS_INVALID_PROTOCOL',
    base: SERVICE,
    missing: 'refused',
    takes: ['tcp', 'udp', 'sctp'],
    refuses: ['', 'TCP', 'tcp ', 'udplite', 'icmp', '6', 'protocol-6', 'protocol-47', 'toString'],
  },
  {
    field: 'address',
    code: 'ERR_IPVS_INVALID_ADDRESS',
    base: SERVICE,
    missing: 'refused',
    takes: ['192.0.2.1', '0.0.0.0', '::', '2001:DB8::1', '::ffff:192.0.2.1'],
    refuses: NOT_ADDRESSES,
  },
  {
    field: 'port',
    code: 'ERR_IPVS_INVALID_PORT',
    base: SERVICE,
    missing: 'refused',
    takes: [1, 2, 65534, 65535],
    refuses: [-1, 0, -0, 65536, 65537, 65616, ...NOT_WHOLE],
  },
  {
    field: 'fwmark',
    missing: 'elsewhere',
    code: 'ERR_IPVS_INVALID_FWMARK',
    base: MARK,
    takes: [1, 2, 65536, 2147483648, 4294967295],
    refuses: [-1, 0, -0, 4294967296, 4294967297, ...NOT_WHOLE],
  },
  {
    field: 'family',
    code: 'ERR_IPVS_INVALID_FAMILY',
    base: MARK,
    missing: 'refused',
    takes: ['ipv4', 'ipv6'],
    refuses: ['', 'IPv4', 'inet', 'inet6', '4'],
  },
  {
    field: 'scheduler',
    code: 'ERR_IPVS_INVALID_SCHEDULER',
    base: SERVICE,
    missing: 'refused',
    takes: ['rr', 'x', 'mh', 'other', 'a'.repeat(15)],
    refuses: ['', ' ', 'r r', 'rr\n', 'rr\0', 'rür', 'a'.repeat(16), 'a'.repeat(10_000)],
  },
  {
    field: 'schedulerFlags',
    code: 'ERR_IPVS_INVALID_SCHEDULER_FLAGS',
    base: SERVICE,
    takes: [[], ['flag-1'], ['flag-3', 'flag-1', 'flag-2']],
    refuses: [],
  },
  {
    field: 'schedulerFlags[0]',
    code: 'ERR_IPVS_INVALID_SCHEDULER_FLAGS',
    base: SERVICE,
    missing: 'refused',
    takes: ['flag-1'],
    refuses: ['', 'flag-0', 'flag-4', 'Fallback', 'sh-port', 'constructor'],
  },
  {
    field: 'onePacket',
    code: 'ERR_IPVS_INVALID_ONE_PACKET',
    base: UDP,
    takes: [true, false],
    refuses: [],
  },
  {
    field: 'persistence',
    code: 'ERR_IPVS_INVALID_PERSISTENCE',
    base: SERVICE,
    takes: [PERSISTENCE],
    refuses: [],
  },
  {
    field: 'persistence.timeout',
    code: 'ERR_IPVS_INVALID_TIMEOUT',
    base: SERVICE,
    missing: 'refused',
    takes: [1, 2, 4294966, 4294967],
    refuses: [-1, 0, -0, 4294968, 0xffffffff, ...NOT_WHOLE],
  },
  {
    field: 'persistence.prefixLength',
    code: 'ERR_IPVS_INVALID_PREFIX_LENGTH',
    base: { ...SERVICE, persistence: PERSISTENCE },
    takes: [1, 2, 31, 32],
    refuses: [-1, 0, -0, 33, 128, 0xffffffff, ...NOT_WHOLE],
  },
  {
    field: 'persistence.prefixLength',
    code: 'ERR_IPVS_INVALID_PREFIX_LENGTH',
    base: { ...IPV6, persistence: PERSISTENCE },
    takes: [1, 2, 33, 127, 128],
    refuses: [-1, 0, 129, ...NOT_WHOLE],
  },
  {
    field: 'persistence.engine',
    code: 'ERR_IPVS_INVALID_ENGINE',
    base: { ...SERVICE, persistence: PERSISTENCE },
    takes: ['sip', 'x', 'a'.repeat(16)],
    refuses: ['', 'si p', 'sip\0', 'söp', 'a'.repeat(17)],
  },
];

for (const field of FIELDS) {
  describeField('service', field, (argument) => checkService('service', argument));
}
