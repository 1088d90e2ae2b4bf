import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { describe, it } from 'mocha';
import { statisticsOf } from '../support/statistics.js';
import { IpvsError } from '../../lib/index.js';
import { runModule } from '../support/child.js';
import { clientOver, executed, FakeDoor } from '../support/door.js';

const SERVICE = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;

async function failure(): Promise<IpvsError> {
  const client = clientOver(new FakeDoor(() => executed([{ errno: 3 }])));
  const error: unknown = await client.deleteService(SERVICE).catch((reason: unknown) => reason);
  assert.ok(error instanceof IpvsError);
  return error;
}

describe('IpvsError', () => {
  it('is an Error of a class of its own', async () => {
    const error = await failure();
    assert.ok(error instanceof Error);
    assert.equal(error.name, 'IpvsError');
    assert.equal(error.constructor, IpvsError);
    assert.equal(Object.prototype.toString.call(error), '[object Error]');
    assert.match(String(error), /^IpvsError: deleteService tcp 192\.0\.2\.1:80: /);
    assert.match(error.stack ?? '', /^IpvsError: deleteService/);
  });

  it("has Node's conventions: code is the name of the errno, errno is negative", async () => {
    const { code, errno, syscall } = await failure();
    assert.deepEqual([code, errno, syscall], ['ESRCH', -3, 'IPVS_CMD_DEL_SERVICE']);
  });

  it('shows what a log needs, and neither name, message nor stack among the fields', async () => {
    const error = await failure();
    assert.deepEqual(Object.keys(error).sort(), [
      'code',
      'errno',
      'outcome',
      'reason',
      'service',
      'syscall',
    ]);
  });

  it('has no field for what there is not: no destination: undefined in a log', async () => {
    const error = await failure();
    assert.equal('destination' in error, false);
    assert.equal('cause' in error, false);
    assert.doesNotMatch(inspect(error), /undefined/);
  });

  it('names the interface of a sync daemon that does not start', async () => {
    const client = clientOver(new FakeDoor(() => executed([{ errno: 19 }])));
    await assert.rejects(client.startDaemon({ role: 'backup', interface: 'eth7' }), {
      reason: 'interface-not-found',
      message: /^startDaemon backup on eth7: there is no such network interface/,
    });
  });

  it("has the caller's frame in its stack", async () => {
    const door = new FakeDoor(() => executed([{ errno: 3 }]));
    async function functionOfTheCaller(): Promise<void> {
      await clientOver(door).deleteService(SERVICE);
    }
    await assert.rejects(functionOfTheCaller(), ({ stack }: Error) => {
      assert.match(stack ?? '', /at async functionOfTheCaller .*errors\.test/);
      return true;
    });
  });

  it("has the caller's frame in its stack among other calls, too", async () => {
    const door = new FakeDoor((job) => executed(job.names.map(() => ({ errno: 3 }))));
    const client = clientOver(door);
    async function functionOfTheCaller(): Promise<void> {
      await Promise.all([client.flush(), client.deleteService(SERVICE)]);
    }
    await assert.rejects(functionOfTheCaller(), ({ stack }: Error) => {
      assert.match(stack ?? '', /functionOfTheCaller/);
      return true;
    });
  });
});

describe('Statistics', () => {
  const statistics = statisticsOf([1n, 2n, 3n, 2n ** 64n - 1n, 5n], [6, 7, 8, 9, 10]);

  it('go into JSON: totals as decimal strings, rates as numbers, without loss', () => {
    assert.deepEqual(JSON.parse(JSON.stringify({ stats: statistics })), {
      stats: {
        connections: '1',
        inPackets: '2',
        outPackets: '3',
        inBytes: '18446744073709551615',
        outBytes: '5',
        connectionRate: 6,
        inPacketRate: 7,
        outPacketRate: 8,
        inByteRate: 9,
        outByteRate: 10,
      },
    });
  });

  it('compare by value, and survive structuredClone as plain data', () => {
    assert.deepEqual(statistics, statisticsOf([1n, 2n, 3n, 2n ** 64n - 1n, 5n], [6, 7, 8, 9, 10]));
    assert.deepEqual(structuredClone(statistics), Object.fromEntries(Object.entries(statistics)));
  });
});

const REPORT = `
  const { Ipvs, IpvsError } = await import(library);
  async function functionOfTheCaller(options) { return await Ipvs.open(options); }
  const report = async (options) => {
    try {
      await (await functionOfTheCaller(options)).close();
      console.log(JSON.stringify({ opened: true }));
    } catch (error) {
      assert.ok(error instanceof IpvsError, error);
      const { code, reason, errno, outcome, message, stack } = error;
      console.log(JSON.stringify({ code, reason, errno, outcome, message, stack }));
    }
  };
`;

interface Report {
  readonly opened?: true;
  readonly code: string;
  readonly reason: string;
  readonly errno?: number;
  readonly outcome: string;
  readonly message: string;
  readonly stack: string;
}

function openIn(program: string): Report {
  const { status, signal, stdout, stderr } = runModule(REPORT + program);
  assert.deepEqual({ status, signal }, { status: 0, signal: null }, stderr);
  return JSON.parse(stdout) as Report;
}

describe('open', () => {
  it('opens, or says why not and what to do: no IPVS in this kernel, or no permission', () => {
    const { opened, code, reason, errno, message, stack } = openIn('await report();');
    // On a host whose kernel has IPVS, with all rights.
    if (opened === true) return;
    if (reason === 'permission-denied') {
      assert.deepEqual([code, errno], ['EPERM', -1]);
      assert.match(message, /^open: CAP_NET_ADMIN is missing/);
    } else {
      assert.equal(reason, 'ipvs-unavailable');
      assert.match(message, /^open: this kernel has no IPVS.*'modprobe ip_vs'/);
      assert.match(stack, /functionOfTheCaller/);
    }
  });

  it('without its addon says how to get it', () => {
    const report = openIn(`
      process.dlopen = () => { throw new Error('wrong ELF class'); };
      await report();`);
    assert.deepEqual(
      [report.code, report.reason],
      ['ERR_IPVS_ADDON_NOT_LOADED', 'addon-not-loaded'],
    );
    assert.match(report.message, /wrong ELF class\nPossible solutions:\n- Install/);
  });

  for (const [options, reason] of [
    ["{ netns: { name: 'ipvs-no-such-name' } }", 'namespace-not-found'],
    ['{ netns: { pid: 4194304 } }', 'namespace-not-found'],
    ["{ netns: { path: '/dev/null' } }", 'not-a-namespace'],
    ["{ netns: { path: '/proc/self/ns/mnt' } }", 'not-a-namespace'],
  ] as const) {
    it(`with ${options}: ${reason}`, () => {
      const report = openIn(`await report(${options});`);
      assert.equal(report.reason, reason, report.message);
      assert.equal(report.outcome, 'not-applied');
    });
  }
});
