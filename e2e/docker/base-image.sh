#!/bin/bash
# Make a small base image without pulling one: a static BusyBox and the CA certificates of this machine, under a name that
# a Dockerfile uses in FROM. It has no package manager.
#   base-image.sh NAME [DIR]     DIR: files to put on top
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/env.sh"
BB=$(command -v busybox) || { echo "busybox is missing: see e2e/README.md" >&2; exit 1; }
r=$(mktemp -d "$S/rootfs.XXXXXX")
trap 'rm -rf "$r"' EXIT
mkdir -p "$r"/{bin,sbin,usr/bin,usr/sbin,etc/ssl/certs,tmp,root,var/run,proc,sys,dev}
chmod 755 "$r"
chmod 1777 "$r/tmp"
cp "$BB" "$r/bin/busybox"
for a in $("$BB" --list); do [ "$a" = busybox ] || ln -s /bin/busybox "$r/bin/$a"; done
cp /etc/ssl/certs/ca-certificates.crt "$r/etc/ssl/certs/"
echo 'root:x:0:0:root:/root:/bin/sh' > "$r/etc/passwd"
echo 'root:x:0:' > "$r/etc/group"
[ $# -lt 2 ] || cp -R "$2/." "$r/"
tar -C "$r" -c . | "$HERE/in.sh" docker import -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' -c 'CMD ["/bin/sh"]' - "$1" > /dev/null
