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

const FREQUENCY = 20;
const LEAK = 256 * 1024;
/** Milliseconds between two leaks at least: a fast machine must not run out of memory. */
const PAUSE = 50;

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
    const due = count % FREQUENCY === 0;
    switch (plant) {
      case 'lost':
        return due ? expected : await perform(ipvs, operation);
      case 'twice':
        if (due) void setTimeout(50).then(async () => await perform(ipvs, operation));
        break;
      case 'leak':
      case 'open file':
        if (!due || performance.now() < last + PAUSE) break;
        last = performance.now();
        if (plant === 'leak') held.push(Buffer.alloc(LEAK, 1));
        else openSync('/dev/null', 'r');
        break;
    }
    return await perform(ipvs, operation);
  };
}
