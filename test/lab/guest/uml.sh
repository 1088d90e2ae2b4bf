#!/bin/sh
# PID 1 of user-mode Linux. Its first three consoles are the lab's stdout, stderr and result, its serial
# line, which is also this shell's own output, takes the kernel's messages.
# shellcheck source=test/lab/guest/session.sh
. "${0%/*}/session.sh"
exec 7<"$LAB_JOB/command"

mount -t proc proc /proc
mount -t sysfs sysfs /sys
prepare_machine /usr/lib/uml/modules

exec 3>/dev/tty0 4>/dev/tty1 5>/dev/tty2
for console in tty0 tty1 tty2; do
    stty -F "/dev/$console" raw
done

run_command
# Changing a setting of a terminal waits until it has passed on all that was written to it.
for console in tty0 tty1; do
    stty -F "/dev/$console" -raw
done
finish
