import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { exitTimeLimit, LabFailure, notRun } from './failure.js';
import { guestScript } from './paths.js';
import { Relay } from './relay.js';
import { Tail } from './tail.js';

/** A program that runs the command. Its descriptors 3, 4 and 5 take stdout, stderr and the result. */
export interface Machine {
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /**
   * Whether 3 and 4 are the lab's own stdout and stderr. A guest gets sockets instead: it would put
   * a terminal into raw mode, and make descriptors non-blocking that others share.
   */
  readonly inheritsOutput: boolean;
}

export interface Limits {
  readonly timeoutSeconds: number;
  /** Aborted, with a LabFailure, when the user ends the lab. */
  readonly signal: AbortSignal;
}

/** Runs the machine until the command's exit status is known, and leaves nothing of it behind. */
export async function runMachine(machine: Machine, limits: Limits): Promise<number> {
  const relays = machine.inheritsOutput ? [] : [new Relay(1), new Relay(2)];
  const guard = startGuard(machine, relays);
  const closed = once(guard, 'close');
  const messages = new Tail();
  messages.follow(descriptor(guard, 1));
  messages.follow(descriptor(guard, 2));
  const interrupted = interruption(limits.signal);
  const delivered = Promise.all(
    relays.map(async (relay) => {
      await relay.done;
    }),
  );
  // Looked at only when the command is over; what it failed of before is reported by the race.
  delivered.catch(() => undefined);
  interrupted.catch(() => undefined);
  try {
    return await Promise.race([
      readResult(guard, closed, messages),
      timeLimit(limits.timeoutSeconds, messages),
      interrupted,
      ...relays.map(async (relay) => await relay.failure),
    ]);
  } finally {
    descriptor(guard, 6).destroy();
    await closed;
    // What the command wrote before its end, or before the time limit, still has to arrive.
    await Promise.race([delivered, interrupted]).finally(() => {
      for (const relay of relays) relay.kill();
    });
  }
}

function startGuard(machine: Machine, relays: readonly Relay[]): ChildProcess {
  const [out, err] = machine.inheritsOutput ? [1, 2] : relays.map((relay) => relay.input);
  const guard = spawn('sh', [guestScript('guard.sh'), ...machine.argv], {
    detached: true,
    env: machine.env,
    stdio: ['ignore', 'pipe', 'pipe', out, err, 'pipe', 'pipe'],
  });
  for (const relay of relays) relay.handedOver();
  return guard;
}

/** The lab's end of a descriptor of the guard. Node's types stop at 4. */
function descriptor(guard: ChildProcess, number: number): Readable {
  return (guard.stdio as readonly unknown[])[number] as Readable;
}

async function readResult(
  guard: ChildProcess,
  closed: Promise<unknown>,
  messages: Tail,
): Promise<number> {
  let text = '';
  for await (const chunk of descriptor(guard, 5).setEncoding('latin1')) {
    text += chunk as string;
    if (text.includes('\n')) break;
  }
  const [, word, rest] = /^(exit|fail) (.*)\n/.exec(text) ?? [];
  if (word === 'exit') return Number(rest);
  if (rest !== undefined) throw notRun(rest);
  await closed;
  throw notRun(`${lastMessages(messages)}\nlab: the guest ended before the command did`);
}

async function interruption(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
}

async function timeLimit(seconds: number, messages: Tail): Promise<never> {
  await setTimeout(seconds * 1000, undefined, { ref: false });
  throw new LabFailure(
    exitTimeLimit,
    `${lastMessages(messages)}\n` +
      `lab: the command was ended after ${seconds} seconds; IPVS_LAB_TIMEOUT=SECONDS sets another limit`,
  );
}

/** Comes before what is wrong: the end of an output is what is looked at. */
function lastMessages(messages: Tail): string {
  const lines = messages.lastLines(50);
  return lines === '' ? 'the kernel said nothing' : `the last messages of its kernel:\n${lines}`;
}
