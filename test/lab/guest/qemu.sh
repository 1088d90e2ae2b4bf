#!/bin/sh
# PID 1 of the QEMU guest, once the host's files are its root. Three virtio ports are the lab's stdout,
# stderr and result; the serial line takes the kernel's messages and this shell's own output.
# shellcheck source=test/lab/guest/session.sh
. "${0%/*}/session.sh"
exec 7<"$LAB_JOB/command"

prepare_machine "$LAB_MODULES"

# The first number of a port depends on the order of the buses, and ports come a while after their
# driver. A redirection to one that is not there yet would make a plain file and lose the output.
until set -- /dev/vport*p1 /dev/vport*p2 /dev/vport*p3 && [ -c "$1" ] && [ -c "$2" ] && [ -c "$3" ]; do
    sleep 0.1
done
# A write to a port returns once QEMU has passed it on.
exec 3>"$1" 4>"$2" 5>"$3"
run_command
finish
