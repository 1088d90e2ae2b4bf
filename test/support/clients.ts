/** TCP connections through a virtual server that stay open, in one network namespace. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Ipvs } from 'ipvs';
import { inNamespace, type Namespace } from './netns.js';

const PROGRAM = fileURLToPath(new URL('children/clients.js', import.meta.url));

/** The virtual server, its ports 80 and 53. */
export const VIRTUAL = '10.99.0.1';
/** The real servers, each on port 8080. */
export const FIRST = '10.99.0.2';
export const SECOND = '10.99.0.3';

export class Clients {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(ns: Namespace): Promise<Clients> {
    const addresses = [VIRTUAL, FIRST, SECOND];
    for (const each of addresses) await ns.run('ip', 'addr', 'add', `${each}/32`, 'dev', 'lo');
    const [command, args] = ns.inside(process.execPath, PROGRAM, ...addresses);
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    assert.deepEqual(await once(child, 'message'), ['ready', undefined]);
    return new Clients(child);
  }

  /** Opens a connection that stays; which real server answered. */
  async open(): Promise<string> {
    return await this.#tell('open');
  }

  /** Which real servers answered on the connections that are open, in their order. */
  async speak(): Promise<string> {
    return await this.#tell('speak');
  }

  /** Sends a datagram. */
  async send(): Promise<void> {
    assert.equal(await this.#tell('send'), 'sent');
  }

  /** Makes the kernel forget the connections: silent for a second, they have ended by its word. */
  async forget(ipvs: Ipvs): Promise<void> {
    await ipvs.setTimeouts({ tcp: 1 });
    await this.speak();
    let left = 1;
    for (const until = performance.now() + 20_000; left > 0 && performance.now() < until;) {
      await sleep(200);
      const destinations = (await ipvs.snapshot()).flatMap((each) => each.destinations);
      left = destinations.reduce(
        (sum, { connections }) => sum + connections.active + connections.inactive,
        0,
      );
    }
    assert.equal(left, 0);
    await ipvs.setTimeouts({ tcp: 900 });
  }

  async end(): Promise<void> {
    this.#child.disconnect();
    await once(this.#child, 'exit');
  }

  async #tell(word: string): Promise<string> {
    this.#child.send(word);
    const [answer] = (await once(this.#child, 'message')) as [string];
    return answer;
  }
}

/** The function of a test that has a namespace with clients and real servers. */
export function withClients(
  body: (ns: Namespace, ipvs: Ipvs, clients: Clients) => Promise<void>,
): () => Promise<void> {
  return inNamespace(async (ns, ipvs) => {
    const clients = await Clients.start(ns);
    try {
      await body(ns, ipvs, clients);
    } finally {
      await clients.end();
    }
  });
}
