/** What the client reads from `/proc`, compared with what ipvsadm and the kernel's files say. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { formatKey, type Ipvs, IpvsObserver, type Service } from 'ipvs';
import { describe, it } from 'mocha';
import { rejection } from '../support/failure.js';
import { inNamespace, type Namespace, run, withNamespace } from '../support/netns.js';
import { collect, inItsWords, listed } from '../support/connections.js';
import { writeAll } from '../support/witness.js';

const child = (name: string): string =>
  fileURLToPath(new URL(`../support/children/${name}.js`, import.meta.url));

const EVERY: Service = {
  ...{ protocol: 'udp', address: '10.99.0.1', port: 0, scheduler: 'rr' },
  persistence: { timeout: 300, prefixLength: 24 },
};
const SIP: Service = {
  ...{ protocol: 'udp', address: '10.99.0.1', port: 5060, scheduler: 'rr' },
  persistence: { timeout: 120, engine: 'sip' },
};
const MARK: Service = {
  ...{ fwmark: 4000000000, family: 'ipv4', scheduler: 'rr' },
  persistence: { timeout: 200 },
};
const REAL = { address: '10.99.0.2', port: 0, forwarding: 'masquerade' } as const;

async function withAddresses(ns: Namespace): Promise<void> {
  const addresses = ['10.99.0.1', '10.99.0.2', '10.99.0.3'];
  for (const each of addresses) await ns.run('ip', 'addr', 'add', `${each}/32`, 'dev', 'lo');
}

async function send(ns: Namespace, port: number, text: string, address = '10.99.0.1') {
  const program = `const s = require('dgram').createSocket('udp4');
    s.send(process.argv[3], Number(process.argv[1]), process.argv[2], () => s.close());`;
  await ns.run(process.execPath, '-e', program, String(port), address, text);
}

/** Makes the kernel learn connections from another director, but for those that its socket loses. */
async function learn(ns: Namespace, ipvs: Ipvs, count: number, data = ''): Promise<void> {
  await ns.run('ip', 'route', 'add', '224.0.0.0/4', 'dev', 'lo');
  await ipvs.startDaemon({ role: 'backup', interface: 'lo', maxLength: 65507 });
  await ns.run(process.execPath, child('sync'), String(count), data);
  await ipvs.stopDaemon('backup');
}

describe('connections', () => {
  it(
    'are those that ipvsadm lists: of services by address and mark, and templates',
    inNamespace(async (ns, ipvs) => {
      await withAddresses(ns);
      await writeAll(ipvs, [
        { service: EVERY, destinations: [REAL] },
        { service: MARK, destinations: [{ ...REAL, address: '10.99.0.3', port: 9 }] },
      ]);
      for (const port of [53, 54, 55]) await send(ns, port, 'hello');
      const ours = await collect(ipvs.connections());
      assert.deepEqual(ours.map(inItsWords).sort(), (await listed(ns)).sort());
      assert.equal(ours.length, 4);
      const [template] = ours.filter((each) => each.template);
      assert.deepEqual(template && { ...template, expires: 0 }, {
        ...{ protocol: 'udp', client: { address: '10.99.0.0', port: 0 } },
        ...{ virtual: { address: '10.99.0.1', port: 0 } },
        ...{ destination: { address: '10.99.0.2', port: 0 } },
        ...{ state: 'NONE', expires: 0, template: true },
      });
      assert.ok(template && template.expires > 290 && template.expires <= 300);
      const filtered = await collect(
        ipvs.connections({ service: { ...EVERY, port: 54 }, client: '10.99.0.0/16' }),
      );
      assert.deepEqual(
        filtered.map(({ virtual }) => virtual?.port),
        [54],
      );
      const origins = await collect(ipvs.connections({ origin: true }));
      assert.deepEqual(
        origins.map(({ origin, ...each }) => [origin, inItsWords(each)]).sort(),
        ours.map((each) => ['local', inItsWords(each)]).sort(),
      );
    }),
  );

  it(
    'carry what the persistence engine went by',
    inNamespace(async (ns, ipvs) => {
      await withAddresses(ns);
      await writeAll(ipvs, [{ service: SIP, destinations: [{ ...REAL, port: 5060 }] }]);
      const id = 'a84b4c76e66710@pc33.example.com';
      await send(
        ns,
        5060,
        `OPTIONS sip:a@10.99.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.99.0.1\r\nCall-ID: ${id}\r\n\r\n`,
      );
      const [template] = (await collect(ipvs.connections())).filter((each) => each.template);
      assert.equal(template?.engine, 'sip');
      assert.equal(Buffer.from(template.engineData ?? []).toString(), id);
    }),
  );

  it(
    'with a newline in what the engine goes by, which another director may send',
    inNamespace(async (ns, ipvs) => {
      await withAddresses(ns);
      // Loads the engine's module: a backup daemon does not.
      await writeAll(ipvs, [{ service: SIP, destinations: [] }]);
      const id = Buffer.from('first\n\nthird line\n');
      await learn(ns, ipvs, 1, id.toString('base64'));
      const [template, ...others] = await collect(ipvs.connections());
      assert.deepEqual(others, []);
      assert.deepEqual([template?.engine, template?.template], ['sip', true]);
      assert.deepEqual(Buffer.from(template?.engineData ?? []), id);
    }),
  );

  it(
    'of services by firewall mark: templates carry the mark, and can be filtered by it',
    inNamespace(async (ns, ipvs) => {
      await withAddresses(ns);
      // Packets of the network namespace itself reach IPVS by their mark alone.
      const marked = { ...MARK, fwmark: 7 } as const;
      await writeAll(ipvs, [{ service: marked, destinations: [{ ...REAL, port: 0 }] }]);
      await ns.run(
        'iptables-legacy',
        ...['-t', 'mangle', '-A', 'OUTPUT', '-p', 'udp', '--dport', '77'],
        ...['-j', 'MARK', '--set-mark', '7'],
      );
      await send(ns, 77, 'hello');
      const [template, ...others] = await collect(ipvs.connections({ service: marked }));
      assert.deepEqual(others, []);
      assert.equal(template?.protocol, 'any');
      assert.equal(template.fwmark, 7);
      assert.equal(template.virtual, undefined);
    }),
  );

  it(
    'are streamed: a long table is never held in memory, and calls can be made in between',
    inNamespace(async (ns, ipvs) => {
      await withAddresses(ns);
      await writeAll(ipvs, [{ service: EVERY, destinations: [REAL] }]);
      await learn(ns, ipvs, 50_000);
      const before = process.memoryUsage().heapUsed;
      let most = 0;
      let count = 0;
      for await (const each of ipvs.connections({ destination: REAL, origin: true })) {
        count += 1;
        if (count % 10_000 === 0) {
          await ipvs.getService(EVERY);
          globalThis.gc?.();
          most = Math.max(most, process.memoryUsage().heapUsed - before);
          assert.deepEqual([each.destination.address, each.origin], ['10.99.0.2', 'sync']);
        }
      }
      assert.ok(count >= 40_000, `${count} connections`);
      assert.ok(most < 10e6, `${most} bytes more than before`);
    }),
  );

  it(
    'close their file when the loop is left, ends, or fails, and do not hold the client open',
    inNamespace(async (ns, ipvs) => {
      await withAddresses(ns);
      await writeAll(ipvs, [{ service: EVERY, destinations: [REAL] }]);
      await ns.run(process.execPath, child('flood'), '1', '3000');
      const descriptors = (): number => readdirSync('/proc/self/fd').length;
      const before = descriptors();
      for await (const each of ipvs.connections()) {
        assert.ok(each);
        assert.equal(descriptors(), before + 1);
        break;
      }
      await collect(ipvs.connections());
      await assert.rejects(async () => {
        for await (const each of ipvs.connections()) throw new Error(each.state);
      });
      assert.equal(descriptors(), before);
      const left = ipvs.connections();
      await left.next();
      await ipvs.close();
      // What was begun can be ended after the client.
      assert.ok((await collect(left)).length > 100);
      await assert.rejects(collect(ipvs.connections()), { reason: 'closed' });
    }),
  );

  it(
    'of a namespace that is deleted meanwhile are read on',
    inNamespace(async (ns, ipvs) => {
      await withAddresses(ns);
      await writeAll(ipvs, [{ service: EVERY, destinations: [REAL] }]);
      await ns.run(process.execPath, child('flood'), '1', '500');
      const iterator = ipvs.connections();
      await iterator.next();
      await run('ip', ['netns', 'del', ns.name]);
      assert.ok((await collect(iterator)).length > 400);
      assert.ok((await collect(ipvs.connections())).length > 400);
    }),
  );
});

describe('totals', () => {
  it(
    'are those of the kernel’s files, in this namespace alone, and zeroed by zero',
    inNamespace(async (ns, ipvs) => {
      await withAddresses(ns);
      await writeAll(ipvs, [{ service: EVERY, destinations: [REAL] }]);
      await ns.run(process.execPath, child('flood'), '1', '40');
      const sum = (await ipvs.getCpuTotals()).reduce((all, cpu) => all + cpu.connections, 0n);
      assert.equal(sum, 40n);
      while ((await ipvs.getTotals()).connections < 40n) await setTimeout(100);
      const { connections, inPackets, inBytes } = await ipvs.getTotals();
      assert.deepEqual([connections, inPackets, inBytes], [40n, 40n, 40n * 29n]);
      const [, , row = ''] = (await ns.run('cat', '/proc/net/ip_vs_stats')).split('\n');
      assert.match(row, /^ +28 +28 /);
      await withNamespace(async (other) => {
        assert.equal((await (await other.open()).getTotals()).connections, 0n);
      });
      await ipvs.zeroAll();
      assert.equal((await ipvs.getTotals()).connections, 0n);
    }),
  );
});

describe('sysctls', () => {
  it(
    'are those of the kernel’s folder, each in this namespace alone',
    inNamespace(async (ns, ipvs) => {
      const script = 'cd /proc/sys/net/ipv4/vs && for f in *; do echo "$f=$(cat $f)"; done';
      const lines = (await ns.run('sh', '-c', script)).trimEnd().split('\n');
      const all = await ipvs.listSysctls();
      assert.deepEqual(
        Object.entries(all).map(([name, value]) => `${name}=${[value].flat().join('\t')}`),
        lines,
      );
      assert.ok(lines.length > 20);
      await withNamespace(async (other) => {
        const client = await other.open();
        assert.equal(await ipvs.setSysctl('expire_nodest_conn', 1), 1);
        assert.deepEqual(await ipvs.setSysctl('sync_threshold', [4, 60]), [4, 60]);
        assert.equal(await ipvs.getSysctl('expire_nodest_conn'), 1);
        assert.equal(await client.getSysctl('expire_nodest_conn'), 0);
        assert.deepEqual(await client.getSysctl('sync_threshold'), [3, 50]);
      });
      assert.equal(await ns.run('cat', '/proc/sys/net/ipv4/vs/sync_threshold'), '4\t60\n');
      assert.notEqual(await run('cat', ['/proc/sys/net/ipv4/vs/sync_threshold']), '4\t60\n');
    }),
  );

  it(
    'take each value that means something, and give it back; the kernel’s own modes excepted',
    inNamespace(async (_, ipvs) => {
      for (const name of ['conntrack', 'sloppy_tcp', 'backup_only', 'snat_reroute'] as const) {
        for (const value of [0, 1]) assert.equal(await ipvs.setSysctl(name, value), value);
      }
      for (const value of [1, 2, 4, 64]) {
        assert.equal(await ipvs.setSysctl('sync_ports', value), value);
      }
      assert.equal(await ipvs.setSysctl('drop_entry', 3), 3);
      // 2 is what the kernel makes of 1 while memory runs low; there is enough.
      assert.equal(await ipvs.setSysctl('drop_entry', 2), 1);
    }),
  );

  it(
    'take their turn among all calls: those behind a write see it, those before it do not',
    inNamespace(async (ns, ipvs) => {
      for (const ports of [4, 1, 2]) {
        const before = await ipvs.getSysctl('sync_ports');
        const results = await Promise.all([
          ipvs.getSysctl('sync_ports'),
          ipvs.setSysctl('sync_ports', 64),
          ipvs.setSysctl('sync_ports', ports),
          ipvs.getSysctl('sync_ports'),
          ipvs.startDaemon({ role: 'master', interface: 'lo' }),
          ipvs.setSysctl('sync_ports', 8),
        ]);
        assert.deepEqual(results, [before, 64, ports, ports, undefined, 8]);
        // A daemon has a socket for each port, and reads how many when it starts.
        const lines = (await ns.run('cat', '/proc/net/udp')).trimEnd().split('\n');
        assert.equal(lines.length - 1, ports);
        await ipvs.stopDaemon('master');
      }
    }),
  );

  it(
    'that are not there are errors with a reason',
    inNamespace(async (_, ipvs) => {
      assert.deepEqual(await rejection(ipvs.getSysctl('nosuch')), {
        ...{ code: 'ENOENT', errno: -2, syscall: 'open' },
        ...{ reason: 'unknown-sysctl', outcome: 'not-applied' },
      });
    }),
  );

  it(
    'are not to be set where /proc/sys is for reading only, as in containers',
    inNamespace(async (ns) => {
      const program = `import { Ipvs } from 'ipvs';
        const ipvs = await Ipvs.open();
        const { code, errno, syscall, reason, outcome } = await ipvs.setSysctl('conntrack', 1).catch((e) => e);
        console.log(JSON.stringify({ code, errno, syscall, reason, outcome, read: await ipvs.getSysctl('conntrack') }));
        await ipvs.close();`;
      const script = `mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys &&
        exec "$0" --input-type=module -e "$1"`;
      const text = await ns.run('unshare', '-m', 'sh', '-c', script, process.execPath, program);
      assert.deepEqual(JSON.parse(text), {
        ...{ code: 'EROFS', errno: -30, syscall: 'open', reason: 'permission-denied' },
        ...{ outcome: 'not-applied', read: 0 },
      });
    }),
  );
});

describe('an observer', () => {
  /** Runs test/support/children/observe.ts as nobody, without any capability. */
  async function observe(ns: Namespace): Promise<Record<string, unknown>> {
    const words = ['--reuid=65534', '--regid=65534', '--clear-groups', '--bounding-set=-all'];
    const text = await ns.run('setpriv', ...words, '--', process.execPath, child('observe'));
    return JSON.parse(text) as Record<string, unknown>;
  }

  it(
    'learns all that /proc shows without any privilege, as ipvsadm and the client see it',
    inNamespace(async (ns, ipvs) => {
      await withAddresses(ns);
      await writeAll(ipvs, [
        { service: EVERY, destinations: [REAL, { ...REAL, address: '10.99.0.3', weight: 0 }] },
        { service: MARK, destinations: [] },
      ]);
      await send(ns, 53, 'hello');
      const found = await observe(ns);
      assert.deepEqual(found['info'], await ipvs.getInfo());
      assert.deepEqual(found['sysctls'], await ipvs.listSysctls());
      assert.deepEqual(found['threshold'], [3, 50]);
      assert.equal((found['connections'] as unknown[]).length, 2);
      assert.equal(found['cpus'], (await ipvs.getCpuTotals()).length);
      const services = found['services'] as Awaited<ReturnType<IpvsObserver['listServices']>>;
      assert.deepEqual(
        services.map(({ persistence, ...each }) => {
          assert.ok(persistence && persistence.timeoutJiffies % 100 === 0);
          return each;
        }),
        [
          {
            ...{ protocol: 'udp', address: '10.99.0.1', port: 0, scheduler: 'rr' },
            onePacket: false,
            destinations: (await ipvs.listDestinations(EVERY)).map((each) => ({
              ...{ address: each.address, port: each.port },
              ...{ forwarding: each.forwarding, weight: each.weight },
              connections: {
                active: each.connections.active,
                inactive: each.connections.inactive,
              },
            })),
          },
          { fwmark: 4000000000, scheduler: 'rr', onePacket: false, destinations: [] },
        ],
      );
      assert.equal(services[0]?.persistence?.prefixLength, 24);
      assert.deepEqual(found['elsewhere'], {
        ...{ code: 'EACCES', errno: -13, syscall: 'open' },
        ...{ reason: 'permission-denied', outcome: 'not-applied' },
      });
    }),
  );

  it(
    'that may not enter a namespace is told of the namespace and the capability',
    inNamespace(async (ns) => {
      const script = `import('ipvs').then(async ({ IpvsObserver }) => {
        const opening = IpvsObserver.open({ netns: { name: process.argv[1] } });
        await opening.catch(({ code, syscall, message }) => console.log(code, syscall, message));
      });`;
      const words = ['--bounding-set=-sys_admin', '--inh-caps=-sys_admin'];
      const told = await run('setpriv', [...words, process.execPath, '-e', script, ns.name]);
      const expected = `^EPERM setns open in network namespace /var/run/netns/${ns.name}: entering .*CAP_SYS_ADMIN`;
      assert.match(told, new RegExp(expected));
    }),
  );

  it('is told that the kernel hides its sysctls, in a user namespace where it does', async () => {
    const script = `import('ipvs').then(async ({ IpvsObserver }) => {
      const observer = await IpvsObserver.open();
      const tell = ({ reason, message }) => reason + (/user namespaces/.test(message) ? ', hidden' : '');
      console.log(await observer.listSysctls().then((all) => 'conntrack' in all, tell));
      console.log(await observer.getSysctl('conntrack').then((value) => value === 0, tell));
    });`;
    const told = await run('unshare', ['-Urn', process.execPath, '-e', script]);
    // Kernels from 6.10 on hide nothing.
    const folder = await run('unshare', ['-Urn', 'ls', '/proc/sys/net/ipv4/vs']);
    const hidden = 'ipvs-unavailable, hidden\nunknown-sysctl, hidden\n';
    assert.equal(told, folder === '' ? hidden : 'true\ntrue\n');
  });

  it('of many services knows each, whatever the pages they come in', async () => {
    await inNamespace(async (ns, ipvs) => {
      const table = Array.from({ length: 400 }, (_, index) => ({
        service: {
          protocol: 'tcp' as const,
          address: index % 2 === 0 ? '10.0.0.1' : '2001:db8::1',
          port: 1 + index,
          scheduler: 'wrr',
        },
        destinations: [
          {
            address: index % 2 === 0 ? '10.0.1.1' : '2001:db8::2',
            port: 80,
            forwarding: 'direct' as const,
          },
        ],
      }));
      await writeAll(ipvs, table);
      await using observer = await IpvsObserver.open({ netns: { name: ns.name } });
      const keys = (services: readonly { address?: string; port?: number }[]): string[] =>
        services.map(({ address = '', port = 0 }) => formatKey({ protocol: 'tcp', address, port }));
      // Namespaces of earlier tests that are still being cleared away shift the kernel's position.
      const expected = keys(await ipvs.listServices());
      let listed = await observer.listServices();
      while (keys(listed).join() !== expected.join()) {
        await setTimeout(100);
        listed = await observer.listServices();
      }
      assert.equal(expected.length, 400);
      assert.ok(listed.every(({ destinations }) => destinations.length === 1));
    })();
  });

  it('that was closed says so', async () => {
    const observer = await IpvsObserver.open();
    await observer.close();
    await observer.close();
    await assert.rejects(observer.listServices(), {
      reason: 'closed',
      message: 'listServices: this observer was closed. Open another with IpvsObserver.open',
    });
    await assert.rejects(collect(observer.connections()), { reason: 'closed' });
  });
});
