/** The native door without a kernel: records what goes through, and answers as a test wants. */
import type { Answer } from '../../lib/batch.js';
import type { Request } from '../../lib/jobs.js';
import type { Door } from '../../lib/native/addon.js';
import { type Command, encodeCommands, LITTLE_ENDIAN } from '../../lib/native/encode.js';
import { Ipvs } from '../../lib/ipvs.js';
import { type CommandName, layout, type StageName } from '../../lib/native/layout.js';
import { Reply, type Rows } from '../../lib/native/reply.js';
import { Queue } from '../../lib/queue.js';
import { Session } from '../../lib/session.js';

const { reply: REPLY, result: RESULT, command: COMMAND } = layout;
const NAMES = new Map<number, CommandName>(
  Object.entries(layout.commands).map(([name, number]) => [number, name as CommandName]),
);

/** One call of `transact` or `dump`. */
export interface Job {
  readonly method: 'transact' | 'dump';
  readonly bytes: Uint8Array;
  /** The commands of the batch, in order. */
  readonly names: readonly CommandName[];
}

/** The result of one command. */
export interface Result {
  readonly errno?: number;
  readonly stage?: StageName;
  readonly rows?: readonly Uint8Array[];
}

function concatenate(header: Uint8Array, rows: readonly Uint8Array[]): ArrayBuffer {
  const buffer = new ArrayBuffer(rows.reduce((length, row) => length + row.length, header.length));
  const bytes = new Uint8Array(buffer);
  bytes.set(header);
  let offset = header.length;
  for (const row of rows) {
    bytes.set(row, offset);
    offset += row.length;
  }
  return buffer;
}

function header(size: number, errno: number, stage: StageName, count: number): DataView {
  const view = new DataView(new ArrayBuffer(size));
  view.setInt32(REPLY.error, errno, LITTLE_ENDIAN);
  view.setUint32(REPLY.stage, layout.stages[stage], LITTLE_ENDIAN);
  view.setUint32(REPLY.count, count, LITTLE_ENDIAN);
  return view;
}

/** The reply to a job that failed as a whole. */
export function failedJob(errno: number, stage: StageName): ArrayBuffer {
  return concatenate(new Uint8Array(header(REPLY.size, errno, stage, 0).buffer), []);
}

/** The reply to a batch, of which as many commands were executed as there are results. */
export function executed(results: readonly Result[]): ArrayBuffer {
  const size = REPLY.size + results.length * RESULT.size;
  const view = header(size, 0, 'kernel', results.length);
  let offset = size;
  results.forEach(({ errno = 0, stage = 'kernel', rows = [] }, index) => {
    const base = REPLY.size + index * RESULT.size;
    view.setInt32(base + RESULT.error, errno, LITTLE_ENDIAN);
    view.setUint32(base + RESULT.stage, layout.stages[stage], LITTLE_ENDIAN);
    view.setUint32(base + RESULT.row, offset, LITTLE_ENDIAN);
    view.setUint32(base + RESULT.count, rows.length, LITTLE_ENDIAN);
    offset += rows.reduce((length, row) => length + row.length, 0);
  });
  return concatenate(
    new Uint8Array(view.buffer),
    results.flatMap(({ rows = [] }) => rows),
  );
}

/** The reply to the dump of one list. */
export function dumped(rows: readonly Uint8Array[]): ArrayBuffer {
  return executed([{ rows }]);
}

/** The rows of a list, as a reply has them. */
export function rowsOf(rows: readonly Uint8Array[]): Rows {
  return new Reply(dumped(rows)).rows(0);
}

/** The only row of a list: the arguments of a decoder. */
export function firstOf(row: Uint8Array): [reply: Reply, row: number] {
  const rows = rowsOf([row]);
  return [rows.reply, rows.row];
}

/** Success for every command of a job; an empty list for each dump. */
export function success({ names }: Job): ArrayBuffer {
  return executed(names.map(() => ({})));
}

/** Like the addon's, it refuses a second job while one is under way. */
export class FakeDoor implements Door {
  readonly jobs: Job[] = [];
  /** What happened, in order: `transact`, `dump`, `close`. */
  readonly events: string[] = [];
  #busy = false;
  readonly #answer: (job: Job, index: number) => ArrayBuffer | Promise<ArrayBuffer>;

  constructor(answer: (job: Job, index: number) => ArrayBuffer | Promise<ArrayBuffer> = success) {
    this.#answer = answer;
  }

  async open(): Promise<ArrayBuffer> {
    return await Promise.resolve(failedJob(0, 'kernel'));
  }

  async transact(bytes: Uint8Array): Promise<ArrayBuffer> {
    return await this.#job('transact', bytes);
  }

  async dump(bytes: Uint8Array): Promise<ArrayBuffer> {
    return await this.#job('dump', bytes);
  }

  /** There are no lists in pages here. */
  fork(): Door {
    throw new Error('Not here');
  }

  async beginList(): Promise<ArrayBuffer> {
    return await this.#other('beginList');
  }

  async continueList(): Promise<ArrayBuffer> {
    return await this.#other('continueList');
  }

  /** There are no files here. */
  async openFile(): Promise<ArrayBuffer> {
    return await this.#other('openFile');
  }

  async list(): Promise<ArrayBuffer> {
    return await this.#other('list');
  }

  close(): void {
    if (this.#busy) throw new Error('A job is under way');
    this.events.push('close');
  }

  /** How many commands each job had. */
  get sizes(): number[] {
    return this.jobs.map((job) => job.names.length);
  }

  async #other(method: string): Promise<ArrayBuffer> {
    if (this.#busy) throw new Error('A job is under way');
    this.#busy = true;
    this.events.push(method);
    await new Promise((resolve) => setImmediate(resolve));
    this.#busy = false;
    return failedJob(2, 'file');
  }

  async #job(method: Job['method'], bytes: Uint8Array): Promise<ArrayBuffer> {
    if (this.#busy) throw new Error('A job is under way');
    this.#busy = true;
    this.events.push(method);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const names = Array.from({ length: bytes.length / COMMAND.size }, (_, index) => {
      const number = view.getUint32(index * COMMAND.size + COMMAND.command, LITTLE_ENDIAN);
      const name = NAMES.get(number);
      if (name === undefined) throw new Error(`No such command: ${number}`);
      return name;
    });
    const job = { method, bytes: bytes.slice(), names };
    this.jobs.push(job);
    try {
      // A job always takes a turn of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
      return await this.#answer(job, this.jobs.length - 1);
    } finally {
      this.#busy = false;
    }
  }
}

/** A queue whose every command is a promise of its answer, whatever that is. */
export class AskingQueue extends Queue {
  /** Executes one command. */
  async command(command: Command, signal?: AbortSignal): Promise<Answer> {
    return await this.#ask({ command, dump: false }, signal);
  }

  /** Reads the list that one command asks for. */
  async dump(command: Command, signal?: AbortSignal): Promise<Answer> {
    return await this.#ask({ command, dump: true }, signal);
  }

  async #ask(request: Request, signal: AbortSignal | undefined): Promise<Answer> {
    return await new Promise((settle, fail) => {
      this.push(request, { settle, fail }, signal);
    });
  }
}

/** An open client whose kernel is `door`. Their constructors are private to TypeScript only. */
export function clientOver(door: Door, queueLimit = Infinity): Ipvs {
  const queue = new Queue(door, queueLimit);
  return Reflect.construct(Ipvs, [Reflect.construct(Session, [queue])]) as Ipvs;
}

/** A row as a dump has it: the record that a command wrote, then `counted`, zeros by default. */
export function rowOf(
  kind: 'service' | 'destination',
  command: Parameters<typeof encodeCommands>[0][number],
  counted: Uint8Array = new Uint8Array(),
): Uint8Array {
  const { size } = layout[kind];
  const row = new Uint8Array(layout[`${kind}Row`].size);
  row.set(encodeCommands([command]).subarray(COMMAND[kind], COMMAND[kind] + size));
  row.set(counted, size);
  return row;
}
