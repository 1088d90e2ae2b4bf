import { closedError, commandError, jobError, openError, type Subject } from './explain.js';
import type { CheckedOptions } from './input/options.js';
import { type Answer, JobFailure } from './jobs.js';
import { createDoor } from './native/addon.js';
import type { Command } from './native/encode.js';
import { Reply } from './native/reply.js';
import { type Files, NamespaceFiles } from './proc/files.js';
import { Queue } from './queue.js';
import { lacksModule, missingModule, requireRow, type Sequence } from './sequence.js';

/** The life of one client, from opening to closing, and what its failures mean. */
export class Session {
  readonly #queue: Queue;
  readonly #files: Files;
  #closed: Promise<void> | undefined;

  private constructor(queue: Queue) {
    this.#queue = queue;
    this.#files = new NamespaceFiles(queue);
  }

  static async open({ namespacePath, timeout }: CheckedOptions): Promise<Session> {
    const door = createDoor(namespacePath, timeout);
    const { outcome } = new Reply(await door.open());
    if (outcome.errno !== 0) {
      door.close();
      throw openError(namespacePath, outcome);
    }
    const session = new Session(new Queue(door));
    try {
      // Everybody may resolve the family; only a command shows whether we may use it.
      await session.send({ method: 'open' }, { name: 'IPVS_CMD_GET_INFO' });
    } catch (error) {
      await session.close();
      throw error;
    }
    return session;
  }

  async close(): Promise<void> {
    this.#closed ??= this.#queue.close();
    await this.#closed;
  }

  /** Executes a command; rejects when it fails. */
  async send(subject: Subject, command: Command): Promise<Answer> {
    const answer = await this.#attempt(
      subject,
      command,
      async () => await this.#queue.command(command),
    );
    const { outcome } = answer;
    if (outcome.errno === 0) return answer;
    if (!lacksModule(command, outcome)) throw commandError(subject, command.name, outcome);
    // A call made before the client was closed: this question belongs to it.
    throw await this.#queue.run(missingModule(subject, command, outcome));
  }

  /** Executes a command that asks for one row. */
  async fetch(subject: Subject, command: Command): Promise<Answer> {
    return requireRow(subject, command, await this.send(subject, command));
  }

  /** Reads the list that a command asks for; rejects when that fails. */
  async dump(subject: Subject, command: Command): Promise<Answer> {
    const answer = await this.#attempt(
      subject,
      command,
      async () => await this.#queue.dump(command),
    );
    if (answer.outcome.errno === 0) return answer;
    throw commandError(subject, command.name, answer.outcome);
  }

  /**
   * Runs several commands that belong together; `command` is the one that they are for. Those with
   * the same key never run at once, and those without a key run alone.
   */
  async run<Result>(
    subject: Subject,
    command: Pick<Command, 'name'>,
    sequence: Sequence<Result>,
    key?: string,
  ): Promise<Result> {
    return await this.#attempt(subject, command, async () => await this.#queue.run(sequence, key));
  }

  /** The files of the network namespace, for a method of the client. */
  files(method: string): Files {
    if (this.#closed !== undefined) throw closedError(method);
    return this.#files;
  }

  async #attempt<Result>(
    subject: Subject,
    { name }: Pick<Command, 'name'>,
    act: () => Promise<Result>,
  ): Promise<Result> {
    if (this.#closed !== undefined) throw closedError(subject.method);
    try {
      return await act();
    } catch (error) {
      throw error instanceof JobFailure ? jobError(subject, name, error.cause) : error;
    }
  }
}
