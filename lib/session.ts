import { constants } from 'node:os';
import { parseAddress } from './address.js';
import {
  closedError,
  commandError,
  jobError,
  type Missing,
  openError,
  type Subject,
  unknownModuleError,
} from './explain.js';
import type { CheckedOptions } from './input/options.js';
import type { CheckedService } from './input/service.js';
import { createDoor } from './native/addon.js';
import type { Command } from './native/encode.js';
import { type Outcome, Reply } from './native/reply.js';
import { type Answer, Queue } from './queue.js';

const { ENOENT, EINVAL, EBADMSG } = constants.errno;

const PROBE_ADDRESS = parseAddress('100::1');

/** A reply together with where the one row begins that was asked for. */
export interface Row {
  readonly reply: Reply;
  readonly row: number;
}

/** The life of one client, from opening to closing, and what its failures mean. */
export class Session {
  readonly #queue: Queue;
  #closed: Promise<void> | undefined;

  private constructor(queue: Queue) {
    this.#queue = queue;
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
    const answer = await this.#attempt(subject, command, false);
    const { outcome } = answer;
    if (outcome.errno === 0) return answer;
    const { definition } = command;
    if (definition !== undefined && outcome.errno === ENOENT && outcome.stage === 'kernel') {
      throw await this.#unknownModule(subject, command, outcome, definition);
    }
    throw commandError(subject, command.name, outcome);
  }

  /** Executes a command that asks for one row. */
  async fetch(subject: Subject, command: Command): Promise<Row> {
    const { reply, row } = await this.send(subject, command);
    if (row !== undefined) return { reply, row };
    throw commandError(subject, command.name, { errno: EBADMSG, stage: 'reply' });
  }

  /** Reads all rows that a command asks for; rejects when that fails. */
  async dump(subject: Subject, command: Command): Promise<Reply> {
    const { outcome, reply } = await this.#attempt(subject, command, true);
    if (outcome.errno === 0) return reply;
    throw commandError(subject, command.name, outcome);
  }

  async #attempt(subject: Subject, command: Command, dump: boolean): Promise<Answer> {
    if (this.#closed !== undefined) throw closedError(subject.method);
    try {
      return await (dump ? this.#queue.dump(command) : this.#queue.command(command));
    } catch (cause) {
      throw jobError(subject, command.name, cause);
    }
  }

  async #unknownModule(
    subject: Subject,
    command: Command,
    outcome: Outcome,
    definition: CheckedService,
  ): Promise<Error> {
    const { scheduler, persistence } = definition;
    const engine = persistence?.engine ?? '';
    const missing = engine === '' ? 'scheduler' : await this.#probe(scheduler);
    return unknownModuleError(subject, command.name, outcome, missing, { scheduler, engine });
  }

  /**
   * Which of the two is missing, when one is. The kernel looks for the scheduler and the engine
   * before it refuses an IPv6 service with prefix length 0 (ip_vs_ctl.c, ip_vs_add_service), so that
   * such a service tells without leaving a trace: EINVAL means that the scheduler exists.
   */
  async #probe(scheduler: string): Promise<Missing> {
    if (PROBE_ADDRESS === undefined) throw new TypeError('The probe has no address');
    const key = { family: 'ipv6', protocol: 255, address: PROBE_ADDRESS, port: 1 } as const;
    const { outcome } = await this.#queue.command({
      name: 'IPVS_CMD_NEW_SERVICE',
      service: key,
      definition: {
        key,
        scheduler,
        schedulerFlags: [],
        onePacket: false,
        persistence: { timeout: 1, prefixLength: 0, engine: '' },
      },
    });
    if (outcome.errno === EINVAL) return 'engine';
    return outcome.errno === ENOENT ? 'scheduler' : 'either';
  }
}
