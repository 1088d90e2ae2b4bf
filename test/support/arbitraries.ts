/**
 * Random services and destinations of every kind, for properties. Only what every kernel with IPVS
 * and IPv6 accepts in a namespace without sync daemons: what is refused has tables of its own.
 */
import fc from 'fast-check';
import { type Family, formatAddress } from '../../lib/address.js';
import { formatKey } from '../../lib/keys.js';
import type {
  Destination,
  DestinationKey,
  Persistence,
  SchedulerFlag,
  Service,
  ServiceKey,
  Tunnel,
} from '../../lib/model.js';
import type { DesiredService } from '../../lib/reconcile/plan-model.js';
import { familyOfService } from './canonical.js';

/** The schedulers of the kernel's own tree (net/netfilter/ipvs/Kconfig). */
export const SCHEDULERS = [
  'rr',
  'wrr',
  'lc',
  'wlc',
  'lblc',
  'lblcr',
  'dh',
  'sh',
  'sed',
  'nq',
  'fo',
  'ovf',
  'mh',
] as const;

const MAX_INT = 2147483647;

/** A number that is often one of its bounds, or close to one. */
function upTo(least: number, most: number): fc.Arbitrary<number> {
  return fc.oneof(fc.integer({ min: least, max: most }), fc.constantFrom(least, most));
}

const octet = fc.integer({ min: 0, max: 255 });

/** Unicast: neither 0/8, loopback (whose broadcast address is one), multicast nor reserved. */
const ipv4 = fc
  .tuple(
    fc.integer({ min: 1, max: 223 }).filter((first) => first !== 127),
    octet,
    octet,
    octet,
  )
  .map((bytes) => bytes.join('.'));

/** Unicast: global or unique local; the kernel takes link-local addresses only of its own host. */
const ipv6 = fc
  .tuple(
    fc.oneof(fc.integer({ min: 0x20, max: 0x3f }), fc.constant(0xfd)),
    fc.uint8Array({ minLength: 15, maxLength: 15 }),
    // Runs of zeros, so that `::` stands in every place.
    fc.integer({ min: 1, max: 15 }),
    fc.integer({ min: 0, max: 15 }),
  )
  .map(([first, rest, from, length]) => {
    const bytes = Uint8Array.of(first, ...rest);
    return formatAddress('ipv6', bytes.fill(0, from, from + length));
  });

/** A unicast address of a family in its canonical text. */
export function address(family: Family): fc.Arbitrary<string> {
  return family === 'ipv4' ? ipv4 : ipv6;
}

/** Either family. */
export const family = fc.constantFrom<Family>('ipv4', 'ipv6');

/** 1..65535, few enough that keys meet. */
export const port = fc.oneof(fc.constantFrom(1, 53, 80, 443, 65535), upTo(1, 65535));

function definedOnly<Type extends object>(value: Type): Type {
  return Object.fromEntries(
    Object.entries(value).filter(([, field]) => field !== undefined),
  ) as Type;
}

function optional<Type>(arbitrary: fc.Arbitrary<Type>): fc.Arbitrary<Type | undefined> {
  return fc.option(arbitrary, { nil: undefined });
}

/** What identifies a service; port 0 is left to persistent services. */
export const serviceKey: fc.Arbitrary<ServiceKey> = fc.oneof(
  family.chain((each) =>
    fc.record({
      protocol: fc.constantFrom('tcp' as const, 'udp' as const, 'sctp' as const),
      address: address(each),
      port,
    }),
  ),
  fc.record({ fwmark: upTo(1, 0xffffffff), family }),
);

function persistence(key: ServiceKey): fc.Arbitrary<Persistence> {
  const udp = key.fwmark !== undefined || key.protocol === 'udp';
  const longest = familyOfService(key) === 'ipv4' ? 32 : 128;
  return fc
    .record({
      // Times HZ, at most 1000, it fits into 32 bits.
      timeout: upTo(1, 4294967),
      prefixLength: optional(upTo(1, longest)),
      // The one engine in the kernel's tree works on UDP.
      engine: udp ? optional(fc.constant('sip')) : fc.constant(undefined),
    })
    .map((value) => definedOnly(value) as Persistence);
}

function schedulerFlags(scheduler: string): fc.Arbitrary<SchedulerFlag[]> {
  const hashing = scheduler === 'sh' || scheduler === 'mh';
  const words: SchedulerFlag[] = hashing
    ? ['fallback', 'port', 'flag-3']
    : ['flag-1', 'flag-2', 'flag-3'];
  return fc.shuffledSubarray(words);
}

/** A service as a caller may define it; fields that have a default are there or not. */
export const service: fc.Arbitrary<Service> = fc
  .tuple(serviceKey, fc.constantFrom(...SCHEDULERS), fc.boolean())
  .chain(([key, scheduler, everyPort]) =>
    fc
      .record({
        schedulerFlags: optional(schedulerFlags(scheduler)),
        onePacket: optional(
          key.fwmark !== undefined || key.protocol === 'udp' ? fc.boolean() : fc.constant(false),
        ),
        persistence: optional(persistence(key)),
      })
      .map((rest): Service => {
        const port0 = everyPort && key.fwmark === undefined && rest.persistence !== undefined;
        const definition = definedOnly(rest) as Omit<Service, keyof ServiceKey | 'scheduler'>;
        return { ...key, ...(port0 ? { port: 0 } : {}), scheduler, ...definition } as Service;
      }),
  );

const tunnel: fc.Arbitrary<Tunnel> = fc
  .oneof(
    fc.constant({ type: 'ipip' as const }),
    fc.record({
      type: fc.constant('gue' as const),
      port,
      checksum: optional(fc.constantFrom('none' as const, 'checksum' as const, 'remote' as const)),
    }),
    fc.record({
      type: fc.constant('gre' as const),
      checksum: optional(fc.constantFrom('none' as const, 'checksum' as const)),
    }),
  )
  .map((value) => definedOnly(value) as Tunnel);

/** What identifies a destination of a service; of the service's own family. */
export function destinationKey(of: ServiceKey): fc.Arbitrary<DestinationKey> {
  const anyPort = of.fwmark !== undefined || of.port === 0;
  return fc.record({
    address: address(familyOfService(of)),
    port: anyPort ? fc.oneof(fc.constant(0), port) : port,
  });
}

/** A destination as a caller may define it in a service. */
export function destination(of: ServiceKey): fc.Arbitrary<Destination> {
  const other = familyOfService(of) === 'ipv4' ? 'ipv6' : 'ipv4';
  const forwarding = fc.constantFrom(
    'masquerade' as const,
    'direct' as const,
    'tunnel' as const,
    'local' as const,
  );
  return fc
    .tuple(destinationKey(of), forwarding, address(other), fc.boolean())
    .chain(([key, method, foreign, mixed]) =>
      fc
        .record({
          weight: optional(upTo(0, MAX_INT)),
          thresholds: fc.tuple(upTo(0, MAX_INT), upTo(0, MAX_INT)),
          limited: fc.boolean(),
          tunnel: method === 'tunnel' ? optional(tunnel) : fc.constant(undefined),
        })
        .map(({ weight, thresholds, limited, tunnel: encapsulation }): Destination => {
          const [lowerThreshold, upperThreshold] = thresholds.sort((a, b) => a - b);
          return definedOnly({
            ...key,
            // Only a tunnel leads to another family.
            ...(mixed && method === 'tunnel' ? { address: foreign } : {}),
            forwarding: method,
            weight,
            upperThreshold: limited ? upperThreshold : undefined,
            lowerThreshold: limited ? lowerThreshold : undefined,
            tunnel: encapsulation,
          });
        }),
    );
}

/** A service together with a destination of it. */
export const serviceAndDestination: fc.Arbitrary<readonly [Service, Destination]> = service.chain(
  (each) => fc.tuple(fc.constant(each), destination(each)),
);

/** States whose services and destinations are often the same ones. */
export const state: fc.Arbitrary<DesiredService[]> = fc.uniqueArray(
  service.chain((each) =>
    fc
      .uniqueArray(destination(each), { selector: formatKey, maxLength: 4 })
      .map((destinations): DesiredService => ({ ...each, destinations })),
  ),
  { selector: formatKey, maxLength: 6 },
);
