import type { CheckedService } from './input/service.js';
import type { Door } from './native/addon.js';
import { type Command, encodeCommands } from './native/encode.js';
import { type Outcome, Reply } from './native/reply.js';

/** What became of a command. */
export interface Answer {
  readonly outcome: Outcome;
  readonly reply: Reply;
  /** Where its row begins in the reply, for commands that ask for one. */
  readonly row: number | undefined;
}

/** One call that waits for its turn. */
interface Call {
  readonly command: Command;
  /** A dump is a job of its own. */
  readonly dump: boolean;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** The rest of a longer queue waits for the next job, so that other users of the pool get a turn. */
const COMMANDS_PER_JOB = 256;

/** Resolves when all promise jobs of this turn are done: what they call travels along. */
async function endOfTurn(): Promise<void> {
  await Promise.resolve();
  await new Promise<void>((resolve) => {
    process.nextTick(resolve);
  });
}

function modulesOf(service: CheckedService): string {
  return `${service.scheduler} ${service.persistence?.engine ?? ''}`;
}

/** So few dropped calls are not worth moving the others. */
const KEPT_DROPPED = 1024;

/** Queued calls, oldest first, without the cost of shifting an array for each. */
class Fifo {
  #calls: Call[] = [];
  #first = 0;

  get length(): number {
    return this.#calls.length - this.#first;
  }

  push(call: Call): void {
    this.#calls.push(call);
  }

  peek(index: number): Call | undefined {
    return this.#calls[this.#first + index];
  }

  /** Drops the oldest `count` calls. */
  drop(count: number): void {
    this.#first += count;
    const worthIt = this.#first > KEPT_DROPPED && this.#first * 2 > this.#calls.length;
    if (worthIt || this.#first === this.#calls.length) {
      this.#calls = this.#calls.slice(this.#first);
      this.#first = 0;
    }
  }
}

/**
 * The calls of one client, strictly first in, first out: a read sees the writes before it. All calls
 * of one turn of the event loop travel together, as one job on the thread pool; while it is under
 * way the next ones gather.
 */
export class Queue {
  readonly #door: Door;
  readonly #calls = new Fifo();
  /** Schedulers and engines that have been seen to work. */
  readonly #proven = new Set<string>();
  #running: Promise<void> | undefined;

  constructor(door: Door) {
    this.#door = door;
  }

  /** Executes one command. */
  async command(command: Command): Promise<Answer> {
    return await new Promise((resolve, reject) => {
      this.#enqueue({ command, dump: false, resolve, reject });
    });
  }

  /** Reads all that one command asks for; the rows follow the reply's header. */
  async dump(command: Command): Promise<Answer> {
    return await new Promise((resolve, reject) => {
      this.#enqueue({ command, dump: true, resolve, reject });
    });
  }

  /** Closes the door when everything that was queued has ended, and what its answers led to. */
  async close(): Promise<void> {
    while (this.#running !== undefined) {
      await this.#running;
      // A call that was answered may ask something more before it tells its caller.
      await new Promise(setImmediate);
    }
    this.#door.close();
  }

  #enqueue(call: Call): void {
    this.#calls.push(call);
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    await endOfTurn();
    while (this.#calls.length > 0) {
      const calls = this.#take();
      try {
        const reply = await this.#execute(calls);
        this.#calls.drop(this.#settle(calls, reply));
      } catch (error) {
        // Memory ran out, or this package has a bug: nobody knows what was handed over.
        for (const call of calls) call.reject(error);
        this.#calls.drop(calls.length);
      }
    }
    this.#running = undefined;
  }

  /** The calls of the next job: one dump, one command that may take long, or many commands. */
  #take(): Call[] {
    const calls: Call[] = [];
    for (;;) {
      const call = this.#calls.peek(calls.length);
      if (call === undefined || calls.length === COMMANDS_PER_JOB) return calls;
      const alone = call.dump || this.#isUnproven(call.command);
      if (!alone || calls.length === 0) calls.push(call);
      if (alone) return calls;
    }
  }

  /**
   * The kernel looks for the module of a scheduler or engine that it does not know, which takes 50
   * to 400 ms inside the system call (net/netfilter/ipvs/ip_vs_sched.c, request_module).
   */
  #isUnproven(command: Command): boolean {
    return command.definition !== undefined && !this.#proven.has(modulesOf(command.definition));
  }

  async #execute(calls: readonly Call[]): Promise<Reply> {
    const bytes = encodeCommands(calls.map((call) => call.command));
    const dump = calls[0]?.dump === true;
    return new Reply(await (dump ? this.#door.dump(bytes) : this.#door.transact(bytes)));
  }

  /** Tells each caller what became of its command; returns how many of them it were. */
  #settle(calls: readonly Call[], reply: Reply): number {
    const whole = reply.outcome;
    if (whole.errno !== 0 || calls[0]?.dump === true) {
      for (const call of calls) call.resolve({ outcome: whole, reply, row: undefined });
      return calls.length;
    }
    const executed = calls.slice(0, reply.count);
    if (executed.length === 0) throw new Error('The addon executed none of a job’s commands');
    executed.forEach((call, index) => {
      const outcome = reply.result(index);
      const { definition } = call.command;
      if (outcome.errno === 0 && definition !== undefined) this.#proven.add(modulesOf(definition));
      call.resolve({ outcome, reply, row: reply.row(index) });
    });
    return executed.length;
  }
}
