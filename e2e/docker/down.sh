#!/bin/bash
# Stop the daemon that up.sh started, by its process id, and remove what it made. Safe to repeat.
set -u
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/env.sh"
if [ -f "$S/dockerd.pid" ]; then
  p=$(cat "$S/dockerd.pid")
  if alive "$p" && grep -q dockerd "/proc/$p/cmdline"; then
    mapfile -t c < <("$HERE/in.sh" docker ps -q 2> /dev/null)
    [ ${#c[@]} -gt 0 ] && "$HERE/in.sh" docker kill "${c[@]}" > /dev/null
    kill "$p"
    for _ in $(seq 150); do alive "$p" || break; sleep 0.1; done
    if alive "$p"; then kill -9 "$p"; fi
  fi
fi
# shims and the containerd of this daemon that outlived it: their command line names its folder
for p in $(pgrep -f -- "$S/exec/containerd"); do kill -9 "$p"; done
awk -v s="$S/" 'index($2, s) == 1 {print $2}' /proc/mounts | sort -r | while read -r m; do umount -l "$m"; done
[ -e "/run/netns/$NS" ] && ip netns del "$NS"
find /sys/fs/cgroup -depth -type d -path "*/$NS*" -exec rmdir {} \; 2> /dev/null
rm -rf "$S"
exit 0
