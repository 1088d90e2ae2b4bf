/** keepalived, the daemon that most tables are kept by: how long it takes until the table is as its file says. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import type { Namespace } from '../support/netns.js';
import { rowsOf, type Size, tableOf } from './table.js';

const FILE = '/dev/shm/ipvs-benchmark-keepalived';
const POLL = 'sleep 0.01';
const CHANGES = 100;

/** Its file: real servers without health checks, which it takes for healthy. */
function configuration(size: Size, changes: number): string {
  const every = size.services / CHANGES;
  return tableOf(size)
    .map(({ service, destinations }, index) => {
      const changed = changes > 0 && index % every === 0;
      const servers = destinations.map(({ address, port }, at) => {
        return `real_server ${address} ${port} {\nweight ${changed && at === 0 ? 2 : 1}\n}`;
      });
      const head = `virtual_server ${service.address} ${service.port} {\nlb_algo rr\nlb_kind NAT\nprotocol TCP`;
      return [head, ...servers, '}'].join('\n');
    })
    .join('\n')
    .concat('\n');
}

/** Waits until so many lines of the kernel's table match, and tells how long that took. */
async function timeUntil(ns: Namespace, pattern: string, lines: number): Promise<number> {
  const begun = performance.now();
  const count = `grep -c '${pattern}' /proc/net/ip_vs`;
  await ns.run('sh', '-c', `until [ "$(${count})" -ge ${lines} ]; do ${POLL}; done`);
  return performance.now() - begun;
}

async function withKeepalived(
  ns: Namespace,
  size: Size,
  body: (process: ChildProcess) => Promise<number>,
): Promise<number> {
  await writeFile(FILE, configuration(size, 0));
  const pids = ['-p', `${FILE}.pid`, '-c', `${FILE}.checkers`];
  const [command, words] = ns.inside('keepalived', '-n', '-C', '-l', '-f', FILE, ...pids);
  const child = spawn(command, words, { stdio: 'ignore' });
  const closed = once(child, 'close');
  try {
    return await body(child);
  } finally {
    // Its end would be to delete all of the table, one command at a time: both of its processes die before that.
    process.kill(Number(readFileSync(`${FILE}.checkers`, 'utf8')), 'SIGSTOP');
    child.kill('SIGKILL');
    process.kill(Number(readFileSync(`${FILE}.checkers`, 'utf8')), 'SIGKILL');
    await closed;
    await rm(`${FILE}.pid`, { force: true });
    await rm(`${FILE}.checkers`, { force: true });
  }
}

function destinationsOf(size: Size): number {
  return rowsOf(size) - size.services;
}

/** Milliseconds from its start until the whole table is there. */
export async function keepalivedCreate(ns: Namespace, size: Size): Promise<number> {
  return await withKeepalived(ns, size, async () => {
    return await timeUntil(ns, 'Masq    1 ', destinationsOf(size));
  });
}

/** Milliseconds from telling it that its file has changed until a hundred weights have. */
export async function keepalivedChange(ns: Namespace, size: Size): Promise<number> {
  return await withKeepalived(ns, size, async (child) => {
    await timeUntil(ns, 'Masq    1 ', destinationsOf(size));
    await writeFile(FILE, configuration(size, CHANGES));
    child.kill('SIGHUP');
    return await timeUntil(ns, 'Masq    2 ', CHANGES);
  });
}
