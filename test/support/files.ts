/** Files without a kernel, for the readers of `/proc`. */
import type { Files } from '../../lib/proc/files.js';

/** A folder of texts by path; pieces are as small as a test wants. */
export class FakeFiles implements Files {
  readonly #texts: Readonly<Record<string, string>>;
  readonly #piece: number;
  /** How many of the files that were opened are open still. */
  open = 0;

  constructor(texts: Readonly<Record<string, string>>, piece = 65536) {
    this.#texts = texts;
    this.#piece = piece;
  }

  async read({ path }: { path: string }): Promise<string> {
    const text = this.#texts[path];
    if (text === undefined) throw new Error(`no such file: ${path}`);
    return await Promise.resolve(text);
  }

  async *chunks(subject: { path: string }): AsyncGenerator<Uint8Array, void, void> {
    const bytes = Buffer.from(await this.read(subject), 'latin1');
    this.open += 1;
    try {
      for (let at = 0; at < bytes.length; at += this.#piece) {
        yield bytes.subarray(at, at + this.#piece);
      }
    } finally {
      this.open -= 1;
    }
  }

  async list({ path }: { path: string }): Promise<string[]> {
    const names = Object.keys(this.#texts).filter((each) => each.startsWith(`${path}/`));
    return await Promise.resolve(names.map((each) => each.slice(path.length + 1)));
  }

  async write(): Promise<string> {
    return await Promise.reject(new Error('nothing can be written here'));
  }
}
