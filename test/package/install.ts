/** Installs as a user does in a slim container: there is Node.js with npm, a shell, and nothing else. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, type Outcome } from './command.js';
import { cleanEnvironment } from './environment.js';
import { type Installer, nodeOf, npmOf } from './tools.js';

/** The shell that npm runs scripts with: it writes down what it is asked to run. */
const recorder = `#!/bin/sh
printf '%s\\n' "$*" >>"\${0%/*}/../scripts"
exec /bin/sh "$@"
`;

/** An empty folder, with the only folder of the PATH beside it. */
export class Site {
  readonly #folder: string;
  readonly #installer: Installer;

  /** Outside the project: npm, and Node.js later, would find the project's own package above. */
  constructor(installer: Installer) {
    this.#installer = installer;
    this.#folder = mkdtempSync(join(tmpdir(), 'ipvs-package-'));
    mkdirSync(this.app);
    mkdirSync(this.#path);
    symlinkSync(nodeOf(installer.line), join(this.#path, 'node'));
    writeFileSync(join(this.#path, 'sh'), recorder, { mode: 0o755 });
  }

  get app(): string {
    return join(this.#folder, 'app');
  }

  get #path(): string {
    return join(this.#folder, 'bin');
  }

  /** Runs npm; its output lacks what it says of settings that others made on this machine. */
  npm(...words: string[]): Outcome {
    const options = ['--no-audit', '--no-fund', '--no-update-notifier'];
    const { status, output } = run('node', [npmOf(this.#installer), ...words, ...options], {
      cwd: this.app,
      env: { ...cleanEnvironment(), PATH: this.#path },
    });
    return { status, output: output.replaceAll(/^npm warn Unknown \w+ config .*\n/gm, '') };
  }

  /** The commands of the scripts that npm has run. */
  get scripts(): string[] {
    const record = join(this.#folder, 'scripts');
    return existsSync(record) ? readFileSync(record, 'utf8').trimEnd().split('\n') : [];
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}
