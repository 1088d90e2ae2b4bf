import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './cache.js';
import { notRun } from './failure.js';
import { projectRoot } from './paths.js';

const folder = join(projectRoot, 'test/lab/arm64');

/** A change of what makes the system makes another one. */
function hash(): string {
  const files = ['tree.sh', 'package-lock.json'].map((name) => readFileSync(join(folder, name)));
  return createHash('sha256').update(Buffer.concat(files)).digest('hex').slice(0, 12);
}

/** The root folder of a small Debian system for arm64, with Node.js; made at the first use. */
export async function arm64Tree(signal?: AbortSignal): Promise<string> {
  const tree = join(cacheFolder(), `arm64-${hash()}`);
  if (existsSync(tree)) return tree;
  console.error(`lab: downloading a system for arm64 into ${tree}`);
  try {
    await promisify(execFile)(join(folder, 'tree.sh'), [tree], {
      maxBuffer: 2 ** 24,
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    throw notRun(`no system for arm64: ${error instanceof Error ? error.message : String(error)}`);
  }
  return tree;
}
