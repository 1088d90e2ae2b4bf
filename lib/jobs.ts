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

/** Why a job gave no answers: memory ran out, or this package has a bug. */
export class JobFailure extends Error {
  constructor(cause: unknown) {
    super('A job failed inside this process', { cause });
  }
}

/** The batches of requests, and where their answers will be: a list that two of them ask for is read once. */
function gather(requests: readonly Request[]): { batches: Batch[]; answers: () => Answer[] } {
  const batches: Batch[] = [];
  const lists = new Map<string, number>();
  const answers: Answer[] = [];
  const places = requests.map(({ command, dump }, index) => {
    let last = batches.at(-1);
    if (last?.dump !== dump || last.isFull) {
      if (last?.dump !== dump) lists.clear();
      last = new Batch(dump);
      batches.push(last);
    }
    const list = dump ? Buffer.from(encodeCommands([command])).toString('latin1') : undefined;
    const place = list === undefined ? undefined : lists.get(list);
    if (place !== undefined) return place;
    if (list !== undefined) lists.set(list, index);
    last.add(command, {
      settle(answer) {
        answers[index] = answer;
      },
      fail(error) {
        throw error;
      },
    });
    return index;
  });
  return { batches, answers: () => places.flatMap((place) => answers[place] ?? []) };
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
   * Runs any number of requests in their order. `proceed` is called before each job; what it throws ends
   * the whole.
   *
   * @throws JobFailure
   */
  async runAll(requests: readonly Request[], proceed: () => void): Promise<Answer[]> {
    const { batches, answers } = gather(requests);
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
