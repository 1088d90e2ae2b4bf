import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kind } from './settings.js';

// Arguments, variables and paths are bytes to the kernel, and need not be UTF-8. They are read from
// /proc and held as latin1 strings, one character per byte, so that they reach the guest unchanged.

/** The arguments of the lab's own command line: what follows `node main.js`. */
export function commandLine(): string[] {
  const words = readFileSync('/proc/self/cmdline', 'latin1').split('\0').slice(0, -1);
  return words.slice(process.execArgv.length + 2);
}

/** Programs for root live where the PATH of other users need not lead. */
const rootFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

function guestPath(path: string, kind: Kind): string {
  // Anywhere else the caller's PATH leads to programs of the host's processor.
  const first = kind === 'qemu-arm64' ? ['/usr/bin'] : [];
  return [...new Set([...first, ...path.split(':'), ...rootFolders])].join(':');
}

/** The caller's variables as `NAME=value`, with the few changes that the README lists. */
function guestEnvironment(kind: Kind): string[] {
  const inherited = readFileSync('/proc/self/environ', 'latin1').split('\0').slice(0, -1);
  const ownVariables = [`IPVS_LAB_KIND=${kind}`];
  if (kind !== 'host') {
    // The guest's modules do not lie in /lib/modules: a bare `modprobe` finds them by this.
    ownVariables.push('MODPROBE_OPTIONS=-d /run/ipvs-lab');
  }
  const replaced = ownVariables.map((entry) => entry.slice(0, entry.indexOf('=') + 1));
  return inherited
    .filter((entry) => !replaced.some((name) => entry.startsWith(name)))
    .map((entry) => (entry.startsWith('PATH=') ? `PATH=${guestPath(entry.slice(5), kind)}` : entry))
    .concat(ownVariables);
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The sh script that becomes the command. Its descriptors are those of guest/session.sh. */
function commandScript(command: readonly string[], kind: Kind): string {
  const directory = quote(readlinkSync('/proc/self/cwd', 'latin1'));
  const words = ['/usr/bin/env', '-i', '--', ...guestEnvironment(kind), ...command];
  return [
    `umask ${/^Umask:\s*(\d+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '022'}`,
    `cd -- ${directory} || { echo fail the working directory is not to be seen in the lab >&5; exit 125; }`,
    `exec ${words.map(quote).join(' ')} 5>&- 7<&-`,
    '',
  ].join('\n');
}

/** A folder of one run's own, gone when the run is over. */
export class Job implements Disposable {
  readonly directory: string;

  constructor(command: readonly string[], kind: Kind) {
    this.directory = mkdtempSync(join(tmpdir(), 'ipvs-lab-'));
    writeFileSync(join(this.directory, 'command'), commandScript(command, kind), 'latin1');
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
