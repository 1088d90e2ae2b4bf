/** Faults planted on purpose, each of which the soak must find. */
import { openSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { perform, type Operation } from './operations.js';
import type { Perform } from './writer.js';

/** What is planted, and what must be said of it. */
export const PLANTS = {
  lost: /should have been|does not hold/,
  twice: /should have been|does not hold/,
  leak: /^memory grew/,
  'open file': /^descriptors/,
} as const satisfies Record<string, RegExp>;

export type Plant = keyof typeof PLANTS;

/** Of so many writes one is lost or repeated. */
const FREQUENCY = 20;
const LEAK = 512 * 1024;
/** Milliseconds between two leaks at least: a fast machine must not run out of memory. */
const PAUSE = 100;

function writes({ act }: Operation): boolean {
  return !/^(?:get|list|zero)/.test(act);
}

/** How operations are carried out with a fault in it. */
export function planted(plant: Plant): Perform {
  const held: Buffer[] = [];
  let count = 0;
  let last = 0;
  return async (ipvs, operation, expected) => {
    if (!writes(operation) || !('value' in expected)) return await perform(ipvs, operation);
    count += 1;
    if (plant === 'lost' || plant === 'twice') {
      if (count % FREQUENCY !== 0) return await perform(ipvs, operation);
      if (plant === 'lost') return expected;
      void setTimeout(50).then(async () => await perform(ipvs, operation));
    } else if (performance.now() > last + PAUSE) {
      last = performance.now();
      if (plant === 'leak') held.push(Buffer.alloc(LEAK, 1));
      else openSync('/dev/null', 'r');
    }
    return await perform(ipvs, operation);
  };
}
