/**
 * Runs in the lab: every program under every line of Node.js, with the slim system as the root of its files.
 * What the kernel holds afterwards is ipvsadm's word, which sees the files of the lab. Prints one line of
 * JSON for each.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { type Outcome, run } from './command.js';
import { programs } from './programs.js';
import { nodeInside } from './slim-system.js';
import { lines } from './tools.js';

/** How one program ended. */
export interface Use extends Outcome {
  readonly line: string;
  readonly program: string;
  /** `ipvsadm -Ln`. */
  readonly table: string;
}

function ipvsadm(...words: string[]): string {
  return execFileSync('ipvsadm', words, { encoding: 'utf8' });
}

function main(root: string): void {
  execFileSync('mount', ['-t', 'proc', 'proc', join(root, 'proc')]);
  const env = {
    // Names folders that the slim system does not have.
    PATH: process.env['PATH'],
    // The oldest lines say of `require` of an ES module that it is one.
    NODE_OPTIONS: '--disable-warning=ExperimentalWarning',
  };
  for (const line of lines) {
    for (const program of programs) {
      const words = [root, nodeInside(line), join('/app', program)];
      const outcome = run('chroot', words, { env });
      const use: Use = { line, program, ...outcome, table: ipvsadm('-Ln') };
      ipvsadm('-C');
      console.log(JSON.stringify(use));
    }
  }
}

const [root] = process.argv.slice(2);
if (root !== undefined) main(root);
