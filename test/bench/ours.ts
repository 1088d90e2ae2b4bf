import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { median } from './statistics.js';
import type { Task, TaskAnswer, TaskName } from './tasks.js';

const PROGRAM = fileURLToPath(new URL('ours-process.js', import.meta.url));

/** How a process is started. */
export interface How {
  /** Words that run a command, such as `strace -f`. */
  readonly through?: readonly string[];
  readonly nodeOptions: readonly string[];
}

/** A process that our package works in. */
export class Ours {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #pageFaults = new Map<string, number[]>();

  constructor({ through = [], nodeOptions }: How) {
    const [program, ...args] = [...through, process.execPath, ...nodeOptions, PROGRAM];
    this.#child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#ended = once(this.#child, 'exit');
  }

  /** Does one task; what it measured. */
  async run(task: Task): Promise<number> {
    const answered = once(this.#child, 'message') as Promise<[TaskAnswer]>;
    const died = this.#ended.then(() => {
      throw new Error(`our process ended during ${task.name}`);
    });
    this.#child.send(task);
    const [answer] = await Promise.race([answered, died]);
    if ('error' in answer) throw new Error(`${task.name}: ${answer.error}`);
    const key = `${task.name} ${task.namespace === null ? 'floor' : 'ours'}`;
    this.#pageFaults.set(key, [...(this.#pageFaults.get(key) ?? []), answer.pageFaults]);
    return answer.value;
  }

  /**
   * How often a warm run met memory that the process did not hold yet, at the median. It does not
   * depend on how busy the machine is, and in user-mode Linux it is most of what a run costs.
   */
  pageFaults(task: TaskName, contender: 'ours' | 'floor', warmRuns: number): number {
    return median(this.#pageFaults.get(`${task} ${contender}`)?.slice(-warmRuns) ?? []);
  }

  /** Ends the process. */
  async end(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.#ended;
  }
}

/** Runs `body` with a process that ends with it. */
export async function withOurs<Result>(
  how: How,
  body: (ours: Ours) => Promise<Result>,
): Promise<Result> {
  const ours = new Ours(how);
  try {
    return await body(ours);
  } finally {
    await ours.end();
  }
}
