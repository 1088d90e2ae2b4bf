import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

function findRoot(directory: string): string {
  return existsSync(join(directory, 'package.json')) ? directory : findRoot(dirname(directory));
}

/** The project's folder: compiled code lies deeper in it than its source. */
export const projectRoot = findRoot(import.meta.dirname);

/** A script that runs in or around the guest. They are not compiled, so the source tree has them. */
export function guestScript(name: string): string {
  return join(projectRoot, 'test/lab/guest', name);
}
