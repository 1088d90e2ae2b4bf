/** Mistakes that are made on purpose (test/native/planted.cc), for the sanitizers to find. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { planted, plantedReportFolder, reportFolder } from './environment.js';

interface Ended {
  readonly status: unknown;
  /** What the sanitizer said, on stderr or in a file. */
  readonly report: string;
}

/** The files that a sanitizer has written about a mistake. */
function reportsOf(mistake: string): string[] {
  const names = readdirSync(plantedReportFolder).filter((name) => name.startsWith(`${mistake}.`));
  return names.map((name) => join(plantedReportFolder, name));
}

/** Makes a mistake in a process of its own, which must not survive it. */
export async function plant(mistake: string): Promise<Ended> {
  // Of an earlier session.
  for (const file of reportsOf(mistake)) rmSync(file);
  const log = `log_path=${join(plantedReportFolder, mistake)}`;
  const env = { ...process.env };
  for (const name of ['ASAN_OPTIONS', 'TSAN_OPTIONS']) env[name] = `${env[name] ?? ''}:${log}`;
  const program = `require(${JSON.stringify(planted)}).${mistake}()`;
  const [status, said] = await new Promise<[unknown, string]>((resolve) => {
    execFile(process.execPath, ['--eval', program], { env }, (error, _, stderr) => {
      resolve([error === null ? 0 : error.code, stderr]);
    });
  });
  const written = reportsOf(mistake).map((file) => readFileSync(file, 'utf8'));
  return { status, report: [said, ...written].join('\n') };
}

/** What LeakSanitizer says in this very process, with all that ran in it. */
interface Leaks {
  /** Whether anything is lost but what follows. */
  readonly others: boolean;
  /** Whether lost messages of libnl are found. */
  readonly messages: boolean;
  /** Whether lost objects of C++ are found. */
  readonly replies: boolean;
}

/** Loses objects, asks LeakSanitizer, and frees them. */
export function leak(): Leaks {
  const module = createRequire(import.meta.url)(planted) as {
    leak(pathOfPlanted: string, path: string): Leaks;
  };
  return module.leak(join(plantedReportFolder, 'leak'), join(reportFolder, 'leak'));
}
