#!/bin/sh
# The first process of a host, in its namespaces: makes it look like a machine of its own, then becomes dockerd.
# usage: boot.sh DIRECTORY HOSTNAME DOCKERD-ARGUMENTS...
set -e
directory=$1 name=$2
shift 2
hostname "$name"
resolv=$(readlink -f /etc/resolv.conf || echo /etc/resolv.conf)
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/sshd "$(dirname "$resolv")"
[ -e "$resolv" ] || : >"$resolv"
mount --bind "$directory/resolv.conf" "$resolv"
mount --bind "$directory/etc" /etc/docker
# overlay2 does not stack on an overlay: in a container the images live in memory
[ "$(stat -f -c %T "$directory/data")" != overlayfs ] || mount -t tmpfs tmpfs "$directory/data"
exec tini -- dockerd "$@"
