#!/bin/bash
# Build kubenode, a whole Kubernetes node in one binary, into the cache, where it is not there yet. It needs Go, a module
# proxy and nothing else: 10 to 20 minutes, 2 GB of memory, 5 GB of build cache the first time.
#   SLOGATE_KUBENODE   where it shall be; default $XDG_CACHE_HOME/slogate/kubenode
#   JOBS=2             packages compiled at the same time
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/env.sh"
if [ -x "$KUBENODE" ]; then exit 0; fi
mkdir -p "$(dirname "$KUBENODE")"
version=$(cd "$HERE/node" && go list -m -f '{{.Version}}' k8s.io/kubernetes)
minor=${version#*.}
v=k8s.io/component-base/version
cd "$HERE/node"
# No DWARF: the binary is stripped anyway, and the compiler has less to write.
CGO_ENABLED=0 nice -n 19 go build -p "${JOBS:-2}" -trimpath -buildvcs=false -gcflags=all=-dwarf=false \
  -ldflags "-s -w -X $v.gitVersion=$version -X $v.gitMajor=1 -X $v.gitMinor=${minor%%.*}" -o "$KUBENODE.new" .
mv "$KUBENODE.new" "$KUBENODE"
