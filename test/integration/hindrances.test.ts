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

const ADDON = new URL('../../lib/native/addon.js', import.meta.url).href;
const ENCODE = new URL('../../lib/native/encode.js', import.meta.url).href;
const REPLY = new URL('../../lib/native/reply.js', import.meta.url).href;

/** Gives the native part more than it has time for; prints how many commands each job executed. */
const SLOW = `import { createDoor } from ${JSON.stringify(ADDON)};
import { encodeCommands } from ${JSON.stringify(ENCODE)};
import { Reply } from ${JSON.stringify(REPLY)};
const door = createDoor(null, 5000);
await door.open();
process.env.IPVS_FAULT = 'slow';
const many = (name, count) => encodeCommands(Array.from({ length: count }, () => ({ name })));
const dumped = new Reply(await door.dump(many('IPVS_CMD_GET_SERVICE', 20)));
const written = new Reply(await door.transact(many('IPVS_CMD_FLUSH', 1000)));
console.log(dumped.count, written.count);`;

/** Streams where no descriptor can be doubled, then where it can. */
const UNDOUBLED = `import { Ipvs } from 'ipvs';
const ipvs = await Ipvs.open();
process.env.IPVS_FAULT = 'undoubled';
const ending = async () => await ipvs.streamServices().next().then(() => 'read', ({ code, outcome }) => code + ' ' + outcome);
console.log(await ending());
delete process.env.IPVS_FAULT;
console.log(await ending());`;

async function run(text: string): Promise<string> {
  return await withNamespace(async (ns) => {
    const words = [process.execPath, '--input-type=module', '--eval', text];
    return await ns.run('env', `LD_PRELOAD=${FAULTS}`, ...words);
  });
}

describe('a job', () => {
  // Two sends of 60 ms or, on a slow machine, one; after eight empty lists the clock is looked at.
  it('ends when its time is over, whether it lists or writes', async () => {
    assert.match(await run(SLOW), /^8 (256|512)\n$/);
  });
});

describe('a list that is read page by page', () => {
  it('is never that of another namespace by the same name: without a descriptor it fails', async () => {
    assert.equal(await run(UNDOUBLED), 'EMFILE not-applied\nread\n');
  });
});

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
