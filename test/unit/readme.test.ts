/**
 * The README's tables of the kernel's interface leave nothing of linux/ip_vs.h out, and its programs
 * compile.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import ts from 'typescript';

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
  formatKey: "typeof import('ipvs').formatKey",
  formatPlan: "typeof import('ipvs').formatPlan",
  plan: "typeof import('ipvs').plan",
  parseServiceKey: "typeof import('ipvs').parseServiceKey",
};

/** The programs of the README as modules in TypeScript, by names in the project's folder. */
function programs(text: string): Map<string, string> {
  const blocks = [...text.matchAll(/^```(?:js|ts)\n([^]*?)^```$/gm)];
  return new Map(
    blocks.map(([, block = ''], index) => {
      // As the README says of TypeScript: keys that stand alone are annotated.
      const program = block.replace('const web =', "const web: import('ipvs').ServiceKey =");
      const given = Object.entries(GIVEN)
        .filter(([name]) => !program.includes(`const ${name}`))
        .map(([name, type]) => `declare const ${name}: ${type};`);
      const module = [...given, program, 'export {};'].join('\n');
      return [join(process.cwd(), `readme-${index}.ts`), module];
    }),
  );
}

/** What the compiler says of programs that are in no file. */
function complaints(files: ReadonlyMap<string, string>): string[] {
  const options: ts.CompilerOptions = {
    ...{ strict: true, noEmit: true, types: ['node'], target: ts.ScriptTarget.ES2023 },
    ...{ module: ts.ModuleKind.Node20, lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'] },
    ...{ exactOptionalPropertyTypes: true, skipLibCheck: true },
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
    const files = programs(readFileSync('README.md', 'utf8'));
    assert.ok(files.size > 10, `only ${files.size} programs`);
    assert.deepEqual(complaints(files), []);
  });

  it('has our name for every command and attribute of the kernel', () => {
    const text = readFileSync('README.md', 'utf8');
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
