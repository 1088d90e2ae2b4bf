/** The examples, run as a user runs them: what they print, what ipvsadm says, and where requests go. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Destination, Service } from 'ipvs';
import { after, afterEach, before, describe, it } from 'mocha';
import { PACKAGE_ROOT } from '../support/child.js';
import { type AdmCounters, type AdmServiceName, parseStats } from '../support/ipvsadm.js';
import { execute, Namespace } from '../support/netns.js';
import { patience } from '../support/patience.js';
import { Program, until } from '../support/program.js';
import { Web } from '../support/web.js';
import { asIpvsadmLists } from '../support/witness.js';

const EXAMPLES = join(PACKAGE_ROOT, 'examples');
const [HEAVY, LIGHT, VIRTUAL, OTHER] = ['10.0.1.3', '10.0.1.2', '10.0.0.1', '10.0.0.9'];
const DONE = { status: 0, signal: null, stderr: '' };

type Table = (Service & { destinations: Destination[] })[];

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(join(EXAMPLES, path), 'utf8'));
}

function entries(table: Table) {
  return table.map((service) => ({ service, destinations: service.destinations }));
}

describe('the example', function () {
  // Programs start slowly in a guest on a busy machine.
  this.timeout(120_000 * patience);
  const folder = mkdtempSync(join(tmpdir(), 'ipvs-examples-'));
  let ns: Namespace;
  let web: Web;

  /** Writes a file for a program to read. */
  function file(content: unknown): string {
    const path = join(folder, 'input.json');
    writeFileSync(path, JSON.stringify(content));
    return path;
  }

  before(async () => {
    ns = await Namespace.create();
    const script = 'for a in "$@"; do ip addr add "$a/32" dev lo; done';
    await ns.run('sh', '-c', script, 'sh', VIRTUAL, OTHER, LIGHT, HEAVY);
    web = await Web.start(ns, 8080, [LIGHT, HEAVY]);
  });

  afterEach(async () => {
    await ns.ipvsadm('-C');
  });

  after(async () => {
    rmSync(folder, { recursive: true });
    await web.end();
    await ns.end();
  });

  describe('static', () => {
    const MAIN = join(EXAMPLES, 'static/main.js');
    const SAMPLE = join(EXAMPLES, 'static/table.json');

    it('makes the table what its file says', async () => {
      await ns.restore([
        `-A -t ${OTHER}:80 -s rr`,
        `-A -t ${VIRTUAL}:80 -s rr`,
        `-a -t ${VIRTUAL}:80 -r ${LIGHT}:8080 -m -w 7`,
        `-a -t ${VIRTUAL}:80 -r 10.0.1.9:8080 -m`,
      ]);
      assert.equal(
        await ns.run(process.execPath, MAIN, SAMPLE),
        [
          '+ udp [2001:db8::1]:53  scheduler=rr onePacket=true',
          '+ tcp 10.0.0.1:80 > 10.0.1.3:8080  forwarding=masquerade weight=3',
          '+ udp [2001:db8::1]:53 > [2001:db8:1::2]:53  forwarding=masquerade weight=1',
          '+ udp [2001:db8::1]:53 > [2001:db8:1::3]:53  forwarding=masquerade weight=1',
          '~ tcp 10.0.0.1:80 > 10.0.1.2:8080  weight=7->1',
          '~ tcp 10.0.0.1:80  scheduler=rr->wrr',
          '- tcp 10.0.0.1:80 > 10.0.1.9:8080  forwarding=masquerade weight=1',
          '- tcp 10.0.0.9:80  scheduler=rr\n',
        ].join('\n'),
      );
      await ns.assertHolds(entries(readJson('static/table.json') as Table));
      assert.deepEqual(await web.answerers(`http://${VIRTUAL}/`, 8), [
        ...Array<string>(2).fill(LIGHT),
        ...Array<string>(6).fill(HEAVY),
      ]);
    });

    it('says where its file is wrong, and changes nothing then', async () => {
      await ns.restore([`-A -t ${OTHER}:80 -s rr`]);
      const service = { protocol: 'tcp', address: OTHER, port: 80, scheduler: 'rr' } as const;
      const existing = asIpvsadmLists([{ service, destinations: [] }]);
      const right = { address: LIGHT, port: 80, forwarding: 'masquerade' };
      const wrong = { ...right, address: HEAVY, port: 99999 };
      for (const [content, message] of [
        [
          [{ ...service, destinations: [right, wrong] }],
          /input\.json: services\[0\]\.destinations\[1\]\.port /,
        ],
        [{ services: [] }, /input\.json: services must be an array/],
        [[], /services is empty/],
      ] as const) {
        const ended = await execute(...ns.inside(process.execPath, MAIN, file(content)));
        assert.equal(ended.status, 1);
        assert.match(ended.stderr, message);
        assert.equal(ended.stdout, '');
        assert.deepEqual(await ns.table(), existing);
      }
    });

    it('does everything else when the kernel refuses a part, and says so', async () => {
      const other = { protocol: 'tcp', address: OTHER, port: 80, scheduler: 'rr' } as const;
      const unknown = { ...other, port: 81, scheduler: 'nonesuch' };
      const table = [unknown, other].map((service) => ({ ...service, destinations: [] }));
      const ended = await execute(...ns.inside(process.execPath, MAIN, file(table)));
      assert.equal(ended.status, 1);
      assert.equal(ended.stdout, `+ tcp ${OTHER}:80  scheduler=rr\n`);
      assert.match(ended.stderr, /addService tcp 10\.0\.0\.9:81: .*nonesuch/);
      await ns.assertHolds([{ service: other, destinations: [] }]);
    });
  });

  describe('health-checked', () => {
    const MAIN = join(EXAMPLES, 'health-checked/main.js');
    const SAMPLE = readJson('health-checked/balancer.json') as {
      service: Service;
      destinations: Destination[];
      check: object;
    };

    async function assertWeights(light: number, heavy: number): Promise<void> {
      const { service, destinations } = SAMPLE;
      const [first, second] = destinations;
      assert.ok(first && second);
      const weighted = [
        { ...first, weight: light },
        { ...second, weight: heavy },
      ];
      // Connections of the requests before are no matter.
      const listed = (await ns.table()).map((each) => ({
        ...each,
        destinations: each.destinations.map((one) => ({ ...one, active: 0, inactive: 0 })),
      }));
      assert.deepEqual(listed, asIpvsadmLists([{ service, destinations: weighted }]));
    }

    it('gives servers their weights while they answer, and 0 while they do not', async () => {
      // What an earlier run may have left: a server that the file does not mention any more.
      await ns.restore([
        `-A -t ${VIRTUAL}:80 -s rr`,
        `-a -t ${VIRTUAL}:80 -r 10.0.1.9:8080 -m`,
        `-a -t ${VIRTUAL}:80 -r ${LIGHT}:8080 -m -w 0`,
      ]);
      // Three failures in a row count, two don't; nor does one success, and two do.
      const ignored = [200, 503, 503, 200];
      const counted = [503, 503, 503, 200, 503, 503, 503, 200, 200];
      await web.script(LIGHT, 200);
      await web.script(HEAVY, ...ignored);
      const check = { ...SAMPLE.check, interval: 50, timeout: 300 * patience };
      const program = Program.start(ns, MAIN, file({ ...SAMPLE, check }));
      try {
        await program.printed(2);
        await until(async () => (await web.checks(HEAVY)) > ignored.length);
        const start = [`${LIGHT}:8080 is healthy: weight 1`, `${HEAVY}:8080 is healthy: weight 3`];
        assert.deepEqual(program.lines.sort(), start.sort());
        await assertWeights(1, 3);

        await web.script(HEAVY, ...counted);
        await until(async () => (await web.checks(HEAVY)) > counted.length);
        assert.deepEqual(program.lines.slice(2), [
          `${HEAVY}:8080 is unhealthy: weight 0`,
          `${HEAVY}:8080 is healthy: weight 3`,
        ]);
        await assertWeights(1, 3);

        await web.script(HEAVY, 0);
        await program.printed(5);
        await assertWeights(1, 0);
        assert.deepEqual(await web.answerers(`http://${VIRTUAL}/`, 4), Array(4).fill(LIGHT));
        // While a check waits for an answer.
        assert.deepEqual(await program.end('SIGTERM'), DONE);
        await assertWeights(1, 0);
      } finally {
        await program.end('SIGKILL');
      }
    });

    /** Runs `body` with the program, which has begun and found both servers healthy. */
    async function whileHealthy(body: (program: Program) => Promise<void>): Promise<void> {
      await web.script(LIGHT, 200);
      await web.script(HEAVY, 200);
      const check = { ...SAMPLE.check, interval: 50 };
      const program = Program.start(ns, MAIN, file({ ...SAMPLE, check }));
      try {
        await program.printed(2);
        await body(program);
      } finally {
        await program.end('SIGKILL');
      }
    }

    it('repairs what somebody else deletes or edits', async () => {
      await whileHealthy(async (program) => {
        await ns.ipvsadm('-d', '-t', `${VIRTUAL}:80`, '-r', `${LIGHT}:8080`);
        await ns.ipvsadm('-e', '-t', `${VIRTUAL}:80`, '-r', `${HEAVY}:8080`, '-m', '-w', '9');
        await until(async () => {
          const [service] = await ns.table();
          return isDeepStrictEqual(
            service?.destinations.map(({ weight }) => weight).sort(),
            [1, 3],
          );
        });
        await assertWeights(1, 3);
        assert.deepEqual(await program.end('SIGTERM'), DONE);
      });
    });

    it('ends with status 1 where it cannot go on, so that it is started anew', async () => {
      await whileHealthy(async (program) => {
        await ns.ipvsadm('-C');
        const { status, stderr } = await program.ended();
        assert.equal(status, 1);
        // Whichever is checked first.
        assert.match(
          stderr,
          /^ensureDestination 10\.0\.1\.[23]:8080 .*no such virtual service.*\n$/,
        );
      });
    });
  });

  describe('prometheus', () => {
    const MAIN = join(EXAMPLES, 'prometheus/main.js');
    const METRICS = `http://${VIRTUAL}:9105/metrics`;

    /** Samples by name and labels. */
    function samplesIn(text: string): Map<string, number> {
      const samples = new Map<string, number>();
      for (const line of text.split('\n')) {
        if (line === '' || line.startsWith('#')) continue;
        const [, sample = '', value] = /^(\w+\{.*\}) (\S+)$/.exec(line) ?? assert.fail(line);
        assert.ok(!samples.has(sample), `twice: ${sample}`);
        samples.set(sample, Number(value));
      }
      return samples;
    }

    function nameOf({ protocol, address = '', port, fwmark, family }: AdmServiceName): string {
      if (protocol === 'fwmark') return `fwmark ${fwmark ?? 0} ${family}`;
      return `${protocol} ${endpoint({ address, port: port ?? 0 })}`;
    }

    function endpoint({ address, port }: { address: string; port: number }): string {
      return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
    }

    function counters(prefix: string, labels: string, counted: AdmCounters): [string, number][] {
      return [
        [`${prefix}_connections_total{${labels}}`, Number(counted.connections)],
        [`${prefix}_in_packets_total{${labels}}`, Number(counted.inPackets)],
        [`${prefix}_out_packets_total{${labels}}`, Number(counted.outPackets)],
        [`${prefix}_in_bytes_total{${labels}}`, Number(counted.inBytes)],
        [`${prefix}_out_bytes_total{${labels}}`, Number(counted.outBytes)],
      ];
    }

    /** What ipvsadm counts, as samples. */
    async function countersByIpvsadm(): Promise<[string, number][]> {
      return parseStats(await ns.ipvsadm('-Ln', '--stats', '--exact')).flatMap((service) => {
        const label = `service="${nameOf(service)}"`;
        const ofDestinations = service.destinations.flatMap((each) =>
          counters('ipvs_destination', `${label},destination="${endpoint(each)}"`, each),
        );
        return [...counters('ipvs_service', label, service), ...ofDestinations];
      });
    }

    /** What ipvsadm says of this moment, as samples. */
    async function gaugesByIpvsadm(): Promise<[string, number][]> {
      return (await ns.table()).flatMap((service) =>
        service.destinations.flatMap((each): [string, number][] => {
          const labels = `{service="${nameOf(service)}",destination="${endpoint(each)}"}`;
          return [
            [`ipvs_destination_weight${labels}`, each.weight],
            [`ipvs_destination_active_connections${labels}`, each.active],
            [`ipvs_destination_inactive_connections${labels}`, each.inactive],
          ];
        }),
      );
    }

    async function scrape(): Promise<{ type: string; body: string }> {
      const { status, type, body } = await web.ask(METRICS);
      assert.equal(status, 200, body);
      return { type, body };
    }

    it('tells what ipvsadm tells, and no more of what is gone', async () => {
      await ns.restore([
        `-A -t ${VIRTUAL}:80 -s wrr`,
        `-a -t ${VIRTUAL}:80 -r ${LIGHT}:8080 -m -w 1`,
        `-a -t ${VIRTUAL}:80 -r ${HEAVY}:8080 -m -w 3`,
        `-A -t ${VIRTUAL}:81 -s rr -p 60`,
        `-a -t ${VIRTUAL}:81 -r ${LIGHT}:8080 -m`,
        '-A -u [2001:db8::1]:53 -s rr',
        '-a -u [2001:db8::1]:53 -r [2001:db8:1::2]:53 -m',
        ...['-A -f 7 -s rr', `-a -f 7 -r ${LIGHT}:0 -m`],
        ...['-A -f 7 -6 -s wlc', '-a -f 7 -6 -r [2001:db8:1::2]:0 -m'],
        ...['-A -f 8 -s rr', `-a -f 8 -r ${LIGHT}:0 -m`],
      ]);
      const program = Program.start(ns, MAIN, '9105', VIRTUAL);
      try {
        await program.printed(1);
        await web.answerers(`http://${VIRTUAL}/`, 4);
        await web.answerers(`http://${VIRTUAL}:81/`, 2);
        // The kernel adds up what it counted every two seconds; then it is made to stop.
        const heavy = `{service="tcp ${VIRTUAL}:80",destination="${HEAVY}:8080"}`;
        const light = `{service="tcp ${VIRTUAL}:81",destination="${LIGHT}:8080"}`;
        await until(async () => {
          const samples = samplesIn((await scrape()).body);
          return (
            samples.get(`ipvs_destination_connections_total${heavy}`) === 3 &&
            samples.get(`ipvs_destination_connections_total${light}`) === 2
          );
        });
        await ns.run('sysctl', '-qw', 'net.ipv4.vs.run_estimation=0');

        const { type, body } = await scrape();
        assert.match(type, /^text\/plain; version=0\.0\.4/);
        const samples = samplesIn(body);
        const persistent = [...samples.keys()].filter((name) => name.includes('_persistent_'));
        const infos = [...samples.keys()].filter((name) => name.startsWith('ipvs_service_info'));
        assert.deepEqual(infos.map((name) => name.replace(/^.*?,/, '')).sort(), [
          'protocol="",address="",port="",fwmark="7",family="ipv4",scheduler="rr"}',
          'protocol="",address="",port="",fwmark="7",family="ipv6",scheduler="wlc"}',
          'protocol="",address="",port="",fwmark="8",family="ipv4",scheduler="rr"}',
          `protocol="tcp",address="${VIRTUAL}",port="80",fwmark="",family="",scheduler="wrr"}`,
          `protocol="tcp",address="${VIRTUAL}",port="81",fwmark="",family="",scheduler="rr"}`,
          'protocol="udp",address="2001:db8::1",port="53",fwmark="",family="",scheduler="rr"}',
        ]);
        assert.deepEqual(
          persistent.filter((name) => samples.get(name) === 1),
          [`ipvs_destination_persistent_clients${light}`],
        );
        const others = [...samples].filter(([name]) => ![...persistent, ...infos].includes(name));
        const witness = [...(await countersByIpvsadm()), ...(await gaugesByIpvsadm())];
        assert.deepEqual(Object.fromEntries(others), Object.fromEntries(witness));
        for (const [, name = '', kind] of body.matchAll(/^# TYPE (\w+) (\w+)$/gm)) {
          assert.equal(kind, name.endsWith('_total') ? 'counter' : 'gauge', name);
        }

        await ns.ipvsadm('-D', '-f', '7', '-6');
        await ns.ipvsadm('-d', '-t', `${VIRTUAL}:80`, '-r', `${HEAVY}:8080`);
        const gone = ['fwmark 7 ipv6', `${VIRTUAL}:80",destination="${HEAVY}`];
        const staying = [...samples.keys()].filter(
          (name) => !gone.some((part) => name.includes(part)),
        );
        assert.deepEqual([...samplesIn((await scrape()).body).keys()], staying);
        assert.equal((await web.ask(`http://${VIRTUAL}:9105/`)).status, 404);
        assert.deepEqual(await program.end('SIGTERM'), DONE);
      } finally {
        await program.end('SIGKILL');
      }
    });
  });
});
