/** What this process holds open. */
import { readdir, readlink } from 'node:fs/promises';

/** Each descriptor with what it leads to, in their order. */
export async function descriptors(): Promise<string[]> {
  const numbers = await readdir('/proc/self/fd');
  const links = numbers.map(async (number) => {
    // The one that the folder itself was read through is closed by now.
    const target = await readlink(`/proc/self/fd/${number}`).catch(() => undefined);
    return target === undefined ? [] : [`${number} ${target}`];
  });
  return (await Promise.all(links)).flat();
}
