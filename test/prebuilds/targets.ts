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
