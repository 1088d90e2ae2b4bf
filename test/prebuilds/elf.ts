/** What a shared object says of itself, as readelf reads it. */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';

export interface SharedObject {
  readonly bytes: number;
  readonly machine: string;
  /** The names of its sections. */
  readonly sections: readonly string[];
  /** The libraries that the loader brings along. */
  readonly needed: readonly string[];
  /** The folders that it has the loader look in. */
  readonly searched: readonly string[];
  readonly exported: readonly string[];
  /** What others must have: `pthread_create@GLIBC_2.34`, or a bare name. Weak ones may be missing. */
  readonly required: readonly string[];
  /** The versions that libraries must have, or the loader gives up: of weak symbols, and of none, as well. */
  readonly versions: readonly string[];
}

/** One row of the dynamic symbols: number, value, size, type, binding, visibility, section, name. */
const symbolRow = /^ *\d+: [0-9a-f]+ +\S+ \S+ +(LOCAL|GLOBAL|WEAK|UNIQUE) +\S+ +(\S+) (\S+)/gm;

function captures(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, word = '']) => word);
}

export function readSharedObject(path: string): SharedObject {
  const text = execFileSync('readelf', ['-W', '-h', '-S', '-d', '-V', '--dyn-syms', path], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  const symbols = [...text.matchAll(symbolRow)].map(([, binding, section, name = '']) => ({
    ...{ binding, isUndefined: section === 'UND' },
    // A version of another library has one at sign, one of the file's own has two.
    name: name.replace('@@', '@'),
  }));
  return {
    bytes: statSync(path).size,
    machine: captures(text, /^ +Machine: +(.*)$/gm).join(),
    sections: captures(text, /^ +\[ *\d+\] (\S+)/gm),
    needed: captures(text, /\(NEEDED\) .*\[(.*)\]$/gm),
    searched: captures(text, /\((?:RPATH|RUNPATH)\) .*\[(.*)\]$/gm),
    exported: symbols
      .filter(({ isUndefined, binding }) => !isUndefined && binding !== 'LOCAL')
      .map(({ name }) => name),
    required: symbols
      .filter(({ isUndefined, binding }) => isUndefined && binding === 'GLOBAL')
      .map(({ name }) => name),
    // Only in the section of needs does a version's name stand behind an offset in hexadecimal.
    versions: captures(text, /^ +0x[0-9a-f]+: +Name: (\S+) +Flags:/gm),
  };
}
