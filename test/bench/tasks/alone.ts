import type { Ipvs } from 'ipvs';
import { createDoor } from '../../../lib/native/addon.js';
import { median } from '../statistics.js';
import type { Entry } from '../table.js';

const MICROSECONDS = 1000;

/** Adds each destination when the one before is there; the median round trip in microseconds. */
export async function alone(ipvs: Ipvs, table: readonly Entry[]): Promise<number> {
  await Promise.all(
    table.map(async ({ service }) => {
      await ipvs.addService(service);
    }),
  );
  const took: number[] = [];
  for (const { service, destinations } of table) {
    for (const each of destinations) {
      const begun = performance.now();
      await ipvs.addDestination(service, each);
      took.push((performance.now() - begun) * MICROSECONDS);
    }
  }
  return median(took);
}

const HOPS = 1000;

/**
 * What going to the thread pool and back costs, in microseconds: a door that is open already has
 * nothing to do when it is opened.
 */
export async function hop(): Promise<number> {
  const door = createDoor('/proc/self/ns/net', 5000);
  try {
    await door.open();
    const took: number[] = [];
    for (let index = 0; index < HOPS; index += 1) {
      const begun = performance.now();
      await door.open();
      took.push((performance.now() - begun) * MICROSECONDS);
    }
    return median(took);
  } finally {
    door.close();
  }
}
