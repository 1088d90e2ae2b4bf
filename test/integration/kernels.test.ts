/**
 * Older and newer kernels: the answers of this one, rewritten as those would give them
 * (test/native/faults.cc), read through the public API.
 */
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Ipvs, ServiceSnapshot } from 'ipvs';
import { describe, it } from 'mocha';
import { inNamespace, type Namespace } from '../support/netns.js';
import { type TableEntry, writeAll } from '../support/witness.js';

const FAULTS = fileURLToPath(new URL('../../../build/test/faults.so', import.meta.url));
const child = (name: string): string =>
  fileURLToPath(new URL(`../support/children/${name}.js`, import.meta.url));

const KERNELS = ['linux-5.1', 'linux-4.0', 'linux-3.17', 'future'];

interface Report {
  readonly now: ServiceSnapshot[];
  readonly kernels: Readonly<Record<string, ServiceSnapshot[]>>;
  readonly refused: readonly { reason: string; outcome: string }[];
}

const BASE = { address: '10.99.0.2', port: 53, forwarding: 'masquerade' } as const;
const TABLE: readonly TableEntry[] = [
  {
    service: { protocol: 'udp', address: '10.99.0.1', port: 53, scheduler: 'rr' },
    destinations: [{ ...BASE, weight: 3, upperThreshold: 9, lowerThreshold: 2 }],
  },
  {
    service: {
      ...{ fwmark: 7, family: 'ipv6', scheduler: 'mh', schedulerFlags: ['fallback'] },
      persistence: { timeout: 9, prefixLength: 64, engine: 'sip' },
    },
    destinations: [
      { ...BASE, address: '2001:db8::', port: 0, forwarding: 'direct' },
      {
        ...{ ...BASE, address: '2001:db8::2', forwarding: 'tunnel' },
        tunnel: { type: 'gue', port: 6080, checksum: 'checksum' },
      },
    ],
  },
];

/** Fills the table, and stops the statistics after there was traffic: all reads are equal then. */
async function prepare(ns: Namespace, ipvs: Ipvs): Promise<void> {
  await writeAll(ipvs, TABLE);
  for (const address of ['10.99.0.1', '10.99.0.2']) {
    await ns.run('ip', 'addr', 'add', `${address}/32`, 'dev', 'lo');
  }
  await ns.run(process.execPath, child('flood'), '3', '53');
  while ((await ipvs.getTotals()).connections < 3n) await setTimeout(50);
  await ipvs.setSysctl('run_estimation', 0);
}

/** What a client reads and writes while its kernel's answers are those of others. */
async function report(ns: Namespace): Promise<Report> {
  const words = [`LD_PRELOAD=${FAULTS}`, process.execPath, child('kernels'), KERNELS.join(' ')];
  return JSON.parse(await ns.run('env', ...words)) as Report;
}

/** A table without what kernels of those days did not tell. */
function withoutTunnels(table: readonly ServiceSnapshot[]): unknown[] {
  return table.map((service) => ({
    ...service,
    destinations: service.destinations.map((each) =>
      each.tunnel === undefined ? each : { ...each, tunnel: { type: 'ipip' } },
    ),
  }));
}

describe('kernels of other versions', () => {
  it(
    'are understood: without tunnels, 64-bit statistics, families; with attributes to come',
    inNamespace(async (ns, ipvs) => {
      await prepare(ns, ipvs);
      const { now, kernels } = await report(ns);
      assert.deepEqual(now, JSON.parse(JSON.stringify(await ipvs.snapshot())));
      assert.equal(String(now[0]?.stats.connections), '3');
      assert.deepEqual(kernels['future'], now);
      const old = withoutTunnels(now);
      assert.notDeepEqual(old, now);
      for (const name of ['linux-5.1', 'linux-4.0', 'linux-3.17']) {
        assert.deepEqual(kernels[name], old, name);
      }
    }),
  );

  it(
    'that do not know a tunnel leave the table as it was, and the call says so',
    inNamespace(async (ns, ipvs) => {
      await prepare(ns, ipvs);
      const before = await ns.table();
      const { refused } = await report(ns);
      assert.equal(refused.length, 8);
      for (const failure of refused) {
        assert.equal(failure.reason, 'unsupported-by-kernel');
        assert.equal(failure.outcome, 'not-applied');
      }
      assert.deepEqual(await ns.table(), before);
    }),
  );
});
