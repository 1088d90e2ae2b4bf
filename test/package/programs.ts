/** The programs that use the package, and what TypeScript makes of those that are written in it. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run, type Outcome } from './command.js';

const sources = resolve('test/package/programs');

/** Each module resolution by the source's name in its own folder, and what it is compiled into. */
export const resolutions = [
  { resolution: 'node16', module: 'node16', source: 'typed.mts', output: 'typed.mjs' },
  { resolution: 'nodenext', module: 'nodenext', source: 'typed.cts', output: 'typed.cjs' },
  { resolution: 'bundler', module: 'esnext', source: 'typed.mts', output: 'typed.mjs' },
] as const;

const plain = ['module.mjs', 'commonjs.cjs'] as const;

/** The programs, by their paths in the folder that the package is installed in. */
export const programs: readonly string[] = [
  ...plain,
  ...resolutions.map(({ resolution, output }) => `${resolution}/${output}`),
];

/** What a careful user compiles with: declarations of libraries are checked, too. */
const strictly = [
  ...['--strict', '--noUncheckedIndexedAccess', '--exactOptionalPropertyTypes'],
  ...['--noPropertyAccessFromIndexSignature', '--noUnusedLocals', '--isolatedModules'],
  ...['--skipLibCheck', 'false', '--noEmitOnError', '--target', 'es2022', '--lib', 'es2022'],
  ...['--typeRoots', resolve('node_modules/@types'), '--types', 'node'],
];

/** Compiles the typed program in a folder of the app's. */
export function compile(
  app: string,
  { resolution, module, source }: (typeof resolutions)[number],
): Outcome {
  const folder = join(app, resolution);
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(sources, 'typed.ts'), join(folder, source));
  const words = ['--moduleResolution', resolution, '--module', module, ...strictly, source];
  return run(resolve('node_modules/.bin/tsc'), words, { cwd: folder });
}

/** Puts the programs in JavaScript into the app. */
export function copyPlain(app: string): void {
  for (const name of plain) copyFileSync(join(sources, name), join(app, name));
}
