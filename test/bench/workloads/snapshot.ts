import type { Namespace } from '../../support/netns.js';
import type { Figure } from '../figures.js';
import { describeReading } from '../limit.js';
import { withFresh } from '../namespaces.js';
import { withOurs } from '../ours.js';
import { ownFigures } from '../own-figures.js';
import { ipvsadmSave, libnlList, rawCreate, rawList } from '../peers.js';
import type { Bench } from '../plan.js';
import { rounds, warm, warmUp } from '../rounds.js';
import { type Size, sizeName } from '../table.js';

/** Runs `body` in a namespace that holds the table. */
export async function withFilled<Result>(
  { limit }: Bench,
  size: Size,
  body: (ns: Namespace) => Promise<Result>,
): Promise<Result> {
  return await withFresh(async (ns) => {
    await rawCreate(ns, size, limit.batch);
    return await body(ns);
  });
}

/** Reading the whole table, with statistics. */
export async function measureSnapshot(bench: Bench, size: Size): Promise<Figure[]> {
  const { reading } = bench.limit;
  return await withOurs(bench, async (ours) => {
    const floor = async (): Promise<number> =>
      await ours.run({ name: 'snapshot', size, namespace: null });
    const own = async (ns: Namespace): Promise<number> =>
      await ours.run({ name: 'snapshot', size, namespace: ns.name });
    const warming = await withFilled(
      bench,
      size,
      async (ns) => await warmUp({ ours: async () => await own(ns), floor }),
    );
    const filled = (list: (ns: Namespace) => Promise<number>) => async () =>
      await withFilled(bench, size, list);
    const runs = await rounds(bench.rounds, {
      ours: filled(async (ns) => await warm(async () => await own(ns))()),
      floor: warm(floor),
      'raw C': filled(async (ns) => await rawList(ns, size, reading)),
      'libnl C': filled(async (ns) => await libnlList(ns, size)),
      ipvsadm: filled(ipvsadmSave),
    });
    const common = { work: 'snapshot', size: sizeName(size), unit: 'ms' } as const;
    return [
      { ...common, contender: 'raw C', runs: runs['raw C'], note: describeReading(reading) },
      { ...common, contender: 'libnl C', runs: runs['libnl C'], note: 'nl_recvmsgs' },
      { ...common, contender: 'ipvsadm', runs: runs.ipvsadm, note: 'ipvsadm -Sn' },
      ...ownFigures(common, ours, ['ours', 'floor'], warming, runs),
    ];
  });
}
