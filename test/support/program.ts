/** A program that runs until it is told to end, as daemons do. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Namespace } from './netns.js';
import { patience } from './patience.js';

/** Milliseconds; what takes longer is taken for hanging. */
const LIMIT = 60_000 * patience;

export class Program {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  stdout = '';
  stderr = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#closed = once(child, 'close');
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
  }

  /** Starts a program of Node's in a namespace. */
  static start(ns: Namespace, ...args: string[]): Program {
    const [command, words] = ns.inside(process.execPath, ...args);
    return new Program(spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  get lines(): string[] {
    return this.stdout.split('\n').slice(0, -1);
  }

  /** Waits until the program has printed so many lines. */
  async printed(count: number): Promise<void> {
    await this.#until(() => this.lines.length >= count);
  }

  /** Waits until the program has printed this line. */
  async said(line: string): Promise<void> {
    await this.#until(() => this.lines.includes(line));
  }

  /** Waits until the program has printed a line that begins like this. */
  async began(start: string): Promise<void> {
    await this.#until(() => this.lines.some((line) => line.startsWith(start)));
  }

  async #until(isSo: () => boolean): Promise<void> {
    await until(() => isSo() || this.#child.exitCode !== null);
    if (!isSo()) throw new Error(`it ended: ${this.stdout}${this.stderr}`);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Waits for the program's end; tells its exit status and what it complained about. */
  async ended() {
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), LIMIT);
    await this.#closed;
    clearTimeout(killer);
    const { exitCode: status, signalCode: signal } = this.#child;
    return { status, signal, stderr: this.stderr };
  }

  /** Ends the program by a signal. */
  async end(name: NodeJS.Signals) {
    this.signal(name);
    return await this.ended();
  }
}

/** Waits until something is so; where that takes too long, `complain` throws what is to be said. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  complain: () => void = () => undefined,
): Promise<void> {
  const deadline = performance.now() + LIMIT;
  while (!(await isSo())) {
    if (performance.now() > deadline) {
      complain();
      throw new Error('waited too long');
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
