/** Finding and loading the addon, and saying why where it can't be loaded. */
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import findAddon from 'node-gyp-build';
import { IpvsError } from '../errors.js';

const require = createRequire(import.meta.url);

/** Node's names of processors, by their numbers in ELF (linux/elf-em.h). */
const MACHINES: Readonly<Record<number, string>> = {
  3: 'ia32',
  21: 'ppc64',
  22: 's390x',
  40: 'arm',
  62: 'x64',
  183: 'arm64',
  243: 'riscv64',
  258: 'loong64',
};

const KNOWN: ReadonlySet<string> = new Set(Object.values(MACHINES));

/** What is wrong with a file, and what can be done. */
interface Fault {
  readonly text: string;
  readonly remedy: string;
  /** What the loader threw. */
  readonly cause?: unknown;
}

/** A file that was tried. */
interface Attempt {
  readonly path: string;
  readonly fault: Fault;
}

const REINSTALL = 'Install the package again, on the very system where it is to run (npm ci).';
const BUILD =
  "Build from source on this system: README, 'Build from source'. It takes a compiler, CMake and libnl's headers.";

/**
 * The C library that this process runs with. It is told apart by what Node.js reports of itself: there is
 * a version of glibc, or there is none.
 */
function libc(): string {
  const report = process.report as { excludeNetwork?: boolean } & NodeJS.ProcessReport;
  const { excludeNetwork = false } = report;
  try {
    // What else would be reported are names of hosts, each asked of a server.
    report.excludeNetwork = true;
    const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
    const version = header?.glibcVersionRuntime;
    return version === undefined ? 'musl' : `glibc ${version}`;
  } finally {
    report.excludeNetwork = excludeNetwork;
  }
}

/**
 * What is wrong with a file's head, if anything. The loader of the C library maps a file that was cut
 * short, and then dies of it; and of one for another processor it says that the file is not there.
 */
function faultOfHead(path: string): Fault | undefined {
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(64);
    const length = readSync(file, head);
    if (length < head.length || head.readUInt32BE(0) !== 0x7f454c46)
      return { text: 'it is cut short, or no library at all', remedy: REINSTALL };
    const machine = head[5] === 2 ? head.readUInt16BE(18) : head.readUInt16LE(18);
    const name = MACHINES[machine] ?? `machine ${machine}`;
    if (name !== process.arch && KNOWN.has(process.arch)) {
      return {
        text: `it is for ${name}, and this is Node.js for ${process.arch}`,
        remedy: REINSTALL,
      };
    }
    // What is built for others may be laid out in another way.
    if (head[4] !== 2 || head[5] !== 1) return undefined;
    // The table of sections is at the end of the file; ours are of 64 bits, the little end first.
    const end = Number(head.readBigUInt64LE(40)) + head.readUInt16LE(58) * head.readUInt16LE(60);
    if (fstatSync(file).size < end) return { text: 'it is cut short', remedy: REINSTALL };
    return undefined;
  } finally {
    closeSync(file);
  }
}

/** What the loader's words mean. */
const LOADER_FAULTS: readonly (readonly [RegExp, Fault])[] = [
  [
    /loading addons is disabled/,
    {
      text: 'this process may not load addons',
      remedy:
        'Start Node.js without --no-addons, and with --allow-addons where it has --permission.',
    },
  ],
  [
    /version `(GLIBC|GLIBCXX|CXXABI)_[\d.]+' not found/,
    {
      text: 'this system’s C or C++ library is older than the one that it was built for',
      remedy: `Use a system with glibc 2.28 or newer (Debian 10, Ubuntu 18.10, RHEL 8), or: ${BUILD}`,
    },
  ],
  [
    /libc\.musl|ld-musl|libc\.so: |ld-linux|libc\.so\.6: |Error relocating/,
    { text: 'it was built for another C library (musl or glibc)', remedy: BUILD },
  ],
  [
    /cannot open shared object file|Error loading shared library/,
    {
      text: 'a library that it needs is not on this system',
      remedy: `Remove build/, so that the published binary is used; or install what is missing, or: ${BUILD}`,
    },
  ],
];

const OTHER_FAULT: Fault = { text: 'the loader refuses it', remedy: `${REINSTALL} Or: ${BUILD}` };

/** Why the loader refused a file, in its words and in ours. */
function faultOfLoading(error: unknown): Fault {
  const words = error instanceof Error ? error.message : String(error);
  const [, { text, remedy }] = LOADER_FAULTS.find(([pattern]) => pattern.test(words)) ?? [
    undefined,
    OTHER_FAULT,
  ];
  return { text: `${text}: ${words.trim()}`, remedy, cause: error };
}

/** Loads a file; a fault where it can't be. */
function attempt(path: string): { readonly addon: unknown } | Fault {
  try {
    return faultOfHead(path) ?? { addon: require(path) as unknown };
  } catch (error) {
    return faultOfLoading(error);
  }
}

/** The files to try, the best first: what was built here, or else what was published for this platform. */
function candidates(root: string): string[] {
  const best = findAddon.resolve(root);
  const folder = dirname(best);
  if (basename(dirname(folder)) !== 'prebuilds') return [best];
  // Which C library there is, is a guess.
  const others = readdirSync(folder).filter((name) => name.endsWith('.node'));
  return [best, ...others.map((name) => join(folder, name)).filter((path) => path !== best)];
}

function published(root: string): string {
  try {
    const platforms = readdirSync(join(root, 'prebuilds')).filter((name) => /^\w+-\w+$/.test(name));
    return platforms.length === 0 ? 'none' : platforms.sort().join(', ');
  } catch {
    return 'none';
  }
}

function failure(lines: readonly string[], remedies: readonly string[], cause: unknown): IpvsError {
  const place = `${process.platform}-${process.arch} with ${libc()}, Node.js ${process.version}`;
  return new IpvsError(
    [
      `The native part of ipvs can't be loaded on ${place}.`,
      ...lines,
      'Possible solutions:',
      ...[...new Set(remedies)].map((remedy) => `- ${remedy}`),
    ].join('\n'),
    { code: 'ERR_IPVS_ADDON_NOT_LOADED', reason: 'addon-not-loaded', cause },
  );
}

/**
 * The addon of the package in the folder `root`.
 *
 * @throws IpvsError with reason `addon-not-loaded`: its message has each file that was tried, what was
 * wrong with it, and what can be done; its cause is what the loader threw of the first.
 */
export function loadAddon(root: string): unknown {
  let paths: string[];
  try {
    paths = candidates(root);
  } catch (error) {
    const words = error instanceof Error ? error.message.trim() : String(error);
    const there = `There is no binary for it in ${root}; for these there is: ${published(root)}. ${words}`;
    throw failure([there], [REINSTALL, BUILD], error);
  }
  const attempts: Attempt[] = [];
  for (const path of paths) {
    const result = attempt(path);
    if ('addon' in result) return result.addon;
    attempts.push({ path, fault: result });
  }
  throw failure(
    ['Tried:', ...attempts.map(({ path, fault }) => `- ${path}: ${fault.text}`)],
    attempts.map(({ fault }) => fault.remedy),
    attempts[0]?.fault.cause,
  );
}
