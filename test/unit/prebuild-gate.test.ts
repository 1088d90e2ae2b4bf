/** The gate of the published binaries: every rule refuses a file that breaks it, and only that. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { readSharedObject } from '../prebuilds/elf.js';
import { judge } from '../prebuilds/gate.js';
import { noteOf, notePath, staleness } from '../prebuilds/sources.js';
import { type Target, targets } from '../prebuilds/targets.js';

const ENTRY_POINTS = `
  void napi_register_module_v1(void) {}
  int node_api_module_get_api_version_v1(void) { return 9; }`;

/** Machine and number of it in a file's header, at byte 18. */
const MACHINES: Readonly<Record<string, [NodeJS.Architecture, number]>> = {
  'linux-x64-glibc': ['x64', 62],
  'linux-arm64-glibc': ['arm64', 183],
};

function named(wanted: string): Target {
  const found = targets.find(({ name }) => name === wanted);
  assert.ok(found);
  return found;
}

describe('the gate of the published binaries', function () {
  this.timeout(60_000);
  let folder: string;
  let glibc: Target;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ipvs-gate-'));
    const here = Object.entries(MACHINES).find(([, [arch]]) => arch === process.arch);
    glibc = named(here?.[0] ?? '');
    // A C library of our own, with a symbol of the version that just will do and one of the next.
    library('libc.so.6', 'void old(void) {} void new(void) {}', 'libc.map', [
      'GLIBC_2.28 { global: old; local: *; };',
      'GLIBC_2.29 { global: new; } GLIBC_2.28;',
    ]);
    library('libnl-3.so.200', 'void nl(void) {}');
    library('libstdc++.so.6', 'void cxx(void) {}');
    library('libc.so', 'void old(void) {}');
  });

  after(() => {
    rmSync(folder, { recursive: true });
  });

  function compile(name: string, code: string, options: readonly string[]): string {
    const path = join(folder, name);
    const words = ['-shared', '-fPIC', '-nostdlib', '-x', 'c', '-', '-x', 'none', ...options];
    execFileSync('gcc', [...words, '-o', path], { input: code, cwd: folder });
    return path;
  }

  function library(name: string, code: string, map?: string, lines: readonly string[] = []): void {
    if (map !== undefined) writeFileSync(join(folder, map), lines.join('\n'));
    const versions = map === undefined ? [] : [`-Wl,--version-script=${map}`];
    compile(name, code, [`-Wl,-soname,${name}`, ...versions]);
  }

  /** An addon with what `code` adds to the entry points. */
  function addon(code: string, ...options: readonly string[]): string {
    return compile('addon.node', `${ENTRY_POINTS}\n${code}`, ['-Wl,-s', ...options]);
  }

  function problems(path: string, target: Target = glibc): string[] {
    return judge(target, readSharedObject(path));
  }

  const use = (name: string) => `void ${name}(void); static void (*volatile at)(void) = ${name};`;
  const keep = (name: string) =>
    `${use(name)} __attribute__((constructor)) static void f(void) { at(); }`;

  it('lets a file pass that breaks no rule', () => {
    assert.deepEqual(problems(addon(keep('old'), 'libc.so.6')), []);
    assert.deepEqual(problems(addon(keep('napi_create_object'))), []);
  });

  it('refuses a symbol of a newer glibc', () => {
    assert.deepEqual(problems(addon(keep('new'), 'libc.so.6')), [
      'requires new@GLIBC_2.29, newer than GLIBC_2.28',
    ]);
  });

  it('refuses the version of a newer glibc, also where no symbol must be there', () => {
    const weak = (name: string) => keep(name).replace('void', '__attribute__((weak)) void');
    assert.deepEqual(problems(addon(weak('new'), '-Wl,--no-as-needed', 'libc.so.6')), [
      'needs the version GLIBC_2.29, newer than GLIBC_2.28',
    ]);
    assert.deepEqual(problems(addon(weak('old'), '-Wl,--no-as-needed', 'libc.so.6')), []);
  });

  it('refuses a symbol that neither glibc nor Node has', () => {
    assert.deepEqual(problems(addon(keep('elsewhere'))), [
      'requires elsewhere, which glibc does not have',
    ]);
  });

  it('refuses libraries beside the C library', () => {
    const path = addon('', '-Wl,--no-as-needed', 'libnl-3.so.200', 'libstdc++.so.6');
    assert.deepEqual(problems(path), [
      'needs libnl-3.so.200, which a user may not have',
      'needs libstdc++.so.6, which a user may not have',
    ]);
    assert.deepEqual(problems(addon('', '-Wl,-rpath,/opt')), [
      'has the loader look for libraries in /opt',
    ]);
  });

  it('refuses an export too many, and one too few', () => {
    assert.deepEqual(problems(addon('void nl_connect(void) {}')), [
      "exports nl_connect, which is nobody's business",
    ]);
    assert.deepEqual(problems(compile('addon.node', '', ['-Wl,-s'])), [
      'does not export napi_register_module_v1',
      'does not export node_api_module_get_api_version_v1',
    ]);
  });

  it('refuses what is not stripped', () => {
    const path = compile('addon.node', ENTRY_POINTS, ['-g']);
    const [problem, ...others] = problems(path);
    assert.match(problem ?? '', /^is not stripped: it has .*\.debug_info, .*\.symtab, \.strtab/);
    assert.deepEqual(others, []);
  });

  it('refuses 400,000 bytes', () => {
    const path = addon('');
    const { length } = readFileSync(path);
    appendFileSync(path, Buffer.alloc(399_999 - length));
    assert.deepEqual(problems(path), []);
    appendFileSync(path, '\0');
    assert.deepEqual(problems(path), ['has 400000 bytes, and must have fewer than 400000']);
  });

  it('refuses the file of another processor', () => {
    const path = addon('');
    const [other = '', [, number] = ['x64', 0]] =
      Object.entries(MACHINES).find(([name]) => name !== glibc.name) ?? [];
    const bytes = readFileSync(path);
    bytes.writeUInt16LE(number, 18);
    writeFileSync(path, bytes);
    assert.deepEqual(problems(path), [
      `is for ${named(other).machine}, and should be for ${glibc.machine}`,
    ]);
    assert.deepEqual(problems(path, named(other)), []);
  });

  it('refuses the file of another C library', () => {
    const musl = named(glibc.name.replace('glibc', 'musl'));
    assert.deepEqual(problems(addon(keep('old'), 'libc.so.6'), musl), [
      'needs libc.so.6, which a user may not have',
      'requires old@GLIBC_2.28, and musl has no versions',
    ]);
    const path = addon(keep('old'), 'libc.so');
    assert.deepEqual(problems(path, musl), []);
    assert.deepEqual(problems(path), [
      'needs libc.so, which a user may not have',
      'requires old, which glibc does not have',
    ]);
  });
});

describe('the note beside a published binary', () => {
  let project: string;
  let binary: string;

  before(() => {
    project = mkdtempSync(join(tmpdir(), 'ipvs-note-'));
    for (const part of ['native', 'packaging', 'binding.gyp', 'package-lock.json'])
      cpSync(part, join(project, part), { recursive: true });
    binary = join(project, 'ipvs.glibc.node');
  });

  after(() => {
    rmSync(project, { recursive: true });
  });

  function make(libnl?: string): void {
    writeFileSync(binary, '');
    writeFileSync(notePath(binary), noteOf(project, libnl));
  }

  function problems(): string[] {
    return staleness(binary, noteOf(project));
  }

  it('says nothing against a binary that was made of the sources that are there', () => {
    assert.equal(noteOf(project), noteOf('.'), 'two copies of the same sources');
    make();
    assert.deepEqual(problems(), []);
  });

  for (const changed of [
    ...['native/client.cc', 'native/sources.json', 'binding.gyp', 'packaging/exports.map'],
    ...['packaging/libnl-config/defs.h', 'packaging/zig/package-lock.json'],
  ]) {
    it(`gives away one that is older than a change of ${changed}`, () => {
      make();
      appendFileSync(join(project, changed), '\n');
      assert.deepEqual(problems(), [
        'is stale, made of other sources than these: make it anew with npm run prebuild',
      ]);
    });
  }

  it('gives away one that is older than a new file, or than new headers of node-addon-api', () => {
    for (const [file, change] of [
      ['native/new.h', () => ''],
      [
        'package-lock.json',
        (text: string) =>
          text.replace(/("node_modules\/node-addon-api": \{\s*"version": ")/, '$19.'),
      ],
    ] as const) {
      make();
      const path = join(project, file);
      writeFileSync(path, change(file === 'native/new.h' ? '' : readFileSync(path, 'utf8')));
      assert.match(problems().join(), /^is stale/, file);
    }
  });

  it('tells which libnl is inside, and when nothing is known', () => {
    make('of /tmp/libnl');
    const [, recorded = ''] = /^libnl (\S+)$/m.exec(noteOf(project)) ?? [];
    assert.match(recorded, /^3\.\d+\.\d+-/);
    assert.deepEqual(problems(), [
      `has libnl of /tmp/libnl inside, and should have libnl ${recorded}`,
    ]);
    rmSync(notePath(binary));
    assert.deepEqual(problems(), ['is of unknown sources: make it anew with npm run prebuild']);
  });
});
