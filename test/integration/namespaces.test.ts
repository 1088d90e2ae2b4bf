import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readlink } from 'node:fs/promises';
import { Ipvs, type OpenOptions, type Service } from 'ipvs';
import { describe, it } from 'mocha';
import { rejection } from '../support/failure.js';
import { execute, inNamespace, type Namespace, run, withNamespace } from '../support/netns.js';
import { patience } from '../support/patience.js';

const WEB: Service = { protocol: 'tcp', address: '10.0.0.1', port: 80, scheduler: 'rr' };
const TABLE = [{ service: WEB, destinations: [] }];

/** The namespace of each thread of this process. */
async function threads(): Promise<Set<string>> {
  const ids = await readdir('/proc/self/task');
  const links = ids.map(async (id) => {
    // A thread may end meanwhile.
    return await readlink(`/proc/self/task/${id}/ns/net`).catch(() => '');
  });
  return new Set((await Promise.all(links)).filter((link) => link !== ''));
}

/** Runs `work`, and asserts that every thread is where all of them were before. */
async function assertStays(work: () => Promise<unknown>): Promise<void> {
  const before = await threads();
  assert.equal(before.size, 1);
  await work();
  assert.deepEqual(await threads(), before);
}

/** Adds a service through a client with these options, and asserts that it is in `ns`. */
async function assertReaches(ns: Namespace, netns: OpenOptions['netns']): Promise<void> {
  await assertStays(async () => {
    await using ipvs = await Ipvs.open(netns === undefined ? {} : { netns });
    await ipvs.addService(WEB);
    await ns.assertHolds(TABLE);
    assert.equal((await ipvs.listServices()).length, 1);
    await ipvs.flush();
  });
}

/** Waits until `condition` holds. */
async function eventually(condition: () => Promise<boolean>): Promise<void> {
  const seconds = 20 * patience;
  const deadline = performance.now() + seconds * 1000;
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, `did not come to pass in ${seconds} seconds`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('network namespaces', () => {
  it(
    'are reached by name',
    inNamespace(async (ns) => {
      await assertReaches(ns, { name: ns.name });
    }),
  );

  it(
    'are reached by path',
    inNamespace(async (ns) => {
      await assertReaches(ns, { path: ns.path });
    }),
  );

  it(
    'are reached by the id of a process inside',
    inNamespace(async (ns) => {
      const child = spawn(...ns.inside('sleep', '60'));
      try {
        const { pid } = child;
        assert.ok(pid !== undefined);
        // nsenter takes a moment to get there.
        const own = await readlink('/proc/self/ns/net');
        await eventually(async () => (await readlink(`/proc/${pid}/ns/net`)) !== own);
        await assertReaches(ns, { pid });
      } finally {
        child.kill('SIGKILL');
        await once(child, 'close');
      }
    }),
  );

  it(
    'are the caller’s own without the option, and no other',
    inNamespace(async (ns) => {
      await using ipvs = await Ipvs.open();
      assert.equal(await run('ipvsadm', ['-Sn']), '', 'the lab’s own table is empty');
      await ipvs.addService(WEB);
      try {
        assert.equal(await run('ipvsadm', ['-Sn']), '-A -t 10.0.0.1:80 -s rr\n');
        await ns.assertHolds([]);
      } finally {
        await ipvs.flush();
      }
    }),
  );

  it('are the caller’s own also where /proc is of another PID namespace', async () => {
    const script = `import('ipvs').then(async ({ Ipvs }) => {
      const ipvs = await Ipvs.open();
      console.log((await ipvs.listServices()).length);
      await ipvs.close();
    });`;
    const words = ['--net', '--pid', '--fork', process.execPath, '-e', script];
    assert.equal(await run('unshare', words), '0\n');
  });

  it(
    'two of them are served at once, and not mixed up',
    inNamespace(async (one, first) => {
      await withNamespace(async (other) => {
        const second = await other.open();
        const service = (port: number): Service => ({ ...WEB, port });
        await Promise.all(
          Array.from({ length: 200 }, async (_, index) => {
            await Promise.all([
              first.addService(service(1 + 2 * index)),
              second.addService(service(2 + 2 * index)),
            ]);
          }),
        );
        const ports = Array.from({ length: 200 }, (_, index) => index);
        const table = (offset: number) =>
          ports.map((each) => ({ service: service(offset + 2 * each), destinations: [] }));
        await one.assertHolds(table(1));
        await other.assertHolds(table(2));
      });
    }),
  );

  it('that are not there are reported, and no thread is left elsewhere', async () => {
    const common = { outcome: 'not-applied' };
    const missing = {
      ...{ ...common, syscall: 'open' },
      ...{ code: 'ENOENT', errno: -2, reason: 'namespace-not-found' },
    };
    const wrong = {
      ...{ ...common, syscall: 'setns' },
      ...{ code: 'EINVAL', errno: -22, reason: 'not-a-namespace' },
    };
    await assertStays(async () => {
      const open = async (netns: OpenOptions['netns']) => {
        return await rejection(Ipvs.open(netns === undefined ? {} : { netns }));
      };
      assert.deepEqual(await open({ name: 'ipvs-test-none' }), missing);
      assert.deepEqual(await open({ path: '/run/netns/ipvs-test-none' }), missing);
      assert.deepEqual(await open({ pid: 4194304 }), missing);
      assert.deepEqual(await open({ path: '/etc/passwd' }), wrong);
      assert.deepEqual(await open({ path: '/proc/self/ns/mnt' }), wrong);
      assert.deepEqual(await open({ path: '/proc' }), wrong);
    });
  });

  it('that can’t be found without /proc are reported as that', async () => {
    const script = `mount -t tmpfs none /proc && exec "$0" --input-type=module -e "$1"`;
    const program = `import { Ipvs, IpvsObserver } from 'ipvs';
      for (const each of [Ipvs, IpvsObserver])
        await each.open().catch(({ code, syscall, message }) => console.log(code, syscall, message));`;
    const told = await run('unshare', ['-m', 'sh', '-c', script, process.execPath, program]);
    const line = /ENOENT open open: one’s own network namespace .*mount -t proc proc \/proc/;
    assert.equal(
      told
        .trimEnd()
        .split('\n')
        .filter((each) => line.test(each)).length,
      2,
      told,
    );
  });

  it(
    'that were deleted go on working for an open client, and are gone when it is closed',
    inNamespace(async (ns, ipvs) => {
      // A pair of devices ends with the namespace of either.
      const witness = `iv${process.pid}`;
      await run('ip', [
        'link',
        'add',
        witness,
        'type',
        'veth',
        'peer',
        'name',
        'p',
        'netns',
        ns.name,
      ]);
      const exists = async (): Promise<boolean> => {
        return (await execute('ip', ['link', 'show', witness])).status === 0;
      };
      await ipvs.addService(WEB);
      await ns.assertHolds(TABLE);
      await run('ip', ['netns', 'del', ns.name]);
      await ipvs.addService({ ...WEB, port: 81 });
      assert.deepEqual(
        (await ipvs.listServices()).map((service) => service.port),
        [80, 81],
      );
      // What nobody holds would be gone by now.
      await withNamespace(async (other) => {
        const name = `iw${process.pid}`;
        await run('ip', [
          'link',
          'add',
          name,
          'type',
          'veth',
          'peer',
          'name',
          'p',
          'netns',
          other.name,
        ]);
        await other.end();
        await eventually(async () => (await execute('ip', ['link', 'show', name])).status !== 0);
      });
      assert.equal(await exists(), true);
      await ipvs.close();
      await eventually(async () => !(await exists()));
    }),
  );
});
