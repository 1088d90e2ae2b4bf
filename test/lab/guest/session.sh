# shellcheck shell=dash
# Sourced by the init of each kind: what all of them do once they have the descriptors
#   3 stdout of the lab   4 its stderr   5 the result   7 the command script, opened before any mount

# run_command: runs the command in a session and a process namespace of its own, sets $result.
# Its outputs are pipes, neither terminals nor sockets, so that it neither colours its output nor fails
# to reopen /dev/stderr. When it ends the kernel kills what it left running, so that the pipes end too.
# The messages that this shell prints about the command ('Killed') go where the kernel's go.
run_command() {
    mkfifo /run/ipvs-lab/out /run/ipvs-lab/err
    cat /run/ipvs-lab/out >&3 &
    cats=$!
    cat /run/ipvs-lab/err >&4 &
    cats="$cats $!"
    # shellcheck disable=SC2016
    unshare --pid --fork --kill-child --mount-proc \
        sh -c '(exec setsid sh /proc/self/fd/7 </dev/null >&8 2>&9 3>&- 4>&- 8>&- 9>&-); exit $?' \
        8>/run/ipvs-lab/out 9>/run/ipvs-lab/err
    result=$?
    # shellcheck disable=SC2086
    wait $cats
}

# prepare_machine MODULES: makes a booted kernel habitable. /proc, /sys and /dev are mounted.
prepare_machine() {
    mkdir -p /dev/pts /dev/shm /dev/net
    mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
    mount -t tmpfs -o mode=1777 tmpfs /dev/shm
    mount -t tmpfs -o mode=755 tmpfs /run
    mkdir -p /run/lock /run/ipvs-lab/usr/lib
    ln -s usr/lib /run/ipvs-lab/lib
    ln -s "$1" /run/ipvs-lab/usr/lib/modules
    ln -s /proc/self/fd /dev/fd
    ln -s /proc/self/fd/0 /dev/stdin
    ln -s /proc/self/fd/1 /dev/stdout
    ln -s /proc/self/fd/2 /dev/stderr
    [ -e /dev/net/tun ] || mknod -m 666 /dev/net/tun c 10 200
    ip link set lo up
    autoload_modules
}

# Lets the kernel and the user find the modules, which do not lie in /lib/modules.
autoload_modules() {
    printf '#!/bin/sh\nexec /sbin/modprobe -d /run/ipvs-lab "$@"\n' >/run/ipvs-lab/modprobe
    chmod 755 /run/ipvs-lab/modprobe
    echo /run/ipvs-lab/modprobe >/proc/sys/kernel/modprobe
    /run/ipvs-lab/modprobe ip_vs
}

# finish: hands the result over and waits to be ended by the lab. PID 1 must not exit: that is a panic.
finish() {
    sync
    echo "exit $result" >&5
    while :; do sleep 1000; done
}
