/** HTTP inside a network namespace: servers that do as they are told, and a client. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Namespace } from './netns.js';

const PROGRAM = fileURLToPath(new URL('children/web.js', import.meta.url));

/** What the client got; status 0 where nobody answered, with the reason in place of the body. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export class Web {
  readonly #child: ChildProcess;
  readonly #port: number;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.#port = port;
  }

  /** Starts a server on each address, which the namespace must have. */
  static async start(ns: Namespace, port: number, addresses: readonly string[]): Promise<Web> {
    const [command, args] = ns.inside(process.execPath, PROGRAM, String(port), ...addresses);
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    assert.deepEqual(await once(child, 'message'), ['ready', undefined]);
    return new Web(child, port);
  }

  /** Asks for a URL. One at a time: answers do not say to what. */
  async ask(url: string): Promise<Answer> {
    this.#child.send(url);
    const [answer] = (await once(this.#child, 'message')) as [Answer];
    return answer;
  }

  /** Which address answered each of so many requests, sorted. */
  async answerers(url: string, times: number): Promise<string[]> {
    const bodies: string[] = [];
    for (let count = 0; count < times; count += 1) bodies.push((await this.ask(url)).body);
    return bodies.sort();
  }

  /** Makes a server answer health checks with these statuses, the last of them from then on. */
  async script(address: string, ...statuses: readonly number[]): Promise<void> {
    const { status } = await this.ask(`http://${address}:${this.#port}/script?${statuses.join()}`);
    assert.equal(status, 200);
  }

  /** How many health checks a server has had since its script was set. */
  async checks(address: string): Promise<number> {
    return Number((await this.ask(`http://${address}:${this.#port}/checks`)).body);
  }

  async end(): Promise<void> {
    this.#child.disconnect();
    await once(this.#child, 'exit');
  }
}
