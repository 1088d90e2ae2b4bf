/** The others: programs that do one piece of work in a namespace, and how long it takes them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../support/child.js';
import type { Namespace } from '../support/netns.js';
import { rulesOf, type Size, sizeName } from './table.js';

const RAW = join(PACKAGE_ROOT, 'build/test/bench-raw');
const LIBNL = join(PACKAGE_ROOT, 'build/test/bench-libnl');

async function timeOf(ns: Namespace, program: string, ...args: (string | number)[]) {
  const printed = await ns.run(program, ...args.map(String));
  const time = Number(printed);
  if (!(time > 0)) throw new Error(`${program} took '${printed}'`);
  return time;
}

/** How the raw loop reads dumps: so many datagrams of so many bytes a receive. */
export interface Reading {
  readonly datagrams: number;
  readonly bytes: number;
}

/** Milliseconds for making the table, `batch` commands a send and one ACK for all of them. */
export async function rawCreate(ns: Namespace, size: Size, batch: number): Promise<number> {
  return await timeOf(ns, RAW, 'create', size.services, size.destinations, batch);
}

/** Milliseconds for listing the table. Fails where it is not the whole table. */
export async function rawList(
  ns: Namespace,
  size: Size,
  { datagrams, bytes }: Reading,
): Promise<number> {
  return await timeOf(ns, RAW, 'list', size.services, size.destinations, datagrams, bytes);
}

/** Microseconds for one command and its answer, at the median of so many. */
export async function rawAlone(ns: Namespace, times: number): Promise<number> {
  return await timeOf(ns, RAW, 'alone', times);
}

/** The same three by libnl, one command and one ACK at a time. */
export async function libnlCreate(ns: Namespace, size: Size): Promise<number> {
  return await timeOf(ns, LIBNL, 'create', size.services, size.destinations);
}

export async function libnlList(ns: Namespace, size: Size): Promise<number> {
  return await timeOf(ns, LIBNL, 'list', size.services, size.destinations);
}

export async function libnlAlone(ns: Namespace, times: number): Promise<number> {
  return await timeOf(ns, LIBNL, 'alone', times);
}

async function timeOfShell(ns: Namespace, script: string): Promise<number> {
  const begun = performance.now();
  await ns.run('sh', '-c', script);
  return performance.now() - begun;
}

/** Where a size's rules lie, in memory. */
function rulesFile(size: Size): string {
  return `/dev/shm/ipvs-benchmark-${sizeName(size)}`;
}

/** Writes what {@link ipvsadmRestore} reads. */
export async function writeRules(size: Size): Promise<void> {
  await writeFile(rulesFile(size), rulesOf(size));
}

/** Milliseconds for `ipvsadm -R`, from its start to its end. */
export async function ipvsadmRestore(ns: Namespace, size: Size): Promise<number> {
  return await timeOfShell(ns, `exec ipvsadm -R <${rulesFile(size)}`);
}

/** Milliseconds for `ipvsadm -Sn`, from its start to its end. */
export async function ipvsadmSave(ns: Namespace): Promise<number> {
  return await timeOfShell(ns, 'exec ipvsadm -Sn >/dev/null');
}
