/**
 * Entries that other programs wrote and that our types can't say. /proc/net/ip_vs is the witness:
 * ipvsadm has no words for most of them either.
 */
import assert from 'node:assert/strict';
import {
  type DestinationEntry,
  formatKey,
  parseDestinationKey,
  parseServiceKey,
  type Service,
  type ServiceEntry,
  type ServiceReference,
} from 'ipvs';
import { describe, it } from 'mocha';
import { inNamespace, type Namespace } from '../support/netns.js';
import { addRaw, type RawDestination, type RawService } from '../support/raw.js';

const TCP = 6;
const UDP = 17;
const PERSISTENT = 0x1;
const ONE_PACKET = 0x4;
const RAW: RawService = { family: 'ipv4', address: [10, 0, 0, 1], protocol: TCP, port: 80 };
const MAPPED = [...Array<number>(10).fill(0), 0xff, 0xff, 10, 0, 0, 1];
const WEB: Service = { protocol: 'tcp', address: '10.0.0.1', port: 80, scheduler: 'rr' };

type Uncounted = Omit<ServiceEntry, 'stats'>;

interface ForeignService {
  readonly name: string;
  readonly raw: RawService;
  /** How /proc/net/ip_vs begins its line. */
  readonly line: RegExp;
  readonly key: string;
  readonly entry: Uncounted;
}

const PLAIN = { scheduler: 'rr', schedulerFlags: [], onePacket: false } as const;
const ADDRESS = { address: '10.0.0.1', port: 80 } as const;

const SERVICES: readonly ForeignService[] = [
  {
    name: 'protocol 47',
    raw: { ...RAW, protocol: 47 },
    line: /^IP_47\s+0A000001:0050 rr/,
    key: 'protocol-47 10.0.0.1:80',
    entry: { protocol: 'protocol-47', ...ADDRESS, ...PLAIN, unsupported: ['protocol'] },
  },
  {
    name: 'port 0 without persistence',
    raw: { ...RAW, port: 0 },
    line: /^TCP {2}0A000001:0000 rr/,
    key: 'tcp 10.0.0.1:0',
    entry: { protocol: 'tcp', ...ADDRESS, port: 0, ...PLAIN, unsupported: ['port'] },
  },
  {
    name: 'one-packet scheduling of TCP',
    raw: { ...RAW, flags: ONE_PACKET },
    line: /^TCP {2}0A000001:0050 rr ops/,
    key: 'tcp 10.0.0.1:80',
    entry: { protocol: 'tcp', ...ADDRESS, ...PLAIN, onePacket: true, unsupported: ['onePacket'] },
  },
  {
    name: 'a mask that is no prefix',
    raw: { ...RAW, flags: PERSISTENT, timeout: 60, netmask: 0xff00ff00 },
    line: /^TCP {2}0A000001:0050 rr +persistent \d+ FF00FF00/,
    key: 'tcp 10.0.0.1:80',
    entry: {
      ...{ protocol: 'tcp', ...ADDRESS, ...PLAIN, persistence: { timeout: 60 } },
      unsupported: ['persistence.prefixLength'],
    },
  },
  {
    name: 'a mask of no bits',
    raw: { ...RAW, flags: PERSISTENT, timeout: 60, netmask: 0 },
    line: /^TCP {2}0A000001:0050 rr +persistent \d+ 00000000/,
    key: 'tcp 10.0.0.1:80',
    entry: {
      ...{ protocol: 'tcp', ...ADDRESS, ...PLAIN, persistence: { timeout: 60 } },
      unsupported: ['persistence.prefixLength'],
    },
  },
  {
    name: 'a persistence timeout of 0',
    raw: { ...RAW, flags: PERSISTENT },
    line: /^TCP {2}0A000001:0050 rr +persistent 0 FFFFFFFF/,
    key: 'tcp 10.0.0.1:80',
    entry: {
      ...{ protocol: 'tcp', ...ADDRESS, ...PLAIN, persistence: { timeout: 0, prefixLength: 32 } },
      unsupported: ['persistence.timeout'],
    },
  },
  {
    name: 'unknown flags',
    raw: { ...RAW, flags: 0x40000000 },
    line: /^TCP {2}0A000001:0050 rr/,
    key: 'tcp 10.0.0.1:80',
    entry: { protocol: 'tcp', ...ADDRESS, ...PLAIN, unsupported: ['flags'] },
  },
  {
    name: 'an IPv4-mapped address',
    raw: { ...RAW, family: 'ipv6', address: MAPPED, protocol: UDP },
    line: /^UDP {2}\[0000:0000:0000:0000:0000:ffff:0a00:0001\]:0050 rr/,
    key: 'udp [::ffff:10.0.0.1]:80',
    entry: {
      ...{ protocol: 'udp', address: '::ffff:10.0.0.1', family: 'ipv6', port: 80, ...PLAIN },
      unsupported: ['address'],
    },
  },
];

const SEPARATE: readonly (readonly [string, (entry: ServiceEntry) => ServiceReference])[] = [
  ['the entry that was read', (entry) => entry],
  ['the text of its key', (entry) => parseServiceKey(formatKey(entry))],
];

/** The lines of /proc/net/ip_vs behind its title. */
async function lines(ns: Namespace): Promise<string[]> {
  const [, , , ...rest] = (await ns.run('cat', '/proc/net/ip_vs')).trimEnd().split('\n');
  return rest;
}

/** An entry without what the kernel counts, which must be there. */
function uncounted(entry: ServiceEntry | DestinationEntry): object {
  const names = Object.keys(entry).filter((name) => !['stats', 'connections'].includes(name));
  assert.equal(entry.stats.connections, 0n);
  return Object.fromEntries(names.map((name) => [name, entry[name as keyof typeof entry]]));
}

function assertUnsupported(error: unknown): true {
  assert.ok(error instanceof RangeError);
  assert.equal((error as RangeError & { code?: string }).code, 'ERR_IPVS_INVALID_UNSUPPORTED');
  return true;
}

describe('services that others wrote and we can’t', () => {
  for (const { name, raw, line, key, entry } of SERVICES) {
    it(
      `${name}: is read, marked, refused as a definition, and deleted by what was read`,
      inNamespace(async (ns, ipvs) => {
        const real: RawDestination = {
          ...{ family: 'ipv4', address: [10, 0, 1, 1], port: 1, forwarding: 2 },
        };
        // Of the same address and port, to be left alone; where it is the entry's own key, another.
        const neighbour: Service = key === 'tcp 10.0.0.1:80' ? { ...WEB, port: 81 } : WEB;
        await ipvs.addService(neighbour);
        for (const [way, nameOf] of SEPARATE) {
          await addRaw(ns, raw, real);
          const found = (await ipvs.listServices()).find((each) => 'unsupported' in each);
          assert.ok(found, 'listed');
          assert.deepEqual(uncounted(found), entry);
          assert.equal(formatKey(found), key);
          assert.equal((await lines(ns)).filter((each) => line.test(each)).length, 1);
          const named = nameOf(found);
          assert.deepEqual(uncounted(await ipvs.getService(named)), entry);
          const [destination] = await ipvs.listDestinations(named);
          assert.equal(destination?.address, '10.0.1.1');
          assert.equal((await ipvs.getDestination(named, destination)).port, 1);
          await assert.rejects(ipvs.addService(found), assertUnsupported);
          await assert.rejects(ipvs.setService(found), assertUnsupported);
          await ipvs.deleteDestination(named, destination);
          await ipvs.deleteService(named);
          const left = await lines(ns);
          assert.equal(left.length, 1, `deleted by ${way}`);
          assert.match(left[0] ?? '', neighbour.port === 81 ? /:0051 rr/ : /:0050 rr/);
        }
      }),
    );
  }
});

interface ForeignDestination {
  readonly name: string;
  readonly raw: RawDestination;
  readonly key: string;
  readonly entry: Omit<DestinationEntry, 'stats' | 'connections'>;
}

const REAL = { family: 'ipv4', address: [10, 0, 1, 1], port: 8080 } as const;
const READ = { address: '10.0.1.1', port: 8080, weight: 1, upperThreshold: 0, lowerThreshold: 0 };
const TUNNEL = { ...READ, forwarding: 'tunnel', unsupported: ['tunnel'] } as const;

const DESTINATIONS: readonly ForeignDestination[] = [
  {
    name: 'forwarding 4, bypass',
    raw: { ...REAL, forwarding: 4 },
    key: '10.0.1.1:8080',
    entry: { ...READ, forwarding: 'bypass', unsupported: ['forwarding'] },
  },
  {
    name: 'forwarding 5',
    raw: { ...REAL, forwarding: 5 },
    key: '10.0.1.1:8080',
    entry: { ...READ, forwarding: 'forwarding-5', unsupported: ['forwarding'] },
  },
  {
    name: 'tunnel type 3',
    raw: { ...REAL, forwarding: 2, tunnelType: 3 },
    key: '10.0.1.1:8080',
    entry: { ...TUNNEL, tunnel: { type: 'tunnel-3', checksum: 'none' } },
  },
  {
    name: 'tunnel flags 0xffff',
    raw: { ...REAL, forwarding: 2, tunnelType: 1, tunnelPort: 6080, tunnelFlags: 0xffff },
    key: '10.0.1.1:8080',
    entry: { ...TUNNEL, tunnel: { type: 'gue', port: 6080, checksum: 'checksum-65535' } },
  },
  {
    name: 'a port of an ipip tunnel',
    raw: { ...REAL, forwarding: 2, tunnelPort: 6080 },
    key: '10.0.1.1:8080',
    entry: { ...TUNNEL, tunnel: { type: 'ipip', port: 6080 } },
  },
  {
    name: 'port 0 in a service that has one',
    raw: { ...REAL, port: 0, forwarding: 0 },
    key: '10.0.1.1:0',
    entry: { ...READ, port: 0, forwarding: 'masquerade', unsupported: ['port'] },
  },
  {
    name: 'an IPv4-mapped address',
    raw: { family: 'ipv6', address: MAPPED, port: 8080, forwarding: 2 },
    key: '[::ffff:10.0.0.1]:8080',
    entry: {
      ...{ ...READ, address: '::ffff:10.0.0.1', family: 'ipv6', forwarding: 'tunnel' },
      ...{ tunnel: { type: 'ipip' }, unsupported: ['address'] },
    },
  },
];

describe('destinations that others wrote and we can’t', () => {
  for (const { name, raw, key, entry } of DESTINATIONS) {
    it(
      `${name}: is read, marked, refused as a definition, and deleted by what was read`,
      inNamespace(async (ns, ipvs) => {
        // A neighbour of the same address as the mapped one's.
        const twin = { address: '10.0.0.1', port: 8080, forwarding: 'masquerade' } as const;
        // The kernel refuses a mapped destination that is not its own.
        await ns.run('ip', 'address', 'add', '::ffff:10.0.0.1/128', 'dev', 'lo');
        for (const byText of [false, true]) {
          await ipvs.flush();
          await addRaw(ns, RAW, raw);
          await ipvs.addDestination(WEB, twin);
          assert.equal((await lines(ns)).length, 3, 'the service and two destinations');
          const all: DestinationEntry[] = await ipvs.listDestinations(WEB);
          const found = all.find((each) => formatKey(each) === key);
          assert.ok(found, 'listed');
          assert.deepEqual(uncounted(found), entry);
          const named = byText ? parseDestinationKey(key) : found;
          assert.deepEqual(uncounted(await ipvs.getDestination(WEB, named)), entry);
          const codes = entry.unsupported ? assertUnsupported : RangeError;
          await assert.rejects(ipvs.addDestination(WEB, found), codes);
          await assert.rejects(ipvs.setDestination(WEB, found), codes);
          await ipvs.deleteDestination(WEB, named);
          await ns.assertHolds([{ service: WEB, destinations: [twin] }]);
        }
      }),
    );
  }
});
