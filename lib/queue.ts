import { type Answer, Jobs, type Request } from './jobs.js';
import type { Door } from './native/addon.js';
import type { Sequence, Step } from './sequence.js';

/** One command that waits for its turn. */
interface Call extends Request {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** Several commands, each depending on the answers to those before it, that wait for their turn. */
interface Run {
  readonly sequence: Sequence<unknown>;
  readonly key: string | undefined;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Another use of the door that waits for its turn. */
interface Task {
  readonly act: (door: Door) => Promise<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type Item = Call | Run | Task;

function isCall(item: Item): item is Call {
  return 'command' in item;
}

function isRun(item: Item): item is Run {
  return 'sequence' in item;
}

/** As many sequences run side by side at most. */
const RUNS_TOGETHER = 256;

/** Resolves when all promise jobs of this turn are done: what they call travels along. */
async function endOfTurn(): Promise<void> {
  await Promise.resolve();
  await new Promise<void>((resolve) => {
    process.nextTick(resolve);
  });
}

/** So few dropped items are not worth moving the others. */
const KEPT_DROPPED = 1024;

/** Queued items, oldest first, without the cost of shifting an array for each. */
class Fifo {
  #items: Item[] = [];
  #first = 0;

  get length(): number {
    return this.#items.length - this.#first;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  peek(index: number): Item | undefined {
    return this.#items[this.#first + index];
  }

  /** Drops the oldest `count` items. */
  drop(count: number): void {
    this.#first += count;
    const worthIt = this.#first > KEPT_DROPPED && this.#first * 2 > this.#items.length;
    if (worthIt || this.#first === this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
  }
}

/** The next step of a run, or undefined when it has ended, which its caller has been told then. */
function advance(run: Run, answers: readonly Answer[]): { run: Run; step: Step } | undefined {
  try {
    const { done, value } = run.sequence.next(answers);
    if (done !== true) return { run, step: value };
    run.resolve(value);
  } catch (error) {
    run.reject(error);
  }
  return undefined;
}

/**
 * The calls of one client, strictly first in, first out: a read sees the writes before it. All calls
 * of one turn of the event loop travel together, as one job on the thread pool; while it is under
 * way the next ones gather.
 *
 * Sequences keep their place too: what was called after one waits for its end. Only neighbours with
 * different keys run side by side, step by step in their order: since each touches its own service or
 * destination alone, nobody can tell that from one after the other.
 */
export class Queue {
  readonly #door: Door;
  readonly #jobs: Jobs;
  readonly #items = new Fifo();
  #running: Promise<void> | undefined;

  constructor(door: Door) {
    this.#door = door;
    this.#jobs = new Jobs(door);
  }

  /** Executes one command. */
  async command(command: Request['command']): Promise<Answer> {
    return await this.#call({ command, dump: false });
  }

  /** Reads the list that one command asks for. */
  async dump(command: Request['command']): Promise<Answer> {
    return await this.#call({ command, dump: true });
  }

  /**
   * Runs several commands that belong together. Two sequences with the same key never run at once,
   * and one without a key runs alone.
   */
  async run<Result>(sequence: Sequence<Result>, key?: string): Promise<Result> {
    return await new Promise<Result>((resolve, reject) => {
      this.#enqueue({ sequence, key, resolve: resolve as (result: unknown) => void, reject });
    });
  }

  /** Uses the door for something else. */
  async act<Result>(act: (door: Door) => Promise<Result>): Promise<Result> {
    return await new Promise<Result>((resolve, reject) => {
      this.#enqueue({ act, resolve: resolve as (result: unknown) => void, reject });
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

  async #call(request: Request): Promise<Answer> {
    return await new Promise((resolve, reject) => {
      this.#enqueue({ ...request, resolve, reject });
    });
  }

  #enqueue(item: Item): void {
    this.#items.push(item);
    this.#running ??= this.#work();
  }

  async #work(): Promise<void> {
    await endOfTurn();
    for (;;) {
      const item = this.#items.peek(0);
      if (item === undefined) break;
      if (isCall(item)) await this.#runCalls();
      else if (isRun(item)) await this.#runSequences();
      else await this.#runTask(item);
    }
    this.#running = undefined;
  }

  async #runCalls(): Promise<void> {
    const calls = this.#jobs.next((index) => {
      const item = this.#items.peek(index);
      return item !== undefined && isCall(item) ? item : undefined;
    });
    try {
      const answers = await this.#jobs.run(calls);
      answers.forEach((answer, index) => calls[index]?.resolve(answer));
      this.#items.drop(answers.length);
    } catch (error) {
      // Nobody knows what was handed over.
      for (const call of calls) call.reject(error);
      this.#items.drop(calls.length);
    }
  }

  async #runTask({ act, resolve, reject }: Task): Promise<void> {
    try {
      resolve(await act(this.#door));
    } catch (error) {
      reject(error);
    }
    this.#items.drop(1);
  }

  async #runSequences(): Promise<void> {
    let steps = this.#takeRuns().map((run) => advance(run, []));
    for (;;) {
      const active = steps.filter((each) => each !== undefined);
      if (active.length === 0) return;
      try {
        const answers = await this.#jobs.runAll(active.flatMap(({ step }) => step));
        let first = 0;
        steps = active.map(({ run, step }) => {
          const own = answers.slice(first, first + step.length);
          first += step.length;
          return advance(run, own);
        });
      } catch (error) {
        for (const { run } of active) run.reject(error);
        return;
      }
    }
  }

  #takeRuns(): Run[] {
    const runs: Run[] = [];
    const keys = new Set<string | undefined>();
    for (;;) {
      const item = this.#items.peek(runs.length);
      const ends =
        item === undefined || !isRun(item) || keys.has(item.key) || runs.length === RUNS_TOGETHER;
      const alone = item !== undefined && isRun(item) && item.key === undefined;
      if (ends || (alone && runs.length > 0)) break;
      runs.push(item);
      keys.add(item.key);
      if (alone) break;
    }
    this.#items.drop(runs.length);
    return runs;
  }
}
