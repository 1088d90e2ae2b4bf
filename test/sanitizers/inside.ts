/**
 * The first module of every node that runs under a sanitizer.
 *
 * Programs that are not ours don't inherit the sanitizer: it would slow them down, and report leaks of
 * their own. Those that tests start by `process.execPath` are ours, and run under it as well.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { addon, libraries, mappedAddons, reportFolder, sanitizedNode } from './environment.js';

function hideFromChildren(): void {
  const preloaded = (process.env['LD_PRELOAD'] ?? '').split(':');
  const others = preloaded.filter((path) => !libraries.includes(path));
  if (others.length > 0) process.env['LD_PRELOAD'] = others.join(':');
  else delete process.env['LD_PRELOAD'];
}

/** The plain addon, loaded by mistake, would pass every test and prove nothing. */
function complainOfOtherAddons(): void {
  const others = mappedAddons().filter((path) => path !== addon);
  if (others.length === 0) return;
  writeFileSync(
    join(reportFolder, `addon.${process.pid}`),
    `loaded, not sanitized: ${others.join(', ')}\n`,
  );
}

if (isMainThread) {
  hideFromChildren();
  process.execPath = sanitizedNode;
  process.on('exit', complainOfOtherAddons);
}
