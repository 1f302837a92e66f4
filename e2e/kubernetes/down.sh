#!/bin/bash
# Stop everything that up.sh started, by process id, and remove what it made. Safe to repeat.
set -u
. "$(cd "$(dirname "$0")" && pwd)/env.sh"
CTR=(ctr -a "$S/containerd/containerd.sock" -n k8s.io)
stop() {
  [ -f "$S/pid/$1" ] || return 0
  local p
  p=$(cat "$S/pid/$1")
  # the id may be another's by now: only a process of ours is ended
  if alive "$p" && grep -qF "$S" "/proc/$p/cmdline"; then
    kill "$p"
    for _ in $(seq 50); do alive "$p" || break; sleep 0.1; done
    if alive "$p"; then kill -9 "$p"; fi
  fi
  rm -f "$S/pid/$1"
}
for c in kubelet proxy metrics scheduler controllers; do stop $c; done
if [ -S "$S/containerd/containerd.sock" ]; then
  for t in $("${CTR[@]}" task ls -q 2> /dev/null); do "${CTR[@]}" task kill -s KILL "$t" 2> /dev/null; done
  sleep 0.5
  for t in $("${CTR[@]}" task ls -q 2> /dev/null); do "${CTR[@]}" task rm -f "$t" > /dev/null 2>&1; done
  for t in $("${CTR[@]}" c ls -q 2> /dev/null); do "${CTR[@]}" c rm "$t" > /dev/null 2>&1; done
fi
for c in containerd apiserver etcd; do stop $c; done
# shims that outlived this containerd: their command line names its socket
for p in $(pgrep -f -- "-address $S/containerd/containerd.sock"); do kill -9 "$p"; done
awk -v s="$S/" 'index($2, s) == 1 {print $2}' /proc/mounts | sort -r | while read -r m; do umount -l "$m"; done
[ -e "/run/netns/$NS" ] && ip netns del "$NS"
[ -f "$S/sysctl.saved" ] && while IFS= read -r l; do sysctl -qw "${l// /}"; done < "$S/sysctl.saved"
# empty control groups only: rmdir refuses the others
find /sys/fs/cgroup -depth -type d \( -path '*/kubepods*' -o -path '*/k8s.io*' \) -exec rmdir {} \; 2> /dev/null
rm -rf "$S"
exit 0
