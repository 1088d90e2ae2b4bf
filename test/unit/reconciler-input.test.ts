/** What a `Reconciler` refuses, each with the path of what is wrong. */
import assert from 'node:assert/strict';
import { type DesiredState, type Ipvs, Reconciler, type ReconcilerOptions } from 'ipvs';
import { describe, it } from 'mocha';
import { clientOver, FakeDoor } from '../support/door.js';
import { rejection } from '../support/failure.js';
import { assertRefused, type Refusal, refusal, show, wrongTypes } from '../support/refusals.js';

const SCOPE = { scope: ['10.0.0.0/8'] };
const DAY = 86_400_000;

type Row = readonly [value: unknown, error: Refusal['error'], field: string, code?: string];

const UNKNOWN = 'ERR_IPVS_UNKNOWN_FIELD';

const OPTIONS: readonly Row[] = [
  [undefined, 'TypeError', 'options'],
  [{}, 'TypeError', 'options.scope'],
  [{ ...SCOPE, maxRemovals: 2 }, 'RangeError', 'options.maxRemovals'],
  [{ ...SCOPE, drain: { deadline: 0 } }, 'RangeError', 'options.drain.deadline'],
  [{ ...SCOPE, dryRun: true }, 'TypeError', 'options.dryRun', UNKNOWN],
  [{ ...SCOPE, quick: true }, 'TypeError', 'options.quick', UNKNOWN],
  [{ ...SCOPE, delay: -1 }, 'RangeError', 'options.delay'],
  [{ ...SCOPE, delay: 60_001 }, 'RangeError', 'options.delay'],
  [{ ...SCOPE, maxDelay: 600_001 }, 'RangeError', 'options.maxDelay'],
  [{ ...SCOPE, resync: 999 }, 'RangeError', 'options.resync'],
  [{ ...SCOPE, resync: DAY + 1 }, 'RangeError', 'options.resync'],
  [{ ...SCOPE, resync: true }, 'RangeError', 'options.resync'],
  [{ ...SCOPE, fullCheckEvery: 0 }, 'RangeError', 'options.fullCheckEvery'],
  [{ ...SCOPE, fullCheckEvery: 1001 }, 'RangeError', 'options.fullCheckEvery'],
  [{ ...SCOPE, fullCheckEvery: 1.5 }, 'RangeError', 'options.fullCheckEvery'],
  [{ ...SCOPE, drainInterval: 9 }, 'RangeError', 'options.drainInterval'],
  [{ ...SCOPE, drainInterval: 3_600_001 }, 'RangeError', 'options.drainInterval'],
  [{ ...SCOPE, backoff: { min: 0 } }, 'RangeError', 'options.backoff.min'],
  [{ ...SCOPE, backoff: { max: DAY + 1 } }, 'RangeError', 'options.backoff.max'],
  [{ ...SCOPE, backoff: { min: 2, max: 1 } }, 'RangeError', 'options.backoff.max'],
  [{ ...SCOPE, backoff: { factor: 3 } }, 'TypeError', 'options.backoff.factor', UNKNOWN],
];

function create(options: unknown, ipvs = clientOver(new FakeDoor())): Reconciler {
  return new Reconciler(ipvs, options as ReconcilerOptions);
}

describe('what a reconciler refuses', () => {
  for (const [value, error, field, code] of OPTIONS) {
    it(`options ${show(value)}`, () => {
      assertRefused(() => create(value), refusal(error, field, code));
    });
  }

  it('options of another type than theirs', () => {
    const numbers = { delay: 1, maxDelay: 1, fullCheckEvery: 1, drainInterval: 10 };
    for (const [name, valid] of Object.entries({ ...numbers, backoff: {}, keepWeights: true })) {
      for (const [what, wrong] of wrongTypes(valid)) {
        const options = { ...SCOPE, [name]: wrong };
        assertRefused(() => create(options), refusal('TypeError', `options.${name}`), what);
      }
    }
  });

  it('what is no client', () => {
    for (const wrong of [null, {}, 'ipvs', clientOver]) {
      assertRefused(() => create(SCOPE, wrong as Ipvs), refusal('TypeError', 'ipvs'), show(wrong));
    }
  });

  it('desired states, at once and with a path, and keeps to the one before', async () => {
    const door = new FakeDoor();
    const reconciler = create(SCOPE, clientOver(door));
    const wrong = [
      { protocol: 'tcp', address: '11.0.0.1', port: 80, scheduler: 'rr', destinations: [] },
    ];
    const set = (state: unknown) => () => {
      reconciler.setDesired(state as DesiredState);
    };
    assertRefused(set(wrong), refusal('RangeError', 'services[0]'));
    assertRefused(set([]), refusal('RangeError', 'services'));
    assertRefused(set({}), refusal('TypeError', 'services'));
    const early = await rejection(reconciler.reconcile());
    assert.deepEqual(early, {
      ...{ reason: 'nothing-desired', code: 'ERR_IPVS_NOTHING_DESIRED', outcome: 'not-applied' },
    });
    await reconciler.stop();
    assert.deepEqual(door.events, []);
  });

  it('to drain at its end without the option drain', async () => {
    const reconciler = create(SCOPE);
    await assert.rejects(reconciler.stop({ drain: true }), { field: 'options.drain' });
    await reconciler.stop();
    assert.throws(
      () => {
        reconciler.setDesired([]);
      },
      { reason: 'closed' },
    );
  });
});
