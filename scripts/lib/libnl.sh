# shellcheck shell=bash
# libnl's source, as Debian distributes it: packaging/libnl.sha256 names the files of one version.
# apt verifies what it downloads by the archive's signature; we compare with what was recorded besides.

libnl_record=packaging/libnl.sha256
libnl_archives=build/libnl
libnl_source=build/libnl/source

# "3.7.0-0.2"
libnl_version() { sed -n 's/.* libnl3_\(.*\)\.dsc$/\1/p' "$libnl_record"; }

libnl_is_as_recorded() { (cd "$libnl_archives" && sha256sum --quiet --check -) <"$libnl_record"; }

# Fills $libnl_archives with the files of the source package, which a release carries, and unpacks them.
ensure_libnl() {
  local version
  version=$(libnl_version)
  mkdir -p "$libnl_archives"
  if ! libnl_is_as_recorded &>/dev/null; then
    say "downloading the source of libnl $version: apt-get source libnl3=$version"
    quietly scripts/lib/private-apt build/apt-source source apt-get -q update || die 'apt-get failed, see above'
    (
      private_apt=$PWD/scripts/lib/private-apt lists=$PWD/build/apt-source
      cd "$libnl_archives"
      quietly "$private_apt" "$lists" source apt-get -q source --download-only "libnl3=$version"
    ) || die "this system's archive has no libnl3 $version, see above"
    libnl_is_as_recorded || die "the source of libnl is not the one that $libnl_record names"
  fi
  rm -rf "$libnl_source"
  # The signature is its packager's; ours of the whole archive was verified by apt.
  quietly dpkg-source --no-check --extract "$libnl_archives/libnl3_$version.dsc" "$libnl_source" ||
    die 'dpkg-source failed, see above'
}

# Is a folder what binding.gyp expects?
is_libnl_source() { [[ -e $1/lib/nl.c && -e $1/lib/genl/genl.c && -e $1/include/netlink/version.h ]]; }
