import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import type { Failure } from '../support/failure.js';
import { inNamespace, type Namespace, run } from '../support/netns.js';
import { until } from '../support/program.js';
import { fileURLToPath } from 'node:url';

const ATTEMPT = fileURLToPath(new URL('../support/children/attempt.js', import.meta.url));

type Failures = Record<string, Failure | null>;

/** Words that run a program without one capability. */
function without(capability: string): string[] {
  return ['setpriv', '--bounding-set', `-${capability}`, '--inh-caps', `-${capability}`];
}

/** Runs test/support/children/attempt.ts with these words before it. */
async function attempt(words: string[], options: object, mode = 'open'): Promise<Failures> {
  const [command = '', ...args] = [
    ...[...words, process.execPath, ATTEMPT],
    ...[JSON.stringify(options), mode],
  ];
  return JSON.parse(await run(command, args)) as Failures;
}

function inside(ns: Namespace): string[] {
  const [command, args] = ns.inside('env');
  return [command, ...args];
}

const DENIED = { code: 'EPERM', errno: -1, reason: 'permission-denied', outcome: 'not-applied' };
const SERVICE = 'tcp 10.0.0.1:80';
const DESTINATION = '10.0.1.1:80';
/** As many does the program attempt, besides opening. */
const COMMANDS = 21;

describe('permissions', () => {
  it('open is refused without CAP_NET_ADMIN', async () => {
    assert.deepEqual(await attempt(without('net_admin'), {}), {
      open: { ...DENIED, syscall: 'IPVS_CMD_GET_INFO' },
    });
  });

  it('open is refused to root of a user namespace, in a network namespace of its own too', async () => {
    const expected = { open: { ...DENIED, syscall: 'IPVS_CMD_GET_INFO' } };
    assert.deepEqual(await attempt(['unshare', '-Ur'], {}), expected);
    assert.deepEqual(await attempt(['unshare', '-Urn'], {}), expected);
  });

  it(
    'open of another namespace is refused without CAP_SYS_ADMIN, of the own one it is not',
    inNamespace(async (ns) => {
      const { path } = ns;
      assert.deepEqual(await attempt(without('sys_admin'), { netns: { path } }), {
        open: { ...DENIED, syscall: 'setns' },
      });
      const words = [...inside(ns), ...without('sys_admin')];
      assert.deepEqual(await attempt(words, { netns: { path } }), { open: null });
      assert.deepEqual(await attempt(words, {}), { open: null });
    }),
  );

  it(
    "open of another process's namespace is refused without CAP_SYS_PTRACE, unless it may do no more than oneself",
    inNamespace(async (ns) => {
      const tracer = without('sys_ptrace');
      const answers = async (words: readonly string[]): Promise<Failures[]> => {
        const [command, ...args] = [...words, 'sleep', '600'];
        const sleeper = spawn(...ns.inside(command, ...args), { stdio: 'ignore' });
        const { pid = 0 } = sleeper;
        try {
          await until(() => readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('sleep'));
          return [await attempt([], { netns: { pid } }), await attempt(tracer, { netns: { pid } })];
        } finally {
          sleeper.kill();
        }
      };
      const denied = { ...DENIED, code: 'EACCES', errno: -13 };
      const refused = [{ open: null }, { open: { ...denied, syscall: 'open' } }];
      assert.deepEqual(await answers([]), refused);
      const other = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
      assert.deepEqual(await answers(other), refused);
      assert.deepEqual(await answers(tracer), [{ open: null }, { open: null }]);
    }),
  );

  it(
    'CAP_NET_ADMIN alone is enough for every command',
    inNamespace(async (ns) => {
      const words = [
        ...[...inside(ns), 'setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'],
        ...['--inh-caps=+net_admin', '--ambient-caps=+net_admin'],
      ];
      const failures = await attempt(words, {}, 'keep');
      assert.equal(Object.keys(failures).length, COMMANDS + 1);
      assert.deepEqual(
        Object.entries(failures).filter(([, failure]) => failure !== null),
        [],
      );
    }),
  );

  it(
    'every command is refused once the process has lost CAP_NET_ADMIN, and changes nothing',
    inNamespace(async (ns) => {
      await ns.restore(['-A -t 10.0.0.1:80 -s wlc', '-a -t 10.0.0.1:80 -r 10.0.1.1:80 -m']);
      const before = await ns.table();
      const { open, ...failures } = await attempt(inside(ns), {}, 'drop');
      assert.equal(open, null);
      const service = { ...DENIED, service: SERVICE };
      const both = { ...service, destination: DESTINATION };
      assert.deepEqual(failures, {
        getInfo: { ...DENIED, syscall: 'IPVS_CMD_GET_INFO' },
        addService: { ...service, syscall: 'IPVS_CMD_NEW_SERVICE' },
        setService: { ...service, syscall: 'IPVS_CMD_SET_SERVICE' },
        updateService: { ...service, syscall: 'IPVS_CMD_GET_SERVICE' },
        ensureService: { ...service, syscall: 'IPVS_CMD_NEW_SERVICE' },
        getService: { ...service, syscall: 'IPVS_CMD_GET_SERVICE' },
        listServices: { ...DENIED, syscall: 'IPVS_CMD_GET_SERVICE' },
        addDestination: { ...both, syscall: 'IPVS_CMD_NEW_DEST' },
        setDestination: { ...both, syscall: 'IPVS_CMD_SET_DEST' },
        updateDestination: { ...both, syscall: 'IPVS_CMD_GET_DEST' },
        ensureDestination: { ...both, syscall: 'IPVS_CMD_NEW_DEST' },
        snapshot: { ...DENIED, syscall: 'IPVS_CMD_GET_SERVICE' },
        zero: { ...service, syscall: 'IPVS_CMD_ZERO' },
        getTimeouts: { ...DENIED, syscall: 'IPVS_CMD_GET_CONFIG' },
        setTimeouts: { ...DENIED, syscall: 'IPVS_CMD_SET_CONFIG' },
        listDaemons: { ...DENIED, syscall: 'IPVS_CMD_GET_DAEMON' },
        listDestinations: { ...service, syscall: 'IPVS_CMD_GET_DEST' },
        getDestination: { ...both, syscall: 'IPVS_CMD_GET_DEST' },
        deleteDestination: { ...both, syscall: 'IPVS_CMD_DEL_DEST' },
        deleteService: { ...service, syscall: 'IPVS_CMD_DEL_SERVICE' },
        flush: { ...DENIED, syscall: 'IPVS_CMD_FLUSH' },
      });
      assert.deepEqual(await ns.table(), before);
    }),
  );

  it(
    'every command works again once the process has CAP_NET_ADMIN back',
    inNamespace(async (ns) => {
      const failures = await attempt(inside(ns), {}, 'regain');
      assert.equal(Object.keys(failures).length, COMMANDS + 1);
      assert.deepEqual(
        Object.entries(failures).filter(([, failure]) => failure !== null),
        [],
      );
    }),
  );
});
