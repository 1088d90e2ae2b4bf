#!/bin/sh
# Wires the network namespaces of topology.ts, which tells what for. Every command must succeed.
#
#   topology.sh SWITCH CLIENT DIRECTOR REAL_SERVER REAL_SERVER
set -eu

switch=$1 client=$2 director=$3

set_sysctls() {
  namespace=$1
  shift
  nsenter --net="/run/netns/$namespace" sysctl -qw "$@"
}

plug_in() {
  port=p${1##*-}
  ip -n "$switch" link add "$port" type veth peer name e netns "$1"
  ip -n "$switch" link set "$port" master br0 up
  set_sysctls "$1" \
    net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 net.ipv4.conf.e.rp_filter=0 \
    net.ipv4.conf.all.accept_redirects=0 net.ipv4.conf.e.accept_redirects=0 \
    net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.e.send_redirects=0 \
    net.ipv6.conf.all.accept_redirects=0 net.ipv6.conf.e.accept_redirects=0
  ip -n "$1" link set e up
}

# count NAMESPACE IPTABLES NAME MATCH...: a rule that does nothing but count what arrives.
count() {
  path=/run/netns/$1 command=$2 name=$3
  shift 3
  nsenter --net="$path" "$command" -t mangle -A PREROUTING -i e "$@" -m comment --comment "$name"
}

# What arrives in each encapsulation. After the UDP header, whose last half word is its checksum, comes
# the one of GUE; the length in its first byte counts the words of its options, remote checksums.
count_encapsulations() {
  udp=0\>\>22\&0x3C@ # skips the IPv4 header
  count "$1" iptables-legacy gue:none -p udp --dport 6080 -m u32 --u32 "${udp}4&0xFFFF=0"
  count "$1" iptables-legacy gue:checksum -p udp --dport 6080 -m u32 --u32 "${udp}4&0xFFFF=1:0xFFFF"
  count "$1" iptables-legacy gue:remote -p udp --dport 6080 -m u32 --u32 "${udp}8>>24&0x1F=1:0x1F"
  count "$1" ip6tables-legacy gue:none -p udp --dport 6080 -m u32 --u32 "44&0xFFFF=0"
  count "$1" ip6tables-legacy gue:checksum -p udp --dport 6080 -m u32 --u32 "44&0xFFFF=1:0xFFFF"
  count "$1" ip6tables-legacy gue:remote -p udp --dport 6080 -m u32 --u32 "48>>24&0x1F=1:0x1F"
  for command in iptables-legacy ip6tables-legacy; do
    count "$1" "$command" gre -p 47
    count "$1" "$command" ipip -p 4
    count "$1" "$command" ipip -p 41
  done
}

# set_up_real_server NAMESPACE NUMBER FLAG-OF-THE-GRE-DEVICES
set_up_real_server() {
  count_encapsulations "$1"
  set_sysctls "$1" net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
  ip -n "$1" addr add "10.0.0.$2/24" dev e
  ip -n "$1" addr add "fd00::$2/64" dev e nodad
  ip -n "$1" addr add 10.0.0.100/32 dev lo
  ip -n "$1" addr add fd00::100/128 dev lo nodad
  ip -n "$1" route add 10.1.0.1 via 10.0.0.2
  ip -n "$1" route add fd01::1 via fd00::2
  ip -n "$1" -6 tunnel change ip6tnl0 mode any
  ip -n "$1" link add gre4 type gre local "10.0.0.$2" remote 10.0.0.2 "$3"
  ip -n "$1" link add gre6 type ip6gre local "fd00::$2" remote fd00::2 "$3"
  for device in tunl0 ip6tnl0 sit0 gre4 gre6; do ip -n "$1" link set "$device" up; done
  set_sysctls "$1" net.ipv4.conf.tunl0.rp_filter=0 net.ipv4.conf.gre4.rp_filter=0
  ip -n "$1" fou add port 6080 gue
  ip -n "$1" fou add port 6080 gue -6
}

for module in ipip ip_gre fou fou6 sctp ip6_tunnel sit ip6_gre; do modprobe "$module"; done

ip -n "$switch" link add name br0 type bridge
ip -n "$switch" link set br0 up
shift
for namespace in "$@"; do plug_in "$namespace"; done
shift 2

ip -n "$client" addr add 10.0.0.1/24 dev e
ip -n "$client" addr add 10.1.0.1/32 dev e
ip -n "$client" addr add fd00::1/64 dev e nodad
ip -n "$client" addr add fd01::1/128 dev e nodad

ip -n "$director" addr add 10.0.0.2/24 dev e
ip -n "$director" addr add fd00::2/64 dev e nodad
ip -n "$director" addr add 10.0.0.100/32 dev e
# Deprecated, so that tunnels have the other address as their source.
ip -n "$director" addr add fd00::100/128 dev e nodad preferred_lft 0
set_sysctls "$director" net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
ip -n "$director" route add 10.1.0.1 dev e
ip -n "$director" route add fd01::1 dev e

# A device takes GRE either without checksums or with them.
set_up_real_server "$1" 11 noicsum
set_up_real_server "$2" 12 icsum
