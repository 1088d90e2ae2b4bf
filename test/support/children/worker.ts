/**
 * A worker thread's program: adds services at the ports 1 to `count` of an address, in a namespace, reads
 * them, and posts how many it saw. With `endless` it goes on until it is terminated.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Ipvs, type Service } from 'ipvs';

export interface WorkerData {
  readonly path: string;
  readonly address: string;
  readonly count: number;
  readonly endless: boolean;
}

const { path, address, count, endless } = workerData as WorkerData;
const ipvs = await Ipvs.open({ netns: { path } });
const services = Array.from({ length: count }, (_, index): Service => ({
  ...{ protocol: 'tcp', address, port: 1 + index, scheduler: 'rr' },
}));
do {
  await Promise.all(
    services.map(async (service) => {
      await ipvs.addService(service);
    }),
  );
  parentPort?.postMessage((await ipvs.listServices()).length);
  if (endless) await ipvs.flush();
} while (endless);
await ipvs.close();
