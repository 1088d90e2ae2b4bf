import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Runs a command to its end and returns what it printed; rejects when it fails. */
async function run(command: string, args: readonly string[], signal: AbortSignal, input = '') {
  const running = execute(command, args, { signal });
  // A command that ends without reading its input tells by its status whether that is an error.
  running.child.stdin?.on('error', () => undefined).end(input);
  return (await running).stdout;
}

/** A network namespace of the demo. */
export interface Namespace {
  /** What `ip netns` and `Ipvs.open` call it. */
  readonly name: string;
  /** Runs commands of `ip` here, one a line, without the word `ip`. */
  ip(...commands: string[]): Promise<void>;
  /** Runs a program here to its end and returns what it printed. */
  run(program: string, ...args: string[]): Promise<string>;
  /** Starts a program here and returns as soon as it has printed something. */
  start(program: string, ...args: string[]): Promise<void>;
}

/** The namespaces of the demo and the programs that it left running in them; `using` ends them all. */
export class Namespaces implements Disposable {
  readonly #names: string[] = [];
  readonly #started: ChildProcess[] = [];
  readonly #signal: AbortSignal;

  /** `signal` ends whatever is running in the namespaces. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  async add(label: string): Promise<Namespace> {
    // On a host kernel there may be other demos: the process id keeps them apart.
    const name = `ipvs-demo-${process.pid}-${label}`;
    this.#names.push(name);
    await run('ip', ['netns', 'add', name], this.#signal);
    const namespace: Namespace = {
      name,
      ip: async (...commands) => {
        await run('ip', ['-n', name, '-batch', '-'], this.#signal, commands.join('\n'));
      },
      run: async (...command) => await run('ip', ['netns', 'exec', name, ...command], this.#signal),
      start: async (...command) => {
        await this.#start(['netns', 'exec', name, ...command]);
      },
    };
    await namespace.ip('link set lo up');
    return namespace;
  }

  async #start(args: string[]): Promise<void> {
    const child = spawn('ip', args, { stdio: ['pipe', 'pipe', 'inherit'], signal: this.#signal });
    this.#started.push(child);
    await Promise.race([
      once(child.stdout, 'data'),
      once(child, 'exit').then(() => {
        throw new Error(`ip ${args.join(' ')} ended at once`);
      }),
    ]);
  }

  /** Synchronous, and without the signal: nothing can come between the end and this. */
  [Symbol.dispose](): void {
    for (const child of this.#started) child.kill();
    // A namespace that could not be made can't be deleted either: no news, the error was about that.
    const input = this.#names.map((name) => `netns delete ${name}\n`).join('');
    spawnSync('ip', ['-force', '-batch', '-'], { input });
  }
}
