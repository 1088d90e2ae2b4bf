/** The integration tests with a published binary in place of the development build. */
import { copyFileSync, cpSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from '../run/selection.js';
import { runSuite } from '../run/suite-run.js';
import type { Verdict } from '../run/judge.js';
import { compile } from './zig.js';

type Name = 'linux-x64-glibc' | 'linux-arm64-glibc';

/** Puts the folders together that test/prebuilds/node mounts. */
function stage(name: Name): void {
  const folder = join('build/prebuilt', name);
  rmSync(folder, { recursive: true, force: true });
  for (const part of ['Release', 'test']) mkdirSync(join(folder, part), { recursive: true });
  const [, platform = ''] = name.split('-');
  copyFileSync(`prebuilds/linux-${platform}/ipvs.glibc.node`, join(folder, 'Release/ipvs.node'));
  if (platform === process.arch) cpSync('build/test', join(folder, 'test'), { recursive: true });
  else compileHelpers(join(folder, 'test'));
}

/** What CMakeLists.txt builds for the integration tests, for arm64. */
function compileHelpers(folder: string): void {
  const words = ['aarch64-linux-gnu.2.28', '-std=c++17', '-O2', '-o'] as const;
  compile('c++', ...words, join(folder, 'faults.so'), '-shared', '-fPIC', 'test/native/faults.cc');
  compile('c++', ...words, join(folder, 'flow'), 'test/native/flow.cc');
}

/** Runs integration tests, those that `args` name or all, in the lab that IPVS_LAB names. */
export async function testIntegration(name: Name, args: readonly string[]): Promise<Verdict> {
  stage(name);
  process.env['IPVS_PREBUILT'] = name;
  const { selections, grep } = parse(args.length > 0 ? [...args] : ['integration']);
  const [selection, ...others] = selections;
  if (selection?.suite.name !== 'integration' || others.length > 0) {
    throw new RangeError('only integration tests run with a published binary');
  }
  const suite = { ...selection.suite, name: `${name} integration` };
  const files = ['dist/test/prebuilds/mapped.test.js', ...selection.files];
  return await runSuite({ suite, files }, grep, resolve('test/prebuilds/node'));
}
