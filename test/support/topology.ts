/**
 * A client, a director and two real servers on one wire, each in a network namespace of its own.
 *
 * The client has two addresses: to the near one the real servers answer by themselves, as it must be
 * with direct routing and tunnels; to the far one they answer through the director, as it must be with
 * masquerading. The real servers unwrap every kind of tunnel; checksums of GRE are a property of the
 * receiving device, so the first server takes it without and the second with.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { execute, Namespace, run } from './netns.js';

const SCRIPT = fileURLToPath(new URL('../../../test/support/topology.sh', import.meta.url));
const FLOW = fileURLToPath(new URL('../../../build/test/flow', import.meta.url));

export const FIRST_PORT = 8000;
const PORTS = 100;

export const ADDRESSES = {
  ipv4: {
    ...{ near: '10.0.0.1', far: '10.1.0.1', director: '10.0.0.2', virtual: '10.0.0.100' },
    ...{ r1: '10.0.0.11', r2: '10.0.0.12' },
  },
  ipv6: {
    ...{ near: 'fd00::1', far: 'fd01::1', director: 'fd00::2', virtual: 'fd00::100' },
    ...{ r1: 'fd00::11', r2: 'fd00::12' },
  },
} as const;

/** One question of the client. */
export interface Question {
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly family: 'ipv4' | 'ipv6';
  /** Whether the answer comes back through the director. */
  readonly masqueraded: boolean;
  readonly port: number;
  /** How often, by UDP from one socket. Default: once. */
  readonly times?: number;
}

/** Bytes that a question carries. */
export const QUESTION_SIZE = 100;

export class Topology {
  readonly client: Namespace;
  readonly director: Namespace;
  /** r1 and r2. */
  readonly realServers: readonly Namespace[];
  readonly #namespaces: readonly Namespace[];
  readonly #servers: ChildProcess[] = [];

  private constructor(namespaces: readonly Namespace[]) {
    const [, client, director, ...realServers] = namespaces;
    assert.ok(client && director);
    this.#namespaces = namespaces;
    this.client = client;
    this.realServers = realServers;
    this.director = director;
  }

  static async create(): Promise<Topology> {
    const namespaces: Namespace[] = [];
    for (let count = 0; count < 5; count += 1) namespaces.push(await Namespace.create());
    const topology = new Topology(namespaces);
    const names = namespaces.map(({ name }) => name);
    await run('sh', [SCRIPT, ...names]);
    const [, , director, r1, r2] = namespaces;
    const { ipv4, ipv6 } = ADDRESSES;
    await topology.#serve(director, 'director', [ipv4.virtual, ipv6.virtual]);
    await topology.#serve(r1, 'r1', [ipv4.virtual, ipv6.virtual, ipv4.r1, ipv6.r1]);
    await topology.#serve(r2, 'r2', [ipv4.virtual, ipv6.virtual, ipv4.r2, ipv6.r2]);
    return topology;
  }

  async #serve(ns: Namespace | undefined, name: string, addresses: string[]): Promise<void> {
    assert.ok(ns);
    const words = ['serve', name, String(FIRST_PORT), String(PORTS), ...addresses];
    const [command, args] = ns.inside('prlimit', '--nofile=4096', FLOW, ...words);
    const server = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#servers.push(server);
    const [ready] = (await once(server.stdout, 'data')) as [Buffer];
    assert.equal(String(ready), 'ready\n');
  }

  /** Who answered each question, in order; `failed` where nobody did. */
  async ask(questions: readonly Question[]): Promise<string[]> {
    const lines = questions.map(({ protocol, family, masqueraded, port, times = 1 }) => {
      const { near, far, virtual } = ADDRESSES[family];
      const words = [protocol, masqueraded ? far : near, virtual, port, QUESTION_SIZE, times];
      return `${FLOW} ask ${words.join(' ')} 2>/dev/null | paste -sd , || true`;
    });
    const { stdout } = await execute(...this.client.inside('sh', '-c', lines.join('\n')));
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => (line === '' ? 'failed' : line));
  }

  /** How many packets arrived in each encapsulation, by what topology.sh calls it. */
  async encapsulated(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const server of this.realServers) {
      for (const command of ['iptables-legacy-save', 'ip6tables-legacy-save']) {
        const rules = await server.run(command, '-c', '-t', 'mangle');
        for (const [, packets, name = ''] of rules.matchAll(/^\[(\d+):.*--comment "?([\w:]+)/gm)) {
          counts[name] = (counts[name] ?? 0) + Number(packets);
        }
      }
    }
    return counts;
  }

  async end(): Promise<void> {
    for (const server of this.#servers) {
      server.stdin?.end();
      await once(server, 'close');
    }
    for (const namespace of this.#namespaces) await namespace.end();
  }
}
