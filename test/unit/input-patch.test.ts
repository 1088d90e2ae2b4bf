import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type {
  DestinationEntry,
  DestinationPatch,
  ServiceEntry,
  ServicePatch,
} from '../../lib/index.js';
import {
  checkDestinationPatch,
  checkServicePatch,
  mergeDestination,
  mergeService,
  unwritableDestination,
  unwritableService,
} from '../../lib/input/patch.js';
import { checkServiceReference } from '../../lib/input/service.js';
import { statisticsOf } from '../support/statistics.js';
import { assertRefused } from '../support/refusals.js';

const stats = statisticsOf([1n, 2n, 3n, 4n, 5n], [1, 2, 3, 4, 5]);
const connections = { active: 1, inactive: 2, persistent: 3 };

/** Entries with every optional field set. */
const SERVICE: ServiceEntry = {
  protocol: 'udp',
  address: '192.0.2.1',
  port: 53,
  scheduler: 'sh',
  schedulerFlags: ['fallback', 'port', 'flag-3'],
  onePacket: true,
  persistence: { timeout: 300, prefixLength: 24, engine: 'sip' },
  stats,
};
const DESTINATION: DestinationEntry = {
  address: '192.0.2.2',
  port: 53,
  forwarding: 'tunnel',
  weight: 7,
  upperThreshold: 90,
  lowerThreshold: 60,
  tunnel: { type: 'gue', port: 6080, checksum: 'remote' },
  connections,
  stats,
};

/** The service after a patch, as far as it is definition. */
function service(patch: ServicePatch, entry: ServiceEntry = SERVICE): object {
  const { key: _, ...rest } = mergeService('patch', entry, checkServicePatch('patch', patch));
  return rest;
}

/** The destination after a patch, as far as it is definition. */
function destination(patch: DestinationPatch, entry: DestinationEntry = DESTINATION): object {
  const key = checkServiceReference('service', SERVICE);
  const checked = checkDestinationPatch('patch', patch);
  const { key: _, ...rest } = mergeDestination('patch', entry, checked, key);
  return rest;
}

const WHOLE_SERVICE = {
  scheduler: 'sh',
  schedulerFlags: ['fallback', 'port', 'flag-3'],
  onePacket: true,
  persistence: { timeout: 300, prefixLength: 24, engine: 'sip' },
};
const WHOLE_DESTINATION = {
  forwarding: 'tunnel',
  weight: 7,
  upperThreshold: 90,
  lowerThreshold: 60,
  tunnel: { type: 'gue', port: 6080, checksum: 'remote' },
};
const NO_TUNNEL = { type: 'ipip', port: 0, checksum: 'none' };

describe('a patch of a service with every optional field set', () => {
  const rows: readonly [string, ServicePatch, object][] = [
    ['nothing', {}, {}],
    ['undefined', { scheduler: undefined, schedulerFlags: undefined, persistence: undefined }, {}],
    ['onePacket', { onePacket: false }, { onePacket: false }],
    ['onePacket: null', { onePacket: null }, { onePacket: false }],
    ['flags', { schedulerFlags: ['port'] }, { schedulerFlags: ['port'] }],
    ['flags: null', { schedulerFlags: null }, { schedulerFlags: [] }],
    [
      'the scheduler, under which the flags have other names',
      { scheduler: 'rr' },
      { scheduler: 'rr', schedulerFlags: ['flag-1', 'flag-2', 'flag-3'] },
    ],
    [
      'the scheduler, with flags',
      { scheduler: 'mh', schedulerFlags: [] },
      { scheduler: 'mh', schedulerFlags: [] },
    ],
    [
      'one field of persistence',
      { persistence: { timeout: 1 } },
      { persistence: { timeout: 1, prefixLength: 24, engine: 'sip' } },
    ],
    [
      'persistence with null and undefined inside',
      { persistence: { timeout: undefined, prefixLength: null, engine: null } },
      { persistence: { timeout: 300, prefixLength: 32, engine: '' } },
    ],
    ['persistence: null', { persistence: null }, { persistence: undefined }],
  ];
  for (const [what, patch, change] of rows) {
    it(`keeps all that it does not mention: ${what}`, () => {
      assert.deepEqual(service(patch), { ...WHOLE_SERVICE, ...change });
    });
  }

  it('gives flags of other schedulers their names under sh and mh', () => {
    const entry = { ...SERVICE, scheduler: 'wrr', schedulerFlags: ['flag-2'] } as const;
    assert.deepEqual(service({ scheduler: 'mh' }, entry), {
      ...WHOLE_SERVICE,
      scheduler: 'mh',
      schedulerFlags: ['port'],
    });
  });

  it('adds persistence where there is none, which takes a timeout', () => {
    const { persistence: _, ...entry } = SERVICE;
    assert.deepEqual(service({ persistence: { timeout: 5 } }, entry), {
      ...WHOLE_SERVICE,
      persistence: { timeout: 5, prefixLength: 32, engine: '' },
    });
    assertRefused(() => service({ persistence: { engine: 'sip' } }, entry), {
      error: 'TypeError',
      code: 'ERR_IPVS_INVALID_TIMEOUT',
      field: 'patch.persistence.timeout',
    });
  });

  it('that leaves port 0 without persistence is refused', () => {
    assertRefused(() => service({ persistence: null }, { ...SERVICE, port: 0 }), {
      error: 'RangeError',
      code: 'ERR_IPVS_INVALID_PERSISTENCE',
      field: 'patch.persistence',
    });
  });
});

describe('a patch of a destination with every optional field set', () => {
  const rows: readonly [string, DestinationPatch, object][] = [
    ['nothing', {}, {}],
    ['undefined', { weight: undefined, tunnel: undefined }, {}],
    ['weight 0', { weight: 0 }, { weight: 0 }],
    ['weight: null', { weight: null }, { weight: 1 }],
    ['the upper threshold', { upperThreshold: 60 }, { upperThreshold: 60 }],
    [
      'both thresholds: null',
      { upperThreshold: null, lowerThreshold: null },
      { upperThreshold: 0, lowerThreshold: 0 },
    ],
    [
      'the tunnel’s port',
      { tunnel: { port: 1 } },
      { tunnel: { ...WHOLE_DESTINATION.tunnel, port: 1 } },
    ],
    [
      'the tunnel’s checksum: null',
      { tunnel: { checksum: null } },
      { tunnel: { ...WHOLE_DESTINATION.tunnel, checksum: 'none' } },
    ],
    ['the tunnel: null', { tunnel: null }, { tunnel: NO_TUNNEL }],
    ['the tunnel’s type, which has neither', { tunnel: { type: 'ipip' } }, { tunnel: NO_TUNNEL }],
    [
      'the tunnel’s type, with a checksum that it has',
      { tunnel: { type: 'gre', checksum: 'checksum' } },
      { tunnel: { type: 'gre', port: 0, checksum: 'checksum' } },
    ],
    [
      'forwarding, which has no tunnel',
      { forwarding: 'direct' },
      { forwarding: 'direct', tunnel: NO_TUNNEL },
    ],
  ];
  for (const [what, patch, change] of rows) {
    it(`keeps all that it does not mention: ${what}`, () => {
      assert.deepEqual(destination(patch), { ...WHOLE_DESTINATION, ...change });
    });
  }

  const refused: readonly [string, DestinationPatch, string][] = [
    ['a threshold below the other', { upperThreshold: 59 }, 'patch.lowerThreshold'],
    ['a checksum that the new type lacks', { tunnel: { type: 'gre' } }, 'patch.tunnel.checksum'],
    ['a port for a type without one', { tunnel: { type: 'ipip', port: 1 } }, 'patch.tunnel.port'],
    ['gue without its port', { tunnel: { port: null } }, 'patch.tunnel.port'],
    [
      'a tunnel for another method',
      { forwarding: 'direct', tunnel: { type: 'ipip' } },
      'patch.tunnel',
    ],
  ];
  for (const [what, patch, field] of refused) {
    it(`that would make no sense is refused: ${what}`, () => {
      assert.throws(() => destination(patch), { field });
    });
  }

  it('gives a tunnel to one that has none', () => {
    const { tunnel: _, ...entry } = { ...DESTINATION, forwarding: 'masquerade' as const };
    assert.deepEqual(destination({ forwarding: 'tunnel' }, entry), {
      ...WHOLE_DESTINATION,
      tunnel: NO_TUNNEL,
    });
    assert.deepEqual(
      destination({ forwarding: 'tunnel', tunnel: { type: 'gue', port: 9 } }, entry),
      { ...WHOLE_DESTINATION, tunnel: { type: 'gue', port: 9, checksum: 'none' } },
    );
  });
});

describe('a patch is refused by itself, before anything is read', () => {
  const services: readonly [unknown, string][] = [
    [undefined, 'patch'],
    [null, 'patch'],
    [[], 'patch'],
    [{ port: 1 }, 'patch.port'],
    [{ stats }, 'patch.stats'],
    [{ scheduler: null }, 'patch.scheduler'],
    [{ scheduler: '' }, 'patch.scheduler'],
    [{ schedulerFlags: 'fallback' }, 'patch.schedulerFlags'],
    [{ schedulerFlags: ['flag-4'] }, 'patch.schedulerFlags[0]'],
    [{ onePacket: 1 }, 'patch.onePacket'],
    [{ persistence: 300 }, 'patch.persistence'],
    [{ persistence: { timeout: null } }, 'patch.persistence.timeout'],
    [{ persistence: { timeout: 0 } }, 'patch.persistence.timeout'],
    [{ persistence: { prefixLength: 129 } }, 'patch.persistence.prefixLength'],
    [{ persistence: { engine: '' } }, 'patch.persistence.engine'],
    [{ persistence: { netmask: 24 } }, 'patch.persistence.netmask'],
  ];
  const destinations: readonly [unknown, string][] = [
    [undefined, 'patch'],
    [{ address: '192.0.2.3' }, 'patch.address'],
    [{ forwarding: null }, 'patch.forwarding'],
    [{ forwarding: 'bypass' }, 'patch.forwarding'],
    [{ weight: -1 }, 'patch.weight'],
    [{ weight: 2147483648 }, 'patch.weight'],
    [{ upperThreshold: '1' }, 'patch.upperThreshold'],
    [{ lowerThreshold: 0.5 }, 'patch.lowerThreshold'],
    [{ tunnel: 'gue' }, 'patch.tunnel'],
    [{ tunnel: { type: null } }, 'patch.tunnel.type'],
    [{ tunnel: { type: 'vxlan' } }, 'patch.tunnel.type'],
    [{ tunnel: { port: 0 } }, 'patch.tunnel.port'],
    [{ tunnel: { checksum: 'all' } }, 'patch.tunnel.checksum'],
  ];
  const tables = [
    ['service', services, checkServicePatch],
    ['destination', destinations, checkDestinationPatch],
  ] as const;
  for (const [kind, rows, check] of tables) {
    it(`${kind}: ${rows.length} wrong patches, each by its field`, () => {
      for (const [patch, field] of rows) {
        assert.throws(() => check('patch', patch), { field }, field);
      }
    });
  }

  it('is a copy: what the caller changes afterwards is no matter', () => {
    const patch = { tunnel: { port: 1 }, weight: 1 };
    const copy = checkDestinationPatch('patch', patch);
    patch.tunnel.port = 2;
    patch.weight = 2;
    assert.deepEqual(copy, { tunnel: { port: 1 }, weight: 1 });
    const flags = ['fallback'];
    const checked = checkServicePatch('patch', { schedulerFlags: flags });
    flags.push('port');
    assert.deepEqual(checked, { schedulerFlags: ['fallback'] });
  });
});

describe('what another program wrote stays unwritable under a patch', () => {
  const rows: readonly [string, readonly string[], object, readonly string[]][] = [
    ['nor what is inside it', ['persistence.prefixLength'], { persistence: null }, []],
    ['nor one field of it', ['persistence.prefixLength'], { persistence: { prefixLength: 8 } }, []],
    [
      'but the rest of it',
      ['persistence.timeout'],
      { persistence: { prefixLength: 8 } },
      ['persistence.timeout'],
    ],
    ['that can only mention the definition', ['protocol', 'flags'], {}, ['protocol', 'flags']],
    ['nor port 0, which depends on persistence', ['port'], {}, []],
  ];
  for (const [what, unsupported, patch, left] of rows) {
    it(what, () => {
      assert.deepEqual(unwritableService({ ...SERVICE, unsupported }, patch as never), left);
    });
  }

  const both = ['forwarding', 'tunnel'];
  const destinations: readonly [string, readonly string[], object, readonly string[]][] = [
    ['that does not mention it', both, { weight: 1 }, both],
    ['but not what it replaces', both, { tunnel: null }, ['forwarding']],
    ['nor a tunnel of another type', both, { tunnel: { type: 'gre' } }, ['forwarding']],
    [
      'but a tunnel of which it changes the port alone',
      ['tunnel'],
      { tunnel: { port: 1 } },
      ['tunnel'],
    ],
    ['nor a tunnel that goes with its forwarding method', both, { forwarding: 'direct' }, []],
    ['but one that stays', both, { forwarding: 'tunnel' }, ['tunnel']],
    ['and port 0, which no patch replaces', ['port'], { weight: 1 }, ['port']],
  ];
  for (const [what, unsupported, patch, left] of destinations) {
    it(`${what}, as a destination`, () => {
      assert.deepEqual(
        unwritableDestination({ ...DESTINATION, unsupported }, patch as never),
        left,
      );
    });
  }
});
