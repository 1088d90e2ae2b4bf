/** TCP connections that last, from the client of a topology through its director to its real servers. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Namespace } from './netns.js';
import { patience } from './patience.js';
import { until } from './program.js';
import { ADDRESSES, type Topology } from './topology.js';

const PROGRAM = fileURLToPath(new URL('children/flows.js', import.meta.url));
/** Milliseconds without an answer, after which a connection counts as broken. */
const STALL = 5000 * patience;

/** Where the real servers listen. */
export const REAL_PORT = 9080;
/** Where the clients connect to. */
export const VIRTUAL_PORT = 80;

/** Which connection a client is to open. */
export interface Order {
  readonly kind: 'download' | 'keep-alive';
  readonly host: string;
  readonly port: number;
  readonly localAddress: string;
}

/** What became of it: of an open one the server that answers, of a broken one how it broke. */
export interface Told {
  readonly state: 'open' | 'ended' | 'broken';
  readonly word: string;
}

/** A connection. */
export interface Flow {
  readonly id: number;
  readonly family: 'ipv4' | 'ipv6';
  readonly kind: Order['kind'];
  server?: string;
  told?: Told;
}

export class Flows {
  readonly all: Flow[] = [];
  readonly #client: ChildProcess;
  readonly #children: readonly ChildProcess[];

  private constructor(client: ChildProcess, servers: readonly ChildProcess[]) {
    this.#client = client;
    this.#children = [client, ...servers];
    client.on('message', ({ id, told }: { id: number; told: Told }) => {
      const flow = this.all[id];
      assert.ok(flow);
      flow.told = told;
      if (told.state === 'open') flow.server = told.word;
    });
  }

  static async start({ client, realServers }: Topology): Promise<Flows> {
    const servers: ChildProcess[] = [];
    for (const [index, server] of realServers.entries()) {
      servers.push(await Flows.#spawn(server, 'serve', `r${index + 1}`, String(REAL_PORT)));
    }
    return new Flows(await Flows.#spawn(client, 'browse', String(STALL)), servers);
  }

  static async #spawn(ns: Namespace, ...words: string[]): Promise<ChildProcess> {
    const [command, args] = ns.inside(process.execPath, PROGRAM, ...words);
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    assert.deepEqual(await once(child, 'message'), ['ready', undefined]);
    return child;
  }

  /** Opens so many connections of each kind and family, one after the other, and waits for their first answers. */
  async open(count: number): Promise<Flow[]> {
    const opened: Flow[] = [];
    for (const family of ['ipv4', 'ipv6'] as const) {
      for (const kind of ['download', 'keep-alive'] as const) {
        for (let number = 0; number < count; number += 1) {
          opened.push(await this.#open(family, kind));
        }
      }
    }
    return opened;
  }

  async #open(family: Flow['family'], kind: Flow['kind']): Promise<Flow> {
    const { far, virtual } = ADDRESSES[family];
    const flow: Flow = { id: this.all.length, family, kind };
    this.all.push(flow);
    const order: Order = { kind, host: virtual, port: VIRTUAL_PORT, localAddress: far };
    this.#client.send({ id: flow.id, order });
    await until(() => flow.told !== undefined);
    assert.equal(flow.told?.state, 'open', flow.told?.word);
    return flow;
  }

  /** Those that are open, of one server. */
  of(server: string): Flow[] {
    return this.all.filter((flow) => flow.told?.state === 'open' && flow.server === server);
  }

  /** Those that broke. */
  get broken(): Flow[] {
    return this.all.filter(({ told }) => told?.state === 'broken');
  }

  /** Ends connections: each has to get its last answer. */
  async finish(flows: readonly Flow[]): Promise<void> {
    for (const { id } of flows) this.#client.send({ id });
    await until(() => flows.every(({ told }) => told?.state !== 'open'));
    for (const { told } of flows) assert.equal(told?.state, 'ended', told?.word);
  }

  async end(): Promise<void> {
    for (const child of this.#children) {
      child.disconnect();
      await once(child, 'exit');
    }
  }
}
