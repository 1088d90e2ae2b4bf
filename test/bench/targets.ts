/** What is to be reached, and whether it was. */
import type { Contender, Figure, Measured, Work } from './figures.js';
import { median } from './statistics.js';

/** One comparison of costs, be it time, calls or memory: the less the better. */
export interface Row {
  readonly kernel: string;
  readonly work: string;
  readonly size: string;
  /** What it costs us. */
  readonly ours: number;
  /** What it costs the peer, or may cost by the measure, that `work` names. */
  readonly peer: number;
  /** `peer / ours`: how many times as good we are. */
  readonly ratio: number;
  /** The least ratio that is to be reached; null where none is. */
  readonly target: number | null;
  readonly met: boolean | null;
}

/** The median of a contender; NaN where it was not measured. */
type Cost = (contender: Contender) => number;

interface Comparison {
  readonly of: Work;
  readonly work: string;
  readonly ours: (cost: Cost, commands: number) => number;
  readonly peer: (cost: Cost, kernel: string) => number;
  /** The least ratios by kernel, and the sizes that they are meant for. */
  readonly targets: Readonly<Record<string, number>>;
  readonly sizes: readonly string[];
}

const ALONE = '100x10';
const SMALL = '100x10';
const USUAL = '1000x10';
const BIG = '10000x10';

const ours = (cost: Cost): number => cost('ours');
/** A host's own kernel is held to less than user-mode Linux, and emulation to nothing. */
const delayBound = (kernel: string): number => (kernel === 'host' ? 10 : 25);

const COMMANDS_BEYOND = 'apply, 100 changes: commands beyond a snapshot’s';

const PLAN: Comparison = {
  ...{ of: 'plan', work: 'plan of two equal states: the bound, ms', sizes: [BIG] },
  ours: (cost) => cost('plan'),
  peer: () => 300,
  targets: { native: 1, uml: 1, host: 1 },
};

const COMPARISONS: readonly Comparison[] = [
  {
    ...{ of: 'create', work: 'create: floor + 2 x raw C, ms', sizes: [USUAL], ours },
    peer: (cost) => cost('floor') + 2 * cost('raw C'),
    targets: { uml: 1 },
  },
  {
    ...{ of: 'create', work: 'create: libnl C, ms', sizes: [USUAL], ours },
    peer: (cost) => cost('libnl C'),
    targets: { uml: 5, qemu: 0.8 },
  },
  {
    ...{ of: 'create', work: 'create: ipvsadm -R, ms', sizes: [USUAL], ours },
    peer: (cost) => cost('ipvsadm'),
    targets: { uml: 25, qemu: 4 },
  },
  {
    ...{ of: 'snapshot', work: 'snapshot: floor + 1.2 x raw C, ms', sizes: [USUAL], ours },
    peer: (cost) => cost('floor') + 1.2 * cost('raw C'),
    targets: { uml: 1 },
  },
  {
    ...{ of: 'snapshot', work: 'snapshot: raw C, ms', sizes: [USUAL], ours },
    peer: (cost) => cost('raw C'),
    targets: { qemu: 0.5 },
  },
  {
    ...{ of: 'snapshot', work: 'snapshot: ipvsadm -Sn, ms', sizes: [USUAL], ours },
    peer: (cost) => cost('ipvsadm'),
    targets: { uml: 3 },
  },
  {
    ...{ of: 'alone', work: 'one call alone: 1.5 x libnl C + a hop, µs', sizes: [ALONE], ours },
    peer: (cost) => 1.5 * cost('libnl C') + cost('thread-pool hop'),
    targets: { uml: 1 },
  },
  {
    ...{ of: 'calls', work: 'system calls per 1,000 commands: 40', sizes: [USUAL] },
    ours: (cost) => cost('create'),
    peer: () => 40,
    targets: { uml: 1, qemu: 1, host: 1 },
  },
  {
    ...{ of: 'calls', work: 'system calls per 1,000 services dumped: 2,100', sizes: [USUAL] },
    ours: (cost) => cost('snapshot'),
    peer: () => 2100,
    targets: { uml: 1, qemu: 1, host: 1 },
  },
  {
    ...{ of: 'delay', work: 'event-loop delay, creating: the bound, ms', sizes: [BIG] },
    ours: (cost) => cost('create, yielding') - cost('idle process'),
    peer: (_cost, kernel) => delayBound(kernel),
    targets: { uml: 1, host: 1 },
  },
  {
    ...{ of: 'delay', work: 'event-loop delay, creating in turns: the bound, ms', sizes: [BIG] },
    ours: (cost) => cost('create, in turns') - cost('idle process'),
    peer: (_cost, kernel) => delayBound(kernel),
    targets: { uml: 1, host: 1 },
  },
  {
    ...{ of: 'delay', work: 'event-loop delay, streaming: the bound, ms', sizes: [BIG] },
    ours: (cost) => cost('streamed') - cost('idle process'),
    peer: (_cost, kernel) => delayBound(kernel),
    targets: { uml: 1, host: 1 },
  },
  {
    ...{ of: 'memory', work: 'memory, streaming: the bound, MB', sizes: [BIG] },
    ours: (cost) => cost('streamed'),
    peer: () => 30,
    targets: { uml: 1 },
  },
  {
    ...{ of: 'apply', work: 'apply, no change: 0.75 x snapshot, ms', sizes: [USUAL, BIG] },
    ours: (cost) => cost('apply, no change'),
    peer: (cost) => 0.75 * cost('snapshot'),
    targets: { uml: 1 },
  },
  {
    ...{ of: 'apply', work: 'quick apply, no change: 0.75 x snapshot, ms', sizes: [USUAL, BIG] },
    ours: (cost) => cost('quick apply, no change'),
    peer: (cost) => 0.75 * cost('snapshot'),
    targets: { uml: 1 },
  },
  {
    ...{ of: 'apply', work: 'resync, no change: 0.75 x snapshot, ms', sizes: [USUAL, BIG] },
    ours: (cost) => cost('resync, no change'),
    peer: (cost) => 0.75 * cost('snapshot'),
    targets: { uml: 1 },
  },
  {
    ...{ of: 'apply', work: 'apply, all new: 1.15 x create, ms', sizes: [USUAL, BIG] },
    ours: (cost) => cost('apply, all new'),
    peer: (cost) => 1.15 * cost('create'),
    targets: { uml: 1 },
  },
  {
    ...{ of: 'apply', work: 'apply, all new: keepalived’s start, ms', sizes: [] },
    ours: (cost) => cost('apply, all new'),
    peer: (cost) => cost('keepalived, all new'),
    targets: {},
  },
  {
    ...{ of: 'apply', work: 'apply, 100 changes: keepalived’s reload, ms', sizes: [] },
    ours: (cost) => cost('apply, 100 changes'),
    peer: (cost) => cost('keepalived, 100 changes'),
    targets: {},
  },
  {
    ...{
      of: 'commands',
      work: COMMANDS_BEYOND,
      sizes: [USUAL, BIG],
    },
    ours: (cost) => cost('apply, 100 changes'),
    peer: () => 100,
    targets: { uml: 1, qemu: 1, host: 1 },
  },
  PLAN,
];

const MICROSECONDS = 1000;

/** How many commands make a table of this size, by its name. */
function commandsOf(size: string): number {
  const [services = NaN, destinations = NaN] = size.split('x').map(Number);
  return services * (1 + destinations);
}

/** What our JavaScript alone may cost on the host itself, where it needs no kernel. */
const NATIVE_COMPARISONS: readonly Comparison[] = [
  {
    ...{ of: 'create', work: 'floor of create: the bound, µs a call', sizes: [USUAL] },
    ours: (cost, commands) => (cost('floor') * MICROSECONDS) / commands,
    peer: () => 5,
    targets: { native: 1 },
  },
  {
    ...{ of: 'snapshot', work: 'floor of snapshot: the bound, µs a row', sizes: [USUAL] },
    ours: (cost, commands) => (cost('floor') * MICROSECONDS) / commands,
    peer: () => 1.5,
    targets: { native: 1 },
  },
  PLAN,
];

function costs(figures: readonly Figure[], work: Work, size: string): Cost {
  return (contender) => {
    const found = figures.find(
      (each) => each.work === work && each.size === size && each.contender === contender,
    );
    return found === undefined ? NaN : median(found.runs);
  };
}

function judge(row: Pick<Row, 'kernel' | 'work' | 'size' | 'ours' | 'peer' | 'target'>): Row {
  const ratio = row.peer / row.ours;
  return { ...row, ratio, met: row.target === null ? null : ratio >= row.target };
}

/** How much dearer a command of ours becomes in a large table than in a small one, beside raw C's. */
function growth({ kernel, figures }: Measured): Row {
  const [small, big] = [costs(figures, 'create', SMALL), costs(figures, 'create', BIG)];
  const grown = (contender: Contender): number => big(contender) / (100 * small(contender));
  return judge({
    kernel,
    work: 'growth of a command’s cost: 1.5 x raw C',
    size: `${SMALL} to ${BIG}`,
    ours: grown('ours'),
    peer: 1.5 * grown('raw C'),
    target: kernel === 'uml' ? 1 : null,
  });
}

/** Every comparison that the figures allow. */
export function rowsOf(measured: Measured): Row[] {
  const { kernel, figures } = measured;
  const comparisons = kernel === 'native' ? NATIVE_COMPARISONS : COMPARISONS;
  const rows = comparisons.flatMap((each) => {
    const sizes = new Set(figures.filter(({ work }) => work === each.of).map(({ size }) => size));
    return [...sizes].map((size) => {
      const cost = costs(figures, each.of, size);
      return judge({
        ...{ kernel, work: each.work, size },
        ...{ ours: each.ours(cost, commandsOf(size)), peer: each.peer(cost, kernel) },
        target: each.sizes.includes(size) ? (each.targets[kernel] ?? null) : null,
      });
    });
  });
  return [...rows, growth(measured)].filter(({ ratio }) => !Number.isNaN(ratio));
}

/** On user-mode Linux the raw loop is at least so many times as fast as libnl's. */
const LEAST_BASELINE = 15;

/**
 * Why nothing that was measured of these works on this kernel proves anything; undefined where it does. Counts
 * are the same however fast a kernel is.
 */
export function voidReason(
  { kernel, figures }: Measured,
  works: readonly Work[],
): string | undefined {
  if (kernel !== 'uml' || works.every((work) => work === 'calls')) return undefined;
  const cost = costs(figures, 'create', USUAL);
  const ratio = cost('libnl C') / cost('raw C');
  if (ratio >= LEAST_BASELINE) return undefined;
  return Number.isNaN(ratio)
    ? 'its baseline was not measured'
    : `its raw C loop is only ${ratio.toFixed(1)} times as fast as its libnl loop, and ${LEAST_BASELINE} are possible`;
}

/** Whether counts of system calls and commands are what they must be: of all targets these are asserted. */
export function callsAreFew(rows: readonly Row[]): boolean {
  const isCount = (work: string): boolean =>
    work.startsWith('system calls') || work === COMMANDS_BEYOND;
  return rows.every(({ work, met }) => !isCount(work) || met !== false);
}
