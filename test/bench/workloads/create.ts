import type { Namespace } from '../../support/netns.js';
import type { Figure } from '../figures.js';
import { withFresh } from '../namespaces.js';
import { withOurs } from '../ours.js';
import { ownFigures } from '../own-figures.js';
import { ipvsadmRestore, libnlCreate, rawCreate, rawList, writeRules } from '../peers.js';
import type { Bench } from '../plan.js';
import { type Run, rounds, warm, warmUp } from '../rounds.js';
import { type Size, sizeName } from '../table.js';

const COMMON = { work: 'create', unit: 'ms' } as const;
const BASELINE: Size = { services: 1000, destinations: 10 };

/** What shows whether a run is void (targets.ts), for one that leaves out the creating. */
export async function measureBaseline(bench: Bench): Promise<Figure[]> {
  const { batch } = bench.limit;
  const runs = await rounds(bench.rounds, {
    'raw C': async () => await withFresh(async (ns) => await rawCreate(ns, BASELINE, batch)),
    'libnl C': async () => await withFresh(async (ns) => await libnlCreate(ns, BASELINE)),
  });
  return (['raw C', 'libnl C'] as const).map((contender) => ({
    ...COMMON,
    size: sizeName(BASELINE),
    contender,
    runs: runs[contender],
  }));
}

/** Making the table. Whoever made it, the raw loop looks afterwards whether it is all there. */
export async function measureCreate(bench: Bench, size: Size): Promise<Figure[]> {
  const { batch, reading } = bench.limit;
  await writeRules(size);
  const inFresh =
    (create: (ns: Namespace) => Promise<number>): Run =>
    async () =>
      await withFresh(async (ns) => {
        const took = await create(ns);
        await rawList(ns, size, reading);
        return took;
      });
  return await withOurs(bench, async (ours) => {
    const own = {
      ours: inFresh(async ({ name }) => await ours.run({ name: 'create', size, namespace: name })),
      floor: async () => await ours.run({ name: 'create', size, namespace: null }),
    };
    const warming = await warmUp(own);
    const runs = await rounds(bench.rounds, {
      ours: warm(own.ours),
      floor: warm(own.floor),
      'raw C': inFresh(async (ns) => await rawCreate(ns, size, batch)),
      'libnl C': inFresh(async (ns) => await libnlCreate(ns, size)),
      ipvsadm: inFresh(async (ns) => await ipvsadmRestore(ns, size)),
    });
    const common = { ...COMMON, size: sizeName(size) };
    return [
      { ...common, contender: 'raw C', runs: runs['raw C'], note: `${batch} a send, one ACK` },
      { ...common, contender: 'libnl C', runs: runs['libnl C'], note: 'one ACK each' },
      { ...common, contender: 'ipvsadm', runs: runs.ipvsadm, note: 'ipvsadm -R' },
      ...ownFigures(common, ours, ['ours', 'floor'], warming, runs),
    ];
  });
}
