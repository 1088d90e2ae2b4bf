import type { CheckedService } from './input/service.js';
import { formatCheckedKey } from './keys.js';
import type { Door } from './native/addon.js';
import { type Command, encodeCommands } from './native/encode.js';
import { type Outcome, Reply, type Rows } from './native/reply.js';

/** One command for the kernel. */
export interface Request {
  readonly command: Command;
  /** Whether it asks for a list. */
  readonly dump: boolean;
}

/** What became of a command: how it ended, and the rows that it asked for. */
export interface Answer extends Rows {
  readonly outcome: Outcome;
}

/** Why a job gave no answers: memory ran out, or this package has a bug. */
export class JobFailure extends Error {
  constructor(cause: unknown) {
    super('A job failed inside this process', { cause });
  }
}

/** The rest of a longer queue waits for the next job, so that other users of the pool get a turn. */
const COMMANDS_PER_JOB = 256;

function modulesOf(service: CheckedService): string {
  return `${service.scheduler} ${service.persistence?.engine ?? ''}`;
}

/** One text for each list that can be asked for. */
function listOf({ name, service, verify = false }: Command): string {
  return `${name} ${service === undefined ? '' : formatCheckedKey(service)} ${verify}`;
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
   * Those requests, of the ones that `peek` shows, which make the next job: several lists, one
   * command that may take long, or many commands.
   */
  next<Kind extends Request>(peek: (index: number) => Kind | undefined): Kind[] {
    const taken: Kind[] = [];
    for (;;) {
      const request = peek(taken.length);
      if (request === undefined || taken.length === COMMANDS_PER_JOB) return taken;
      if (taken[0] !== undefined && taken[0].dump !== request.dump) return taken;
      const alone = this.#isUnproven(request.command);
      if (!alone || taken.length === 0) taken.push(request);
      if (alone) return taken;
    }
  }

  /**
   * Runs what {@link next} put together. Answers those at its front that there was time for, at
   * least one.
   *
   * @throws JobFailure
   */
  async run(requests: readonly Request[]): Promise<Answer[]> {
    try {
      return this.#read(requests, await this.#execute(requests));
    } catch (cause) {
      throw new JobFailure(cause);
    }
  }

  /**
   * Runs any number of requests in their order. A list that neighbours ask for is read once.
   *
   * @throws JobFailure
   */
  async runAll(requests: readonly Request[]): Promise<Answer[]> {
    const answers: Answer[] = [];
    while (answers.length < requests.length) {
      const job = this.next((index) => requests[answers.length + index]);
      answers.push(...(job[0]?.dump === true ? await this.#readOnce(job) : await this.run(job)));
    }
    return answers;
  }

  async #readOnce(requests: readonly Request[]): Promise<Answer[]> {
    const lists = [...new Map(requests.map((each) => [listOf(each.command), each])).entries()];
    const answers = new Map<string, Answer>();
    while (answers.size < lists.length) {
      const rest = lists.slice(answers.size);
      for (const answer of await this.run(rest.map(([, request]) => request))) {
        answers.set(lists[answers.size]?.[0] ?? '', answer);
      }
    }
    return requests.flatMap(({ command }) => answers.get(listOf(command)) ?? []);
  }

  /**
   * The kernel looks for the module of a scheduler or engine that it does not know, which takes 50
   * to 400 ms inside the system call (net/netfilter/ipvs/ip_vs_sched.c, request_module).
   */
  #isUnproven({ definition }: Command): boolean {
    return definition !== undefined && !this.#proven.has(modulesOf(definition));
  }

  async #execute(requests: readonly Request[]): Promise<Reply> {
    const bytes = encodeCommands(requests.map(({ command }) => command));
    const dump = requests[0]?.dump === true;
    return new Reply(await (dump ? this.#door.dump(bytes) : this.#door.transact(bytes)));
  }

  #read(requests: readonly Request[], reply: Reply): Answer[] {
    const whole = reply.outcome;
    if (whole.errno !== 0) {
      return requests.map(() => ({ outcome: whole, reply, row: 0, count: 0 }));
    }
    const executed = requests.slice(0, reply.count);
    if (executed.length === 0) throw new Error('The addon executed none of a job’s commands');
    return executed.map(({ command: { definition } }, index) => {
      const outcome = reply.result(index);
      if (outcome.errno === 0 && definition !== undefined) this.#proven.add(modulesOf(definition));
      return { outcome, ...reply.rows(index) };
    });
  }
}
