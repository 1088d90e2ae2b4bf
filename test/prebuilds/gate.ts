/** What a published binary must be, so that it loads wherever Node does. */
import type { SharedObject } from './elf.js';
import type { Target } from './targets.js';

/** Below it lies a system on which no Node that we support starts. */
const glibcFloor = [2, 28] as const;

const mostBytes = 400_000;

/** What Node looks for in an addon. */
const entryPoints = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];

/** The C library alone, by the names of its parts: it is there wherever Node runs. */
const mayNeed: Readonly<Record<Target['libc'], RegExp>> = {
  glibc: /^(?:lib(?:c\.so\.6|m\.so\.6|pthread\.so\.0|dl\.so\.2|rt\.so\.1)|ld-linux-.*\.so\.\d)$/,
  musl: /^libc\.so$/,
};

/** Everything that is wrong with a file: one sentence each. */
export function judge(target: Target, file: SharedObject): string[] {
  return [
    ...machine(target, file),
    ...size(file),
    ...strippedness(file),
    ...libraries(target, file),
    ...exports(file),
    ...requirements(target, file),
    ...versions(target, file),
  ];
}

function machine(target: Target, file: SharedObject): string[] {
  if (file.machine === target.machine) return [];
  return [`is for ${file.machine}, and should be for ${target.machine}`];
}

function size(file: SharedObject): string[] {
  if (file.bytes < mostBytes) return [];
  return [`has ${file.bytes} bytes, and must have fewer than ${mostBytes}`];
}

function strippedness(file: SharedObject): string[] {
  const superfluous = file.sections.filter((name) => /^\.(?:symtab|strtab|z?debug_)/.test(name));
  return superfluous.length === 0 ? [] : [`is not stripped: it has ${superfluous.join(', ')}`];
}

function libraries(target: Target, file: SharedObject): string[] {
  const foreign = file.needed.filter((name) => !mayNeed[target.libc].test(name));
  return [
    ...foreign.map((name) => `needs ${name}, which a user may not have`),
    ...file.searched.map((folder) => `has the loader look for libraries in ${folder}`),
  ];
}

function exports(file: SharedObject): string[] {
  return [
    ...entryPoints
      .filter((name) => !file.exported.includes(name))
      .map((name) => `does not export ${name}`),
    ...file.exported
      .filter((name) => !entryPoints.includes(name))
      .map((name) => `exports ${name}, which is nobody's business`),
  ];
}

/** Symbols of Node-API have no version, and neither have musl's; those of glibc have one each. */
function requirements(target: Target, file: SharedObject): string[] {
  return file.required.flatMap((symbol) => {
    const [name = '', version] = symbol.split('@');
    if (/^(?:napi|node_api)_/.test(name)) return [];
    if (target.libc === 'musl') {
      return version === undefined ? [] : [`requires ${symbol}, and musl has no versions`];
    }
    if (version === undefined) return [`requires ${symbol}, which glibc does not have`];
    return isOldEnough(version)
      ? []
      : [`requires ${symbol}, newer than GLIBC_${glibcFloor.join('.')}`];
  });
}

/** A weak symbol may be missing, and its version may not; a marker such as GLIBC_ABI_DT_RELR has no symbol. */
function versions(target: Target, file: SharedObject): string[] {
  const explained = file.required.map((symbol) => symbol.split('@')[1]);
  return file.versions
    .filter((version) => !explained.includes(version))
    .flatMap((version) => {
      if (target.libc === 'musl') return [`needs the version ${version}, and musl has no versions`];
      return isOldEnough(version)
        ? []
        : [`needs the version ${version}, newer than GLIBC_${glibcFloor.join('.')}`];
    });
}

function isOldEnough(version: string): boolean {
  const [, major, minor] = /^GLIBC_(\d+)\.(\d+)(?:\.\d+)?$/.exec(version) ?? [];
  if (major === undefined || minor === undefined) return false;
  const [floorMajor, floorMinor] = glibcFloor;
  return (
    Number(major) < floorMajor || (Number(major) === floorMajor && Number(minor) <= floorMinor)
  );
}
