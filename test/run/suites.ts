import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface Suite {
  name: string;
  /** In the lab's guest, or on the host. */
  inLab: boolean;
  /** Milliseconds for the whole; in the lab IPVS_LAB_TIMEOUT is the limit. */
  limit: number | null;
}

const minute = 60_000;

/** In the order in which they run: what fails fast comes first. A suite is a folder of test/. */
export const suites: readonly Suite[] = [
  { name: 'unit', inLab: false, limit: 5 * minute },
  { name: 'lab', inLab: false, limit: 15 * minute },
  { name: 'integration', inLab: true, limit: null },
];

const compiled = join('dist', 'test');

/** The compiled test files of a suite, in a fixed order. */
export function filesOf(suite: Suite): string[] {
  const folder = join(compiled, suite.name);
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.js'))
    .map((file) => join(folder, file))
    .sort();
}
