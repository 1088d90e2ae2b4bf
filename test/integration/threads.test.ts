/** Many worker threads, many clients, and the addon more than once in one process. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, link, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import * as library from 'ipvs';
import { describe, it } from 'mocha';
import type { WorkerData } from '../support/children/worker.js';
import { descriptors } from '../support/descriptors.js';
import { rejection } from '../support/failure.js';
import { inNamespace } from '../support/netns.js';
import { ADDON, copyPackage, withFolder } from '../support/package.js';
import { patience } from '../support/patience.js';

const PROGRAM = new URL('../support/children/worker.js', import.meta.url);
const LIBRARY = import.meta.resolve('ipvs');
const WEB = { protocol: 'tcp', address: '10.0.0.1', port: 80, scheduler: 'rr' } as const;

/** Runs the program to its end; how many services it saw. */
async function work(data: WorkerData): Promise<number> {
  const worker = new Worker(PROGRAM, { workerData: data });
  const ended = once(worker, 'exit');
  const [seen] = (await once(worker, 'message')) as [number];
  assert.deepEqual(await ended, [0]);
  return seen;
}

/** Makes the package once more in a folder, its addon put there by `place`; its entry point. */
async function copyWith(folder: string, place: typeof copyFile): Promise<string> {
  const url = await copyPackage(folder);
  await mkdir(join(folder, 'build', 'Release'), { recursive: true });
  await place(ADDON, join(folder, 'build/Release/ipvs.node'));
  return url;
}

/** Runs `body` with the URLs of other copies of the package. */
async function withCopies(body: (copies: string[]) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    await body([
      await copyWith(join(folder, 'copied'), copyFile),
      // Another path to the same file: the dynamic loader maps it but once.
      await copyWith(join(folder, 'linked'), link),
    ]);
  });
}

describe('worker threads', () => {
  it(
    'have clients of their own, two hundred of them, and leave nothing open',
    inNamespace(async (ns) => {
      const { path } = ns;
      const data = { libraries: [LIBRARY], path, clients: 50, services: 1 };
      await work({ ...data, clients: 1, address: '10.0.1.0' });
      const before = await descriptors();
      for (let round = 0; round < 2; round += 1) {
        const seen = await Promise.all([
          work({ ...data, address: `10.0.2.${round}` }),
          work({ ...data, address: `10.0.3.${round}` }),
        ]);
        assert.deepEqual(seen, [50, 50]);
      }
      assert.deepEqual(await descriptors(), before);
      assert.equal((await ns.ipvsadm('-Sn')).trimEnd().split('\n').length, 201);
    }),
  ).timeout(120_000 * patience);
});

describe('the addon', () => {
  it(
    'loads more than once in one process, there and in a worker thread of it',
    inNamespace(async (ns, ipvs) => {
      await withCopies(async (copies) => {
        const libraries = [LIBRARY, ...copies];
        const data = { libraries, path: ns.path, address: '10.0.1.1', clients: 1, services: 20 };
        const working = work(data);
        const clients = [ipvs];
        for (const each of copies) {
          const other = (await import(each)) as typeof library;
          assert.notEqual(other.Ipvs, library.Ipvs, 'they are two');
          clients.push(await other.Ipvs.open({ netns: { path: ns.path } }));
        }
        await Promise.all(
          clients.flatMap((client, index) =>
            Array.from({ length: 50 }, async (_, count) => {
              await client.addService({ ...WEB, port: 1 + 50 * index + count });
            }),
          ),
        );
        for (const client of clients) {
          const services = await client.listServices();
          assert.equal(services.filter(({ address }) => address === WEB.address).length, 150);
        }
        assert.equal(await working, 60);
        await Promise.all(
          clients.map(async (client) => {
            await client.close();
          }),
        );
        assert.equal((await rejection(ipvs.getInfo())).reason, 'closed');
      });
    }),
  ).timeout(120_000 * patience);
});
