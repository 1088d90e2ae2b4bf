# shellcheck shell=bash
# shellcheck disable=SC2154 # project: lib/common.sh
# The two builds of development: the addon (CMake) and TypeScript (tsc), each redone when stale.

# Is nothing in the given places newer than the stamp? Folders count, so that a deletion does.
unchanged_since() {
  local stamp=$1
  shift
  [[ -e $stamp && -z $(find "$@" -newer "$stamp" -print -quit 2>/dev/null) ]]
}

# A stamp bears the time at which its build began: what is edited meanwhile counts as newer.
addon=build/Release/ipvs.node
addon_stamp=build/.addon-stamp
addon_inputs=(native test/native test/bench/native CMakeLists.txt package.json package-lock.json)

# node-gyp writes the same file, and CMake would then see nothing to do: so know it by inode and time.
addon_identity() { stat -c '%i %s %y' "$addon" 2>/dev/null; }

addon_is_current() {
  unchanged_since "$addon_stamp" "${addon_inputs[@]}" && [[ $(<"$addon_stamp") == "$(addon_identity)" ]]
}

# `IPVS_WERROR`: warnings are errors for us, not for a user who compiles with a compiler of next year.
build_addon() {
  say 'building the addon: cmake-js compile'
  # A cache of another place (a copied or moved tree) makes CMake stop.
  grep -qsxF "CMAKE_HOME_DIRECTORY:INTERNAL=$project" build/cmake/CMakeCache.txt || rm -rf build/cmake
  mkdir -p build
  : >"$addon_stamp.new"
  [[ -e $addon_stamp && $(<"$addon_stamp") == "$(addon_identity)" ]] || rm -f "$addon"
  rm -f "$addon_stamp"
  quietly node_modules/.bin/cmake-js compile -O build/cmake --CDIPVS_WERROR=ON ||
    die 'the addon does not build, see above'
  addon_identity | stamped_as "$addon_stamp"
}

# The addon under the sanitizers of the list $2, in the folder $1 (the head of CMakeLists.txt). Ninja sees
# what is stale. Their run-time libraries are gcc's.
build_sanitized() {
  grep -qsxF "CMAKE_HOME_DIRECTORY:INTERNAL=$project" "$1/CMakeCache.txt" || rm -rf "$1"
  CXX=g++ quietly node_modules/.bin/cmake-js compile -D -O "$1" --CDIPVS_SANITIZE="$2" ||
    die "the addon does not build with -fsanitize=$2, see above"
}

# Fills a stamp without changing the time it bears.
stamped_as() {
  cat >"$1.filled"
  touch -r "$1.new" "$1.filled"
  mv "$1.filled" "$1"
  rm "$1.new"
}

typescript_stamp=dist/.stamp
typescript_inputs=(lib test examples tsconfig.json package-lock.json)

typescript_is_current() { unchanged_since "$typescript_stamp" "${typescript_inputs[@]}"; }

build_typescript() {
  say 'compiling TypeScript: tsc'
  mkdir -p dist
  : >"$typescript_stamp.new"
  rm -f "$typescript_stamp"
  remove_orphans
  quietly node_modules/.bin/tsc --project . || die 'TypeScript does not compile, see above'
  mv "$typescript_stamp.new" "$typescript_stamp"
}

# tsc leaves the output of a deleted source behind, and a deleted test would run for ever.
remove_orphans() {
  local output source
  while IFS= read -r output; do
    source=${output#dist/}
    source=${source%.js}.ts
    [[ -e $source ]] || rm -f "$output" "$output.map" "${output%.js}.d.ts"
  done < <(find dist -name '*.js')
}
