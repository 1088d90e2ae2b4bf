/** Names of errors of the kernel. */
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';

/** Those that Node's own table lacks, such as EBADMSG. */
const OTHER_NAMES = new Map(Object.entries(constants.errno).map(([name, value]) => [value, name]));

/** Name of a positive errno, as Node has it: `ESRCH` for 3. */
export function errnoName(errno: number): string {
  const name = errno > 0 ? getSystemErrorName(-errno) : '';
  return /^E[A-Z0-9]+$/.test(name) ? name : (OTHER_NAMES.get(errno) ?? `ERRNO_${errno}`);
}
