/** Programs that are run to their end. */
import { spawnSync } from 'node:child_process';

interface Options {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** How a program ended, and what it said on both outputs. */
export interface Outcome {
  readonly status: number | null;
  readonly output: string;
}

export function run(program: string, args: readonly string[], options: Options = {}): Outcome {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: 300_000,
    ...options,
    // Some colour what they say in CI.
    env: { ...(options.env ?? process.env), NO_COLOR: '1' },
  });
  if (error !== undefined) throw error;
  return { status, output: stdout + stderr };
}
