/** The files of `/proc` and `/proc/sys` as one network namespace shows them. */
import { throwIfAborted } from '../errors.js';
import { fileError, fileJobError, type FileSubject } from './failures.js';
import type { Door, OpenFile } from '../native/addon.js';
import { layout } from '../native/layout.js';
import { Reply } from '../native/reply.js';
import type { Queue } from '../queue.js';

const { reply: REPLY } = layout;

/**
 * Reads and writes. Paths are written as a process inside the namespace would: `/proc/net/ip_vs_conn`,
 * `/proc/sys/net/ipv4/vs/conntrack`. Failures reject with an `IpvsError`.
 */
export interface Files {
  /** A whole file, each byte as the character of its number (Latin-1); for files of a few lines. */
  read(subject: FileSubject): Promise<string>;
  /** A file in pieces of at most 64 KiB, read as they are asked for; leaving the loop closes it. */
  chunks(subject: FileSubject): AsyncGenerator<Uint8Array, void, void>;
  /** The names in a folder. */
  list(subject: FileSubject): Promise<string[]>;
  /** Writes a text in one piece, as `/proc/sys` wants it, and tells what the file says then. */
  write(subject: FileSubject, text: string): Promise<string>;
}

/** `/proc/net` is the namespace of the process; that of the thread which opens is meant. */
function nativePath(path: string): string {
  return path.replace(/^\/proc\/net\//, '/proc/thread-self/net/');
}

/** The reply to a job that must have succeeded. */
function succeeded(subject: FileSubject, syscall: string, buffer: ArrayBuffer): Reply {
  const reply = new Reply(buffer);
  if (reply.outcome.errno !== 0) throw fileError(subject, syscall, reply.outcome);
  return reply;
}

/** What a job of the door or of a file gives; what C++ threw becomes an `IpvsError`. */
async function performed<Result>(
  subject: FileSubject,
  syscall: string,
  job: Promise<Result>,
): Promise<Result> {
  try {
    return await job;
  } catch (cause) {
    throw fileJobError(subject, syscall, cause);
  }
}

async function openFile(door: Door, subject: FileSubject, writing: boolean): Promise<OpenFile> {
  const opened = await performed(subject, 'open', door.openFile(nativePath(subject.path), writing));
  if (!(opened instanceof ArrayBuffer)) return opened;
  const { outcome } = new Reply(opened);
  throw fileError(subject, 'open', outcome);
}

async function* pieces(
  subject: FileSubject,
  open: () => Promise<OpenFile>,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const file = await open();
  try {
    for (;;) {
      throwIfAborted(signal);
      const { bytes } = succeeded(subject, 'read', await performed(subject, 'read', file.read()));
      if (bytes.length === REPLY.size) return;
      yield bytes.subarray(REPLY.size);
    }
  } finally {
    file.close();
  }
}

async function readWhole(door: Door, subject: FileSubject): Promise<string> {
  const whole: Uint8Array[] = [];
  for await (const piece of pieces(subject, async () => await openFile(door, subject, false))) {
    whole.push(piece);
  }
  return Buffer.concat(whole).toString('latin1');
}

/**
 * Files in the namespace of a door. They take their turn in the client's queue: what is read shows the
 * writes before it and none behind it. Of a file that is streamed only the opening does, so that
 * reading does not hold the queue up. With a signal they can be given up until their turn, and a stream
 * between two pieces.
 */
export class NamespaceFiles implements Files {
  readonly #queue: Pick<Queue, 'act'>;
  readonly #signal: AbortSignal | undefined;

  constructor(queue: Pick<Queue, 'act'>, signal?: AbortSignal) {
    this.#queue = queue;
    this.#signal = signal;
  }

  async read(subject: FileSubject): Promise<string> {
    return await this.#act(async (door) => await readWhole(door, subject));
  }

  chunks(subject: FileSubject): AsyncGenerator<Uint8Array, void, void> {
    const open = async (): Promise<OpenFile> =>
      await this.#act(async (door) => await openFile(door, subject, false));
    return pieces(subject, open, this.#signal);
  }

  async list(subject: FileSubject): Promise<string[]> {
    const reply = await this.#act(async (door) => {
      return await performed(subject, 'getdents', door.list(nativePath(subject.path)));
    });
    const { bytes, count } = succeeded(subject, 'getdents', reply);
    return Buffer.from(bytes.subarray(REPLY.size)).toString('latin1').split('\0').slice(0, count);
  }

  async write(subject: FileSubject, text: string): Promise<string> {
    return await this.#act(async (door) => {
      const file = await openFile(door, subject, true);
      try {
        const written = file.write(Buffer.from(text, 'latin1'));
        succeeded(subject, 'write', await performed(subject, 'write', written));
      } finally {
        file.close();
      }
      return await readWhole(door, { ...subject, written: true });
    });
  }

  async #act<Result>(act: (door: Door) => Promise<Result>): Promise<Result> {
    return await this.#queue.act(act, this.#signal);
  }
}
