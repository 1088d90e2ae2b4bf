/** Sync daemons and timeouts, as ipvsadm sees them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Ipvs, SyncDaemon } from 'ipvs';
import { describe, it } from 'mocha';
import { rejection } from '../support/failure.js';
import { inNamespace, type Namespace } from '../support/netns.js';

/** What `ipvsadm -L --daemon` says of daemons. */
async function witness(ns: Namespace): Promise<string[]> {
  const text = await ns.ipvsadm('-Ln', '--daemon');
  return text.split('\n').filter((line) => line !== '');
}

function inItsWords(daemon: Required<SyncDaemon>): string {
  const { role, interface: name, syncId, maxLength, group, port, ttl } = daemon;
  const details = `mcast=${name}, syncid=${syncId}, maxlen=${maxLength}`;
  return `${role} sync daemon (${details}, group=${group}, port=${port}, ttl=${ttl})`;
}

/** The UDP sockets of the network namespace; a sync daemon has one. */
async function sockets(ns: Namespace): Promise<number> {
  return (await ns.run('cat', '/proc/net/udp')).trimEnd().split('\n').length - 1;
}

const DEFAULTS = { syncId: 0, maxLength: 1472, group: '224.0.0.81', port: 8848, ttl: 1 };

async function stopAll(ipvs: Ipvs): Promise<void> {
  for (const { role } of await ipvs.listDaemons()) await ipvs.stopDaemon(role);
}

describe('sync daemons', () => {
  it(
    'of both roles run side by side with the kernel’s defaults, and end',
    inNamespace(async (ns, ipvs) => {
      assert.deepEqual(await ipvs.listDaemons(), []);
      assert.deepEqual(await witness(ns), []);
      assert.equal(await sockets(ns), 0);
      await Promise.all([
        ipvs.startDaemon({ role: 'backup', interface: 'lo' }),
        ipvs.startDaemon({ role: 'master', interface: 'lo' }),
      ]);
      const [master, backup] = await ipvs.listDaemons();
      assert.deepEqual(master, { role: 'master', interface: 'lo', ...DEFAULTS });
      // The loopback interface takes packets longer than a master sends.
      const length = backup?.maxLength ?? 0;
      assert.deepEqual(backup, {
        ...{ role: 'backup', interface: 'lo', ...DEFAULTS },
        maxLength: length,
      });
      assert.ok(length >= 1472);
      assert.deepEqual(await witness(ns), [
        inItsWords({ role: 'master', interface: 'lo', ...DEFAULTS }),
        inItsWords({ role: 'backup', interface: 'lo', ...DEFAULTS, maxLength: length }),
      ]);
      assert.equal(await sockets(ns), 2);
      await ipvs.stopDaemon('master');
      assert.deepEqual(
        (await ipvs.listDaemons()).map(({ role }) => role),
        ['backup'],
      );
      await ipvs.stopDaemon('backup');
      assert.deepEqual(await witness(ns), []);
      assert.equal(await sockets(ns), 0);
    }),
  );

  it(
    'get every option, also at its bounds',
    inNamespace(async (ns, ipvs) => {
      await ns.run('ip', 'link', 'add', 'fifteen-letters', 'type', 'dummy');
      await ns.run('ip', 'link', 'set', 'fifteen-letters', 'up');
      await ns.run('ip', 'addr', 'add', '10.9.9.1/24', 'dev', 'fifteen-letters');
      const daemons: Required<SyncDaemon>[] = [
        {
          ...{ role: 'master', interface: 'fifteen-letters', syncId: 255, maxLength: 65507 },
          ...{ group: '239.255.255.255', port: 65535, ttl: 255 },
        },
        {
          ...{ role: 'backup', interface: 'fifteen-letters', syncId: 1, maxLength: 1024 },
          ...{ group: '224.0.0.1', port: 1, ttl: 1 },
        },
        {
          ...{ role: 'master', interface: 'fifteen-letters', syncId: 0x7f, maxLength: 1 },
          ...{ group: 'ff02::1:81', port: 0x1234, ttl: 2 },
        },
        {
          ...{ role: 'backup', interface: 'lo', syncId: 0, maxLength: 65487 },
          ...{ group: 'ff05::1', port: 8848, ttl: 3 },
        },
      ];
      for (const daemon of daemons) {
        await ipvs.startDaemon(daemon);
        assert.deepEqual(await ipvs.listDaemons(), [daemon]);
        assert.deepEqual(await witness(ns), [inItsWords(daemon)]);
        await ipvs.stopDaemon(daemon.role);
      }
    }),
  );

  it(
    'take each name that an interface can have',
    inNamespace(async (ns, ipvs) => {
      for (const name of ['büro-1', '网卡', '$^.@#-_', '...']) {
        await ns.run('ip', 'link', 'add', name, 'type', 'dummy');
        await ns.run('ip', 'link', 'set', name, 'up');
        await ns.run('ip', 'addr', 'add', '10.9.9.1/24', 'dev', name);
        await ipvs.startDaemon({ role: 'backup', interface: name });
        const [daemon] = await ipvs.listDaemons();
        assert.equal(daemon?.interface, name);
        assert.ok((await witness(ns))[0]?.includes(`(mcast=${name},`));
        await ipvs.stopDaemon('backup');
        await ns.run('ip', 'link', 'del', name);
      }
      for (const name of ['à', 'a/b', 'a:b', '..'])
        await assert.rejects(ns.run('ip', 'link', 'add', name, 'type', 'dummy'));
    }),
  );

  it(
    'that were listed can be started again as they were',
    inNamespace(async (ns, ipvs) => {
      await ns.ipvsadm('--start-daemon', 'master', '--mcast-interface', 'lo', '--syncid', '9');
      const [daemon] = await ipvs.listDaemons();
      assert.ok(daemon);
      const before = await witness(ns);
      await ipvs.stopDaemon('master');
      await ipvs.startDaemon(daemon);
      assert.deepEqual(await witness(ns), before);
      await stopAll(ipvs);
    }),
  );

  it(
    'are refused with a reason where the kernel can’t start or stop them',
    inNamespace(async (ns, ipvs) => {
      await ns.run('ip', 'link', 'add', 'down0', 'type', 'dummy');
      const master: SyncDaemon = { role: 'master', interface: 'lo' };
      const started = { syscall: 'IPVS_CMD_NEW_DAEMON', outcome: 'not-applied' };
      assert.deepEqual(await rejection(ipvs.startDaemon({ ...master, interface: 'none0' })), {
        ...{ ...started, code: 'ENODEV', errno: -19, reason: 'interface-not-found' },
      });
      assert.deepEqual(await rejection(ipvs.startDaemon({ ...master, interface: 'down0' })), {
        ...{ ...started, code: 'ENETUNREACH', errno: -101, reason: 'interface-down' },
      });
      await ipvs.startDaemon(master);
      assert.deepEqual(await rejection(ipvs.startDaemon(master)), {
        ...{ ...started, code: 'EEXIST', errno: -17, reason: 'daemon-exists' },
      });
      await ipvs.stopDaemon('master');
      assert.deepEqual(await rejection(ipvs.stopDaemon('master')), {
        ...{ syscall: 'IPVS_CMD_DEL_DAEMON', outcome: 'not-applied' },
        ...{ code: 'ESRCH', errno: -3, reason: 'daemon-not-found' },
      });
    }),
  );

  it(
    'are refused the port of another socket',
    inNamespace(async (ns, ipvs) => {
      const script = `require('node:dgram').createSocket('udp4').bind(8848, () => console.log('bound'))`;
      const child = spawn(...ns.inside(process.execPath, '-e', script));
      try {
        await once(child.stdout, 'data');
        assert.deepEqual(await rejection(ipvs.startDaemon({ role: 'backup', interface: 'lo' })), {
          ...{ syscall: 'IPVS_CMD_NEW_DAEMON', outcome: 'not-applied' },
          ...{ code: 'EADDRINUSE', errno: -98, reason: 'port-in-use' },
        });
        await ipvs.startDaemon({ role: 'backup', interface: 'lo', port: 8849 });
        await stopAll(ipvs);
      } finally {
        child.kill('SIGKILL');
        await once(child, 'close');
      }
    }),
  );

  it(
    'that have just been started stop in time, fifty times, with the truth',
    inNamespace(async (ns, ipvs) => {
      for (let times = 0; times < 50; times += 1) {
        const role = times % 2 === 0 ? 'master' : 'backup';
        // In one turn: the daemon's thread has not run when it is stopped, and no answer comes.
        const [, , daemons] = await Promise.all([
          ipvs.startDaemon({ role, interface: 'lo' }),
          ipvs.stopDaemon(role),
          ipvs.listDaemons(),
        ]);
        assert.deepEqual(daemons, []);
        await ipvs.startDaemon({ role, interface: 'lo' });
        const begin = performance.now();
        await ipvs.stopDaemon(role);
        // Waiting for the answer would have taken the client's timeout of five seconds.
        assert.ok(performance.now() - begin < 2500);
        assert.deepEqual(await ipvs.listDaemons(), []);
      }
      assert.deepEqual(await witness(ns), []);
    }),
  );

  it(
    'run in one network namespace alone',
    inNamespace(async (ns, ipvs) => {
      await ipvs.startDaemon({ role: 'master', interface: 'lo' });
      await inNamespace(async (_, other) => {
        assert.deepEqual(await other.listDaemons(), []);
        await assert.rejects(other.stopDaemon('master'), { reason: 'daemon-not-found' });
      })();
      assert.equal((await witness(ns)).length, 1);
      await stopAll(ipvs);
    }),
  );
});

describe('timeouts', () => {
  const listed = async (ns: Namespace): Promise<string> =>
    (await ns.ipvsadm('-L', '--timeout')).trim();

  it(
    'are the kernel’s own at first, and change one by one, all together, or not at all',
    inNamespace(async (ns, ipvs) => {
      assert.deepEqual(await ipvs.getTimeouts(), { tcp: 900, tcpFin: 120, udp: 300 });
      const steps = [
        [{ udp: 30 }, '900 120 30'],
        [{ tcp: 2147483, tcpFin: undefined }, '2147483 120 30'],
        [{ tcpFin: 1 }, '2147483 1 30'],
        [{}, '2147483 1 30'],
        [{ tcp: 3, tcpFin: 2, udp: 2147483 }, '3 2 2147483'],
      ] as const;
      for (const [change, expected] of steps) {
        await ipvs.setTimeouts(change);
        assert.equal(await listed(ns), `Timeout (tcp tcpfin udp): ${expected}`);
        const { tcp, tcpFin, udp } = await ipvs.getTimeouts();
        assert.equal(`${tcp} ${tcpFin} ${udp}`, expected);
      }
      await assert.rejects(ipvs.setTimeouts({ tcp: 5, udp: 0 }), { field: 'timeouts.udp' });
      assert.equal(await listed(ns), 'Timeout (tcp tcpfin udp): 3 2 2147483');
    }),
  );
});
