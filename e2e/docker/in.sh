#!/bin/bash
# Run a command inside the runner's network namespace, with DOCKER_HOST set:
#   in.sh docker build .      in.sh ./server &
set -euo pipefail
. "$(cd "$(dirname "$0")" && pwd)/env.sh"
[ -e "/run/netns/$NS" ] || { echo "dockerd is not up: run up.sh" >&2; exit 1; }
exec "${IN[@]}" env "DOCKER_HOST=unix://$SOCK" "DOCKER_CONFIG=$S/config" "$@"
