import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { bootingTimeout, lab } from './support.js';

/** Runs a shell script in the lab. */
async function sh(script: string, ...args: string[]) {
  const { status, stdout, stderr } = await lab(['sh', '-c', script, 'sh', ...args]);
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
}

describe('a command in the lab', function () {
  this.timeout(bootingTimeout);
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'lab-test-'));
  });

  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('has IPVS at once, and its stdout, stderr and exit status come back apart', async () => {
    const script = 'ipvsadm -A -t 10.0.0.1:80 -s wrr; ipvsadm -Ln; echo x >&2; exit 7';
    const { status, stdout, stderr } = await sh(script);
    assert.match(stdout, /^IP Virtual Server version [^]*\nTCP {2}10\.0\.0\.1:80 wrr\n$/);
    assert.equal(stderr, 'x\n');
    assert.equal(status, 7);
  });

  it('has every scheduler, and the persistence engine', async () => {
    const schedulers = 'rr wrr lc wlc lblc lblcr dh sh sed nq mh fo ovf';
    const { status, stdout, stderr } = await sh(
      `for s in ${schedulers}; do port=$((port + 1)); ipvsadm -A -t 10.0.0.1:$port -s $s; done
      ipvsadm -A -u 10.0.0.1:5060 -s rr -p 60 --pe sip
      ipvsadm -Ln | awk '$1 == "TCP" || $1 == "UDP" { print $3 }'; test -e /proc/net/ip_vs`,
    );
    assert.equal(stderr, '');
    assert.deepEqual(stdout.trim().split('\n'), [...schedulers.split(' '), 'rr']);
    assert.equal(status, 0);
  });

  it('that a signal ends, or that is not there, has the status that a shell gives', async () => {
    const [killed, missing, folderItself] = await Promise.all([
      sh('kill -9 $$'),
      lab(['no-such-command']),
      lab(['/']),
    ]);
    assert.deepEqual(killed, { status: 137, stdout: '', stderr: '' });
    assert.equal(missing.status, 127);
    assert.equal(folderItself.status, 126);
  });

  it('writes any bytes, megabytes of them, and what it writes last arrives too', async () => {
    const size = 5_000_000;
    const files = ['out', 'err'].map((name) => join(folder, name));
    const contents = files.map((file) => {
      const content = randomBytes(size);
      writeFileSync(file, content);
      return content;
    });
    const script = 'cat "$1" >&2 & cat "$0"; wait';
    const { status, stdout, stderr } = await lab(['sh', '-c', script, ...files]);
    assert.equal(status, 0, stderr.subarray(-2000).toString());
    assert.ok(stdout.equals(contents[0] ?? Buffer.of()), `${stdout.length} bytes of stdout`);
    assert.ok(stderr.equals(contents[1] ?? Buffer.of()), `${stderr.length} bytes of stderr`);
  });

  it('has the arguments, the environment and the working directory of its caller', async () => {
    const cwd = join(folder, " a 'quoted'\n$(name)");
    mkdirSync(cwd);
    const args = ['', ' ', "it's", 'two\nlines', '$HOME `id` \\ "', '*', '-x'];
    const env = {
      PATH: '/usr/bin:/bin',
      LINES2: 'a\nb\n',
      QUOTES: `'"\\$(id)`,
      EMPTY: '',
      'not-a.shell name': 'x=y',
      IPVS_LAB: process.env['IPVS_LAB'] ?? '',
    };
    // Not a shell, since that drops variables whose names it can't have.
    const program = `process.stdout.write([process.cwd(), ...process.argv.slice(1)].join('\\0') + '\\0');
      process.stdout.write(require('fs').readFileSync('/proc/self/environ'))`;
    const command = [process.execPath, '-e', program, '--', ...args];
    const { status, stdout, stderr } = await lab(command, { cwd, env });
    assert.equal(stderr.toString(), '');
    assert.equal(status, 0);
    const [seenCwd, ...words] = stdout.toString().split('\0');
    assert.equal(seenCwd, cwd);
    assert.deepEqual(words.slice(0, args.length), args);
    const seen = new Set(words.slice(args.length));
    const { PATH: path, ...unchanged } = env;
    for (const [name, value] of Object.entries(unchanged)) {
      assert.ok(seen.has(`${name}=${value}`), name);
    }
    assert.ok(seen.has(`PATH=${path}:/usr/local/sbin:/usr/sbin:/sbin`));
    assert.ok(
      ['host', 'uml', 'qemu', 'qemu-arm64'].some((kind) => seen.has(`IPVS_LAB_KIND=${kind}`)),
    );
  });

  it('has an empty stdin, no terminal, a session of its own, and devices that work', async () => {
    const { stdout, stderr, status } = await sh(`set -e
      cat
      for descriptor in 0 1 2; do ! test -t $descriptor; done
      ! sh -c ': </dev/tty' 2>/dev/null
      test "$(cut -d ' ' -f 6 /proc/$$/stat)" = $$
      ls /proc/self/fd | tr '\\n' ' '
      echo reopened >/dev/stderr
      ip -br link show dev lo
      head -c 4 /dev/urandom >/dev/null`);
    assert.match(stdout, /^0 1 2 3 lo +UNKNOWN +\S+ <LOOPBACK,UP/);
    assert.equal(stderr, 'reopened\n');
    assert.equal(status, 0);
  });

  it('may leave processes behind: they end with it', async () => {
    const { status, stdout } = await sh(
      'sleep 1000 & setsid sh -c "trap : TERM HUP; sleep 1000" & echo end',
    );
    assert.deepEqual({ status, stdout }, { status: 0, stdout: 'end\n' });
  });

  it('makes network namespaces of which the host sees nothing', async () => {
    const name = `lab-test-${process.pid}`;
    const { stdout } = await sh(
      `ip netns add ${name} && ip netns exec ${name} ip -br link; ip netns`,
    );
    assert.match(stdout, new RegExp(`^lo[^]*\n${name}\n$`));
    assert.ok(!existsSync(`/run/netns/${name}`));
  });

  it('writes into the files of the host', async () => {
    const file = join(folder, 'written');
    const { stdout } = await sh('echo inside >"$1"; cat "$1"', file);
    assert.equal(stdout, 'inside\n');
    assert.equal((await lab(['cat', file])).stdout.toString(), 'inside\n');
    assert.ok(existsSync(file));
  });

  it('has a table of its own, beside another lab', async () => {
    const tables = await Promise.all(
      ['10.0.0.1:1', '10.0.0.2:2'].map(
        async (address) => await sh('ipvsadm -A -t "$1" -s rr; sleep 1; ipvsadm -Sn', address),
      ),
    );
    assert.deepEqual(
      tables.map(({ stdout }) => stdout),
      ['-A -t 10.0.0.1:1 -s rr\n', '-A -t 10.0.0.2:2 -s rr\n'],
    );
  });
});
