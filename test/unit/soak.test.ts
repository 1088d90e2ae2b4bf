/** The parts of the soak that judge: what they expect, and what they do not forgive. */
import assert from 'node:assert/strict';
import type { Destination, Service } from 'ipvs';
import { describe, it } from 'mocha';
import { canonicalDestination, canonicalService } from '../support/canonical.js';
import { canonicalAddress } from '../support/witness.js';
import { ACTS_OF_IPVSADM, destinationsOf, nextOperation } from '../soak/generate.js';
import { argumentsOf } from '../soak/ipvsadm.js';
import { isPossible, isTable } from '../soak/judge.js';
import { CONTESTED, everybodysKeys, ownKeys } from '../soak/layout.js';
import { growthOf } from '../soak/measure.js';
import { Model } from '../soak/model.js';
import type { Operation, Result } from '../soak/operations.js';
import { Random } from '../soak/random.js';

const KEY = { protocol: 'tcp', address: '10.1.0.1', port: 80 } as const;
const WEB: Service = { ...KEY, scheduler: 'rr' };
const TARGET = { address: '10.2.0.1', port: 80 } as const;
const REAL: Destination = { ...TARGET, forwarding: 'masquerade', weight: 3 };
const DONE: Result = { value: undefined };

function refused(reason: string): Result {
  return { reason, outcome: 'not-applied' } as Result;
}

/** A model after these operations, and what the last one gave. */
function after(...operations: Operation[]): { model: Model; result: Result | undefined } {
  const model = new Model();
  return { model, result: operations.map((each) => model.apply(each)).at(-1) };
}

const ADDED: Operation = { act: 'addService', service: WEB };
const ADDED_REAL: Operation = { act: 'addDestination', service: KEY, destination: REAL };
const BOTH = [ADDED, ADDED_REAL];

describe('the model of the soak', () => {
  const CASES: [string, Operation[], Operation, Result][] = [
    ['adds a service', [], ADDED, DONE],
    ['does not add it twice', [ADDED], ADDED, refused('service-exists')],
    ['sets one', [ADDED], { act: 'setService', service: WEB }, DONE],
    ['sets none', [], { act: 'setService', service: WEB }, refused('service-not-found')],
    ['ensures a new one', [], { act: 'ensureService', service: WEB }, { value: 'added' }],
    ['ensures an old one', [ADDED], { act: 'ensureService', service: WEB }, { value: 'set' }],
    ['zeroes one', [ADDED], { act: 'zero', service: KEY }, DONE],
    ['zeroes none', [], { act: 'zero', service: KEY }, refused('service-not-found')],
    ['deletes one', [ADDED], { act: 'deleteService', service: KEY }, DONE],
    ['deletes none', [], { act: 'deleteService', service: KEY }, refused('service-not-found')],
    [
      'reads one with its defaults',
      [ADDED],
      { act: 'getService', service: KEY },
      { value: { ...WEB, schedulerFlags: [], onePacket: false } },
    ],
    ['reads none', [], { act: 'getService', service: KEY }, refused('service-not-found')],
    ['lists no destinations', [ADDED], { act: 'listDestinations', service: KEY }, { value: [] }],
    [
      'lists those of no service',
      [],
      { act: 'listDestinations', service: KEY },
      refused('service-not-found'),
    ],
    ['adds a destination', [ADDED], ADDED_REAL, DONE],
    ['adds none to no service', [], ADDED_REAL, refused('service-not-found')],
    ['does not add it twice', BOTH, ADDED_REAL, refused('destination-exists')],
    ['sets one', BOTH, { act: 'setDestination', service: KEY, destination: REAL }, DONE],
    [
      'sets none',
      [ADDED],
      { act: 'setDestination', service: KEY, destination: REAL },
      refused('destination-not-found'),
    ],
    [
      'ensures a new one',
      [ADDED],
      { act: 'ensureDestination', service: KEY, destination: REAL },
      { value: 'added' },
    ],
    [
      'ensures an old one',
      BOTH,
      { act: 'ensureDestination', service: KEY, destination: REAL },
      { value: 'set' },
    ],
    ['deletes one', BOTH, { act: 'deleteDestination', service: KEY, destination: TARGET }, DONE],
    [
      'deletes none',
      [ADDED],
      { act: 'deleteDestination', service: KEY, destination: TARGET },
      refused('destination-not-found'),
    ],
    [
      'deletes them with their service',
      [...BOTH, { act: 'deleteService', service: KEY }, ADDED],
      { act: 'getDestination', service: KEY, destination: TARGET },
      refused('destination-not-found'),
    ],
    [
      'reads one with its defaults',
      BOTH,
      { act: 'getDestination', service: KEY, destination: TARGET },
      { value: { ...REAL, upperThreshold: 0, lowerThreshold: 0 } },
    ],
  ];
  for (const [title, before, operation, expected] of CASES) {
    it(`${operation.act}: ${title}`, () => {
      assert.deepEqual(after(...before, operation).result, expected);
    });
  }

  it('a patch keeps what it does not mention', () => {
    const persistent: Service = { ...WEB, persistence: { timeout: 5, prefixLength: 24 } };
    const update = (patch: object): Operation => ({ act: 'updateService', service: KEY, patch });
    const read: Operation = { act: 'getService', service: KEY };
    const service = (patch: object) => {
      const { model } = after({ act: 'addService', service: persistent }, update(patch));
      return model.apply(read);
    };
    assert.deepEqual(service({ scheduler: 'lc' }), {
      value: canonicalService({ ...persistent, scheduler: 'lc' }),
    });
    assert.deepEqual(service({ persistence: { timeout: 6 } }), {
      value: canonicalService({ ...persistent, persistence: { timeout: 6, prefixLength: 24 } }),
    });
    assert.deepEqual(service({ persistence: null }), { value: canonicalService(WEB) });
    const { result } = after(
      ...BOTH,
      { act: 'updateDestination', service: KEY, destination: TARGET, patch: { weight: 9 } },
      { act: 'getDestination', service: KEY, destination: TARGET },
    );
    assert.deepEqual(result, { value: canonicalDestination({ ...REAL, weight: 9 }) });
  });

  it('holds what was acknowledged, destinations in their order', () => {
    const other = { ...REAL, address: '10.2.0.2' };
    const add = (destination: Destination): Operation => {
      return { act: 'addDestination', service: KEY, destination };
    };
    const { model } = after(ADDED, add(other), add(REAL), add(REAL));
    assert.deepEqual(model.entries(), [{ service: WEB, destinations: [REAL, other] }]);
  });
});

describe('the operations of the soak', () => {
  const sequence = (seed: number) => {
    const random = Random.of(seed, 'writer 0');
    return Array.from({ length: 500 }, () => nextOperation(random, ownKeys(0)));
  };

  it('are the same for the same seed, and others for another', () => {
    assert.deepEqual(sequence(7), sequence(7));
    assert.notDeepEqual(sequence(7), sequence(8));
    assert.notEqual(Random.of(7, 'a').below(2 ** 32), Random.of(7, 'b').below(2 ** 32));
  });

  it('are of every kind, succeed and fail', () => {
    const model = new Model();
    const seen = new Map<string, Set<boolean>>();
    for (const operation of sequence(7).concat(sequence(8), sequence(9), sequence(10))) {
      const { act } = operation;
      seen.set(act, (seen.get(act) ?? new Set()).add('value' in model.apply(operation)));
    }
    assert.equal(seen.size, 14);
    const always = [...seen].filter(([, ends]) => ends.size < 2).map(([act]) => act);
    assert.deepEqual(always, ['ensureService']);
  });

  it('are about addresses as they are read back', () => {
    for (const keys of [0, 1].flatMap(everybodysKeys)) {
      const targets = keys.services.flatMap((key) => destinationsOf(keys, key));
      for (const { address = '::' } of [...keys.services, ...targets]) {
        assert.equal(address, canonicalAddress(address));
      }
    }
  });

  it('are about keys of the writer alone', () => {
    const names = [0, 1].flatMap(everybodysKeys).flatMap(({ services }) => services);
    const contested = CONTESTED.services.length;
    // The contested ones are the same in both namespaces.
    assert.equal(new Set(names.map((key) => JSON.stringify(key))).size, names.length - contested);
  });

  it('are numbers that spread evenly', () => {
    const random = new Random(1);
    const numbers = Array.from({ length: 10_000 }, () => random.below(10));
    for (let number = 0; number < 10; number += 1) {
      const count = numbers.filter((each) => each === number).length;
      assert.ok(count > 800 && count < 1200, `${number}: ${count}`);
    }
  });

  it('are said in ipvsadm’s words', () => {
    const words = (operation: Operation): string => argumentsOf(operation).join(' ');
    const udp: Service = {
      ...{ protocol: 'udp', address: '2001:db8::1', port: 53, scheduler: 'wlc' },
      ...{ schedulerFlags: ['flag-1'], onePacket: true },
      persistence: { timeout: 9, prefixLength: 64 },
    };
    assert.equal(
      words({ act: 'addService', service: udp }),
      '-A -u [2001:db8::1]:53 -s wlc -b flag-1 -o -p 9 -M 64',
    );
    const masked: Service = { ...WEB, persistence: { timeout: 9, prefixLength: 20 } };
    assert.equal(
      words({ act: 'setService', service: masked }),
      '-E -t 10.1.0.1:80 -s rr -p 9 -M 255.255.240.0',
    );
    const mark = { fwmark: 7, family: 'ipv4' } as const;
    assert.equal(words({ act: 'deleteService', service: mark }), '-D -f 7');
    const tunnel: Destination = {
      ...{ ...TARGET, forwarding: 'tunnel', upperThreshold: 9, lowerThreshold: 1 },
      tunnel: { type: 'gue', port: 6080 },
    };
    assert.equal(
      words({ act: 'setDestination', service: mark, destination: tunnel }),
      '-e -f 7 -r 10.2.0.1:80 -i -w 1 -x 9 -y 1 --tun-type gue --tun-port 6080',
    );
    assert.equal(
      words({ act: 'deleteDestination', service: KEY, destination: TARGET }),
      '-d -t 10.1.0.1:80 -r 10.2.0.1:80',
    );
    assert.throws(() => argumentsOf({ act: 'getService', service: KEY }), RangeError);
    const random = new Random(1);
    for (let count = 0; count < 500; count += 1) {
      argumentsOf(nextOperation(random, CONTESTED, ACTS_OF_IPVSADM));
    }
  });
});

describe('the judge of contested keys', () => {
  const [service] = CONTESTED.services;
  assert.ok(service?.fwmark === undefined && service !== undefined);
  const [target, second] = destinationsOf(CONTESTED, service);
  assert.ok(target !== undefined && second !== undefined);
  const entry = canonicalService({ ...service, scheduler: 'rr' });
  const real = canonicalDestination({ ...target, forwarding: 'direct', weight: 4 });
  const other = canonicalDestination({ ...second, forwarding: 'direct', weight: 4 });
  const get: Operation = { act: 'getService', service };
  const list: Operation = { act: 'listDestinations', service };
  const add: Operation = { act: 'addDestination', service, destination: real as Destination };

  const POSSIBLE: [Operation, Result][] = [
    [get, { value: entry }],
    [get, refused('service-not-found')],
    [list, { value: [real, other] }],
    [list, { value: [] }],
    [add, DONE],
    [add, refused('destination-exists')],
    [add, refused('service-not-found')],
    [{ act: 'ensureService', service: entry as Service }, { value: 'set' }],
  ];
  for (const [operation, result] of POSSIBLE) {
    it(`takes ${JSON.stringify(result)} for ${operation.act}`, () => {
      assert.ok(isPossible(CONTESTED, operation, result));
    });
  }

  const IMPOSSIBLE: [Operation, Result][] = [
    [get, { value: undefined }],
    [get, { value: { ...entry, scheduler: 'dh' } }],
    [get, { value: { ...entry, port: 81 } }],
    [get, { value: { ...entry, unsupported: [] } }],
    [get, refused('ipvs-unavailable')],
    [get, { reason: 'service-not-found', outcome: 'unknown' }],
    [get, { unexpected: 'TypeError: no' }],
    [list, { value: [real, real] }],
    [list, { value: [other, real] }],
    [list, { value: [{ ...real, weight: 100 }] }],
    [list, { value: [{ ...real, address: '10.2.0.4' }] }],
    [add, { value: 'added' }],
    [add, refused('other')],
    [{ act: 'deleteService', service }, refused('destination-not-found')],
  ];
  for (const [operation, result] of IMPOSSIBLE) {
    it(`does not take ${JSON.stringify(result)} for ${operation.act}`, () => {
      assert.ok(!isPossible(CONTESTED, operation, result));
    });
  }

  it('knows a whole table, and what does not belong into it', () => {
    const row = { ...(entry as Service), destinations: [real as Destination] };
    assert.ok(isTable(everybodysKeys(0), []));
    assert.ok(isTable(everybodysKeys(0), [row]));
    assert.ok(!isTable(everybodysKeys(0), [row, row]), 'twice');
    assert.ok(!isTable([ownKeys(0)], [row]), 'nobody’s');
    const [own] = ownKeys(0).services;
    assert.ok(own !== undefined);
    const mine = canonicalService({ ...own, scheduler: 'rr' }) as Service;
    assert.ok(isTable(everybodysKeys(0), [mine, row]));
    assert.ok(!isTable(everybodysKeys(0), [row, mine]), 'out of order');
    assert.ok(!isTable(everybodysKeys(1), [mine]), 'of the other namespace');
  });
});

describe('the measure of growth', () => {
  it('passes over warming up, and noise', () => {
    assert.equal(growthOf([1, 5, 9, 10, 10, 10, 10, 10, 10]), 0);
    assert.equal(growthOf([10, 10, 10, 10, 90, 10, 10, 10, 70]), 0);
  });

  it('sees what goes on growing', () => {
    assert.equal(growthOf([1, 2, 3, 4, 5, 6, 7, 8, 9]), 3);
    assert.equal(growthOf([1, 2, 3, 4, 5, 6]), 2);
    assert.throws(() => growthOf([1, 2]), RangeError);
  });
});
