# shellcheck shell=bash
# Debian's packages: which are needed, which of them are missing, and how they get here.

# One requirement a line: who needs it | the package | what proves that it is there | what it is for.
# The proof is what the build or the lab really uses, so that a compiler from elsewhere counts too.
requirements() {
  cat <<'TABLE'
build    | g++              | command c++                | C++17 compiler, for the addon
build    | cmake            | command cmake              | drives the development build
build    | ninja-build      | command ninja              | runs the development build
build    | pkg-config       | command pkg-config         | finds libnl
build    | libnl-genl-3-dev | pkg-config libnl-genl-3.0  | generic-netlink library and headers
build    | npm              | command npm                | installs node_modules
lab      | ipvsadm          | command ipvsadm            | the second opinion in tests and demo
lab      | iproute2         | command ip                 | network namespaces in tests and demo
lab      | iptables         | command iptables-legacy    | puts firewall marks on packets in tests
lab      | kmod             | command modprobe           | loads the ip_vs modules
lab-uml  | user-mode-linux  | command linux.uml          | a kernel with IPVS that needs no root
lab-qemu | qemu-system-x86  | command qemu-system-x86_64 | machine for the QEMU lab
lab-qemu | busybox-static   | command busybox            | first program of the QEMU lab
lab-qemu-arm64 | qemu-system-arm | command qemu-system-aarch64 | machine for the QEMU lab of arm64
lab-qemu-arm64 | busybox-static | command busybox       | packs the first files of the QEMU lab of arm64
check    | clang-format-19  | command clang-format-19    | layout of C++
check    | clang-tidy-19    | command clang-tidy-19      | linter for C++
fuzz     | clang-19         | command clang++-19         | compiler with libFuzzer
fuzz     | libclang-rt-19-dev | clang-rt                 | libFuzzer and the sanitizers
sanitize | g++              | command g++                | compiler whose sanitizers are used
sanitize | libasan8         | runtime libasan.so         | AddressSanitizer and LeakSanitizer
sanitize | libubsan1        | runtime libubsan.so        | UndefinedBehaviorSanitizer
sanitize | libtsan2         | runtime libtsan.so         | ThreadSanitizer
bench    | strace           | command strace             | counts system calls
bench    | keepalived       | command keepalived         | stands beside us in the benchmark
check    | shellcheck       | command shellcheck         | linter for shell scripts
prebuild | python3          | command python3            | node-gyp is written in it
prebuild | make             | command make               | runs node-gyp's build
prebuild | dpkg-dev         | command dpkg-source        | unpacks the source of libnl
prebuild-test-x64 | musl    | file /lib/ld-musl-x86_64.so.1 | loads the binaries for musl
prebuild-test-arm64 | qemu-user | command qemu-aarch64   | runs programs of arm64
gate     | binutils         | command readelf            | reads what was built
TABLE
}

# The groups of the table that a caller's level stands for.
groups_of() {
  case $1 in
    build) echo build ;;
    check) echo build check ;;
    prebuild) echo build prebuild gate ;;
    gate) echo build gate ;;
    prebuild-test) echo build prebuild gate prebuild-test-x64 prebuild-test-arm64 ;;
    prebuild-test-x64) echo build prebuild gate prebuild-test-x64 ;;
    fuzz) echo build fuzz ;;
    sanitize) echo build sanitize ;;
    bench) echo build bench ;;
    lab) echo "build lab $(kernel_group)" ;;
    *) die "unknown level '$1'; there are: build, lab, check, fuzz, sanitize, bench, prebuild, gate, prebuild-test, prebuild-test-x64" ;;
  esac
}

# Which kernel the lab will boot decides what it needs. User-mode Linux exists for x86 only.
kernel_group() {
  case ${IPVS_LAB:-} in
    host) ;;
    qemu | qemu-arm64) echo "lab-$IPVS_LAB" ;;
    uml) echo lab-uml ;;
    *) [[ $HOSTTYPE == x86_64 || $HOSTTYPE == i?86 ]] && echo lab-uml ;;
  esac
  return 0
}

is_there() {
  case $1 in
    command) command -v "$2" >/dev/null ;;
    file) [[ -e $2 ]] ;;
    clang-rt) [[ -e /usr/lib/llvm-19/lib/clang/19/lib/linux/libclang_rt.fuzzer-$(uname -m).a ]] ;;
    runtime) [[ $(g++ -print-file-name="$2" 2>/dev/null) == /* ]] ;;
    pkg-config) command -v pkg-config >/dev/null && pkg-config --exists "$2" ;;
    *) die "no such proof: $1" ;;
  esac
}

# Of the groups in the text $1: fills missing_packages, and missing_reasons with "package (reason)".
find_missing() {
  local wanted=" $1 " group package proof argument reason
  missing_packages=() missing_reasons=()
  while IFS='|' read -r group package proof reason; do
    read -r group <<<"$group"
    [[ $wanted == *" $group "* ]] || continue
    read -r package <<<"$package"
    read -r proof argument <<<"$proof"
    read -r reason <<<"$reason"
    is_there "$proof" "$argument" && continue
    missing_packages+=("$package")
    missing_reasons+=("$package ($reason)")
  done < <(requirements)
}

joined() {
  local text
  text=$(printf ', %s' "$@")
  printf '%s' "${text:2}"
}

# Debian, or a child of it such as Ubuntu. (IPVS_OS_RELEASE: another file to read that from.)
is_debian_family() {
  local family
  # shellcheck source=/dev/null
  family=$(. "${IPVS_OS_RELEASE:-/etc/os-release}" 2>/dev/null && echo " ${ID:-} ${ID_LIKE:-} ")
  [[ $family == *' debian '* || $family == *' ubuntu '* ]] && command -v apt-get >/dev/null
}

# The command that makes us root, in as_root; status 1 when nothing does.
# Without a terminal sudo must not ask, or an unattended run would wait for a password for ever.
find_root() {
  as_root=()
  ((EUID == 0)) && return
  command -v sudo >/dev/null || return 1
  as_root=(sudo)
  [[ -t 0 && -t 2 ]] && return
  as_root=(sudo -n)
  sudo -n true 2>/dev/null
}

# Ends the script with the exact list of what to install.
refuse_packages() {
  say "$1. Missing:"
  printf '  %s\n' "${missing_reasons[@]}" >&2
  if is_debian_family; then
    say "install them with: apt-get install --no-install-recommends ${missing_packages[*]}"
  else
    say "the names are Debian's; install what your system calls them, then run this again"
  fi
  exit 1
}

apt() {
  quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends "$@"
}

# Does apt know every missing package? Not on a machine whose lists were never fetched.
all_have_candidates() {
  local known
  known=$(LC_ALL=C apt-cache policy "${missing_packages[@]}" 2>/dev/null |
    grep -c '^  Candidate: [^(]')
  ((known == ${#missing_packages[@]}))
}

# Lists that are merely old name files that are gone; so a failed install is tried once more.
install_packages() {
  if all_have_candidates; then
    apt install "${missing_packages[@]}" 2>/dev/null && return
  fi
  apt update && apt install "${missing_packages[@]}"
}

ensure_packages() {
  local needed=$1
  find_missing "$needed"
  ((${#missing_packages[@]})) || return 0

  is_debian_family || refuse_packages "this system is not of Debian's family, nothing is installed"
  [[ ${IPVS_SETUP:-} != check ]] || refuse_packages 'IPVS_SETUP=check forbids to install'
  find_root || refuse_packages 'neither root nor sudo without a password, nothing is installed'

  say "installing with ${as_root[*]:+${as_root[*]} }apt-get: $(joined "${missing_reasons[@]}")"
  install_packages || refuse_packages 'apt-get failed, see above'
  find_missing "$needed"
  ((${#missing_packages[@]} == 0)) || refuse_packages 'apt-get succeeded, and yet this is not there'
}
