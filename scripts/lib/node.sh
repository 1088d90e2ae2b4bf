# shellcheck shell=bash
# Node.js: its version, its headers, node_modules.

# "20.19" <= "20.20.2"?
at_least() {
  local -a have want
  local i
  IFS=. read -ra have <<<"$2"
  IFS=. read -ra want <<<"$1"
  for i in 0 1 2; do
    ((${have[i]:-0} == ${want[i]:-0})) || return $((${have[i]:-0} < ${want[i]:-0}))
  done
}

# Does a version lie in a range such as "^20.19.0 || >=22.12.0"?
in_range() {
  local version=$1 part
  local -a parts
  IFS='|' read -ra parts <<<"${2//||/|}"
  for part in "${parts[@]}"; do
    part=${part// /}
    case $part in
      ^*) [[ ${version%%.*} == "$(major "${part#^}")" ]] && at_least "${part#^}" "$version" && return ;;
      '>='*) at_least "${part#>=}" "$version" && return ;;
      *) die "package.json: engines.node has a form unknown here: $part" ;;
    esac
  done
  return 1
}

major() { printf '%s' "${1%%.*}"; }

ensure_node() {
  local engines version
  engines=$(<package.json)
  [[ $engines =~ \"engines\"[^}]*\"node\":\ *\"([^\"]+)\" ]] || die 'package.json: no engines.node'
  engines=${BASH_REMATCH[1]}
  command -v node >/dev/null || die "there is no node in PATH; Node.js $engines is needed"
  version=$(node --version)
  in_range "${version#v}" "$engines" ||
    die "Node.js $engines is needed, and $(command -v node) is $version"
}

# node_modules keeps a copy of the lock file it was made from; a package that comes or goes by hand
# makes the folder newer than that.
lock_stamp=node_modules/.installed-lock.json

modules_are_current() {
  [[ ! node_modules -nt $lock_stamp ]] && cmp -s package-lock.json "$lock_stamp"
}

# `npm install SOMETHING` by hand leaves no copy, and npm ci would tear down a tree others may be
# using: believe npm's own record of what it installed when it agrees with the lock file.
npm_agrees() {
  node --input-type=module - 2>/dev/null <<'JS'
import { existsSync, readFileSync } from 'node:fs';
const packages = (path) => JSON.parse(readFileSync(path, 'utf8')).packages;
const installed = packages('node_modules/.package-lock.json');
const locked = Object.entries(packages('package-lock.json')).filter(([path]) => path !== '');
const same = ([path, { version, integrity, optional }]) =>
  installed[path] === undefined
    ? optional === true
    : installed[path].version === version &&
      installed[path].integrity === integrity &&
      existsSync(`${path}/package.json`);
process.exit(locked.every(same) && Object.keys(installed).length <= locked.length ? 0 : 1);
JS
}

ensure_modules() {
  modules_are_current && return
  if ! npm_agrees; then
    if [[ ${IPVS_SETUP:-} == check ]]; then
      die 'IPVS_SETUP=check forbids to install. Missing: node_modules as package-lock.json says;' \
        'install them with: npm ci --ignore-scripts'
    fi
    say 'installing node_modules: npm ci (what package-lock.json says)'
    quietly npm ci --ignore-scripts --no-audit --no-fund || die 'npm ci failed, see above'
  fi
  cp package-lock.json "$lock_stamp"
}

# Installs into the folder $2, when it is not there yet, what the lock file in the folder $1 says: programs of
# Linux on x86-64, called $3, that come when they are used and not with node_modules.
install_locked() {
  cmp -s "$1/package-lock.json" "$2/.installed-lock.json" && return
  [[ $(uname -sm) == 'Linux x86_64' ]] || die "for Linux on x86-64 only: $3"
  [[ ${IPVS_SETUP:-} != check ]] ||
    die "IPVS_SETUP=check forbids to install. Missing: $3, as $1/package-lock.json says"
  say "installing $3: npm ci (what $1/package-lock.json says)"
  mkdir -p "$2"
  cp "$1/package.json" "$1/package-lock.json" "$2/"
  quietly npm ci --prefix "$2" --ignore-scripts --no-bin-links --no-audit --no-fund ||
    die 'npm ci failed, see above'
  cp "$1/package-lock.json" "$2/.installed-lock.json"
}

# node-gyp would fetch Node's headers; from here it takes those that came with the running node.
# The development build does without: its headers are the npm package node-api-headers.
use_node_headers() {
  local prefix
  prefix=$(node -p 'path.dirname(path.dirname(fs.realpathSync(process.execPath)))')
  [[ -e $prefix/include/node/node_api.h ]] || return 1
  export npm_config_nodedir=$prefix
}

ensure_node_headers() {
  use_node_headers && return
  say "Node's headers (include/node beside the folder of $(command -v node)) are missing."
  say "Only prebuilds need them, the development build and the tests do not. Node's own archives"
  die "and NodeSource's package bring them along; for Debian's own nodejs: apt-get install libnode-dev"
}
