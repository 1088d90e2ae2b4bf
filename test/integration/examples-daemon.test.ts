/** The example of a daemon, run as a user runs it: what it makes of its file, of others, and of its own end. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Destination, DrainStart } from 'ipvs';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { PACKAGE_ROOT } from '../support/child.js';
import { execute, Namespace } from '../support/netns.js';
import { patience } from '../support/patience.js';
import { Program, until } from '../support/program.js';
import { Web } from '../support/web.js';
import { asIpvsadmLists } from '../support/witness.js';

const EXAMPLE = join(PACKAGE_ROOT, 'examples/daemon');
const MAIN = join(EXAMPLE, 'main.js');
const [VIRTUAL, OTHER, LIGHT, HEAVY] = ['10.0.0.1', '10.0.0.9', '10.0.1.2', '10.0.1.3'];
const METRICS = `http://${VIRTUAL}:9106/metrics`;
const DONE = { status: 0, signal: null, stderr: '' };
const LONG = 600_000;

/** How its output names a server of the virtual server. */
function at(server: string | undefined): string {
  return `tcp ${VIRTUAL}:80 > ${server}:8080`;
}

/** A program that keeps a connection to the virtual server: it asks again and again. */
const CLIENT = `
  const socket = require('node:net').connect(80, '${VIRTUAL}');
  const ask = () => socket.write('GET / HTTP/1.1\\r\\nhost: a\\r\\n\\r\\n');
  ask();
  setInterval(ask, 500);
  socket.once('data', () => console.log('answered'));
`;

interface Balanced {
  readonly protocol: 'tcp';
  readonly address: string;
  readonly port: number;
  readonly scheduler: string;
  readonly destinations: readonly Destination[];
}

const [SAMPLE] = JSON.parse(readFileSync(join(EXAMPLE, 'balancer.json'), 'utf8')) as [Balanced];

/** The sample with these weights; servers that are not mentioned are not there. */
function weighing(weights: Readonly<Record<string, number>>): Balanced {
  const destinations = SAMPLE.destinations.flatMap((each) => {
    const weight = weights[each.address];
    return weight === undefined ? [] : [{ ...each, weight }];
  });
  return { ...SAMPLE, destinations };
}

describe('the example of a daemon', function () {
  // Programs start slowly in a guest on a busy machine.
  this.timeout(180_000 * patience);
  let folder: string;
  let file: string;
  let ns: Namespace;
  let web: Web;

  function write(content: unknown): void {
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  }

  /** As most editors do. */
  function replace(content: readonly Balanced[]): void {
    writeFileSync(`${file}~`, JSON.stringify(content));
    renameSync(`${file}~`, file);
  }

  function readDrains(): DrainStart[] {
    return JSON.parse(readFileSync(`${file}.drains`, 'utf8')) as DrainStart[];
  }

  /** Runs the daemon until `body` is through, and tells how it ended. */
  async function running(
    body: (program: Program) => Promise<void>,
    { deadline = LONG, end = 'SIGTERM' }: { deadline?: number; end?: NodeJS.Signals } = {},
  ) {
    const words = ['--scope', VIRTUAL, '--deadline', String(deadline), '--resync', '1000'];
    const program = Program.start(ns, MAIN, file, ...words, '--address', VIRTUAL);
    try {
      await body(program);
      return await program.end(end);
    } catch (error) {
      console.log(program.stdout, program.stderr);
      throw error;
    } finally {
      await program.end('SIGKILL');
    }
  }

  /** Waits until the kernel's table is this, by ipvsadm's word, besides what is not the daemon's. */
  async function becomes(...table: readonly Balanced[]): Promise<void> {
    const others = { ...SAMPLE, address: OTHER, destinations: [] };
    const wanted = asIpvsadmLists(
      [...table, others].map((service) => ({ service, destinations: service.destinations })),
    );
    let listed: unknown;
    await until(
      async () => {
        // Connections of the requests before are no matter.
        listed = (await ns.table()).map((each) => ({
          ...each,
          destinations: each.destinations.map((one) => ({ ...one, active: 0, inactive: 0 })),
        }));
        return isDeepStrictEqual(listed, wanted);
      },
      () => {
        assert.deepEqual(listed, wanted);
      },
    );
  }

  /** The value of a sample; undefined where there is none, or nobody to ask yet. */
  async function metric(name: string): Promise<number | undefined> {
    const { status, body } = await web.ask(METRICS);
    if (status === 0) return undefined;
    assert.equal(status, 200, body);
    const line = body.split('\n').find((each) => each.startsWith(`ipvs_reconciler_${name} `));
    return line === undefined ? undefined : Number(line.split(' ').at(-1));
  }

  async function happened(event: string): Promise<number | undefined> {
    return await metric(`events_total{event="${event}"}`);
  }

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ipvs-daemon-'));
    file = join(folder, 'balancer.json');
    ns = await Namespace.create();
    const script = 'for a in "$@"; do ip addr add "$a/32" dev lo; done';
    await ns.run('sh', '-c', script, 'sh', VIRTUAL, LIGHT, HEAVY);
    await ns.restore([`-A -t ${OTHER}:80 -s wrr`]);
    web = await Web.start(ns, 8080, [LIGHT, HEAVY]);
  });

  afterEach(async () => {
    await web.end();
    await ns.end();
    rmSync(folder, { recursive: true });
  });

  it('follows its file, however that is saved, and touches nothing else', async () => {
    write([SAMPLE]);
    const ended = await running(async (program) => {
      await becomes(SAMPLE);
      assert.deepEqual(await web.answerers(`http://${VIRTUAL}/`, 4), [LIGHT, HEAVY, HEAVY, HEAVY]);
      write([weighing({ [LIGHT]: 5, [HEAVY]: 3 })]);
      await becomes(weighing({ [LIGHT]: 5, [HEAVY]: 3 }));
      const second = { ...SAMPLE, port: 81, scheduler: 'rr', destinations: [] };
      replace([weighing({ [LIGHT]: 1, [HEAVY]: 3 }), second]);
      await becomes(SAMPLE, second);
      replace([SAMPLE]);
      await becomes(SAMPLE);
      assert.deepEqual(program.lines.slice(-1), [`- tcp ${VIRTUAL}:81  scheduler=rr`]);
      assert.deepEqual(
        [await happened('applied'), await happened('drift'), await happened('failed')],
        [4, 0, 0],
      );
      assert.equal((await web.ask(`http://${VIRTUAL}:9106/`)).status, 404);
    });
    assert.deepEqual(ended, DONE);
    await becomes(SAMPLE);
  });

  it('reports a file that it can not use, and keeps to what it said before', async () => {
    write([SAMPLE]);
    const { stderr, ...ended } = await running(async (program) => {
      await becomes(SAMPLE);
      const text = JSON.stringify([weighing({ [LIGHT]: 1 })]);
      const wrong = [weighing({ [LIGHT]: -1 })];
      for (const [number, content] of [text.slice(0, -1), '', wrong, []].entries()) {
        write(content);
        await until(() => program.stderr.split('\n').length > number + 1);
        assert.equal(await metric('file_valid'), 0);
      }
      rmSync(file);
      await until(() => program.stderr.split('\n').length > 5);
      // What others change is repaired all the same.
      await ns.ipvsadm('-d', '-t', `${VIRTUAL}:80`, '-r', `${HEAVY}:8080`);
      await becomes(SAMPLE);
      write([SAMPLE]);
      await until(async () => (await metric('file_valid')) === 1);
      write([{ ...SAMPLE, destinations: [] }]);
      await until(async () => ((await happened('failed')) ?? 0) > 0);
      assert.equal(await metric('in_sync'), 0);
      await becomes(SAMPLE);
      write([SAMPLE]);
      await until(async () => (await metric('in_sync')) === 1);
      assert.ok(program.lines.includes(`${file} can be used again`));
    });
    assert.deepEqual({ ...ended, stderr: '' }, DONE);
    const [half, empty, weight, nothing, missing, removals] = stderr
      .split('\n')
      .map((line) => line.replace(`${file}: `, ''));
    assert.match(half ?? '', /JSON/);
    assert.match(empty ?? '', /JSON/);
    assert.match(weight ?? '', /^services\[0\]\.destinations\[0\]\.weight /);
    assert.match(nothing ?? '', /^services is empty/);
    assert.match(missing ?? '', /^ENOENT/);
    assert.match(removals ?? '', /^apply: 3 of 3 .* maxRemovals/);
  });

  it('repairs what others change within its scope, and says so', async () => {
    write([SAMPLE]);
    const ended = await running(async (program) => {
      await becomes(SAMPLE);
      await ns.ipvsadm('-d', '-t', `${VIRTUAL}:80`, '-r', `${HEAVY}:8080`);
      await until(async () => (await happened('drift')) === 1);
      await becomes(SAMPLE);
      const repaired = `+ tcp ${VIRTUAL}:80 > ${HEAVY}:8080  forwarding=masquerade weight=3`;
      assert.deepEqual(program.lines.slice(-2), ['changed by somebody else:', repaired]);
    });
    assert.deepEqual(ended, DONE);
  });

  it('drains servers, ends in between, and goes on with their clocks', async () => {
    const labels = `{service="tcp ${VIRTUAL}:80",destination="${HEAVY}:8080"}`;
    write([SAMPLE]);
    let client: Program | undefined;
    try {
      const ended = await running(
        async () => {
          await becomes(SAMPLE);
          // The first of wrr goes to the heaviest.
          client = Program.start(ns, '-e', CLIENT);
          await client.said('answered');
          replace([weighing({ [LIGHT]: 1 })]);
          await until(async () => (await metric(`draining_connections${labels}`)) === 1);
        },
        { end: 'SIGINT' },
      );
      assert.deepEqual(ended, DONE);
      const [service] = await ns.table();
      const weights = service?.destinations.map(({ address, weight }) => [address, weight]);
      assert.deepEqual(weights, [
        [LIGHT, 1],
        [HEAVY, 0],
      ]);
      const [{ key, since } = assert.fail('nothing was kept')] = readDrains();
      assert.deepEqual(key, { service: `tcp ${VIRTUAL}:80`, destination: `${HEAVY}:8080` });

      const ending = `draining_until_seconds${labels}`;
      const crashed = await running(
        async () => {
          await until(async () => (await metric(ending)) === (since + LONG) / 1000);
        },
        { end: 'SIGKILL' },
      );
      assert.equal(crashed.signal, 'SIGKILL');
      const late = await running(
        async (program) => {
          await program.said(`forced ${at(HEAVY)}, connections: 1 active, 0 closing, 0 persistent`);
          await becomes(weighing({ [LIGHT]: 1 }));
          assert.equal(await metric(ending), undefined);
          assert.deepEqual([await happened('drained'), await happened('forced')], [0, 1]);
        },
        { deadline: Date.now() - since },
      );
      assert.deepEqual(late, DONE);
      assert.deepEqual(readDrains(), []);
    } finally {
      await client?.end('SIGKILL');
    }
  });

  it('deletes a server without connections soon after it left the file', async () => {
    write([SAMPLE]);
    const ended = await running(async (program) => {
      await becomes(SAMPLE);
      replace([weighing({ [LIGHT]: 1 })]);
      await program.said(`drained ${at(HEAVY)}, connections: 0 active, 0 closing, 0 persistent`);
      await becomes(weighing({ [LIGHT]: 1 }));
      assert.deepEqual([await happened('drained'), await happened('forced')], [1, 0]);
    });
    assert.deepEqual(ended, DONE);
  });

  it('ends with status 1 where it can not begin, and leaves the table as it is', async () => {
    write([SAMPLE]);
    const scope = ['--scope', VIRTUAL];
    const deadline = ['--deadline', '1000'];
    for (const [words, message] of [
      [[file, ...scope], /^usage: /],
      [[file, ...deadline], /^usage: /],
      [[file, ...scope, ...deadline, '--speed', '9'], /--speed/],
      [[file, '--scope', '10.0.0.1/8', ...deadline], /^options\.scope\[0\] /],
      [[file, ...scope, '--deadline', 'soon'], /^--deadline .* 'soon'/],
      [[file, ...scope, '--deadline', '0'], /^options\.drain\.deadline /],
      [[file, ...scope, ...deadline, '--state', file], /balancer\.json is not a file of drains: /],
      [[file, ...scope, ...deadline, '--port', '8080', '--address', LIGHT], /EADDRINUSE/],
    ] as const) {
      const { status, stdout, stderr } = await execute(
        ...ns.inside(process.execPath, MAIN, ...words),
      );
      assert.deepEqual([status, stdout], [1, '']);
      assert.match(stderr, message);
      if (!stderr.startsWith('usage')) assert.equal(stderr.split('\n').length, 2, stderr);
    }
    await becomes();
  });
});
