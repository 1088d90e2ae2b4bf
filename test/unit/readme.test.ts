/**
 * The programs of the README, of the guide and of docs/reconciling.md compile, and the tables of the kernel's
 * interface leave nothing of linux/ip_vs.h out.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import ts from 'typescript';
import { piecesOf } from '../support/documents.js';

/** What a row may say of names that begin alike: `IPVS_SVC_ATTR_PORT`, `_ADDR`. */
function namesIn(row: string): string[] {
  const names: string[] = [];
  for (const [, name = ''] of row.matchAll(/`(\w+)`/g)) {
    const first = names[0] ?? '';
    const stem = /^IPVS_(?:CMD_ATTR|CMD|INFO_ATTR|SVC_ATTR|DEST_ATTR|DAEMON_ATTR|STATS_ATTR)/.exec(
      first,
    );
    names.push(name.startsWith('_') ? `${stem?.[0] ?? ''}${name}` : name);
  }
  return names;
}

/** Every command and attribute that the header declares, by the compiler's word. */
function declared(): string[] {
  const header = execFileSync(
    'c++',
    ['-E', '-x', 'c++', '-include', 'linux/ip_vs.h', '/dev/null'],
    {
      encoding: 'utf8',
    },
  );
  const names = header.match(/\bIPVS_(?:CMD|INFO|SVC|DEST|DAEMON|STATS)_\w+/g) ?? [];
  // Not messages: ends of their lists, and the number 0 of each.
  return [...new Set(names)].filter((name) => !/(_MAX|_UNSPEC|_LAST)$/.test(name));
}

/** What the programs of the README find there already, unless they make it themselves. */
const GIVEN: Readonly<Record<string, string>> = {
  ipvs: "import('ipvs').Ipvs",
  web: "import('ipvs').ServiceKey",
  desired: "import('ipvs').DesiredState",
  drainsOfTheLastRun: "import('ipvs').DrainStart[]",
};

/** Modules in TypeScript, by names in the project's folder. */
function modules(programs: readonly string[], given: Readonly<Record<string, string>> = {}) {
  return new Map(
    programs.map((text, index) => {
      // As the README says of TypeScript: keys that stand alone are annotated.
      const program = text
        .replace(
          /^const (\w+) = \{ (?=protocol|fwmark)/gm,
          "const $1: import('ipvs').ServiceKey = { ",
        )
        .replace(/^const desired = \[/m, "const desired: import('ipvs').DesiredState = [");
      const declarations = Object.entries(given)
        .filter(([name]) => !program.includes(`const ${name}`))
        .map(([name, type]) => `declare const ${name}: ${type};`);
      const module = [...declarations, program, 'export {};'].join('\n');
      return [join(process.cwd(), `program-${index}.ts`), module];
    }),
  );
}

/** What the compiler says of programs that are in no file. */
function complaints(files: ReadonlyMap<string, string>): string[] {
  const options: ts.CompilerOptions = {
    ...{ strict: true, noEmit: true, types: ['node'], target: ts.ScriptTarget.ES2023 },
    ...{ module: ts.ModuleKind.Node20, lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'] },
    // Functions in JavaScript do not tell the types of what they take.
    ...{ exactOptionalPropertyTypes: true, skipLibCheck: true, noImplicitAny: false },
  };
  const host = ts.createCompilerHost(options);
  host.fileExists = (path) => files.has(path) || ts.sys.fileExists(path);
  host.readFile = (path) => files.get(path) ?? ts.sys.readFile(path);
  const program = ts.createProgram([...files.keys()], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file?.text.slice(0, start).split('\n').length ?? 0;
    const source = file?.text.split('\n')[line - 1] ?? '';
    return `${source.trim()}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}

describe('the README', () => {
  it('has programs that compile', function () {
    this.timeout(60_000);
    const pieces = piecesOf('README.md', 'js', 'ts');
    assert.ok(pieces.length > 10, `only ${pieces.length} programs`);
    assert.deepEqual(complaints(modules(pieces, GIVEN)), []);
  });
});

describe("the page on the kernel's interface", () => {
  it('has our name for every command and attribute of the kernel', () => {
    const text = readFileSync('docs/kernel.md', 'utf8');
    const rows = [...text.matchAll(/^\| (`IPVS_.*?) *\|/gm)].flatMap(([, row = '']) =>
      namesIn(row),
    );
    const names = declared();
    assert.ok(names.length > 60, `the header declares only ${names.length}`);
    const known = new Set(rows);
    assert.deepEqual(
      names.filter((name) => !known.has(name)),
      [],
    );
  });
});

describe('the page on desired states', () => {
  it('has programs that compile', function () {
    this.timeout(60_000);
    const pieces = piecesOf('docs/reconciling.md', 'js');
    assert.ok(pieces.length > 1, `only ${pieces.length} pieces`);
    assert.deepEqual(complaints(modules(pieces, GIVEN)), []);
  });
});

describe('the guide', () => {
  it('is a program that compiles', function () {
    this.timeout(60_000);
    const pieces = piecesOf('docs/guide.md', 'js');
    assert.ok(pieces.length > 15, `only ${pieces.length} pieces`);
    assert.deepEqual(complaints(modules([pieces.join('\n')])), []);
  });
});
