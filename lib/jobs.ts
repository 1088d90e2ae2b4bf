import { type Answer, Batch } from './batch.js';
import type { Door } from './native/addon.js';
import { type Command, encodeCommands } from './native/encode.js';
import { Reply } from './native/reply.js';

/** One command for the kernel. */
export interface Request {
  readonly command: Command;
  /** Whether it asks for a list. */
  readonly dump: boolean;
}

/** Requests that do not depend on each other's answers. */
export type Step = readonly Request[];

/** Why a job gave no answers: memory ran out, or this package has a bug. */
export class JobFailure extends Error {
  constructor(cause: unknown) {
    super('A job failed inside this process', { cause });
  }
}

/** What a command asks, as a text for a map. */
function packed(command: Command): string {
  return Buffer.from(encodeCommands([command])).toString('latin1');
}

/** Commands in batches, and their answers when these have come. */
class Gathered {
  readonly batches: Batch[] = [];
  readonly #answers: (Answer | undefined)[] = [];

  /** @returns Where the answer to `request` will be. */
  add({ command, dump }: Request): number {
    let batch = this.batches.at(-1);
    if (batch?.dump !== dump || batch.isFull) {
      batch = new Batch(dump, batch);
      this.batches.push(batch);
    }
    const place = this.#answers.push(undefined) - 1;
    batch.add(command, {
      settle: (answer) => {
        this.#answers[place] = answer;
      },
      fail(error) {
        throw error;
      },
    });
    return place;
  }

  answer(place: number): Answer {
    const answer = this.#answers[place];
    if (answer === undefined) throw new TypeError('A command of a batch was not answered');
    return answer;
  }
}

/** Gathers steps that are taken side by side: a list that several of them ask for in a row is read once. */
function gather(steps: readonly Step[]): { batches: readonly Batch[]; answers: () => Answer[][] } {
  const gathered = new Gathered();
  const lists = new Map<string, number>();
  const place = (request: Request): number => {
    // A step by itself hardly ever asks the same twice, and is answered twice then.
    if (steps.length === 1) return gathered.add(request);
    if (!request.dump) {
      lists.clear();
      return gathered.add(request);
    }
    const key = packed(request.command);
    const known = lists.get(key) ?? gathered.add(request);
    lists.set(key, known);
    return known;
  };
  const places = steps.map((step) => step.map(place));
  return {
    batches: gathered.batches,
    answers: () => places.map((each) => each.map((at) => gathered.answer(at))),
  };
}

/** Jobs on the thread pool: which commands travel together, and what each of them was answered. */
export class Jobs {
  readonly #door: Door;
  /** Schedulers and engines that have been seen to work. */
  readonly #proven = new Set<string>();

  constructor(door: Door) {
    this.#door = door;
  }

  /**
   * Runs the next job of a batch: as many of its commands as go well together. The kernel looks for
   * the module of a scheduler or engine that it does not know, which takes 50 to 400 ms inside the
   * system call (net/netfilter/ipvs/ip_vs_sched.c, request_module): the first of each goes alone.
   *
   * @returns What tells the callers, and says how many they were. It need not be called at once: another
   * job can be under way then.
   */
  async run(batch: Batch): Promise<() => number> {
    const commands = batch.take(this.#proven);
    try {
      const buffer = await (batch.dump ? this.#door.dump(commands) : this.#door.transact(commands));
      return batch.finish(new Reply(buffer), this.#proven);
    } catch (cause) {
      return batch.fail(new JobFailure(cause));
    }
  }

  /**
   * Runs steps side by side, their requests in their order. `proceed` is called before each job; what it
   * throws ends the whole.
   *
   * @returns The answers for each step.
   * @throws JobFailure
   */
  async runAll(steps: readonly Step[], proceed: () => void): Promise<Answer[][]> {
    const { batches, answers } = gather(steps);
    for (const batch of batches) {
      while (!batch.isDone) {
        proceed();
        const tell = await this.run(batch);
        tell();
      }
    }
    return answers();
  }
}
