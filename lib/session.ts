import type { Answer, Call } from './batch.js';
import type { Claim } from './claims.js';
import { throwIfAborted } from './errors.js';
import {
  closedError,
  commandError,
  jobError,
  type Missing,
  openError,
  queueFullError,
  type Subject,
  unknownModuleError,
} from './failures.js';
import type { CheckedOptions } from './input/options.js';
import { JobFailure, type Request } from './jobs.js';
import { createDoor, type Door } from './native/addon.js';
import { decodeCommand } from './native/command.js';
import type { Command } from './native/encode.js';
import { Reply } from './native/reply.js';
import { type Files, NamespaceFiles } from './proc/files.js';
import { Queue } from './queue.js';
import { findMissing, lacksModule, requireRow, type Sequence } from './sequence.js';

/** One for all calls: thousands of them may wait. */
const withoutResult = (): void => undefined;

/** What became of a call; a promise of its error where it failed. */
type Ending<Result> = Result | Promise<never>;

/**
 * A call of a client that waits for its command. Of what it was about it holds nothing but the method:
 * errors read that from the packed command.
 */
class Sent<Result> implements Call {
  readonly #session: Session;
  readonly #method: string;
  readonly #result: (answer: Answer) => Result;
  readonly #end: (ending: Ending<Result>) => void;

  constructor(
    session: Session,
    method: string,
    result: (answer: Answer) => Result,
    end: (ending: Ending<Result>) => void,
  ) {
    this.#session = session;
    this.#method = method;
    this.#result = result;
    this.#end = end;
  }

  settle(answer: Answer): void {
    const failed = answer.outcome.errno !== 0;
    this.#end(failed ? this.#session.refuse(this.#method, answer) : this.#result(answer));
  }

  fail(error: unknown, command?: Uint8Array): void {
    this.#end(failure(this.#method, error, command));
  }
}

async function failure(method: string, error: unknown, command?: Uint8Array): Promise<never> {
  await toBeAdopted();
  if (!(error instanceof JobFailure) || command === undefined) throw error;
  const { name, ...about } = decodeCommand(command);
  throw jobError({ method, ...about }, name, error.cause);
}

/**
 * Waits until the promise of the async function that calls this has become what its caller's promise
 * waits for. An error that is made after that has the caller's frames in its stack.
 */
async function toBeAdopted(): Promise<void> {
  await Promise.resolve();
}

/**
 * What `act` gives, and a rejection in place of what it throws. An async function would do the same, and
 * hold its own frame and a promise more for each call that waits: a third of all that a call takes.
 */
// eslint-disable-next-line @typescript-eslint/promise-function-async -- see above
export function promised<Result>(act: () => Promise<Result>): Promise<Result> {
  try {
    return act();
  } catch (error) {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- passed on as it is
    return Promise.reject(error);
  }
}

async function openDoor(door: Door, namespacePath: string | null): Promise<void> {
  let reply: Reply;
  try {
    reply = new Reply(await door.open());
  } catch (error) {
    throw jobError({ method: 'open' }, undefined, error);
  }
  if (reply.outcome.errno === 0) return;
  door.close();
  throw openError(namespacePath, reply.outcome);
}

/** The life of one client, from opening to closing, and what its failures mean. */
export class Session {
  readonly #queue: Queue;
  /** What takes several turns of the queue and is under way. */
  readonly #parts = new Set<Promise<unknown>>();
  /** Calls that failed, and whose errors take a question to the kernel. */
  readonly #asking = new Set<Promise<never>>();
  #closed: Promise<void> | undefined;
  #closing: AbortController | undefined;

  private constructor(queue: Queue) {
    this.#queue = queue;
  }

  static async open({ namespacePath, timeout, queueLimit }: CheckedOptions): Promise<Session> {
    const door = createDoor(namespacePath, timeout);
    await openDoor(door, namespacePath);
    const session = new Session(new Queue(door, queueLimit));
    try {
      // Everybody may resolve the family; only a command shows whether we may use it.
      await session.send('open', { name: 'IPVS_CMD_GET_INFO' });
    } catch (error) {
      await session.close();
      throw error;
    }
    return session;
  }

  /** Aborted when the session begins to close: for what waits without anything under way. */
  get closing(): AbortSignal {
    this.#closing ??= new AbortController();
    if (this.#closed !== undefined) this.#closing.abort();
    return this.#closing.signal;
  }

  async close(): Promise<void> {
    this.#closed ??= this.#end();
    this.#closing?.abort();
    await this.#closed;
  }

  async #end(): Promise<void> {
    await Promise.allSettled(this.#parts);
    await this.#queue.close();
  }

  /** Does what takes several turns of the queue; {@link close} waits for its end. */
  async together<Result>(
    method: string,
    act: (session: Session) => Promise<Result>,
  ): Promise<Result> {
    if (this.#closed !== undefined) throw closedError(method);
    const part = act(new Session(this.#queue));
    this.#parts.add(part);
    try {
      return await part;
    } finally {
      this.#parts.delete(part);
    }
  }

  /** Resolves when everything that was called before has ended. */
  async drained(signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    if (this.#closed !== undefined) {
      await this.#closed;
      return;
    }
    await this.#queue.settled(signal);
    if (this.#asking.size === 0) return;
    await Promise.allSettled(this.#asking);
    // Their callers are told first.
    await new Promise(setImmediate);
  }

  /** Executes a command that has no result; rejects when it fails, throws when it is not even queued. */
  // eslint-disable-next-line @typescript-eslint/promise-function-async -- see `promised`
  execute(method: string, command: Command, signal?: AbortSignal): Promise<void> {
    return this.#send(method, { command, dump: false }, signal, withoutResult);
  }

  /** Executes a command, or with `dump` reads the list that it asks for; rejects when it fails. */
  async send(
    method: string,
    command: Command,
    { dump = false, signal }: { dump?: boolean; signal?: AbortSignal | undefined } = {},
  ): Promise<Answer> {
    return await this.#send(method, { command, dump }, signal, (answer) => answer);
  }

  /** Executes a command that asks for one row. */
  async fetch(method: string, command: Command, signal?: AbortSignal): Promise<Answer> {
    const answer = await this.send(method, command, { signal });
    return requireRow({ method, service: command.service }, command, answer);
  }

  /** Reads the list that a command asks for; rejects when that fails. */
  async dump(method: string, command: Command, signal?: AbortSignal): Promise<Answer> {
    return await this.send(method, command, { dump: true, signal });
  }

  /** One promise and no more, for what is called thousands of times in one turn. */
  // eslint-disable-next-line @typescript-eslint/promise-function-async -- see `promised`
  #send<Result>(
    method: string,
    request: Request,
    signal: AbortSignal | undefined,
    result: (answer: Answer) => Result,
  ): Promise<Result> {
    this.#admit(method, signal);
    return new Promise((resolve) => {
      this.#queue.push(request, new Sent(this, method, result, resolve), signal);
    });
  }

  /** The error of a command that failed, as a rejection. */
  // eslint-disable-next-line @typescript-eslint/promise-function-async -- the caller's frame would be lost
  refuse(method: string, answer: Answer): Promise<never> {
    const refused = this.#refusal(method, answer);
    // This one asks the kernel something more: its call has not ended yet.
    if (lacksModule(answer.outcome)) {
      const ended = (): boolean => this.#asking.delete(refused);
      this.#asking.add(refused);
      refused.then(ended, ended);
    }
    return refused;
  }

  async #refusal(method: string, { outcome, command }: Answer): Promise<never> {
    await toBeAdopted();
    const { name, scheduler, engine, ...about } = decodeCommand(command);
    const subject = { method, ...about };
    if (scheduler === '' || !lacksModule(outcome)) throw commandError(subject, name, outcome);
    // A call made before the client was closed: this question belongs to it.
    const missing = engine === '' ? 'scheduler' : await this.#askWhatIsMissing(scheduler);
    throw unknownModuleError(subject, name, outcome, missing, { scheduler, engine });
  }

  async #askWhatIsMissing(scheduler: string): Promise<Missing> {
    try {
      return await this.#queue.run(findMissing(scheduler));
    } catch (error) {
      // The command was refused all the same, and the caller is to know that.
      if (error instanceof JobFailure) return 'either';
      throw error;
    }
  }

  /**
   * Runs several commands that belong together; `command` is the one that they are for. Those that
   * claim the same never run at once, and those without a claim run alone.
   */
  async run<Result>(
    subject: Subject,
    { name }: Pick<Command, 'name'>,
    sequence: Sequence<Result>,
    { claim, signal }: { claim?: Claim; signal?: AbortSignal | undefined } = {},
  ): Promise<Result> {
    this.#admit(subject.method, signal);
    try {
      return await this.#queue.run(sequence, claim, signal);
    } catch (error) {
      throw error instanceof JobFailure ? jobError(subject, name, error.cause) : error;
    }
  }

  /** Another door into the network namespace, which its caller closes. */
  async fork(method: string, signal: AbortSignal | undefined): Promise<Door> {
    this.#admit(method, signal);
    return await this.#queue.act(async (door) => await Promise.resolve(door.fork()), signal);
  }

  /** The files of the network namespace, for a method of the client. */
  files(method: string, signal?: AbortSignal): Files {
    this.#admit(method, signal);
    return new NamespaceFiles(this.#queue, signal);
  }

  #admit(method: string, signal: AbortSignal | undefined): void {
    if (this.#closed !== undefined) throw closedError(method);
    if (this.#queue.isFull) throw queueFullError(method);
    throwIfAborted(signal);
  }
}
