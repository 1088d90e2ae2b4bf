import type { Figure } from './figures.js';
import type { Ours } from './ours.js';

/** What a process of ours measured by the door and by the stub, cold and warm. */
export function ownFigures<Contender extends 'ours' | 'floor'>(
  common: Pick<Figure, 'size' | 'unit'> & { readonly work: 'create' | 'snapshot' | 'alone' },
  process: Ours,
  contenders: readonly Contender[],
  warming: Readonly<Record<Contender, readonly number[]>>,
  runs: Readonly<Record<Contender, readonly number[]>>,
): Figure[] {
  return contenders.map((contender) => {
    const [cold] = warming[contender];
    const faults = process.pageFaults(common.work, contender, runs[contender].length);
    return {
      ...common,
      contender,
      runs: runs[contender],
      ...(cold === undefined ? {} : { cold }),
      note: `warm after ${warming[contender].length} rounds, ${faults} page faults in one`,
    };
  });
}
