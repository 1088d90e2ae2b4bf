import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where what was downloaded is kept: kernels, and systems of other processors. */
export function cacheFolder(): string {
  const base = process.env['XDG_CACHE_HOME'];
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'ipvs-lab');
}
