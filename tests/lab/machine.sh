#!/bin/sh
# The first process of a bare machine: gives it control groups, devices and a root of its own, then becomes systemd.
# usage: machine.sh ROOT NAME
set -e
root=$1 name=$2
if [ "${3:-}" != inside ]; then
    for group in /sys/fs/cgroup/*/ /sys/fs/cgroup/; do
        [ -e "$group/cgroup.procs" ] || continue
        mkdir -p "$group$name"
        for file in cpuset.cpus cpuset.mems; do
            [ ! -e "$group$file" ] || [ -e "$group/cgroup.controllers" ] || cat "$group$file" >"$group$name/$file"
        done
        echo $$ >"$group$name/cgroup.procs"
    done
    exec unshare --mount --uts --ipc --pid --cgroup --fork --kill-child sh "$0" "$root" "$name" inside
fi
hostname "$name"
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for device in null zero full random urandom tty; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
groups=$root/sys/fs/cgroup
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mount -t cgroup2 cgroup2 "$groups"
else
    mount -t tmpfs -o mode=755 tmpfs "$groups"
    for group in /sys/fs/cgroup/*/; do
        group=$(basename "$group")
        case $group in unified) continue ;; systemd) options=none,name=systemd ;; *) options=$group ;; esac
        mkdir "$groups/$group"
        mount -t cgroup -o "$options" cgroup "$groups/$group"
    done
fi
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
# overlay2 does not stack on an overlay: in a container the images live in memory
mkdir -p "$root/var/lib/docker" "$root/old"
[ "$(stat -f -c %T "$root")" != overlayfs ] || mount -t tmpfs tmpfs "$root/var/lib/docker"
cd "$root"
pivot_root . old
umount -l /old
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=lab /lib/systemd/systemd
