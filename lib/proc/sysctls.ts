/** The sysctls of IPVS: `/proc/sys/net/ipv4/vs/`. */
import { constants } from 'node:os';
import { hasReason } from '../errors.js';
import { fileError, type FileSubject } from './failures.js';
import type { SysctlValue } from '../sysctls.js';
import type { Files } from './files.js';

const FOLDER = '/proc/sys/net/ipv4/vs';

/** Where the folder is missing, the module is; where it is empty, the kernel hides them. */
const NO_FOLDER = {
  reason: 'ipvs-unavailable',
  text:
    'the kernel shows no sysctls of IPVS here: its module is not loaded, or it is older than 6.10 and hides ' +
    'them from user namespaces other than the initial one (rootless containers). Load the module on the ' +
    "host with 'modprobe ip_vs', or read them outside of the container",
} as const;

const NO_SYSCTL = {
  reason: 'unknown-sysctl',
  text:
    'this kernel has no such sysctl, or its module is not loaded; kernels before 6.10 also hide those of ' +
    'IPVS from user namespaces other than the initial one (rootless containers). listSysctls shows those ' +
    'that there are',
} as const;

function subjectOf(method: string, name: string): FileSubject {
  return { method, detail: name, path: `${FOLDER}/${name}`, missing: NO_SYSCTL };
}

/** What the text of a sysctl says. */
export function parseSysctlValue(text: string): SysctlValue {
  const line = text.replace(/\n$/, '');
  const words = line.split(/[\t ]+/);
  const numbers = words.map(Number);
  const plain = words.every((word, index) => {
    return /^-?\d+$/.test(word) && Number.isSafeInteger(numbers[index]);
  });
  if (!plain) return line;
  return numbers.length === 1 && numbers[0] !== undefined ? numbers[0] : numbers;
}

/** The value of one sysctl. */
export async function readSysctl(files: Files, method: string, name: string): Promise<SysctlValue> {
  return parseSysctlValue(await files.read(subjectOf(method, name)));
}

/** One that was listed: it goes with its module, which may be unloaded meanwhile. */
async function readIfThere(
  files: Files,
  method: string,
  name: string,
): Promise<SysctlValue | undefined> {
  try {
    return await readSysctl(files, method, name);
  } catch (error) {
    if (hasReason(error, 'unknown-sysctl')) return undefined;
    throw error;
  }
}

/** All of them by name. */
export async function readSysctls(files: Files): Promise<Record<string, SysctlValue>> {
  const method = 'listSysctls';
  const subject = { method, path: FOLDER, missing: NO_FOLDER };
  const names = await files.list(subject);
  if (names.length === 0) {
    throw fileError(subject, 'getdents', { errno: constants.errno.ENOENT, stage: 'file' });
  }
  const values = await Promise.all(
    names.sort().map(async (name) => [name, await readIfThere(files, method, name)] as const),
  );
  return Object.fromEntries(
    values.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  );
}

/** Sets one, and tells what the kernel made of it. */
export async function writeSysctl(files: Files, name: string, text: string): Promise<SysctlValue> {
  return parseSysctlValue(await files.write(subjectOf('setSysctl', name), `${text}\n`));
}
