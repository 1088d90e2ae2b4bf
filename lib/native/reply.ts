import { LITTLE_ENDIAN } from './encode.js';
import { layout, type StageName, stageName } from './layout.js';
import { Records } from './records.js';

const { reply: REPLY, result: RESULT } = layout;

/** How a job or a command ended: errno 0 is success. */
export interface Outcome {
  /** Positive errno. */
  readonly errno: number;
  readonly stage: StageName;
}

const SUCCESS: Outcome = { errno: 0, stage: 'kernel' };

/** The rows that a command asked for. */
export interface Rows {
  readonly reply: Reply;
  /** Where the first of them begins. */
  readonly row: number;
  readonly count: number;
}

/** The packed reply to a job. */
export class Reply extends Records {
  constructor(buffer: ArrayBuffer) {
    super(new Uint8Array(buffer));
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

  #outcome(error: number, stage: number): Outcome {
    const errno = this.view.getInt32(error, LITTLE_ENDIAN);
    return errno === 0 ? SUCCESS : { errno, stage: stageName(this.u32(stage)) };
  }
}
