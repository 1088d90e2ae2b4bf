import type { Namespace } from '../../support/netns.js';
import type { Figure } from '../figures.js';
import { withFresh } from '../namespaces.js';
import { withOurs } from '../ours.js';
import { ownFigures } from '../own-figures.js';
import { libnlAlone, rawAlone } from '../peers.js';
import type { Bench } from '../plan.js';
import { rounds, warmUp } from '../rounds.js';
import { sizeName } from '../table.js';

/** A thousand commands, one at a time. */
const SIZE = { services: 100, destinations: 10 };
const TIMES = SIZE.services * SIZE.destinations;

/** One call, and its answer, before the next one is made. */
export async function measureAlone(bench: Bench): Promise<Figure[]> {
  const inFresh = (alone: (ns: Namespace) => Promise<number>) => async () => await withFresh(alone);
  return await withOurs(bench, async (ours) => {
    const own = {
      ours: inFresh(
        async ({ name }) => await ours.run({ name: 'alone', size: SIZE, namespace: name }),
      ),
      floor: async () => await ours.run({ name: 'alone', size: SIZE, namespace: null }),
      'thread-pool hop': async () => await ours.run({ name: 'hop', size: SIZE, namespace: null }),
    };
    const warming = await warmUp(own);
    const runs = await rounds(bench.rounds, {
      ...own,
      'raw C': inFresh(async (ns) => await rawAlone(ns, TIMES)),
      'libnl C': inFresh(async (ns) => await libnlAlone(ns, TIMES)),
    });
    const common = { work: 'alone', size: sizeName(SIZE), unit: 'µs' } as const;
    return [
      ...(['raw C', 'libnl C', 'thread-pool hop'] as const).map((contender) => ({
        ...common,
        contender,
        runs: runs[contender],
      })),
      ...ownFigures(common, ours, ['ours', 'floor'], warming, runs),
    ];
  });
}
