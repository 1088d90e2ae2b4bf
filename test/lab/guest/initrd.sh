#!/bin/busybox sh
# shellcheck shell=dash
# PID 1 of the QEMU guest's initrd: mounts the host's files and goes on with the init that lies there.
/bin/busybox mkdir -p /proc /sys /dev /root
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs dev /dev
while read -r module; do
    /bin/busybox insmod "/modules/$module"
done </modules/order
/bin/busybox mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose root /root
# Programs of this processor, where the host's are for another. /bin, /sbin and /lib are links into /usr.
[ -z "${LAB_SYSTEM-}" ] || /bin/busybox mount --bind "/root$LAB_SYSTEM/usr" /root/usr
for folder in proc sys dev; do
    /bin/busybox mount --move "/$folder" "/root/$folder"
done
exec /bin/busybox switch_root /root "$LAB_GUEST/qemu.sh"
