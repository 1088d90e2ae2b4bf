import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { exitOutputClosed, LabFailure, notRun } from './failure.js';

/**
 * Passes a guest's output on to the lab's own stdout or stderr. A process does it, since Node blocks
 * when it writes to a full pipe: it would hear neither signals nor its clock while a pager is waiting.
 */
export class Relay {
  private readonly copier: ChildProcess;

  /** Resolves when all is passed on, rejects when the output takes no more. */
  readonly done: Promise<void>;

  constructor(target: 1 | 2) {
    // In a session of its own, so that Ctrl-C in a terminal reaches the lab alone.
    this.copier = spawn(process.execPath, [join(import.meta.dirname, 'relay-process.js')], {
      stdio: ['pipe', target, 2],
      detached: true,
    });
    this.done = new Promise((resolve, reject) => {
      this.copier.on('error', (error) => {
        reject(notRun(`the relay could not be started: ${error.message}`));
      });
      this.copier.on('exit', (code) => {
        if (code === 0) resolve();
        else if (code === exitOutputClosed)
          reject(new LabFailure(exitOutputClosed, 'the reader of the output went away'));
        else reject(notRun('the output could not be written'));
      });
    });
    // Whoever waits for it gets the error; that nobody does, yet, is no reason to abort.
    this.done.catch(() => undefined);
  }

  /** Rejects as `done` does, and never resolves. */
  get failure(): Promise<never> {
    return this.done.then(async () => await new Promise<never>(() => undefined));
  }

  /** What the guest writes to. */
  get input(): Socket {
    return this.copier.stdin as Socket;
  }

  /** Closes the lab's copy, so that the guest's end is the last. */
  handedOver(): void {
    this.input.destroy();
  }

  kill(): void {
    this.copier.kill('SIGKILL');
  }
}
