/** The variable that leaves out the binaries for arm64, with all that it takes to run them. */
export const X64_ONLY = 'IPVS_PREBUILDS_X64_ONLY';
