import { LITTLE_ENDIAN } from './encode.js';
import { layout, type StageName, stageName } from './layout.js';

const { reply: REPLY, result: RESULT } = layout;

/** How a job or a command ended: errno 0 is success. */
export interface Outcome {
  /** Positive errno. */
  readonly errno: number;
  readonly stage: StageName;
}

/** The rows that a command asked for. */
export interface Rows {
  readonly reply: Reply;
  /** Where the first of them begins. */
  readonly row: number;
  readonly count: number;
}

/** A packed reply, read on demand: nothing of it is copied before somebody asks. */
export class Reply {
  readonly view: DataView;
  readonly bytes: Uint8Array;

  constructor(buffer: ArrayBuffer) {
    this.view = new DataView(buffer);
    this.bytes = new Uint8Array(buffer);
  }

  /** Of the job as a whole. */
  get outcome(): Outcome {
    return this.#outcome(REPLY.error, REPLY.stage);
  }

  /** How many commands were executed. */
  get count(): number {
    return this.u32(REPLY.count);
  }

  /** Of the command at `index` of the batch. */
  result(index: number): Outcome {
    const base = REPLY.size + index * RESULT.size;
    return this.#outcome(base + RESULT.error, base + RESULT.stage);
  }

  /** Of the command at `index` of the batch. */
  rows(index: number): Rows {
    const base = REPLY.size + index * RESULT.size;
    return { reply: this, row: this.u32(base + RESULT.row), count: this.u32(base + RESULT.count) };
  }

  u8(offset: number): number {
    return this.view.getUint8(offset);
  }

  u16(offset: number): number {
    return this.view.getUint16(offset, LITTLE_ENDIAN);
  }

  u32(offset: number): number {
    return this.view.getUint32(offset, LITTLE_ENDIAN);
  }

  u64(offset: number): bigint {
    return this.view.getBigUint64(offset, LITTLE_ENDIAN);
  }

  /** A NUL-terminated text of at most `size` bytes. */
  text(offset: number, size: number): string {
    let text = '';
    for (let index = offset; index < offset + size; index += 1) {
      const character = this.bytes[index];
      if (character === undefined || character === 0) break;
      text += String.fromCharCode(character);
    }
    return text;
  }

  #outcome(error: number, stage: number): Outcome {
    return {
      errno: this.view.getInt32(error, LITTLE_ENDIAN),
      stage: stageName(this.u32(stage)),
    };
  }
}
