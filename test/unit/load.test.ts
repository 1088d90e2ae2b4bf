/** An addon that can't be loaded, and platforms that have none: what a program is told. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, it } from 'mocha';
import { PACKAGE_ROOT } from '../support/child.js';
import { ADDON, copyPackage, withFolder } from '../support/package.js';

/** What became of a program that imports the package as `ipvs`. */
interface Outcome {
  readonly reason?: string;
  readonly code?: string;
  readonly message?: string;
  readonly [name: string]: unknown;
}

/** Runs a program, which tells a value by `tell`, in a process without anything of this one's. */
function run(url: string, program: string, ...flags: readonly string[]): Outcome {
  const text = `
    const tell = (value) => process.stdout.write(JSON.stringify(value));
    const failure = ({ name, reason, code, message, cause }) => ({ name, reason, code, message, cause: cause?.code });
    ${program}`.replaceAll("'ipvs'", JSON.stringify(url));
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [...flags, '--input-type=module', '--eval', text],
    { encoding: 'utf8', timeout: 60_000 },
  );
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as Outcome;
}

const OPEN = `
  const { Ipvs } = await import('ipvs');
  await Ipvs.open().then(() => tell({}), (error) => tell(failure(error)));`;

const built = readFileSync(ADDON);
const [otherName, otherMachine] =
  process.arch === 'arm64' ? (['x64', 62] as const) : (['arm64', 183] as const);

function withMachine(machine: number): Buffer {
  const copy = Buffer.from(built);
  copy.writeUInt16LE(machine, 18);
  return copy;
}

/** The addon with another text in each place of one; it is no shorter. */
function withText(text: string, changed: string): Buffer {
  const copy = Buffer.from(built);
  const [from, to] = [text, changed].map((each) => Buffer.from(each.padEnd(text.length, '\0')));
  assert.ok(from !== undefined && to !== undefined);
  let count = 0;
  for (let at = copy.indexOf(from); at !== -1; at = copy.indexOf(from, at + 1)) {
    to.copy(copy, at);
    count += 1;
  }
  assert.notEqual(count, 0, `the addon has no ${text}`);
  return copy;
}

/** A version of glibc that it was built for. */
const VERSION = /GLIBC_2\.\d\d/.exec(built.toString('latin1'))?.[0] ?? '';
const LIBRARY = pathToFileURL(join(PACKAGE_ROOT, 'dist/lib/index.js')).href;
const PUBLISHED = `prebuilds/linux-${process.arch}`;

interface Case {
  readonly files: Readonly<Record<string, Buffer>>;
  /** What the message says: the fault, in its file, and what can be done. */
  readonly says: readonly RegExp[];
  /** The code of what the loader threw of the first file; none where it was not asked. */
  readonly cause?: string;
  /** What Node.js is started with. */
  readonly flag?: string;
}

const CASES: Readonly<Record<string, Case>> = {
  'there is no file at all': {
    files: {},
    says: [
      /There is no binary for it in .*; for these there is: none/,
      /npm ci/,
      /Build from source/,
    ],
  },
  'there are files for other platforms alone': {
    files: { 'prebuilds/darwin-x64/ipvs.node': built, 'prebuilds/linux-mips/ipvs.node': built },
    says: [/for these there is: darwin-x64, linux-mips/, /npm ci/],
  },
  'a file is empty': {
    files: { [`${PUBLISHED}/ipvs.glibc.node`]: Buffer.alloc(0) },
    says: [/ipvs\.glibc\.node: it is cut short, or no library at all/, /Install the package again/],
  },
  'a file is no library': {
    files: { 'build/Release/ipvs.node': Buffer.from('<!doctype html>'.repeat(100)) },
    says: [/build\/Release\/ipvs\.node: it is cut short, or no library at all/],
  },
  'a file is cut short': {
    files: { 'build/Release/ipvs.node': built.subarray(0, built.length / 2) },
    says: [/build\/Release\/ipvs\.node: it is cut short$/m, /Install the package again/],
  },
  'a file lacks its last byte': {
    files: { 'build/Release/ipvs.node': built.subarray(0, -1) },
    says: [/build\/Release\/ipvs\.node: it is cut short$/m],
  },
  'a file is for another processor': {
    files: { [`${PUBLISHED}/ipvs.glibc.node`]: withMachine(otherMachine) },
    says: [
      new RegExp(`it is for ${otherName}, and this is Node.js for ${process.arch}`),
      /on the very system where it is to run/,
    ],
  },
  'a file is for a processor that nobody has heard of': {
    files: { 'build/Release/ipvs.node': withMachine(0x7ffe) },
    says: [/it is for machine 32766/],
  },
  'a file was built for a newer C library': {
    files: { [`${PUBLISHED}/ipvs.glibc.node`]: withText(VERSION, 'GLIBC_9.99') },
    says: [
      /library is older than the one that it was built for: .*`GLIBC_9\.99' not found/,
      /Use a system with glibc 2\.28 or newer/,
    ],
    cause: 'ERR_DLOPEN_FAILED',
  },
  'a file was built for another C library, and so was the next': {
    files: {
      [`${PUBLISHED}/ipvs.glibc.node`]: withText('libc.so.6', 'libc.so'),
      [`${PUBLISHED}/ipvs.musl.node`]: withText('libc.so.6', 'ld-musl'),
    },
    says: [
      /ipvs\.glibc\.node: it was built for another C library \(musl or glibc\): .*libc\.so: /,
      /ipvs\.musl\.node: it was built for another C library \(musl or glibc\): .*ld-musl: /,
      /Build from source on this system/,
    ],
    cause: 'ERR_DLOPEN_FAILED',
  },
  'the process may not load addons': {
    files: { 'build/Release/ipvs.node': built },
    says: [
      /build\/Release\/ipvs\.node: this process may not load addons: /,
      /Start Node\.js without --no-addons/,
    ],
    cause: 'ERR_DLOPEN_DISABLED',
    flag: '--no-addons',
  },
  'a library is missing': {
    files: { 'build/Release/ipvs.node': withText('libnl-3.so.200', 'libno-3.so.200') },
    says: [
      /a library that it needs is not on this system: libno-3\.so\.200/,
      /Remove build\/, so that the published binary is used/,
    ],
    cause: 'ERR_DLOPEN_FAILED',
  },
  'a file is no addon of Node.js': {
    files: {
      'build/Release/ipvs.node': withText('napi_register_module_v1', 'nothing_of_the_kind'),
    },
    says: [/the loader refuses it: /, /Install the package again/],
    cause: 'ERR_DLOPEN_FAILED',
  },
};

describe('an addon that can’t be loaded', () => {
  for (const [title, { files, says, cause, flag }] of Object.entries(CASES)) {
    it(`tells why and what to do: ${title}`, async () => {
      await withFolder(async (folder) => {
        const url = await copyPackage(folder);
        for (const [name, bytes] of Object.entries(files)) {
          mkdirSync(dirname(join(folder, name)), { recursive: true });
          writeFileSync(join(folder, name), bytes);
        }
        const { message = '', ...rest } = run(url, OPEN, ...(flag === undefined ? [] : [flag]));
        assert.deepEqual(rest, {
          name: 'IpvsError',
          reason: 'addon-not-loaded',
          code: 'ERR_IPVS_ADDON_NOT_LOADED',
          ...(cause === undefined ? {} : { cause }),
        });
        const place = `${process.platform}-${process.arch} with (glibc [\\d.]+|musl), Node.js ${process.version}`;
        for (const pattern of [new RegExp(place), /Possible solutions:\n- /, ...says])
          assert.match(message, pattern);
      });
    });
  }

  it('is passed over where the other one, for the other C library, fits', async () => {
    await withFolder(async (folder) => {
      const url = await copyPackage(folder);
      mkdirSync(join(folder, PUBLISHED), { recursive: true });
      writeFileSync(join(folder, PUBLISHED, 'ipvs.glibc.node'), withText('libc.so.6', 'libc.so'));
      writeFileSync(join(folder, PUBLISHED, 'ipvs.musl.node'), built);
      assert.notEqual(run(url, OPEN).reason, 'addon-not-loaded');
    });
  });
});

/** Puts another platform in place of Linux, and fails when anything native is loaded. */
function elsewhere(platform: string, program: string): string {
  return `
    Object.defineProperty(process, 'platform', { value: '${platform}' });
    process.dlopen = (module, path) => { throw new Error('loaded ' + path); };
    ${program}`;
}

describe('another platform than Linux', () => {
  for (const platform of ['darwin', 'win32', 'freebsd']) {
    it(`${platform}: what takes no kernel works, and opening says that there is none`, () => {
      const program = `
          const { Ipvs, IpvsObserver, diagnose, formatKey, parseServiceKey } = await import('ipvs');
          const openings = await Promise.allSettled([Ipvs.open(), IpvsObserver.open()]);
          const [finding, ...others] = await diagnose();
          tell({
            key: formatKey(parseServiceKey('tcp 10.0.0.1:80')),
            failures: openings.map(({ reason }) => failure(reason)),
            finding, others,
          });`;
      const { key, failures, finding, others } = run(LIBRARY, elsewhere(platform, program));
      const message = `IPVS is a part of the Linux kernel; this is ${platform}. Importing the package works here, opening a client does not.`;
      const failure = {
        ...{ name: 'IpvsError', reason: 'unsupported-platform' },
        ...{ code: 'ERR_IPVS_UNSUPPORTED_PLATFORM', message },
      };
      assert.deepEqual(
        { key, failures, others },
        { key: 'tcp 10.0.0.1:80', failures: [failure, failure], others: [] },
      );
      assert.equal((finding as { id: string }).id, 'open-failed');
      assert.match((finding as { message: string }).message, /IPVS is a part of the Linux kernel/);
    });
  }
});
