#!/bin/bash
# Start a Docker daemon by hand inside a network namespace of its own. Root only.
#   DOCKER_STATE, DOCKER_NS   see env.sh
# The namespace plays the CI runner: its 127.0.0.1 is the runner's localhost, and docker0 with its NAT rules lives there
# too. Nothing leaves it. Use in.sh to run things in it.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/env.sh"
[ "$(id -u)" = 0 ] || { echo "root is needed to start a Docker daemon" >&2; exit 1; }
for c in dockerd docker containerd runc iptables ip nsenter; do
  command -v $c > /dev/null || { echo "$c is missing: see e2e/README.md" >&2; exit 1; }
done
if [ -f "$S/dockerd.pid" ] && alive "$(cat "$S/dockerd.pid")" && "$HERE/in.sh" docker info > /dev/null 2>&1; then echo "already up"; exit 0; fi
"$HERE/down.sh" # what an interrupted run left
mkdir -p "$S"
# control groups: use what is mounted, v1 or v2; mount v2 where nothing is
grep -qE ' /sys/fs/cgroup ' /proc/mounts || mount -t cgroup2 cgroup2 /sys/fs/cgroup
ip netns add "$NS"
# a default route is needed for published ports and for answers to leave the namespace's own addresses
"${IN[@]}" sh -c 'ip link set lo up; ip link add eth0 type veth peer name peer0; ip addr add 10.98.0.2/24 dev eth0
  ip link set eth0 up; ip link set peer0 up; ip route add default dev eth0'
"${IN[@]}" dockerd --data-root "$S/data" --exec-root "$S/exec" --pidfile "$S/docker.pid" -H "unix://$SOCK" \
  --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$NS" --storage-driver overlay2 > "$S/dockerd.log" 2>&1 < /dev/null &
echo $! > "$S/dockerd.pid"
for _ in $(seq 300); do
  if "$HERE/in.sh" docker info > /dev/null 2>&1; then exit 0; fi
  alive "$(cat "$S/dockerd.pid")" || break
  sleep 0.1
done
echo "dockerd does not start; the end of its log:" >&2
tail -20 "$S/dockerd.log" >&2
"$HERE/down.sh"
exit 1
