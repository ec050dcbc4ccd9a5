#!/bin/sh
# demo.sh EXAMPLES: make a root file system of busybox, run the examples on it, show what happens, leave nothing.
set -eu
examples=$1
rootfs=$(mktemp -d /tmp/libctrd-demo.XXXXXX)
trap 'rm -rf "$rootfs"' EXIT
mkdir -p "$rootfs/bin" "$rootfs/proc" "$rootfs/dev" "$rootfs/sys" "$rootfs/tmp"
cp "$(command -v busybox)" "$rootfs/bin/busybox"
for name in sh echo sleep cat id uname hostname ls; do
	ln -s busybox "$rootfs/bin/$name"
done

echo "== one container, with its output, its events, its stats and its exit"
"$examples/run" "$rootfs" /bin/sh -c 'echo "hello from $(uname -s), pid $$, user $(id -u)"; ls /; exit 7'

echo
echo "== three side by side on the host's own libuv loop"
"$examples/uv_loop" "$rootfs" /bin/sh -c 'exit 3'

echo
echo "== one that outlives the program that started it"
"$examples/survive" start "$rootfs" /bin/sh -c 'echo "written while nobody listens"; exit 5'
"$examples/survive" load
