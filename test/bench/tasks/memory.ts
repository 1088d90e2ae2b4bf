import { readFileSync, writeFileSync } from 'node:fs';

const KILOBYTES_A_MEGABYTE = 1024;

function megabytes(field: 'VmRSS' | 'VmHWM'): number {
  const found = new RegExp(`^${field}:\\s*(\\d+) kB$`, 'm').exec(
    readFileSync('/proc/self/status', 'utf8'),
  );
  return Number(found?.[1]) / KILOBYTES_A_MEGABYTE;
}

/** Makes the kernel forget the most memory that this process ever held (proc(5), clear_refs). */
function forgetPeak(): void {
  writeFileSync('/proc/self/clear_refs', '5');
}

/** How much more memory the process held at most while `body` ran than before, in megabytes. */
export async function heldMemory(body: () => Promise<void>): Promise<number> {
  forgetPeak();
  const before = megabytes('VmRSS');
  await body();
  return megabytes('VmHWM') - before;
}
