/**
 * A worker thread's program: with each of some copies of the library it opens clients in a namespace,
 * again and again, and all of them add services of the thread's own address, each at ports of its own. It
 * posts how many services it saw at last.
 */
import { parentPort, workerData } from 'node:worker_threads';

export interface WorkerData {
  /** URLs of the library. */
  readonly libraries: readonly string[];
  readonly path: string;
  readonly address: string;
  /** How many clients each library opens, one after another. */
  readonly clients: number;
  /** How many services each of them adds. */
  readonly services: number;
}

const { libraries, path, address, clients, services } = workerData as WorkerData;
let port = 0;
for (let count = 0; count < clients; count += 1) {
  for (const library of libraries) {
    const { Ipvs } = (await import(library)) as typeof import('ipvs');
    const ipvs = await Ipvs.open({ netns: { path } });
    const added = Array.from({ length: services }, async () => {
      port += 1;
      await ipvs.addService({ protocol: 'tcp', address, port, scheduler: 'rr' });
    });
    await Promise.all(added);
    if (port === clients * libraries.length * services) {
      const all = await ipvs.listServices();
      parentPort?.postMessage(all.filter((service) => service.address === address).length);
    }
    await ipvs.close();
  }
}
