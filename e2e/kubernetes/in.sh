#!/bin/bash
# Run a command inside the node's network namespace, with KUBECONFIG set:
#   in.sh kubectl get pods      in.sh slogate run slo.yaml
# From there the API server, cluster IPs and pods are reachable; from the machine itself none of them is.
set -euo pipefail
. "$(cd "$(dirname "$0")" && pwd)/env.sh"
[ -e "/run/netns/$NS" ] || { echo "the node is not up: run up.sh" >&2; exit 1; }
if [ "${1:-}" = kubectl ]; then
  shift
  exec "${K[@]}" "$@"
fi
exec "${IN[@]}" env "KUBECONFIG=$S/kubeconfig" "$@"
