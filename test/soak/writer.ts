/** A client that writes services of its own, fights over others, and reads all of them. */
import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Ipvs } from 'ipvs';
import { type Keys, nextOperation } from './generate.js';
import { isPossible, isTable, type Row } from './judge.js';
import { Model } from './model.js';
import { type Operation, perform, type Result, resultOf } from './operations.js';
import type { Random } from './random.js';

/** Carries an operation out; `expected` is for those that do not. */
export type Perform = (ipvs: Ipvs, operation: Operation, expected: Result) => Promise<Result>;

export interface WriterOptions {
  readonly name: string;
  readonly random: Random;
  /** The services that this writer alone writes. */
  readonly own: Keys;
  /** Those that everybody writes. */
  readonly contested: Keys;
  /** All of those in the namespace. */
  readonly everybodys: readonly Keys[];
  readonly perform?: Perform;
}

/** Reads of a whole table, which changes meanwhile: those that give it in order, each service once. */
const READS: readonly ((ipvs: Ipvs) => Promise<readonly Row[]>)[] = [
  async (ipvs) => (await ipvs.listServices()) as Row[],
  async (ipvs) => (await ipvs.listServices({ consistent: true })) as Row[],
  async (ipvs) => (await ipvs.snapshot()) as Row[],
  async (ipvs) => (await ipvs.snapshot({ stats: false })) as Row[],
];

/** And those that give each row as the kernel does. */
const STREAMS: readonly ((ipvs: Ipvs) => AsyncIterable<object>)[] = [
  (ipvs) => ipvs.streamServices(),
  (ipvs) => ipvs.streamSnapshot(),
];

/** Problems in words; a writer stops at its first. */
export class Writer {
  readonly model = new Model();
  readonly problems: string[] = [];
  operations = 0;
  readonly #ipvs: Ipvs;
  readonly #options: WriterOptions;
  readonly #perform: Perform;

  constructor(ipvs: Ipvs, options: WriterOptions) {
    this.#ipvs = ipvs;
    this.#options = options;
    this.#perform = options.perform ?? perform;
  }

  /** Works until a time by `performance.now()`, or until something is wrong. */
  async work(until: number): Promise<void> {
    while (performance.now() < until && this.problems.length === 0) await this.#batch();
  }

  /** Calls of one or two turns of the event loop, many or few. */
  async #batch(): Promise<void> {
    const { random } = this.#options;
    const size = 1 + random.below(random.once(4) ? 200 : 20);
    const pause = random.below(2 * size);
    const calls: Promise<void>[] = [];
    for (let count = 0; count < size; count += 1) {
      if (count === pause) await setImmediate();
      calls.push(this.#next());
    }
    await Promise.all(calls);
  }

  async #next(): Promise<void> {
    const { random, own, contested } = this.#options;
    this.operations += 1;
    const number = this.operations;
    if (random.once(60)) await this.#read(number, random.pick(READS));
    else if (random.once(120)) await this.#stream(number, random.pick(STREAMS));
    else if (random.once(5)) await this.#fight(number, nextOperation(random, contested));
    else await this.#write(number, nextOperation(random, own));
  }

  async #write(number: number, operation: Operation): Promise<void> {
    const expected = this.model.apply(operation);
    const actual = await this.#perform(this.#ipvs, operation, expected);
    if (isDeepStrictEqual(actual, expected)) return;
    this.#report(number, operation, `${told(actual)}, and should have been ${told(expected)}`);
  }

  async #fight(number: number, operation: Operation): Promise<void> {
    const result = await perform(this.#ipvs, operation);
    if (isPossible(this.#options.contested, operation, result)) return;
    this.#report(number, operation, `${told(result)}, which cannot be`);
  }

  async #read(number: number, read: (typeof READS)[number]): Promise<void> {
    const result = await resultOf(read(this.#ipvs));
    const fine =
      'value' in result
        ? isTable(this.#options.everybodys, result.value as Row[])
        : 'reason' in result && result.reason === 'table-changing';
    if (!fine) this.#report(number, { read: read.toString() }, `${told(result)}, which cannot be`);
  }

  async #stream(number: number, stream: (typeof STREAMS)[number]): Promise<void> {
    try {
      for await (const row of stream(this.#ipvs)) {
        if (isTable(this.#options.everybodys, [row as Row])) continue;
        this.#report(number, { read: stream.toString() }, `${told(row)}, which cannot be`);
      }
    } catch (error) {
      this.#report(number, { read: stream.toString() }, String(error));
    }
  }

  #report(number: number, what: object, how: string): void {
    this.problems.push(`${this.#options.name}, operation ${number}: ${told(what)} gave ${how}`);
  }
}

function told(value: object): string {
  return JSON.stringify(value);
}
