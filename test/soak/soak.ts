/** One soak: two namespaces, threads that write, ipvsadm that writes, and a look after each round. */
import { once } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import { Worker } from 'node:worker_threads';
import { Ipvs } from 'ipvs';
import { collectGarbage } from '../support/garbage.js';
import { Namespace } from '../support/netns.js';
import type { AdmService } from '../support/ipvsadm.js';
import { asIpvsadmLists, readAll, type TableEntry } from '../support/witness.js';
import { IpvsadmWriter } from './ipvsadm-writer.js';
import { CONTESTED, ipvsadmIn, NAMESPACES, ownKeys, THREADS } from './layout.js';
import { heapSize, judgeGrowth, type Sample, takeSample, tellSample } from './measure.js';
import type { PasserData } from './passer.js';
import type { Plant } from './plants.js';
import { Random } from './random.js';
import type { Order, Report, ThreadData } from './thread.js';

export interface Settings {
  readonly seed: number;
  readonly rounds: number;
  /** Milliseconds that a round's work takes; the look after it comes on top. */
  readonly round: number;
  readonly plant?: Plant;
  readonly log: (line: string) => void;
}

/** A worker thread that carries out orders. */
class Thread {
  readonly #worker: Worker;
  readonly #ended: Promise<unknown>;

  constructor(data: ThreadData) {
    this.#worker = new Worker(new URL('thread.js', import.meta.url), { workerData: data });
    this.#ended = once(this.#worker, 'exit');
  }

  async work(milliseconds: number): Promise<Report> {
    this.#worker.postMessage(milliseconds satisfies Order);
    const [report] = (await once(this.#worker, 'message')) as [Report];
    return report;
  }

  async end(): Promise<void> {
    this.#worker.postMessage('end' satisfies Order);
    await this.#ended;
  }
}

function isContested(service: AdmService): boolean {
  return CONTESTED.services.some(
    (key) => key.fwmark === service.fwmark && key.address === service.address,
  );
}

export class Soak implements AsyncDisposable {
  readonly #settings: Settings;
  readonly #random: Random;
  readonly #namespaces: readonly Namespace[];
  readonly #threads: readonly Thread[];
  readonly #ipvsadm: readonly IpvsadmWriter[];
  readonly #samples: Sample[] = [];
  readonly #problems: string[] = [];
  #passers = 0;

  private constructor(settings: Settings, namespaces: readonly Namespace[]) {
    const { seed, plant } = settings;
    const paths = namespaces.map(({ path }) => path);
    this.#settings = settings;
    this.#random = Random.of(seed, 'main');
    this.#namespaces = namespaces;
    this.#threads = Array.from(
      { length: THREADS },
      (_, thread) => new Thread({ seed, thread, paths, plant }),
    );
    this.#ipvsadm = namespaces.map((namespace, index) => {
      const random = Random.of(seed, `ipvsadm ${index}`);
      return new IpvsadmWriter(namespace, random, ownKeys(ipvsadmIn(index)));
    });
  }

  static async begin(settings: Settings): Promise<Soak> {
    const names = Array.from({ length: NAMESPACES }, async () => await Namespace.create());
    return new Soak(settings, await Promise.all(names));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const thread of this.#threads) await thread.end();
    for (const namespace of this.#namespaces) await namespace.end();
  }

  /** Works round after round until something is wrong; the problems, in words. */
  async run(): Promise<readonly string[]> {
    const { rounds } = this.#settings;
    for (let round = 1; round <= rounds && this.#problems.length === 0; round += 1) {
      await this.#round(round);
    }
    if (this.#problems.length === 0) this.#judgeGrowth();
    return this.#problems;
  }

  async #round(number: number): Promise<void> {
    const { round } = this.#settings;
    const until = performance.now() + round;
    const [reports] = await Promise.all([
      Promise.all(this.#threads.map(async (thread) => await thread.work(round))),
      this.#letPass(until),
      ...this.#ipvsadm.map(async (writer) => {
        await writer.work(until);
      }),
    ]);
    this.#problems.push(...reports.flatMap(({ problems }) => problems));
    this.#problems.push(...this.#ipvsadm.flatMap(({ problems }) => problems));
    if (this.#problems.length > 0) return;
    await this.#compareTables(reports);
    await this.#measure(reports);
    this.#tell(number, reports);
  }

  /** Threads that come, fight, and end in either way at any moment. */
  async #letPass(until: number): Promise<void> {
    while (performance.now() < until) {
      const after = this.#random.below(1000);
      const data = {
        seed: this.#random.below(2 ** 32),
        path: this.#random.pick(this.#namespaces).path,
      };
      const exits = this.#random.once(2);
      const code = this.#random.below(100);
      const status = await this.#pass(exits ? { ...data, after, code } : data, after);
      const expected = exits ? code : 1;
      if (status !== expected) {
        this.#problems.push(`a passer ended with ${status} instead of ${expected}`);
      }
      this.#passers += 1;
    }
  }

  async #pass(data: PasserData, after: number): Promise<number> {
    const worker = new Worker(new URL('passer.js', import.meta.url), { workerData: data });
    const ended = once(worker, 'exit') as Promise<[number]>;
    // Not before it is loaded: Node leaves the files of modules open that it was reading.
    await once(worker, 'message');
    worker.on('message', (problem: string) => {
      this.#problems.push(problem);
    });
    if (data.after === undefined) {
      await new Promise((resolve) => setTimeout(resolve, after));
      await worker.terminate();
    }
    const [status] = await ended;
    return status;
  }

  /** What each namespace must hold: by ipvsadm's word, and by ours. */
  async #compareTables(reports: readonly Report[]): Promise<void> {
    for (const [index, namespace] of this.#namespaces.entries()) {
      const held = [
        ...reports.flatMap(({ tables }) => tables[index] ?? []),
        ...(this.#ipvsadm[index]?.model.entries() ?? []),
      ];
      this.#compare(held, await namespace.table(), `namespace ${index}, says ipvsadm,`);
      await using ipvs = await Ipvs.open({ netns: { path: namespace.path } });
      this.#compare(held, asIpvsadmLists(await readAll(ipvs)), `namespace ${index}, say we,`);
    }
  }

  #compare(held: TableEntry[], listed: AdmService[], who: string): void {
    const found = listed.filter((service) => !isContested(service));
    const expected = asIpvsadmLists(held);
    for (let index = 0; index < Math.max(expected.length, found.length); index += 1) {
      if (isDeepStrictEqual(expected[index], found[index])) continue;
      const [should, does] = [JSON.stringify(expected[index]), JSON.stringify(found[index])];
      this.#problems.push(`${who} does not hold what was acknowledged: ${should}, but ${does}`);
      return;
    }
  }

  async #measure(reports: readonly Report[]): Promise<void> {
    await collectGarbage();
    const heap = reports.reduce((sum, report) => sum + report.heap, heapSize());
    this.#samples.push(await takeSample(heap));
  }

  #tell(number: number, reports: readonly Report[]): void {
    const { rounds, log } = this.#settings;
    const operations = reports.reduce((sum, report) => sum + report.operations, 0);
    const byIpvsadm = this.#ipvsadm.reduce((sum, writer) => sum + writer.operations, 0);
    const sample = this.#samples.at(-1);
    log(
      `round ${number} of ${rounds}: ${operations} operations, ${byIpvsadm} by ipvsadm, ` +
        `${this.#passers} threads ended; ${sample === undefined ? '' : tellSample(sample)}`,
    );
  }

  #judgeGrowth(): void {
    const { line, problems } = judgeGrowth(this.#samples);
    this.#settings.log(line);
    this.#problems.push(...problems);
  }
}
