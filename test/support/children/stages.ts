/**
 * A program that brings a client to one stage of its life and says so. As a process, and in a worker
 * thread with `code`, it exits there by itself; another worker thread goes on until it is terminated,
 * with `busy` without ever giving the event loop another turn.
 */
import { existsSync, rmSync } from 'node:fs';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Ipvs } from 'ipvs';

export interface StageData {
  readonly path: string;
  readonly stage: Stage;
  readonly code?: number;
  readonly busy?: boolean;
  /** For the stage `blocked`: a file that the loader of modules makes when it begins. */
  readonly loading: string;
}

const WEB = { protocol: 'tcp', address: '10.0.0.1', port: 80, scheduler: 'rr' } as const;

async function open({ path }: StageData): Promise<Ipvs> {
  return await Ipvs.open({ netns: { path } });
}

/** Calls that nobody waits for; more than fit into one job. */
function call(ipvs: Ipvs): void {
  for (let port = 1; port <= 1000; port += 1) {
    ipvs.addService({ ...WEB, port }).catch(() => undefined);
  }
}

const STAGES = {
  opening: async (data: StageData) => {
    open(data).catch(() => undefined);
    await Promise.resolve();
  },
  open: async (data: StageData) => {
    await open(data);
  },
  // Nothing travels before the end of the turn, and what ends the thread comes before that.
  queued: async (data: StageData) => {
    call(await open(data));
  },
  'in flight': async (data: StageData) => {
    const ipvs = await open(data);
    // A scheduler that has been seen to work does not travel alone.
    await ipvs.ensureService(WEB);
    call(ipvs);
    await setImmediate();
  },
  blocked: async (data: StageData) => {
    const ipvs = await open(data);
    rmSync(data.loading, { force: true });
    ipvs.addService({ ...WEB, scheduler: 'nonesuch' }).catch(() => undefined);
    while (!existsSync(data.loading)) await setTimeout(5);
  },
  streaming: async (data: StageData) => {
    const connections = (await open(data)).connections();
    const { done } = await connections.next();
    if (done === true) throw new Error('there is no connection');
    // The file is open, and its next piece is being read.
    connections.next().catch(() => undefined);
    await setImmediate();
  },
  closing: async (data: StageData) => {
    const ipvs = await open(data);
    call(ipvs);
    ipvs.close().catch(() => undefined);
    await setImmediate();
  },
  closed: async (data: StageData) => {
    const ipvs = await open(data);
    await ipvs.close();
  },
} satisfies Record<string, (data: StageData) => Promise<void>>;

/** A stage of a client's life. */
export type Stage = keyof typeof STAGES;

function spin(): never {
  for (;;);
}

const data = (parentPort === null ? JSON.parse(process.argv[2] ?? '') : workerData) as StageData;
await STAGES[data.stage](data);
parentPort?.postMessage('reached');
if (data.code !== undefined) process.exit(data.code);
if (data.busy === true) spin();
setInterval(() => undefined, 1000);
