/** Which way is the raw loop's best on this kernel: the limit should be one. */
import { type Reading, rawCreate, rawList } from './peers.js';
import { withFresh } from './namespaces.js';
import { median } from './statistics.js';
import type { Size } from './table.js';

/** Commands a send; beyond the last they don't fit the default send buffer any more. */
const BATCHES = [10, 50, 100, 200, 500, 1000];

/** recvmsg, and recvmmsg; the kernel fills up what it is given, to 32 KiB at most. */
const READINGS: readonly Reading[] = [1, 4].flatMap((datagrams) =>
  [4096, 8192, 32768].map((bytes) => ({ datagrams, bytes })),
);

const TRIES = 3;

/** The best ways of the raw loop. */
export interface Limit {
  readonly batch: number;
  readonly reading: Reading;
}

async function best<Way>(ways: readonly Way[], time: (way: Way) => Promise<number>): Promise<Way> {
  const times: { way: Way; took: number }[] = [];
  for (const way of ways) {
    const tries: number[] = [];
    for (let index = 0; index < TRIES; index += 1) tries.push(await time(way));
    times.push({ way, took: median(tries) });
  }
  return times.reduce((least, each) => (each.took < least.took ? each : least)).way;
}

/** Finds the best ways by trying all. */
export async function findLimit(size: Size): Promise<Limit> {
  const batch = await best(
    BATCHES,
    async (each) => await withFresh(async (ns) => await rawCreate(ns, size, each)),
  );
  const reading = await withFresh(async (ns) => {
    await rawCreate(ns, size, batch);
    return await best(READINGS, async (each) => await rawList(ns, size, each));
  });
  return { batch, reading };
}

/** In words. */
export function describeReading({ datagrams, bytes }: Reading): string {
  return `${datagrams === 1 ? 'recvmsg' : 'recvmmsg'}, ${bytes} bytes`;
}
