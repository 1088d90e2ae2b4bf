import { exitNotRun, LabFailure, notRun } from './failure.js';
import { hostMachine, hostObstacle } from './host.js';
import { commandLine, Job } from './job.js';
import { runMachine } from './machine.js';
import { arm64Board, x64Board } from './qemu-board.js';
import { qemuMachine } from './qemu.js';
import { readSettings, type Kind, type Settings } from './settings.js';
import { umlMachine } from './uml.js';

const usage = `usage: npm run -s lab -- COMMAND ARG...
runs the command where Linux IPVS works; test/lab/README.md says how`;

/** Aborts, with the exit status that a shell has for a signal, once one asks the lab to end. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const [name, number] of Object.entries({ SIGHUP: 1, SIGINT: 2, SIGTERM: 15 })) {
    process.on(name, () => {
      controller.abort(new LabFailure(128 + number, `ended by ${name}`));
    });
  }
  return controller.signal;
}

async function prepare(kind: Kind, job: Job, settings: Settings, signal: AbortSignal) {
  switch (kind) {
    case 'host':
      return hostMachine(job);
    case 'uml':
      return umlMachine(job, settings);
    case 'qemu':
      return await qemuMachine(x64Board(), job, settings, signal);
    case 'qemu-arm64':
      return await qemuMachine(await arm64Board(signal), job, settings, signal);
  }
}

async function run(signal: AbortSignal): Promise<number> {
  const command = commandLine();
  if (command.length === 0) throw notRun(usage);
  const settings = readSettings(process.env);
  const kind = settings.kind ?? (hostObstacle() === undefined ? 'host' : 'uml');
  using job = new Job(command, kind);
  const machine = await prepare(kind, job, settings, signal);
  return await runMachine(machine, { timeoutSeconds: settings.timeoutSeconds, signal });
}

function report(error: unknown): number {
  console.error(`lab: ${error instanceof Error ? error.message : String(error)}`);
  return error instanceof LabFailure ? error.status : exitNotRun;
}

const signal = interruption();
try {
  process.exitCode = await run(signal);
} catch (error) {
  // Whatever failed after the interruption failed because of it.
  process.exitCode = report(signal.aborted ? signal.reason : error);
}
