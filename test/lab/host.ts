import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { notRun } from './failure.js';
import type { Job } from './job.js';
import type { Machine } from './machine.js';
import { guestScript } from './paths.js';

/**
 * What the kernel loads by itself when somebody names it. A command that did so in the lab would
 * change the host for everybody, so all of these have to be there before.
 */
const autoloaded = 'rr wrr lc wlc lblc lblcr dh sh sed nq mh fo ovf pe_sip'
  .split(' ')
  .map((name) => `ip_vs_${name}`);

const capNetAdmin = 1n << 12n;
const capSysAdmin = 1n << 21n;

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Modules that exist for the running kernel, or may exist, and that are not in it yet. */
function missingModules(): string[] {
  const folder = `/lib/modules/${release()}`;
  const builtIn = readIfThere(`${folder}/modules.builtin`) ?? '';
  const loadable = readIfThere(`${folder}/modules.dep`);
  return autoloaded.filter(
    (name) =>
      !existsSync(`/sys/module/${name}`) &&
      !builtIn.includes(`/${name}.ko`) &&
      (loadable === undefined || loadable.includes(`/${name}.ko`)),
  );
}

function mayUseNamespaces(): boolean {
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  const needed = capNetAdmin | capSysAdmin;
  const effective = BigInt(`0x${capabilities?.[1] ?? '0'}`);
  // In a user namespace of one's own all capabilities are there, yet not those the kernel asks for.
  const initialNamespace = /^\s*0\s+0\s+4294967295\s*$/.test(
    readFileSync('/proc/self/uid_map', 'utf8'),
  );
  return (
    initialNamespace &&
    (effective & needed) === needed &&
    // A container may have the capabilities, and be forbidden the system call.
    spawnSync('unshare', ['-n', '-m', '-p', '-f', 'true']).status === 0
  );
}

/** Why the host's own kernel can't be used, without trying anything that would load a module. */
export function hostObstacle(): string | undefined {
  if (!existsSync('/proc/net/ip_vs')) {
    return 'the kernel of this host has no IPVS, or not loaded: its owner may run modprobe ip_vs';
  }
  if (!mayUseNamespaces()) {
    return 'network and mount namespaces of the host are for root with CAP_NET_ADMIN and CAP_SYS_ADMIN';
  }
  const missing = missingModules();
  if (missing.length > 0) {
    return (
      'the command could make the kernel load modules for the whole host. Its owner may run:\n' +
      `modprobe -a ${missing.join(' ')}`
    );
  }
  return undefined;
}

/** The host's kernel, in namespaces that end with the command. */
export function hostMachine(job: Job): Machine {
  const obstacle = hostObstacle();
  if (obstacle !== undefined) throw notRun(`IPVS_LAB=host can't be: ${obstacle}`);
  return {
    argv: ['unshare', '--net', '--mount', '--propagation', 'private', guestScript('host.sh')],
    env: { ...process.env, LAB_JOB: job.directory },
    inheritsOutput: true,
  };
}
