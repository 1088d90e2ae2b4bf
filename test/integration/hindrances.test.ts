/**
 * System calls that end early, do less than they were asked, or find no room. Most of that cannot be had from
 * the kernel at will: a library loaded before libc (test/native/faults.cc) makes it so.
 */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { before, describe, it } from 'mocha';
import { type Namespace, withNamespace } from '../support/netns.js';

const FAULTS = fileURLToPath(new URL('../../../build/test/faults.so', import.meta.url));
const CHILD = fileURLToPath(new URL('../support/children/hindered.js', import.meta.url));

const HINDRANCES: Readonly<Record<string, string>> = {
  interrupt: 'signals interrupt sending, waiting and receiving (EINTR)',
  single: 'fewer datagrams come than were asked for',
  tiny: 'its receive buffer holds one answer',
  narrow: 'its send buffer holds few commands',
  boastful: 'its send buffer holds fewer commands than it says (EMSGSIZE)',
  unforced: 'its buffers are those that everybody may have (EPERM)',
  spilt: 'the answer to a list finds no room (ENOBUFS)',
  busy: 'its socket is at another dump (EBUSY)',
  short: 'files are read by a few bytes at a time',
};

async function connect(ns: Namespace): Promise<void> {
  await ns.restore(['-A -u 10.99.0.1:53 -s rr', '-a -u 10.99.0.1:53 -r 10.99.0.2:53 -m']);
  await ns.run('ip', 'addr', 'add', '10.99.0.1/32', 'dev', 'lo');
  await ns.run('bash', '-c', 'echo >/dev/udp/10.99.0.1/53');
}

/** What a program did whose system calls are hindered in this way, or not at all. */
async function report(fault: string): Promise<unknown> {
  return await withNamespace(async (ns) => {
    await connect(ns);
    const environment = [`LD_PRELOAD=${FAULTS}`, `IPVS_FAULT=${fault}`];
    return JSON.parse(await ns.run('env', ...environment, process.execPath, CHILD)) as unknown;
  });
}

describe('a client does all that it does otherwise', () => {
  let unhindered: unknown;

  before(async () => {
    unhindered = await report('none');
  });

  it('without a hindrance: half of the calls of a long batch fail, each with its own reason', () => {
    const { written, lists } = unhindered as { written: unknown[]; lists: { snapshot: unknown[] } };
    const exists = { reason: 'service-exists', code: 'EEXIST', outcome: 'not-applied' };
    const expected = written.map((_, index) => (index % 6 === 0 ? exists : 'done'));
    assert.deepEqual(written, expected);
    assert.equal(lists.snapshot.length, 261);
  });

  for (const [fault, hindrance] of Object.entries(HINDRANCES)) {
    it(`while ${hindrance}`, async () => {
      assert.deepEqual(await report(fault), unhindered);
    });
  }
});
