/** Where the tests keep what they make; main.ts makes the folder and removes it. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';

/** The variable that names the folder. */
export const WORK = 'IPVS_PACKAGE_WORK';

/** A new folder in there. */
export function newFolder(name: string): string {
  const work = process.env[WORK];
  if (work === undefined) throw new Error('these tests run by: npm run test:package');
  return mkdtempSync(join(work, `${name}-`));
}
