/** The real door to the kernel with a guard in it: commands pass one by one, as the guard lets them. */
import assert, { AssertionError } from 'node:assert/strict';
import type { Ipvs } from 'ipvs';
import { isReading } from '../../lib/explain.js';
import { formatCheckedKey } from '../../lib/keys.js';
import { createDoor, type Door, type OpenFile } from '../../lib/native/addon.js';
import { decodeCommand } from '../../lib/native/command.js';
import { type CommandName, layout } from '../../lib/native/layout.js';
import { Reply } from '../../lib/native/reply.js';
import { clientOver } from './door.js';
import type { Namespace } from './netns.js';

/** A command on its way to the kernel. */
export interface Passing {
  readonly name: CommandName;
  /** Which service it is about, as `formatKey` writes it; missing where it is about all. */
  readonly service: string | undefined;
  /** Whether it changes something. */
  readonly writes: boolean;
  /** Lets it through; the reply to it alone. */
  readonly execute: () => Promise<ArrayBuffer>;
}

/** Gives the reply to a command. */
export type Guard = (passing: Passing) => Promise<ArrayBuffer>;

/** The guard who lets everything through. */
export async function pass({ execute }: Passing): Promise<ArrayBuffer> {
  return await execute();
}

/** What a reply leaves out of a job is asked for again: so each command travels alone. */
export class GuardedDoor implements Door {
  guard: Guard = pass;
  /** What a guard found wrong. To the client it is a job that failed, of which an apply may make the best. */
  readonly problems: AssertionError[] = [];
  readonly #door: Door;

  constructor(door: Door) {
    this.#door = door;
  }

  async open(): Promise<ArrayBuffer> {
    return await this.#door.open();
  }

  async transact(commands: Uint8Array): Promise<ArrayBuffer> {
    return await this.#let(commands, async (first) => await this.#door.transact(first));
  }

  async dump(commands: Uint8Array): Promise<ArrayBuffer> {
    return await this.#let(commands, async (first) => await this.#door.dump(first));
  }

  fork(): Door {
    return this.#door.fork();
  }

  async beginList(command: Uint8Array): Promise<ArrayBuffer> {
    return await this.#door.beginList(command);
  }

  async continueList(): Promise<ArrayBuffer> {
    return await this.#door.continueList();
  }

  async openFile(path: string, writing: boolean): Promise<OpenFile | ArrayBuffer> {
    return await this.#door.openFile(path, writing);
  }

  async list(path: string): Promise<ArrayBuffer> {
    return await this.#door.list(path);
  }

  close(): void {
    this.#door.close();
  }

  async #let(
    commands: Uint8Array,
    execute: (first: Uint8Array) => Promise<ArrayBuffer>,
  ): Promise<ArrayBuffer> {
    const first = commands.slice(0, layout.command.size);
    const { name, service } = decodeCommand(first);
    try {
      return await this.guard({
        name,
        service: service && formatCheckedKey(service),
        writes: !isReading(name),
        execute: async () => await execute(first),
      });
    } catch (error) {
      if (error instanceof AssertionError) this.problems.push(error);
      throw error;
    }
  }
}

/**
 * Answers the next command of a name instead of the kernel, of a service or of `all` where one is given.
 *
 * @returns A function that tells whether there was one.
 */
export function answerNext(
  door: GuardedDoor,
  { name, of }: { readonly name: CommandName; readonly of?: string },
  reply: ArrayBuffer,
): () => boolean {
  let isAnswered = false;
  door.guard = async (passing) => {
    const isIt = passing.name === name && (of === undefined || of === (passing.service ?? 'all'));
    if (isAnswered || !isIt) return await pass(passing);
    isAnswered = true;
    return reply;
  };
  return () => isAnswered;
}

/** Runs `body` with a client of a namespace whose door is guarded. */
export async function withGuard(
  ns: Namespace,
  body: (ipvs: Ipvs, door: GuardedDoor) => Promise<void>,
  queueLimit?: number,
): Promise<void> {
  const door = new GuardedDoor(createDoor(ns.path, 10_000));
  assert.equal(new Reply(await door.open()).outcome.errno, 0);
  const ipvs = clientOver(door, queueLimit);
  try {
    await body(ipvs, door);
  } finally {
    await ipvs.close();
    assert.ifError(door.problems[0]);
  }
}
