/** Real traffic while servers drain and return, and a daemon (examples/daemon) dies: nobody's connection breaks. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type DesiredService, type DrainStart, formatKey } from 'ipvs';
import { after, afterEach, before, describe, it } from 'mocha';
import { PACKAGE_ROOT } from '../support/child.js';
import { type Flow, Flows, REAL_PORT, VIRTUAL_PORT } from '../support/flows.js';
import { patience } from '../support/patience.js';
import { Program, until } from '../support/program.js';
import { ADDRESSES, Topology } from '../support/topology.js';

const MAIN = join(PACKAGE_ROOT, 'examples/daemon/main.js');
const FAMILIES = ['ipv4', 'ipv6'] as const;
const SCOPE = FAMILIES.map((family) => ADDRESSES[family].virtual);
const LONG = 600_000;
/** Connections of each kind and family: `rr` gives each server one. */
const EACH = 2;

type Server = 'r1' | 'r2';

/** A service of each family, with these servers. */
function balancing(...servers: readonly Server[]): DesiredService[] {
  return FAMILIES.map((family) => ({
    ...{ protocol: 'tcp', address: ADDRESSES[family].virtual, port: VIRTUAL_PORT },
    scheduler: 'rr',
    destinations: servers.map((server) => ({
      ...{ address: ADDRESSES[family][server], port: REAL_PORT },
      forwarding: 'masquerade',
    })),
  }));
}

/** What there is, in ipvsadm's words: the weights of the servers, which are the same in both families. */
function rules(weights: Readonly<Partial<Record<Server, number>>>): string[] {
  const inBrackets = (address: string): string =>
    address.includes(':') ? `[${address}]` : address;
  return FAMILIES.flatMap((family) => {
    const addresses = ADDRESSES[family];
    const service = `-t ${inBrackets(addresses.virtual)}:${VIRTUAL_PORT}`;
    const destinations = Object.entries(weights).map(
      ([server, weight]) =>
        `-a ${service} -r ${inBrackets(addresses[server as Server])}:${REAL_PORT} -m -w ${weight}`,
    );
    return [`-A ${service} -s rr`, ...destinations];
  }).sort();
}

/** How the lines begin that the daemon prints when a server has gone. */
function endsOf(how: 'drained' | 'forced', server: Server, active: number): string[] {
  return balancing(server).map((service) => {
    const [destination = assert.fail()] = service.destinations;
    return `${how} ${formatKey(service)} > ${formatKey(destination)}, connections: ${active} active, `;
  });
}

function serversOf(flows: readonly Flow[], family: Flow['family'], kind: Flow['kind']) {
  return flows
    .filter((flow) => flow.family === family && flow.kind === kind)
    .map(({ server }) => server)
    .sort();
}

describe('under traffic', function () {
  this.timeout(300_000 * patience);
  const folder = mkdtempSync(join(tmpdir(), 'ipvs-traffic-'));
  const file = join(folder, 'balancer.json');
  let topology: Topology;
  let flows: Flows;
  let daemon: Program | undefined;

  function start(deadline: number): Program {
    const scope = SCOPE.flatMap((address) => ['--scope', address]);
    daemon = Program.start(topology.director, MAIN, file, ...scope, '--deadline', String(deadline));
    return daemon;
  }

  function write(state: readonly DesiredService[]): void {
    writeFileSync(`${file}.new`, JSON.stringify(state));
    renameSync(`${file}.new`, file);
  }

  /** Waits until the servers have these weights. */
  async function become(weights: Readonly<Partial<Record<Server, number>>>): Promise<void> {
    let found: string[] = [];
    await until(
      async () => {
        found = (await topology.director.ipvsadm('-Sn')).trimEnd().split('\n').sort();
        return isDeepStrictEqual(found, rules(weights));
      },
      () => {
        assert.deepEqual(found, rules(weights));
      },
    );
  }

  /** Since when servers drain, by their keys. */
  function drains(): Map<string, number> {
    const kept = JSON.parse(readFileSync(`${file}.drains`, 'utf8')) as DrainStart[];
    return new Map(kept.map(({ key, since }) => [key.destination, since]));
  }

  /** Opens connections, of which each of these servers is to get as many. */
  async function open(...servers: readonly Server[]): Promise<Flow[]> {
    const opened = await flows.open(EACH);
    const wanted = Array.from({ length: EACH }, (_, index) => servers[index % servers.length]);
    for (const family of FAMILIES) {
      for (const kind of ['download', 'keep-alive'] as const) {
        assert.deepEqual(serversOf(opened, family, kind), wanted.sort());
      }
    }
    return opened;
  }

  before(async () => {
    topology = await Topology.create();
    flows = await Flows.start(topology);
  });

  afterEach(async () => {
    await daemon?.end('SIGKILL');
    await topology.director.ipvsadm('-C');
  });

  after(async () => {
    await flows.end();
    await topology.end();
    rmSync(folder, { recursive: true });
  });

  it('breaks no connection that keeps to the deadline while servers drain, return and go, and the daemon dies', async () => {
    write(balancing('r1', 'r2'));
    let program = start(LONG);
    await become({ r1: 1, r2: 1 });
    await open('r1', 'r2');

    // r1 drains, also over a crash, and returns with all of its connections.
    write(balancing('r2'));
    await become({ r1: 0, r2: 1 });
    await until(() => drains().size === 2);
    const began = drains();
    await program.end('SIGKILL');
    await open('r2');
    program = start(LONG);
    await program.said('the table is as desired');
    assert.deepEqual(drains(), began);
    write(balancing('r1', 'r2'));
    await become({ r1: 1, r2: 1 });
    await open('r1', 'r2');
    await until(() => drains().size === 0);

    // r2 drains, and goes when its clients have.
    write(balancing('r1'));
    await become({ r1: 1, r2: 0 });
    await program.end('SIGKILL');
    program = start(LONG);
    await flows.finish(flows.of('r2'));
    await become({ r1: 1 });
    for (const line of endsOf('drained', 'r2', 0)) await program.began(line);
    write(balancing('r1', 'r2'));
    await become({ r1: 1, r2: 1 });
    await open('r1', 'r2');
    assert.deepEqual(flows.broken, []);

    // r1 goes at its deadline, when one client of each family is still there.
    write(balancing('r2'));
    await become({ r1: 0, r2: 1 });
    await until(() => drains().size === 2);
    const staying = FAMILIES.map((family) => flows.of('r1').find((flow) => flow.family === family));
    await flows.finish(flows.of('r1').filter((flow) => !staying.includes(flow)));
    assert.deepEqual(await program.end('SIGTERM'), { status: 0, signal: null, stderr: '' });
    program = start(Date.now() - Math.min(...drains().values()));
    await become({ r2: 1 });
    await until(() => flows.of('r1').length === 0);
    assert.deepEqual(flows.broken, staying);
    await flows.finish(flows.of('r2'));
    for (const line of endsOf('forced', 'r1', 1)) await program.began(line);
  });

  it('breaks connections where the same is done without draining', async () => {
    const broken = flows.broken.length;
    const ipvs = await topology.director.open();
    await ipvs.apply(balancing('r1', 'r2'), { scope: SCOPE });
    const opened = await open('r1', 'r2');
    await ipvs.apply(balancing('r2'), { scope: SCOPE });
    await until(() => flows.of('r1').length === 0);
    await ipvs.apply(balancing('r1', 'r2'), { scope: SCOPE });
    assert.deepEqual(
      flows.broken.slice(broken),
      opened.filter(({ server }) => server === 'r1'),
    );
    await flows.finish(flows.of('r2'));
  });
});
