import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Contender, Figure, Measured, Work } from '../bench/figures.js';
import { parse } from '../bench/options.js';
import { formatFigures, formatJson, formatRows } from '../bench/report.js';
import { isWarm, median, spread } from '../bench/statistics.js';
import { callsBetweenMarks, describeCalls, sum } from '../bench/strace.js';
import { Answers, StubDoor } from '../bench/stub-door.js';
import { rulesOf, tableOf } from '../bench/table.js';
import { callsAreFew, type Row, rowsOf, voidReason } from '../bench/targets.js';
import { MARK } from '../bench/tasks.js';
import { clientOver } from '../support/door.js';

function figure(work: Work, contender: Contender, value: number, size = '1000x10'): Figure {
  return { work, size, contender, unit: 'ms', runs: [value, value + 1, value - 1] };
}

function measured(kernel: string, ...figures: Figure[]): Measured {
  return { kernel, release: '6.1.0', figures };
}

const CREATED = [
  figure('create', 'raw C', 20),
  figure('create', 'libnl C', 700),
  figure('create', 'ipvsadm', 4000),
  figure('create', 'floor', 50),
];

function find(rows: readonly Row[], beginning: string): Row {
  const found = rows.find(({ work }) => work.startsWith(beginning));
  assert.ok(found, `no row ${beginning}`);
  return found;
}

describe("the benchmark's statistics", () => {
  it('take the middle, and the mean of the two in the middle', () => {
    assert.equal(median([9, 1, 5]), 5);
    assert.equal(median([10, 1, 2, 4]), 3);
    assert.equal(median([7]), 7);
    assert.throws(() => median([]), RangeError);
  });

  it('leave what they are given as it was', () => {
    const values = [3, 1, 2];
    median(values);
    assert.deepEqual(values, [3, 1, 2]);
  });

  it('tell the least and the greatest', () => {
    assert.deepEqual(spread([5, 3, 9]), [3, 9]);
  });

  it('call nothing warm before ten rounds', () => {
    assert.equal(isWarm(Array<number>(9).fill(5)), false);
    assert.equal(isWarm(Array<number>(10).fill(5)), true);
  });

  it('wait while rounds get faster, but not for ever', () => {
    const falling = (length: number): number[] =>
      Array.from({ length }, (_, index) => 1000 * 0.9 ** index);
    assert.equal(isWarm(falling(10)), false);
    assert.equal(isWarm(falling(39)), false);
    assert.equal(isWarm(falling(40)), true);
  });
});

describe("the benchmark's targets", () => {
  it('are met at the very bound, and missed beyond it', () => {
    const at = (ours: number): Row =>
      find(
        rowsOf(measured('uml', ...CREATED, figure('create', 'ours', ours))),
        'create: floor + 2 x',
      );
    assert.deepEqual(at(90), {
      ...{ kernel: 'uml', work: 'create: floor + 2 x raw C, ms', size: '1000x10' },
      ...{ ours: 90, peer: 90, ratio: 1, target: 1, met: true },
    });
    assert.equal(at(91).met, false);
  });

  it('compare with each peer by its own factor', () => {
    const rows = rowsOf(measured('uml', ...CREATED, figure('create', 'ours', 150)));
    assert.equal(find(rows, 'create: libnl').met, false); // 4.7 of 5
    assert.equal(find(rows, 'create: ipvsadm').met, true); // 26.7 of 25
  });

  it('are others on an emulated kernel', () => {
    const rows = rowsOf(
      measured(
        'qemu',
        ...CREATED,
        figure('create', 'ours', 800),
        figure('snapshot', 'raw C', 300),
        figure('snapshot', 'ours', 500),
      ),
    );
    assert.equal(find(rows, 'create: floor').met, null);
    assert.equal(find(rows, 'create: libnl').met, true);
    assert.equal(find(rows, 'snapshot: raw C').met, true);
  });

  it('are meant for one size', () => {
    const other = CREATED.map((each) => ({ ...each, size: '100x10' }));
    const rows = rowsOf(measured('uml', ...other, figure('create', 'ours', 1e6, '100x10')));
    assert.equal(find(rows, 'create: libnl').target, null);
    assert.equal(find(rows, 'create: libnl').met, null);
  });

  it('leave out what was not measured', () => {
    assert.deepEqual(rowsOf(measured('uml', ...CREATED)), []);
    assert.deepEqual(rowsOf(measured('uml')), []);
  });

  it('subtract the idle delay', () => {
    const rows = rowsOf(
      measured(
        'uml',
        figure('delay', 'idle process', 12, '10000x10'),
        figure('delay', 'create, yielding', 36, '10000x10'),
        figure('delay', 'create, in turns', 38, '10000x10'),
        figure('delay', 'streamed', 40, '10000x10'),
      ),
    );
    assert.equal(find(rows, 'event-loop delay, creating').ours, 24);
    assert.equal(find(rows, 'event-loop delay, creating').met, true);
    assert.equal(find(rows, 'event-loop delay, creating in turns').met, false);
    assert.equal(find(rows, 'event-loop delay, streaming').met, false);
  });

  it("add a hop to libnl's round trip", () => {
    const alone = (contender: Contender, value: number): Figure =>
      figure('alone', contender, value, '100x10');
    const rows = rowsOf(
      measured('uml', ...[alone('libnl C', 54), alone('thread-pool hop', 20), alone('ours', 101)]),
    );
    assert.equal(find(rows, 'one call alone').met, true);
    assert.equal(find(rows, 'one call alone').peer, 101);
  });

  it("compare the growth of a command's cost with the raw loop's", () => {
    const rows = (ours: number): Row[] =>
      rowsOf(
        measured(
          'uml',
          figure('create', 'ours', 10, '100x10'),
          figure('create', 'raw C', 2, '100x10'),
          figure('create', 'ours', ours, '10000x10'),
          figure('create', 'raw C', 400, '10000x10'),
        ),
      );
    assert.equal(find(rows(2900), 'growth').met, true);
    assert.equal(find(rows(3100), 'growth').met, false);
  });

  it('hold an apply to the snapshot and to the calls of the same boot', () => {
    const rows = rowsOf(
      measured(
        'uml',
        figure('apply', 'snapshot', 100),
        figure('apply', 'apply, no change', 76),
        figure('apply', 'quick apply, no change', 75),
        figure('apply', 'create', 200),
        figure('apply', 'apply, all new', 229),
        figure('apply', 'keepalived, all new', 4580),
        figure('plan', 'plan', 301, '10000x10'),
        figure('commands', 'apply, 100 changes', 101),
      ),
    );
    assert.equal(find(rows, 'apply, no change').met, false);
    assert.equal(find(rows, 'quick apply, no change').met, true);
    assert.equal(find(rows, 'apply, all new: 1.15').met, true);
    assert.equal(find(rows, 'apply, all new: keepalived').ratio, 20);
    assert.equal(find(rows, 'apply, all new: keepalived').met, null);
    assert.equal(find(rows, 'plan of two equal states').met, false);
    assert.equal(find(rows, 'apply, 100 changes: commands').met, false);
  });

  it('hold the floor on the host to its cost a call and a row', () => {
    const rows = rowsOf(
      measured('native', figure('create', 'floor', 55), figure('snapshot', 'floor', 22)),
    );
    assert.equal(find(rows, 'floor of create').ours, 5);
    assert.equal(find(rows, 'floor of create').met, true);
    assert.equal(find(rows, 'floor of snapshot').met, false);
    assert.equal(rows.length, 2);
    const [small] = rowsOf(measured('native', figure('create', 'floor', 5.5, '100x10')));
    assert.equal(small?.ours, 5);
  });
});

describe('a run of the benchmark', () => {
  const baseline = (raw: number, libnl: number): Measured =>
    measured('uml', figure('create', 'raw C', raw), figure('create', 'libnl C', libnl));

  it('is void where its baseline is slow', () => {
    assert.equal(voidReason(baseline(20, 300), ['create']), undefined);
    assert.match(voidReason(baseline(20, 298), ['create', 'calls']) ?? '', /only 14\.9 times/);
  });

  it('is void where it has no baseline', () => {
    assert.match(
      voidReason(measured('uml', figure('create', 'raw C', 20)), ['create']) ?? '',
      /not measured/,
    );
  });

  it('is judged so on user-mode Linux only', () => {
    assert.equal(voidReason({ ...baseline(20, 40), kernel: 'qemu' }, ['create']), undefined);
  });

  it('is not where it only counts: machines that are busy count alike', () => {
    assert.equal(voidReason(baseline(20, 40), ['calls']), undefined);
  });

  it('fails for its system calls and commands alone', () => {
    const calls = (create: number, snapshot: number): Row[] =>
      rowsOf(
        measured('qemu', figure('calls', 'create', create), figure('calls', 'snapshot', snapshot)),
      );
    assert.equal(callsAreFew(calls(40, 2100)), true);
    assert.equal(callsAreFew(calls(41, 2100)), false);
    assert.equal(callsAreFew(calls(40, 2101)), false);
    const commands = (count: number): Row[] =>
      rowsOf(measured('qemu', figure('commands', 'apply, 100 changes', count)));
    assert.equal(callsAreFew(commands(100)), true);
    assert.equal(callsAreFew(commands(101)), false);
    const slow = rowsOf(measured('uml', ...CREATED, figure('create', 'ours', 1e6)));
    assert.equal(callsAreFew(slow), true);
  });
});

describe("the benchmark's report", () => {
  const figures = measured('uml', ...CREATED, { ...figure('create', 'ours', 90), cold: 700 });

  it('has one JSON object with the fields of every row', () => {
    const { rows } = JSON.parse(formatJson(rowsOf(figures))) as { rows: Row[] };
    assert.equal(rows.length, 3);
    for (const row of rows) {
      assert.deepEqual(Object.keys(row).sort(), [
        ...['kernel', 'met', 'ours', 'peer', 'ratio', 'size', 'target', 'work'],
      ]);
    }
    assert.doesNotMatch(formatJson(rowsOf(figures)), /\n/);
  });

  it('shows median, spread and the cold round', () => {
    const line = formatFigures(figures).split('\n').at(-1) ?? '';
    assert.match(line, /^create +1000x10 +ours +90\.0 ms +89\.0 to 91\.0 +700$/);
  });

  it('says of each target whether it was met', () => {
    const [, ...lines] = formatRows(rowsOf(figures)).split('\n');
    assert.match(lines[0] ?? '', /^create: floor .* 90\.0 +90\.0 +1\.00 +1\.00 +met$/);
    const missed = rowsOf(measured('uml', ...CREATED, figure('create', 'ours', 200)));
    assert.match(formatRows(missed), /MISSED/);
  });
});

describe("the benchmark's command line", () => {
  it('asks for everything by default', () => {
    const { kernels, works, sizes, rounds } = parse([]);
    assert.deepEqual(kernels, ['native', 'uml', 'qemu']);
    assert.equal(works.length, 9);
    assert.deepEqual(
      sizes.map(({ services, destinations }) => [services, destinations]),
      [
        [100, 10],
        [1000, 10],
        [10_000, 10],
      ],
    );
    assert.equal(rounds, 5);
  });

  it('selects kernels, works and sizes', () => {
    const options = parse(['--kernel', 'uml', '--work', 'create', '--size', '50', '--quick']);
    assert.deepEqual(options.kernels, ['uml']);
    assert.deepEqual(options.works, ['create']);
    assert.deepEqual(options.sizes, [{ services: 50, destinations: 10 }]);
    assert.equal(options.rounds, 3);
  });

  for (const words of [
    ['--kernel', 'vms'],
    ['--work', 'sleep'],
    ['--size', '0'],
    ['--size', '1e9'],
    ['--rounds', '1.5'],
    ['--quickly'],
    ['create'],
  ]) {
    it(`refuses ${words.join(' ')}`, () => {
      assert.throws(() => parse(words), Error);
    });
  }
});

describe('counting system calls', () => {
  const LOG = [
    '10 sendmsg(3, {}, 0) = 1',
    `10 access("${MARK}", F_OK) = -1 ENOENT`,
    '10 recvmsg(3, {}, 0) = 20',
    `10 access("${MARK}", F_OK) = -1 ENOENT`,
    `10 access("${MARK}", F_OK) = -1 ENOENT`,
    '10 sendmsg(3, {}, 0 <unfinished ...>',
    '12 poll([{}], 1, 5000) = 1',
    '12 recvmsg(3, {}, 0) = 20',
    '10 <... sendmsg resumed>) = 1',
    '11 access("/etc/resolv.conf", F_OK) = 0',
    '12 recvmsg(3, {}, 0) = 20',
    `10 access("${MARK}", F_OK) = -1 ENOENT`,
    '10 recvmsg(3, {}, 0) = 20',
    '',
  ].join('\n');

  it('counts what lies between the last two marks, each call on a socket once', () => {
    const counts = callsBetweenMarks(LOG);
    assert.deepEqual(Object.fromEntries(counts), { sendmsg: 1, poll: 1, recvmsg: 2 });
    assert.equal(describeCalls(counts), 'recvmsg 2, sendmsg 1, poll 1');
    assert.equal(sum(counts), 4);
  });

  it('needs two marks', () => {
    assert.throws(() => callsBetweenMarks('10 close(3) = 0'), RangeError);
    assert.throws(() => callsBetweenMarks(`10 access("${MARK}", F_OK) = -1`), RangeError);
  });
});

describe("the benchmark's table", () => {
  const table = tableOf({ services: 2, destinations: 2 });

  it('has no address twice', () => {
    assert.deepEqual(
      table.map(({ service, destinations }) => [
        service.address,
        ...destinations.map(({ address }) => address),
      ]),
      [
        ['10.0.0.1', '172.16.0.1', '172.16.0.2'],
        ['10.0.0.2', '172.16.0.3', '172.16.0.4'],
      ],
    );
  });

  it('is the same in the words of ipvsadm', () => {
    assert.equal(
      rulesOf({ services: 1, destinations: 1 }),
      '-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 172.16.0.1:8080 -m -w 1\n',
    );
  });

  it('is what the stub answers, also to another question than in the round before', async () => {
    const answers = new Answers(table);
    for (const entry of table) {
      const ipvs = clientOver(new StubDoor(answers));
      const [first] = await ipvs.listDestinations(entry.service);
      assert.equal(first?.address, entry.destinations[0]?.address);
    }
  });

  it('is what the stub answers, in every round', async () => {
    const answers = new Answers(table);
    for (let round = 0; round < 3; round += 1) {
      const ipvs = clientOver(new StubDoor(answers));
      await Promise.all(
        table.flatMap(({ service, destinations }) => [
          ipvs.addService(service),
          ...destinations.map(async (each) => {
            await ipvs.addDestination(service, each);
          }),
        ]),
      );
      const read = await ipvs.snapshot();
      assert.deepEqual(
        read.map(({ address, destinations }) => [address, destinations.map((d) => d.address)]),
        [
          ['10.0.0.1', ['172.16.0.1', '172.16.0.2']],
          ['10.0.0.2', ['172.16.0.3', '172.16.0.4']],
        ],
      );
      await ipvs.close();
    }
  });
});
