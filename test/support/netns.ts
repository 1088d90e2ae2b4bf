/** Network namespaces of the tests' own, each with the programs and clients that work inside. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { Ipvs } from 'ipvs';
import { type AdmService, readTable, TableChangedError } from './ipvsadm.js';
import { asIpvsadmLists, canonicalTable, type TableEntry } from './witness.js';

/** How a program ended. */
export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, whatever that is. */
export async function execute(command: string, args: string[], input = ''): Promise<Ended> {
  return await new Promise((resolve, reject) => {
    const child = execFile(
      command,
      args,
      { maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const status = error === null ? 0 : error.code;
        if (typeof status === 'number') resolve({ status, stdout, stderr });
        else reject(new Error(`${command} was not run to its end`, { cause: error }));
      },
    );
    // A program that does not read all of its input is not this one's problem.
    child.stdin?.on('error', () => undefined).end(input);
  });
}

/** Runs a program that must succeed without a complaint; returns its standard output. */
export async function run(command: string, args: string[], input = ''): Promise<string> {
  const { status, stdout, stderr } = await execute(command, args, input);
  if (status === 0 && stderr === '') return stdout;
  throw new Error(`${command} ${args.join(' ')}: status ${status}, ${stdout}${stderr}`);
}

/** So often a table that others change meanwhile is listed. */
const READS = 5;

/** A fresh network namespace with a name. */
export class Namespace {
  readonly name: string;
  readonly #clients: Ipvs[] = [];

  private constructor(name: string) {
    this.name = name;
  }

  static #count = 0;

  static async create(lo: 'up' | 'down' = 'up'): Promise<Namespace> {
    Namespace.#count += 1;
    const namespace = new Namespace(`ipvs-test-${process.pid}-${Namespace.#count}`);
    const script = 'ip netns add "$1" && ip -n "$1" link set lo "$2"';
    await run('sh', ['-c', script, 'sh', namespace.name, lo]);
    return namespace;
  }

  get path(): string {
    return `/run/netns/${this.name}`;
  }

  /** The words that run a command inside. */
  inside(command: string, ...args: string[]): [string, string[]] {
    return ['nsenter', [`--net=${this.path}`, '--', command, ...args]];
  }

  /** Runs a program inside, which must succeed without a complaint; returns its output. */
  async run(command: string, ...args: string[]): Promise<string> {
    return await run(...this.inside(command, ...args));
  }

  /** Runs ipvsadm inside. */
  async ipvsadm(...args: string[]): Promise<string> {
    return await this.run('ipvsadm', ...args);
  }

  /** Makes ipvsadm carry out rules, a command a line. */
  async restore(rules: readonly string[] | string): Promise<void> {
    const text = typeof rules === 'string' ? rules : `${rules.join('\n')}\n`;
    await run(...this.inside('ipvsadm', '-R'), text);
  }

  /** All that ipvsadm says of the table, addresses in one spelling, in one order. */
  async table(): Promise<AdmService[]> {
    for (let read = 1; ; read += 1) {
      try {
        return await this.#listTable();
      } catch (error) {
        // Others may be at work: a daemon under test.
        if (!(error instanceof TableChangedError) || read === READS) throw error;
      }
    }
  }

  async #listTable(): Promise<AdmService[]> {
    // One process for all listings: starting one costs more than the rest.
    const script = `for list in '' --thresholds --tun-info; do
      ipvsadm -Ln --nosort $list && printf '\\f' || exit 1
    done`;
    const listings = (await this.run('sh', '-c', script)).split('\f');
    const read = async ([, , mode]: string[]): Promise<string> => {
      const index = [undefined, '--thresholds', '--tun-info'].indexOf(mode);
      return await Promise.resolve(listings[index] ?? '');
    };
    return canonicalTable(await readTable(read));
  }

  /** Asserts that by ipvsadm's word the kernel holds this table and nothing else. */
  async assertHolds(table: readonly TableEntry[], message?: string): Promise<void> {
    assert.deepEqual(await this.table(), asIpvsadmLists(table), message);
  }

  /** A client that is closed with the namespace. */
  async open(): Promise<Ipvs> {
    const client = await Ipvs.open({ netns: { name: this.name } });
    this.#clients.push(client);
    return client;
  }

  /** Ends it and its clients. What a test has closed or deleted itself is no matter. */
  async end(): Promise<void> {
    await Promise.all(
      this.#clients.map(async (client) => {
        await client.close();
      }),
    );
    await execute('ip', ['netns', 'del', this.name]);
  }
}

/**
 * Runs `body` with a namespace that ends with it. Until something in it was up for the first time, the
 * kernel refuses every IPv4 destination.
 */
export async function withNamespace<Result>(
  body: (ns: Namespace) => Promise<Result>,
  lo: 'up' | 'down' = 'up',
): Promise<Result> {
  const namespace = await Namespace.create(lo);
  try {
    return await body(namespace);
  } finally {
    await namespace.end();
  }
}

/** The function of a test that has a namespace of its own, and a client in it. */
export function inNamespace(
  body: (ns: Namespace, ipvs: Ipvs) => Promise<void>,
): () => Promise<void> {
  return async () => {
    await withNamespace(async (ns) => {
      await body(ns, await ns.open());
    });
  };
}
