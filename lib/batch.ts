/** What is gathered for a job while another one is under way. */
import { type Command, CommandBuffer } from './native/encode.js';
import type { Outcome, Reply, Rows } from './native/reply.js';

/** What became of a command: how it ended, and the rows that it asked for. */
export class Answer implements Rows {
  readonly outcome: Outcome;
  readonly reply: Reply;
  readonly row: number;
  readonly count: number;
  readonly #commands: CommandBuffer;
  readonly #index: number;

  constructor(outcome: Outcome, rows: Rows, commands: CommandBuffer, index: number) {
    this.outcome = outcome;
    this.reply = rows.reply;
    this.row = rows.row;
    this.count = rows.count;
    this.#commands = commands;
    this.#index = index;
  }

  /** The packed command that this is the answer to. */
  get command(): Uint8Array {
    return this.#commands.slice(this.#index, this.#index + 1);
  }
}

/** Who waits for what becomes of a command. Exactly one of `settle` and `fail` is called, once. */
export interface Call {
  settle(answer: Answer): void;
  /** The packed command was given up, or its job gave no answer: see `JobFailure`. */
  fail(error: unknown, command?: Uint8Array): void;
  /** Its job had no time for it: it waits again, and can be removed again. */
  postponed?(): void;
}

/** Which scheduler and engine a command takes: the kernel may have to look for their modules. */
export function modulesOf({ definition }: Command): string | undefined {
  if (definition === undefined) return undefined;
  return `${definition.scheduler} ${definition.persistence?.engine ?? ''}`;
}

/** The rest of a longer batch waits for the next job, so that other users of the pool get a turn. */
const COMMANDS_PER_JOB = 256;

/**
 * Commands of one kind (lists, or all others) that were called one after another. They are packed at
 * once: what waits is their bytes and who called, however long the queue is.
 */
export class Batch {
  /** Whether its commands ask for lists. */
  readonly dump: boolean;
  readonly #commands: CommandBuffer;
  /** Those that were told are let go of: a batch can outlive them for long. */
  readonly #calls: (Call | undefined)[] = [];
  readonly #modules: (string | undefined)[] = [];
  /** The first that was not answered yet. */
  #first = 0;
  /** Those before it have been handed over. */
  #next = 0;

  /** @param before - The batch that was gathered before: where that became full, this one is likely to. */
  constructor(dump: boolean, before?: Batch) {
    this.dump = dump;
    this.#commands = new CommandBuffer(
      before?.isFull === true && before.dump === dump ? COMMANDS_PER_JOB : undefined,
    );
  }

  /** Whether another one should go into the next batch. */
  get isFull(): boolean {
    return this.#calls.length === COMMANDS_PER_JOB;
  }

  /** Whether all that it held was answered. */
  get isDone(): boolean {
    return this.#first === this.#calls.length;
  }

  add(command: Command, call: Call): void {
    this.#commands.append(command);
    this.#modules.push(modulesOf(command));
    this.#calls.push(call);
  }

  /** Drops a command unless it was handed over already; whether it did. */
  remove(call: Call): boolean {
    const index = this.#calls.indexOf(call, this.#next);
    if (index < 0) return false;
    this.#commands.remove(index);
    this.#modules.splice(index, 1);
    this.#calls.splice(index, 1);
    return true;
  }

  /**
   * The packed commands of the next job: as many as go well together. One whose modules are not
   * `proven` goes alone.
   */
  take(proven: ReadonlySet<string>): Uint8Array {
    const isProven = (index: number): boolean => {
      const modules = this.#modules[index];
      return modules === undefined || proven.has(modules);
    };
    this.#next = this.#first + 1;
    if (isProven(this.#first)) {
      while (this.#next < this.#calls.length && isProven(this.#next)) this.#next += 1;
    }
    return this.#commands.slice(this.#first, this.#next);
  }

  /**
   * Takes in the reply to what was taken. What there was no time for is taken again; the others are
   * told by the function that it returns, which says how many they were.
   */
  finish(reply: Reply, proven: Set<string>): () => number {
    const taken = this.#next - this.#first;
    const whole = reply.outcome;
    const failed = whole.errno !== 0;
    const count = failed ? taken : Math.min(reply.count, taken);
    if (count === 0) throw new Error('The addon executed none of a job’s commands');
    const answers = Array.from({ length: count }, (_, index) => {
      const outcome = failed ? whole : reply.result(index);
      const rows = failed ? { reply, row: 0, count: 0 } : reply.rows(index);
      return new Answer(outcome, rows, this.#commands, this.#first + index);
    });
    answers.forEach(({ outcome }, index) => {
      const modules = this.#modules[this.#first + index];
      if (modules !== undefined && outcome.errno === 0) proven.add(modules);
    });
    const postponed = this.#calls.slice(this.#first + count, this.#next);
    const tell = this.#end(count, (call, index) => {
      const answer = answers[index];
      if (answer !== undefined) call.settle(answer);
    });
    for (const call of postponed) call?.postponed?.();
    return tell;
  }

  /** Takes in that what was taken was not answered: nobody knows what became of it. */
  fail(error: unknown): () => number {
    const first = this.#first;
    return this.#end(this.#next - first, (call, index) => {
      call.fail(error, this.#commands.slice(first + index, first + index + 1));
    });
  }

  #end(count: number, tell: (call: Call, index: number) => void): () => number {
    const calls = this.#calls.slice(this.#first, this.#first + count);
    this.#calls.fill(undefined, this.#first, this.#first + count);
    this.#first += count;
    this.#next = this.#first;
    return () => {
      calls.forEach((call, index) => {
        if (call !== undefined) tell(call, index);
      });
      return count;
    };
  }
}
