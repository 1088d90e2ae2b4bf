import { Aborts } from './aborts.js';
import { type Answer, Batch, type Call } from './batch.js';
import { abortError } from './errors.js';
import { isReading } from './explain.js';
import { type Claim, Claims } from './claims.js';
import { Fifo } from './fifo.js';
import { Jobs, type Request, type Step } from './jobs.js';
import type { Door } from './native/addon.js';
import type { Sequence } from './sequence.js';

/** What waits for its turn as a whole. */
interface Turn {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** `dropped` was given up while it waited; its caller knows. */
  state: 'waiting' | 'begun' | 'dropped';
}

/** Several commands, each depending on the answers to those before it. */
interface Run extends Turn {
  readonly sequence: Sequence<unknown>;
  /** What it is about; without, it runs alone. */
  readonly claim: Claim | undefined;
  readonly signal: AbortSignal | undefined;
  /** Whether it gave a command that changes something: from then on it runs to its end. */
  committed: boolean;
}

/** Another use of the door. */
interface Task extends Turn {
  readonly act: (door: Door) => Promise<unknown>;
}

type Item = Batch | Run | Task;

/** Whether nothing is left to do. */
function isOver(item: Item): boolean {
  return item instanceof Batch ? item.isDone : item.state === 'dropped';
}

function isRun(item: Run | Task): item is Run {
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

/** A call that its caller may give up whenever it waits: `forget` ends listening for that. */
class AbortableCall implements Call {
  readonly #call: Call;
  readonly #signal: AbortSignal;
  readonly #remove: (call: Call) => boolean;
  readonly #forget: () => void;

  constructor(call: Call, aborts: Aborts, signal: AbortSignal, remove: (call: Call) => boolean) {
    this.#call = call;
    this.#signal = signal;
    this.#remove = remove;
    this.#forget = aborts.add(signal, () => {
      this.#giveUp();
    });
  }

  settle(answer: Answer): void {
    this.#forget();
    this.#call.settle(answer);
  }

  fail(error: unknown, command?: Uint8Array): void {
    this.#forget();
    this.#call.fail(error, command);
  }

  postponed(): void {
    if (this.#signal.aborted) this.#giveUp();
  }

  #giveUp(): void {
    if (this.#remove(this)) this.#call.fail(abortError(this.#signal));
  }
}

/** Throws when a run was given up while there was still time for that. */
function throwIfAborted({ signal, committed }: Run): void {
  if (signal?.aborted === true && !committed) throw abortError(signal);
}

/** The next step of a run, or undefined when it has ended, which its caller has been told then. */
function advance(run: Run, answers: readonly Answer[]): { run: Run; step: Step } | undefined {
  try {
    throwIfAborted(run);
    const { done, value } = run.sequence.next(answers);
    if (done !== true) {
      run.committed ||= value.some(({ command }) => !isReading(command.name));
      return { run, step: value };
    }
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
 * Sequences keep their place too: what was called after one waits for its end. Only neighbours that are
 * about different services, or different destinations of one, run side by side, step by step in their
 * order: nobody can tell that from one after the other.
 */
export class Queue {
  readonly #door: Door;
  readonly #jobs: Jobs;
  readonly #limit: number;
  readonly #aborts = new Aborts();
  readonly #items = new Fifo<Item>();
  /** How many calls and sequences have not ended. */
  #length = 0;
  #running: Promise<void> | undefined;

  constructor(door: Door, limit = Infinity) {
    this.#door = door;
    this.#jobs = new Jobs(door);
    this.#limit = limit;
  }

  /** Whether as many calls and sequences as may have not ended. */
  get isFull(): boolean {
    return this.#length >= this.#limit;
  }

  /** Adds a command, or with `dump` a list to read. With a signal it can be given up until it is sent. */
  push({ command, dump }: Request, call: Call, signal?: AbortSignal): void {
    const last = this.#items.last();
    let batch = last instanceof Batch ? last : undefined;
    if (batch?.dump !== dump || batch.isFull) {
      batch = new Batch(dump, batch);
      this.#items.push(batch);
    }
    batch.add(command, signal === undefined ? call : this.#abortable(batch, call, signal));
    this.#length += 1;
    this.#start();
  }

  /**
   * Runs several commands that belong together. Two sequences that claim the same never run at once,
   * and one without a claim runs alone. With a signal it can be given up until it changes something.
   */
  async run<Result>(
    sequence: Sequence<Result>,
    claim?: Claim,
    signal?: AbortSignal,
  ): Promise<Result> {
    return await this.#count(
      this.#wait(signal, (turn) => ({ ...turn, sequence, claim, signal, committed: false })),
    );
  }

  /** Uses the door for something else. With a signal it can be given up until its turn. */
  async act<Result>(act: (door: Door) => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    return await this.#count(this.#wait(signal, (turn) => ({ ...turn, act })));
  }

  /** Resolves when everything that was queued before has ended; takes no room itself. */
  async settled(signal?: AbortSignal): Promise<void> {
    const act = async (): Promise<void> => {
      await Promise.resolve();
    };
    await this.#wait(signal, (turn) => ({ ...turn, act }));
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

  #abortable(batch: Batch, call: Call, signal: AbortSignal): Call {
    return new AbortableCall(call, this.#aborts, signal, (each) => {
      const removed = batch.remove(each);
      if (removed) this.#length -= 1;
      return removed;
    });
  }

  async #count<Result>(ended: Promise<Result>): Promise<Result> {
    this.#length += 1;
    try {
      return await ended;
    } finally {
      this.#length -= 1;
    }
  }

  /** Queues what takes a turn of its own. Given up while it waits, it ends at once, whatever is under way. */
  async #wait<Result>(
    signal: AbortSignal | undefined,
    itemOf: (turn: Turn) => Run | Task,
  ): Promise<Result> {
    let forget = (): void => undefined;
    try {
      return await new Promise<Result>((resolve, reject) => {
        const settle = { resolve: resolve as (result: unknown) => void, reject };
        const item = itemOf({ ...settle, state: 'waiting' });
        if (signal !== undefined) {
          forget = this.#aborts.add(signal, () => {
            if (item.state !== 'waiting') return;
            item.state = 'dropped';
            reject(abortError(signal));
          });
        }
        this.#items.push(item);
        this.#start();
      });
    } finally {
      forget();
    }
  }

  #start(): void {
    this.#running ??= this.#work();
  }

  async #work(): Promise<void> {
    await endOfTurn();
    // The callers of a job are told while the next one is under way.
    let tell = (): number => 0;
    for (;;) {
      const item = this.#head();
      if (item instanceof Batch) {
        const running = this.#jobs.run(item);
        this.#length -= tell();
        tell = await running;
        continue;
      }
      this.#length -= tell();
      tell = () => 0;
      if (item === undefined) break;
      if (isRun(item)) await this.#runSequences();
      else await this.#runTask(item);
    }
    this.#running = undefined;
  }

  /** The oldest item of which something is left. */
  #head(): Item | undefined {
    for (;;) {
      const item = this.#items.peek(0);
      if (item === undefined || !isOver(item)) return item;
      this.#items.drop(1);
    }
  }

  async #runTask(task: Task): Promise<void> {
    const { act, resolve, reject } = task;
    this.#items.drop(1);
    task.state = 'begun';
    try {
      resolve(await act(this.#door));
    } catch (error) {
      reject(error);
    }
  }

  async #runSequences(): Promise<void> {
    let steps = this.#takeRuns().map((run) => advance(run, []));
    for (;;) {
      const active = steps.filter((each) => each !== undefined);
      if (active.length === 0) return;
      try {
        const answers = await this.#jobs.runAll(
          active.map(({ step }) => step),
          () => {
            if (active.length === 1 && active[0] !== undefined) throwIfAborted(active[0].run);
          },
        );
        steps = active.map(({ run }, index) => advance(run, answers[index] ?? []));
      } catch (error) {
        for (const { run } of active) run.reject(error);
        return;
      }
    }
  }

  #takeRuns(): Run[] {
    const runs: Run[] = [];
    const claims = new Claims();
    let looked = 0;
    for (; runs.length < RUNS_TOGETHER; looked += 1) {
      const item = this.#items.peek(looked);
      if (item === undefined || item instanceof Batch || !isRun(item)) break;
      if (isOver(item)) continue;
      const { claim } = item;
      if (claim === undefined ? runs.length > 0 : !claims.take(claim)) break;
      item.state = 'begun';
      runs.push(item);
      if (claim !== undefined) continue;
      looked += 1;
      break;
    }
    this.#items.drop(looked);
    return runs;
  }
}
