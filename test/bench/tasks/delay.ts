import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';

const PERCENTILE = 99;
const NANOSECONDS_A_MILLISECOND = 1e6;
const IDLE_TIME = 2000;

/** The 99th percentile of the event loop's delay while `body` runs, in milliseconds. */
export async function underDelay(body: () => Promise<void>): Promise<number> {
  // Its own timer comes every millisecond, so that this is what an idle loop shows.
  const monitor = monitorEventLoopDelay({ resolution: 1 });
  monitor.enable();
  await body();
  monitor.disable();
  return monitor.percentile(PERCENTILE) / NANOSECONDS_A_MILLISECOND;
}

/** The same of a loop that has nothing to do. */
export async function idle(): Promise<number> {
  return await underDelay(async () => {
    await setTimeout(IDLE_TIME);
  });
}
