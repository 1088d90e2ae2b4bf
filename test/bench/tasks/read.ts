import assert from 'node:assert/strict';
import type { Ipvs, ServiceSnapshot } from 'ipvs';
import { rowsOf, type Size } from '../table.js';
import { measured } from './measured.js';

/** Reads the table in one call, with statistics, as objects. */
export async function snapshot(ipvs: Ipvs, size: Size): Promise<number> {
  let table: ServiceSnapshot[] = [];
  const took = await measured(async () => {
    table = await ipvs.snapshot();
  });
  const rows = table.reduce((count, { destinations }) => count + 1 + destinations.length, 0);
  assert.equal(rows, rowsOf(size));
  return took;
}

/** Reads the table by the streaming form, and keeps nothing of it. */
export async function stream(ipvs: Ipvs, size: Size): Promise<void> {
  let rows = 0;
  await measured(async () => {
    for await (const { destinations } of ipvs.streamSnapshot()) rows += 1 + destinations.length;
  });
  assert.equal(rows, rowsOf(size));
}
