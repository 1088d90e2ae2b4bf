/** What is published: one binary for each processor and C library. */

export interface Target {
  /** As scripts/prebuild takes it. */
  readonly name: string;
  /** Where node-gyp-build looks for it, below the folder of a package. */
  readonly file: string;
  /** As readelf calls it. */
  readonly machine: string;
  readonly libc: 'glibc' | 'musl';
}

const machines = { x64: 'Advanced Micro Devices X86-64', arm64: 'AArch64' } as const;

function target(platform: keyof typeof machines, libc: Target['libc']): Target {
  return {
    name: `linux-${platform}-${libc}`,
    file: `prebuilds/linux-${platform}/ipvs.${libc}.node`,
    machine: machines[platform],
    libc,
  };
}

export const targets: readonly Target[] = [
  target('x64', 'glibc'),
  target('x64', 'musl'),
  target('arm64', 'glibc'),
  target('arm64', 'musl'),
];

/** Those that a command line asks for, by name or as a group such as `linux-x64`; nothing asks for all. */
export function targetsOf(words: readonly string[]): readonly Target[] {
  if (words.length === 0) return targets;
  const answers = (name: string, word: string): boolean => `${name}-`.startsWith(`${word}-`);
  for (const word of words) {
    if (!targets.some(({ name }) => answers(name, word))) {
      throw new RangeError(
        `there is no target '${word}', only ${targets.map(({ name }) => name).join(', ')}`,
      );
    }
  }
  return targets.filter(({ name }) => words.some((word) => answers(name, word)));
}
