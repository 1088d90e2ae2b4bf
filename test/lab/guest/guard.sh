#!/bin/sh
# guard.sh COMMAND ARG... runs the machine, and ends it with all that it started.
# Descriptor 6 is the lab's lifeline: nothing ever comes through it, and it ends when the lab wants the
# machine to end, or is itself gone, however that came about. The machine is a process group of its own
# (user-mode Linux would make itself one anyway), killed in one system call: were UML killed before the
# processes that it traces, these would go on running its guest's code on the host.

# A panic of user-mode Linux aborts it: its dump would be the guest's memory, in the user's folder.
# shellcheck disable=SC3045 # not POSIX, and in every sh there is
ulimit -c 0

end_machine() {
    # The process too, since just after its start the group may not be there yet.
    kill -KILL "-$machine" "$machine" 2>/dev/null
}

setsid "$@" 6<&- &
machine=$!
{
    read -r _
    end_machine
} <&6 &
reader=$!
wait "$machine"
end_machine
kill "$reader"
