# shellcheck shell=bash
# What every script here begins with: the project's folder, and a voice that keeps out of stdout.

cd "${BASH_SOURCE[0]%/*}/../.." || exit 1
# shellcheck disable=SC2034 # read by lib/build.sh and setup
project=$PWD

# An ordinary user's PATH on Debian lacks the folders in which ipvsadm, ip and modprobe lie.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
  say "$@"
  exit 1
}

# Runs a command without its output; should it fail, the output is what matters, so here it is.
quietly() {
  local output status=0
  output=$("$@" 2>&1 </dev/null) || status=$?
  ((status == 0)) || printf '%s\n' "$output" >&2
  return "$status"
}

# Runs a command alone in this tree: of two set-ups at once the second waits, then finds the work done.
with_lock() {
  exec {lock}<"$project"
  if ! flock -n "$lock"; then
    say 'waiting for another set-up in this folder'
    flock "$lock"
  fi
  "$@"
  exec {lock}<&-
}
