#!/bin/bash
# Make a static binary an image of the node:  image.sh localhost/slogate:1 ./slogate
# Its entrypoint is the binary; imagePullPolicy must be Never or IfNotPresent.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/env.sh"
archive=$(mktemp "$S/image.XXXXXX")
trap 'rm -f "$archive"' EXIT
"$S/tools/image" -name "$1" -o "$archive" "$2"
ctr -a "$S/containerd/containerd.sock" -n k8s.io images import "$archive"
