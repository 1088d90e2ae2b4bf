/** A worker thread of the soak: a writer in each namespace, which work while they are told to. */
import { parentPort, workerData } from 'node:worker_threads';
import { Ipvs } from 'ipvs';
import { collectGarbage } from '../support/garbage.js';
import type { TableEntry } from '../support/witness.js';
import { CONTESTED, everybodysKeys, ownKeys, writerOf } from './layout.js';
import { heapSize } from './measure.js';
import { type Plant, planted } from './plants.js';
import { Random } from './random.js';
import { Writer } from './writer.js';

export interface ThreadData {
  readonly seed: number;
  readonly thread: number;
  /** The paths of the namespaces. */
  readonly paths: readonly string[];
  readonly plant: Plant | undefined;
}

/** A number of milliseconds is an order to work so long; `end` is one to close and go. */
export type Order = number | 'end';

/** What a thread has done in all, when it has carried an order out. */
export interface Report {
  readonly operations: number;
  readonly problems: readonly string[];
  /** Bytes in use after a garbage collection. */
  readonly heap: number;
  /** What the namespaces must hold of this thread. */
  readonly tables: readonly TableEntry[][];
}

const { seed, thread, paths, plant } = workerData as ThreadData;
/** So that a slow machine is not taken for a kernel that does not answer. */
const timeout = 60_000;
const random = Random.of(seed, `thread ${thread}`);

async function open(path: string): Promise<Ipvs> {
  return await Ipvs.open({ netns: { path }, timeout });
}

const clients = await Promise.all(paths.map(open));
const writers = clients.map((ipvs, namespace) => {
  const name = `writer ${writerOf(thread, namespace)}`;
  return new Writer(ipvs, {
    ...{ name, random: Random.of(seed, name), contested: CONTESTED },
    ...{ own: ownKeys(writerOf(thread, namespace)), everybodys: everybodysKeys(namespace) },
    ...(plant === undefined ? {} : { perform: planted(plant) }),
  });
});

/** Clients come and go; some of them are left to the garbage collector. */
async function passBy(): Promise<void> {
  for (let count = 0; count < 5; count += 1) {
    const ipvs = await open(random.pick(paths));
    await ipvs.getInfo();
    if (random.once(2)) await ipvs.close();
  }
}

async function work(milliseconds: number): Promise<Report> {
  const until = performance.now() + milliseconds;
  await Promise.all([
    ...writers.map(async (writer) => {
      await writer.work(until);
    }),
    passBy(),
  ]);
  await collectGarbage();
  return {
    operations: writers.reduce((sum, writer) => sum + writer.operations, 0),
    problems: writers.flatMap((writer) => writer.problems),
    heap: heapSize(),
    tables: writers.map((writer) => writer.model.entries()),
  };
}

async function obey(order: Order): Promise<void> {
  if (order !== 'end') {
    parentPort?.postMessage(await work(order));
    return;
  }
  await Promise.all(
    clients.map(async (ipvs) => {
      await ipvs.close();
    }),
  );
  parentPort?.close();
}

parentPort?.on('message', (order: Order) => {
  // A rejection ends the thread with an error, which the main thread hears of.
  void obey(order);
});
