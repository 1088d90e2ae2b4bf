#!/bin/sh
# Runs in new network and mount namespaces of the host, whose mounts no longer reach the host's.
# shellcheck source=test/lab/guest/session.sh
. "${0%/*}/session.sh"
exec 7<"$LAB_JOB/command"

# /sys shows the namespace that was current when it was mounted.
mount -t sysfs sysfs /sys
# `ip netns add` leaves its name in /run.
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/ipvs-lab
ip link set lo up

run_command
echo "exit $result" >&5
