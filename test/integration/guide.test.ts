/** The guide, carried out: its commands, its program from top to bottom, and its way to drain a server. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'mocha';
import { piecesOf } from '../support/documents.js';
import { Namespace } from '../support/netns.js';
import { patience } from '../support/patience.js';
import { Program, until } from '../support/program.js';
import { Web } from '../support/web.js';
import type { TableEntry } from '../support/witness.js';

const PIECES = piecesOf('docs/guide.md', 'js');
const DONE = { status: 0, signal: null, stderr: '' };
const [VIRTUAL, WEAK, STRONG] = ['10.0.0.1', '10.0.1.2', '10.0.1.3'];

function pieceWith(text: string): string {
  return PIECES.find((piece) => piece.includes(text)) ?? assert.fail(text);
}

function start(ns: Namespace, ...pieces: readonly string[]): Program {
  return Program.start(ns, '--input-type=module', '--eval', pieces.join('\n'));
}

describe('the guide', function () {
  // Programs start slowly in a guest on a busy machine.
  this.timeout(120_000 * patience);
  let ns: Namespace;

  before(async () => {
    ns = await Namespace.create();
    // Its network: an interface for the sync daemons, and addresses of real servers to drain.
    await ns.run(
      ...[
        'sh',
        '-ec',
        'ip link add eth0 type dummy && ip link set eth0 up && ip route add default dev eth0',
      ],
    );
  });

  after(async () => {
    await ns.end();
  });

  it('has commands that succeed', async () => {
    // User-mode Linux has no nf_tables for IP: neither `nft` nor what is called iptables by default.
    const commands = piecesOf('docs/guide.md', 'sh')
      .join('\n')
      .replaceAll('iptables -', 'iptables-legacy -');
    await ns.run('sh', '-ec', `exec >/dev/null\n${commands}`);
    assert.match(await ns.run('iptables-legacy-save', '-t', 'mangle'), /^-A .*--set-xmark 0x7\//m);
  });

  it('is a program that does what it says, until it is ended', async () => {
    const program = start(ns, ...PIECES);
    try {
      await program.said('watching');
      const web = { protocol: 'tcp', address: VIRTUAL, port: 80 } as const;
      const persistence = { timeout: 300 };
      const masquerade = { forwarding: 'masquerade' } as const;
      const table: TableEntry[] = [
        {
          service: { ...web, scheduler: 'wrr', persistence },
          destinations: [{ address: WEAK, port: 8080, ...masquerade }],
        },
        {
          service: { protocol: 'tcp', address: '2001:db8::1', port: 80, scheduler: 'wrr' },
          destinations: [{ address: '2001:db8:1::2', port: 8080, ...masquerade }],
        },
        {
          service: { fwmark: 7, family: 'ipv4', scheduler: 'wlc', persistence },
          destinations: [{ address: WEAK, port: 0, ...masquerade }],
        },
        {
          service: { protocol: 'udp', address: VIRTUAL, port: 53, scheduler: 'rr' },
          destinations: [
            { address: '10.0.2.2', port: 53, forwarding: 'tunnel' },
            {
              ...{ address: '10.0.2.3', port: 53, forwarding: 'tunnel' },
              tunnel: { type: 'gue', port: 6080, checksum: 'checksum' },
            },
          ],
        },
        ...Array.from({ length: 100 }, (_, index) => ({
          service: { ...web, port: 2000 + index, scheduler: 'rr' },
          destinations: [],
        })),
      ];
      await ns.assertHolds(table);
      assert.match(await ns.ipvsadm('-L', '--daemon'), /master.*syncid=7[^]*backup.*syncid=7/);
      assert.match(await ns.ipvsadm('-L', '--timeout'), / 3600 120 60$/m);
      assert.deepEqual(await program.end('SIGTERM'), DONE);
    } finally {
      await program.end('SIGKILL');
    }
  });

  describe('drains', () => {
    let web: Web;
    let client: ChildProcess;

    before(async () => {
      await ns.run(
        'sh',
        '-ec',
        'for a in "$@"; do ip addr add "$a/32" dev lo; done',
        'sh',
        WEAK,
        STRONG,
      );
      web = await Web.start(ns, 8080, [WEAK, STRONG]);
    });

    after(async () => {
      await web.end();
    });

    async function strong() {
      const [service] = await ns.table();
      return service?.destinations.find(({ address }) => address === STRONG);
    }

    /** Runs the guide's pieces up to its draining, and those lines while clients are connected. */
    async function draining(piece: string, body: (program: Program) => Promise<void>) {
      await ns.ipvsadm('-C');
      // Waiting for a signal does not keep a process alive, and a timer does.
      const wait = `
        console.log('ready');
        const timer = setInterval(() => undefined, 1000);
        await new Promise((go) => process.once('SIGUSR2', go));
        clearInterval(timer);`;
      const first = [PIECES[0] ?? '', pieceWith('const strong')];
      const program = start(ns, ...first, wait, piece, 'await ipvs.close();');
      try {
        await program.said('ready');
        const connect = `for n in 3 4 5 6; do eval "exec $n<>/dev/tcp/${VIRTUAL}/80"; done; echo; read`;
        client = spawn(...ns.inside('bash', '-c', connect), { stdio: ['pipe', 'pipe', 'inherit'] });
        await once(client.stdout ?? assert.fail(), 'data');
        assert.equal((await strong())?.active, 3);
        program.signal('SIGUSR2');
        await body(program);
      } finally {
        client.stdin?.end();
        await program.end('SIGKILL');
      }
    }

    it('a server when its connections have ended', async () => {
      // The kernel remembers ended connections for two minutes: the deadline ends it, after what is looked at until then.
      const piece = pieceWith('ipvs.drain').replace('600_000', String(5000 * patience));
      await draining(piece, async (program) => {
        await until(async () => (await strong())?.weight === 0);
        await new Promise((resolve) => setTimeout(resolve, 1000));
        assert.equal((await strong())?.active, 3);
        client.stdin?.end();
        assert.deepEqual(await program.ended(), DONE);
        assert.equal(await strong(), undefined);
        assert.doesNotMatch(program.stdout, /cut off/);
      });
    });

    it('a server for so long and no longer', async () => {
      const piece = pieceWith('ipvs.drain').replace('600_000', '300');
      await draining(piece, async (program) => {
        assert.deepEqual(await program.ended(), DONE);
        assert.equal(await strong(), undefined);
        assert.match(program.stdout, /^cut off: 3$/m);
      });
    });
  });
});
