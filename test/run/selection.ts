import { join, normalize } from 'node:path';
import { parseArgs } from 'node:util';
import { filesOf, type Suite, suites } from './suites.js';

export interface Selection {
  suite: Suite;
  files: string[];
}

export interface Request {
  selections: Selection[];
  /** A regular expression. */
  grep: string | null;
}

export const usage = `usage: npm test -- [unit|lab|integration|FILE]... [--grep TEXT]

  FILE is a test's source, such as test/unit/run.test.ts. Without arguments every test runs.`;

/** What the command line asks for; throws where it asks for what is not there. */
export function parse(args: string[]): Request {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { grep: { type: 'string', short: 'g' } },
  });
  const wanted = positionals.length > 0 ? positionals : suites.map((suite) => suite.name);
  const everything = suites.map((suite) => ({ suite, files: filesOf(suite) }));
  refuseUnknown(wanted, everything);
  const selections = everything
    .map(({ suite, files }) => ({
      suite,
      files: files.filter((file) => isWanted(file, suite, wanted)),
    }))
    .filter(({ suite, files }) => files.length > 0 || wanted.includes(suite.name));
  return { selections, grep: values.grep === undefined ? null : patternOf(values.grep) };
}

/** The regular expression that finds a text. */
export function patternOf(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function refuseUnknown(wanted: string[], everything: Selection[]): void {
  for (const name of wanted) {
    const known = everything.some(
      ({ suite, files }) => suite.name === name || files.includes(compiledPath(name)),
    );
    if (!known) throw new RangeError(`there is no suite or test file '${name}'`);
  }
}

function isWanted(file: string, suite: Suite, wanted: string[]): boolean {
  return wanted.some((name) => name === suite.name || compiledPath(name) === file);
}

/** test/unit/run.test.ts is compiled to dist/test/unit/run.test.js; either may be named. */
function compiledPath(name: string): string {
  const path = normalize(name);
  return path.endsWith('.ts') ? join('dist', path.replace(/\.ts$/, '.js')) : path;
}
