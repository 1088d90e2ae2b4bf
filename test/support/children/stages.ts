/**
 * A program that brings clients to stages of their life, each its own, and says so. As a process, and in
 * a worker thread with `code`, it exits there by itself; another worker thread goes on until it is
 * terminated, with `busy` without ever giving the event loop another turn.
 */
import { existsSync, rmSync } from 'node:fs';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Ipvs } from 'ipvs';

export interface StageData {
  readonly path: string;
  readonly stages: readonly Stage[];
  readonly code?: number;
  readonly busy?: boolean;
  /** For the stage `blocked`: a file that the loader of modules makes when it begins. */
  readonly loading: string;
}

const WEB = { protocol: 'tcp', address: '10.0.0.1', port: 80, scheduler: 'rr' } as const;

const data = (parentPort === null ? JSON.parse(process.argv[2] ?? '') : workerData) as StageData;

async function open(): Promise<Ipvs> {
  return await Ipvs.open({ netns: { path: data.path } });
}

/** Calls that nobody waits for; more than fit into one job. */
function call(ipvs: Ipvs): void {
  for (let port = 1; port <= 1000; port += 1) {
    ipvs.addService({ ...WEB, port }).catch(() => undefined);
  }
}

/** What takes time for each stage, and gives what brings the client there at once. */
const STAGES = {
  opening: async () =>
    await Promise.resolve(() => {
      open().catch(() => undefined);
    }),
  open: async () => {
    await open();
    return () => undefined;
  },
  'in flight': async () => {
    const ipvs = await open();
    // A scheduler that has been seen to work does not travel alone.
    await ipvs.ensureService(WEB);
    return () => {
      call(ipvs);
    };
  },
  blocked: async () => {
    const ipvs = await open();
    rmSync(data.loading, { force: true });
    ipvs.addService({ ...WEB, scheduler: 'nonesuch' }).catch(() => undefined);
    while (!existsSync(data.loading)) await setTimeout(5);
    return () => undefined;
  },
  streaming: async () => {
    const connections = (await open()).connections();
    const { done } = await connections.next();
    if (done === true) throw new Error('there is no connection');
    // The file is open, and its next piece is being read.
    return () => {
      connections.next().catch(() => undefined);
    };
  },
  paging: async () => {
    const ipvs = await open();
    call(ipvs);
    const services = ipvs.streamServices();
    await services.next();
    // A page is full of services; the rest of the list waits inside the kernel.
    return () => {
      for (let count = 0; count < 1000; count += 1) services.next().catch(() => undefined);
    };
  },
  closing: async () => {
    const ipvs = await open();
    return () => {
      call(ipvs);
      ipvs.close().catch(() => undefined);
    };
  },
  closed: async () => {
    const ipvs = await open();
    await ipvs.close();
    return () => undefined;
  },
  queued: async () => {
    const ipvs = await open();
    return () => {
      call(ipvs);
    };
  },
} satisfies Record<string, () => Promise<() => void>>;

/** A stage of a client's life. */
export type Stage = keyof typeof STAGES;

function spin(): never {
  for (;;);
}

/** Nothing travels before the end of the turn, so that what is queued must be so at last. */
async function enter(stages: readonly Stage[]): Promise<void> {
  const prepared = new Map<Stage, () => void>();
  for (const stage of stages) prepared.set(stage, await STAGES[stage]());
  for (const [stage, begin] of prepared) if (stage !== 'queued') begin();
  await setImmediate();
  prepared.get('queued')?.();
}

await enter(data.stages);
parentPort?.postMessage('reached');
if (data.code !== undefined) process.exit(data.code);
if (data.busy === true) spin();
setInterval(() => undefined, 1000);
