import type { Ipvs } from 'ipvs';
import type { Entry } from '../table.js';
import { measured } from './measured.js';

/** Makes the table: every call issued at once, each with a promise of its own. */
export async function create(ipvs: Ipvs, table: readonly Entry[]): Promise<number> {
  return await measured(async () => {
    const calls: Promise<void>[] = [];
    for (const { service, destinations } of table) {
      calls.push(ipvs.addService(service));
      for (const each of destinations) calls.push(ipvs.addDestination(service, each));
    }
    await Promise.all(calls);
  });
}

/** A daemon that lets others have the event loop issues so many calls in a turn. */
const CALLS_A_TURN = 500;

/** Makes the table as a caller does that waits for a turn's calls before it makes those of the next. */
export async function createInTurns(ipvs: Ipvs, table: readonly Entry[]): Promise<void> {
  let calls: Promise<void>[] = [];
  for (const { service, destinations } of table) {
    calls.push(ipvs.addService(service));
    for (const each of destinations) calls.push(ipvs.addDestination(service, each));
    if (calls.length < CALLS_A_TURN) continue;
    await Promise.all(calls);
    calls = [];
  }
  await Promise.all(calls);
}

/** Makes the table as a caller does that yields, and waits only at the end: all its calls are held. */
export async function createYielding(ipvs: Ipvs, table: readonly Entry[]): Promise<void> {
  const calls: Promise<void>[] = [];
  let before = 0;
  for (const { service, destinations } of table) {
    calls.push(ipvs.addService(service));
    for (const each of destinations) calls.push(ipvs.addDestination(service, each));
    if (calls.length - before < CALLS_A_TURN) continue;
    before = calls.length;
    await new Promise(setImmediate);
  }
  await Promise.all(calls);
}
