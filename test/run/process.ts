import { spawn } from 'node:child_process';
import type { Ending } from './judge.js';

/** Runs a command with our own stdout and stderr until it ends or `limit` milliseconds have passed. */
export async function run(command: string[], limit: number | null): Promise<Ending> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const release = relaySignals((signal) => child.kill(signal));
  let timedOut = false;
  const timer = limit === null ? undefined : setTimeout(stop, limit);

  function stop(): void {
    timedOut = true;
    child.kill('SIGKILL');
  }

  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status, signal) => {
        resolve({ status, signal, timedOut });
      });
    });
  } finally {
    clearTimeout(timer);
    release();
  }
}

/**
 * While a child runs, a signal to us is one to it: the lab must take its guest down before we go.
 * What it did until then is judged as usual, and fails for being incomplete.
 */
function relaySignals(relay: (signal: NodeJS.Signals) => void): () => void {
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, relay);
  return () => {
    for (const signal of signals) process.off(signal, relay);
  };
}
