/**
 * Every method of the public API once, and with them every native path: sockets, files, folders, pages, another
 * family, a lost answer, jobs that nobody waits for. It shows no more of each than that it works: the other
 * files do. The sanitizers walk this way (test/sanitizers), in one process wherever that is possible.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type Destination, Ipvs, IpvsObserver } from 'ipvs';
import { after, describe, it } from 'mocha';
import type { StageData } from '../support/children/stages.js';
import { descriptors } from '../support/descriptors.js';
import { rejection } from '../support/failure.js';
import { loadIpvs, needsGuest, unloadIpvs } from '../support/guest.js';
import { inNamespace, type Namespace } from '../support/netns.js';

const FAULTS = fileURLToPath(new URL('../../../build/test/faults.so', import.meta.url));
const LOST = fileURLToPath(new URL('../support/lost-answers-child.js', import.meta.url));
const STAGES = fileURLToPath(new URL('../support/children/stages.js', import.meta.url));

const WEB = { protocol: 'tcp', address: '10.0.0.1', port: 80, scheduler: 'rr' } as const;
const MARK = { fwmark: 7, family: 'ipv6', scheduler: 'wlc' } as const;
const DNS = { protocol: 'udp', address: '10.99.0.1', port: 53, scheduler: 'rr' } as const;
const FIRST = { address: '10.0.1.1', port: 8080, forwarding: 'masquerade' } as const;
const SECOND: Destination = {
  ...{ address: '10.0.1.2', port: 80, forwarding: 'tunnel' },
  tunnel: { type: 'gue', port: 6080, checksum: 'remote' },
};
const SIXTH = { address: '2001:db8::1', port: 0, forwarding: 'direct' } as const;

/** The methods that were called, by class. */
const called = new Map<object, Set<PropertyKey>>();

/** The object, which writes down what is called of it. */
function noted<Client extends Ipvs | IpvsObserver>(client: Client): Client {
  const prototype: object = Object.getPrototypeOf(client) as object;
  const names = called.get(prototype) ?? new Set();
  called.set(prototype, names);
  return new Proxy(client, {
    get(_, name) {
      names.add(name);
      const value: unknown = Reflect.get(client, name, client);
      return typeof value === 'function' ? (value.bind(client) as unknown) : value;
    },
  });
}

/** All of a stream. */
async function collect<Entry>(stream: AsyncIterable<Entry>): Promise<Entry[]> {
  const found: Entry[] = [];
  for await (const each of stream) found.push(each);
  return found;
}

/** The function of a test that walks with a client of a namespace. */
function walking(body: (ipvs: Ipvs, ns: Namespace) => Promise<void>): () => Promise<void> {
  return inNamespace(async (ns, ipvs) => {
    await body(noted(ipvs), ns);
  });
}

/** Makes the kernel keep a connection. */
async function connect(ipvs: Ipvs, ns: Namespace): Promise<void> {
  await ipvs.addService(DNS);
  await ipvs.addDestination(DNS, { address: '10.99.0.2', port: 53, forwarding: 'masquerade' });
  await ns.run('ip', 'addr', 'add', '10.99.0.1/32', 'dev', 'lo');
  await ns.run('bash', '-c', 'echo >/dev/udp/10.99.0.1/53');
}

describe('every method', () => {
  it(
    'that writes and reads services and destinations',
    walking(async (ipvs, ns) => {
      const { version } = await ipvs.getInfo();
      assert.match(version, /^1\.\d+\.\d+$/);
      await ipvs.addService(WEB);
      await ipvs.setService({ ...WEB, persistence: { timeout: 60 } });
      await ipvs.updateService(WEB, { scheduler: 'wrr' });
      assert.equal(await ipvs.ensureService(WEB), 'set');
      assert.equal(await ipvs.ensureService(MARK), 'added');
      assert.equal((await ipvs.getService(WEB)).scheduler, 'rr');
      await ipvs.addDestination(WEB, FIRST);
      await ipvs.setDestination(WEB, { ...FIRST, weight: 3, upperThreshold: 9, lowerThreshold: 2 });
      await ipvs.updateDestination(WEB, FIRST, { weight: 4 });
      assert.equal(await ipvs.ensureDestination(WEB, SECOND), 'added');
      assert.equal(await ipvs.ensureDestination(MARK, SIXTH), 'added');
      assert.equal((await ipvs.getDestination(WEB, FIRST)).weight, 4);
      for (const consistent of [false, true]) {
        assert.equal((await ipvs.listServices({ consistent })).length, 2);
        assert.equal((await ipvs.listDestinations(WEB, { consistent })).length, 2);
        assert.equal((await ipvs.snapshot({ consistent }))[0]?.destinations.length, 2);
      }
      assert.equal((await ipvs.snapshot({ stats: false })).length, 2);
      await ns.assertHolds([
        {
          service: WEB,
          destinations: [{ ...FIRST, weight: 4, upperThreshold: 9, lowerThreshold: 2 }, SECOND],
        },
        { service: MARK, destinations: [SIXTH] },
      ]);
      assert.equal((await rejection(ipvs.addService(WEB))).reason, 'service-exists');
      assert.equal(
        (await rejection(ipvs.addService({ ...WEB, port: 1, scheduler: 'nonesuch' }))).reason,
        'unknown-scheduler',
      );
      await ipvs.zero(WEB);
      await ipvs.zeroAll();
      const { key } = await ipvs.drain(WEB, SECOND, { deadline: 1 });
      assert.equal(key.destination, '10.0.1.2:80');
      await ipvs.deleteDestination(WEB, FIRST);
      await ipvs.deleteService(WEB);
      await ns.assertHolds([{ service: MARK, destinations: [SIXTH] }]);
      await ipvs.flush();
      await ns.assertHolds([]);
    }),
  );

  it(
    'that reads page by page, and those that make the table what it should be',
    walking(async (ipvs, ns) => {
      // More than fit into one page, and than travel in one system call.
      const table = Array.from({ length: 300 }, (_, index) => ({
        ...{ ...WEB, port: 1 + index },
        destinations: index === 0 ? [FIRST] : [],
      }));
      const { applied } = await ipvs.apply(table, { scope: 'everything' });
      assert.equal(applied.length, 301);
      assert.equal((await collect(ipvs.streamServices())).length, 300);
      assert.equal((await collect(ipvs.streamDestinations(table[0] ?? WEB))).length, 1);
      assert.equal((await collect(ipvs.streamSnapshot())).length, 300);
      const pages = ipvs.streamServices();
      await pages.next();
      await pages.return();
      assert.equal((await ns.table()).length, 300);
    }),
  );

  it(
    'that reads and writes timeouts and sync daemons',
    walking(async (ipvs, ns) => {
      await ipvs.setTimeouts({ tcp: 30, udp: 20 });
      assert.deepEqual(await ipvs.getTimeouts(), { tcp: 30, tcpFin: 120, udp: 20 });
      assert.match(await ns.ipvsadm('-L', '--timeout'), /: 30 120 20$/m);
      await ipvs.startDaemon({ role: 'master', interface: 'lo', syncId: 5 });
      await ipvs.startDaemon({ role: 'backup', interface: 'lo', group: 'ff02::1:81' });
      const daemons = await ipvs.listDaemons();
      assert.deepEqual(
        daemons.map(({ role, syncId, group }) => ({ role, syncId, group })),
        [
          { role: 'master', syncId: 5, group: '224.0.0.81' },
          { role: 'backup', syncId: 0, group: 'ff02::1:81' },
        ],
      );
      await ipvs.stopDaemon('backup');
      await ipvs.stopDaemon('master');
      assert.equal((await rejection(ipvs.stopDaemon('master'))).reason, 'daemon-not-found');
      // Its thread has not run when it is stopped: no answer comes, and the command behind it ends the wait.
      await Promise.all([
        ipvs.startDaemon({ role: 'master', interface: 'lo' }),
        ipvs.stopDaemon('master'),
      ]);
      assert.equal(await ns.ipvsadm('-L', '--daemon'), '');
    }),
  );

  it(
    'that reads and writes files',
    walking(async (ipvs, ns) => {
      await connect(ipvs, ns);
      const observer = noted(await IpvsObserver.open({ netns: { path: ns.path } }));
      for (const client of [ipvs, observer]) {
        assert.equal((await collect(client.connections())).length, 1);
        assert.equal(typeof (await client.getTotals()).connections, 'bigint');
        assert.notEqual((await client.getCpuTotals()).length, 0);
        assert.ok(Array.isArray(await client.listApplications()));
        assert.equal((await client.listSysctls()).expire_nodest_conn, 0);
        assert.equal(await client.getSysctl('expire_nodest_conn'), 0);
      }
      assert.equal(await ipvs.setSysctl('expire_nodest_conn', 1), 1);
      const written = await ns.run('cat', '/proc/sys/net/ipv4/vs/expire_nodest_conn');
      assert.equal(written, '1\n');
      assert.equal((await rejection(ipvs.getSysctl('nonesuch'))).reason, 'unknown-sysctl');
      assert.ok(Array.isArray(await ipvs.diagnose()));
      assert.equal((await observer.listServices()).length, 1);
      assert.equal((await observer.getInfo()).version, (await ipvs.getInfo()).version);
      await observer[Symbol.asyncDispose]();
      await observer.close();
    }),
  );

  it(
    'that ends a client, with calls under way',
    walking(async (ipvs, ns) => {
      assert.equal(ipvs.closing.aborted, false);
      const adding = Array.from({ length: 300 }, async (_, index) => {
        await ipvs.addService({ ...WEB, port: 1 + index });
      });
      const drained = ipvs.drained();
      const closed = ipvs.close();
      await Promise.all([...adding, drained, closed, ipvs[Symbol.asyncDispose]()]);
      assert.equal((await rejection(ipvs.getInfo())).reason, 'closed');
      assert.equal(ipvs.closing.aborted, true);
      assert.equal((await ns.table()).length, 300);
    }),
  );

  after('has been called', function () {
    // With --grep, or where a test failed, not all of them ran.
    const complete = this.test?.parent?.tests.every(({ state }) => state === 'passed') ?? false;
    if (!complete) return;
    const inner = ['constructor', 'applyWish'];
    for (const { prototype } of [Ipvs, IpvsObserver]) {
      const names = Reflect.ownKeys(prototype).filter((name) => !inner.includes(String(name)));
      const missing = names.filter((name) => called.get(prototype)?.has(name) !== true);
      assert.deepEqual(missing, [], 'methods that this walk does not call');
    }
  });
});

describe('a client in trouble', () => {
  it('goes on after the family has moved', async function () {
    needsGuest(this);
    await inNamespace(async (ns, ipvs) => {
      await ipvs.addService(WEB);
      await ipvs.flush();
      await unloadIpvs();
      await loadIpvs();
      // In one job, so that all of them are executed again; then the same of a list.
      const table = Array.from({ length: 3 }, (_, index) => ({ ...WEB, port: 1 + index }));
      await Promise.all(
        table.map(async (service) => {
          await ipvs.addService(service);
        }),
      );
      await ipvs.addDestination({ ...WEB, port: 1 }, FIRST);
      const other = await ns.open();
      await ipvs.flush();
      await unloadIpvs();
      await loadIpvs();
      await other.addService(WEB);
      assert.equal((await ipvs.listServices()).length, 1);
      await ns.assertHolds([{ service: WEB, destinations: [] }]);
    })();
  });

  it('waits for a lost answer no longer than it may, and goes on', async () => {
    const { stdout } = await promisify(execFile)(
      'unshare',
      ['-n', process.execPath, LOST, 'lose'],
      {
        env: { ...process.env, LD_PRELOAD: FAULTS },
      },
    );
    const { written, afterwards } = JSON.parse(stdout) as {
      written: { reason: string };
      afterwards: number;
    };
    assert.equal(written.reason, 'timeout');
    assert.equal(afterwards, 1);
  });

  it(
    'that is ended with its thread leaves nothing open, whatever is under way',
    inNamespace(async (ns, ipvs) => {
      await connect(ipvs, ns);
      const before = await descriptors();
      const stages = ['opening', 'in flight', 'streaming', 'paging'] as const;
      const data: StageData = { path: ns.path, stages, loading: '' };
      const worker = new Worker(STAGES, { workerData: data });
      const ended = once(worker, 'exit');
      await once(worker, 'message');
      await worker.terminate();
      assert.deepEqual(await ended, [1]);
      assert.deepEqual(await descriptors(), before);
    }),
  );
});
