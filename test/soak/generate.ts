/** Random operations on a bounded set of keys. */
import type {
  Destination,
  DestinationKey,
  DestinationPatch,
  Service,
  ServiceKey,
  ServicePatch,
} from 'ipvs';
import type { Act, Operation } from './operations.js';
import type { Random } from './random.js';

/** The services and destinations that a writer may name. */
export interface Keys {
  readonly services: readonly ServiceKey[];
  readonly destinationsEach: number;
}

/**
 * The keys of a writer, given its number: services of every kind, none of them another writer's, and
 * addresses in their canonical text.
 */
export function keysOf(writer: number, services: number, destinationsEach: number): Keys {
  const kinds: ((index: number) => ServiceKey)[] = [
    (index) => ({ protocol: 'tcp', address: `10.1.${writer}.${index}`, port: 80 }),
    (index) => ({ protocol: 'udp', address: `10.1.${writer}.${index}`, port: 53 }),
    (index) => ({ protocol: 'tcp', address: `2001:db8:1:${writer + 1}::${index}`, port: 443 }),
    (index) => ({ fwmark: 1000 * (writer + 1) + index, family: 'ipv4' }),
  ];
  return {
    services: Array.from({ length: services }, (_, index) => {
      const kind = kinds[index % kinds.length];
      if (kind === undefined) throw new RangeError('No such kind');
      return kind(index + 1);
    }),
    destinationsEach,
  };
}

/** The keys of the destinations that a service may have. */
export function destinationsOf(keys: Keys, service: ServiceKey): DestinationKey[] {
  const ipv6 = service.address?.includes(':') === true;
  return Array.from({ length: keys.destinationsEach }, (_, index) => ({
    address: ipv6 ? `2001:db8:2::${index + 1}` : `10.2.0.${index + 1}`,
    // ipvsadm gives a destination that is not masqueraded the port of its service.
    port: service.port ?? 80,
  }));
}

/** How often each act comes. Deleted destinations burden the kernel for minutes, so these are rare. */
const SHARES: Readonly<Record<Act, number>> = {
  addService: 8,
  setService: 8,
  updateService: 8,
  ensureService: 8,
  deleteService: 1,
  getService: 4,
  listDestinations: 8,
  zero: 1,
  addDestination: 12,
  setDestination: 20,
  updateDestination: 16,
  ensureDestination: 12,
  deleteDestination: 3,
  getDestination: 8,
};

const ACTS = (Object.keys(SHARES) as Act[]).flatMap((act) =>
  Array.from({ length: SHARES[act] }, () => act),
);

/** What ipvsadm can do, too. */
export const ACTS_OF_IPVSADM = ACTS.filter((act) => !/^(?:get|list|update|ensure)/.test(act));

/** All of these are found without flags that go by another name under another scheduler. */
export const SCHEDULERS = ['rr', 'wrr', 'lc', 'wlc', 'sed'] as const;

function persistence(random: Random, key: ServiceKey) {
  const timeout = 1 + random.below(1000);
  const longest = key.address?.includes(':') === true ? 128 : 32;
  return random.once(2) ? { timeout } : { timeout, prefixLength: 1 + random.below(longest) };
}

function service(random: Random, key: ServiceKey): Service {
  return {
    ...key,
    scheduler: random.pick(SCHEDULERS),
    ...(random.once(3) ? { schedulerFlags: [random.pick(['flag-1', 'flag-2'] as const)] } : {}),
    ...(key.protocol === 'udp' && random.once(2) ? { onePacket: true } : {}),
    ...(random.once(3) ? { persistence: persistence(random, key) } : {}),
  };
}

function thresholds(random: Random) {
  return { upperThreshold: 10 + random.below(90), lowerThreshold: random.below(10) };
}

function destination(random: Random, key: DestinationKey): Destination {
  const forwarding = random.pick(['masquerade', 'direct', 'tunnel'] as const);
  const gue = forwarding === 'tunnel' && random.once(2);
  return {
    ...key,
    forwarding,
    weight: random.below(100),
    ...(random.once(2) ? thresholds(random) : {}),
    ...(gue ? { tunnel: { type: 'gue', port: 6000 + random.below(100) } } : {}),
  };
}

function servicePatch(random: Random, key: ServiceKey): ServicePatch {
  return random.pick<ServicePatch>([
    { scheduler: random.pick(SCHEDULERS) },
    { persistence: persistence(random, key) },
    { persistence: null },
  ]);
}

function destinationPatch(random: Random): DestinationPatch {
  return random.once(2) ? { weight: random.below(100) } : thresholds(random);
}

/** The next operation, which depends on `random` alone. */
export function nextOperation(random: Random, keys: Keys, acts: readonly Act[] = ACTS): Operation {
  const act = random.pick(acts);
  const key = random.pick(keys.services);
  const target = random.pick(destinationsOf(keys, key));
  switch (act) {
    case 'addService':
    case 'setService':
    case 'ensureService':
      return { act, service: service(random, key) };
    case 'updateService':
      return { act, service: key, patch: servicePatch(random, key) };
    case 'deleteService':
    case 'getService':
    case 'listDestinations':
    case 'zero':
      return { act, service: key };
    case 'addDestination':
    case 'setDestination':
    case 'ensureDestination':
      return { act, service: key, destination: destination(random, target) };
    case 'updateDestination':
      return { act, service: key, destination: target, patch: destinationPatch(random) };
    case 'deleteDestination':
    case 'getDestination':
      return { act, service: key, destination: target };
  }
}
