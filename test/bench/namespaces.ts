import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { type Namespace, withNamespace } from '../support/netns.js';

/** How many services there are in all namespaces: each holds the module. */
async function users(): Promise<number> {
  const modules = await readFile('/proc/modules', 'utf8');
  return Number(/^ip_vs \d+ (\d+) /m.exec(modules)?.[1] ?? 0);
}

const POLL = 10;
const PATIENCE = 60_000;

/** Waits until the kernel has taken down what deleted namespaces held. */
async function untilGone(usersBefore: number): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  while ((await users()) > usersBefore) {
    if (performance.now() > deadline) throw new Error('a deleted namespace does not go away');
    await setTimeout(POLL);
  }
}

/**
 * Runs `body` in a fresh network namespace: no deleted destination lies in its trash, which every
 * command that adds one searches. What comes afterwards does not run beside the kernel's taking it
 * down, which takes its time.
 */
export async function withFresh<Result>(body: (ns: Namespace) => Promise<Result>): Promise<Result> {
  const before = await users();
  const result = await withNamespace(body);
  await untilGone(before);
  return result;
}
