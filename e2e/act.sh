#!/bin/bash
# Run a workflow of a repository with act, in the namespace of docker/up.sh, without pulling anything.
#   act.sh DIR WORKFLOW OUT [act options…]
# The job's steps run on this machine, the action in a container on Docker's bridge, as on GitHub in a job without services.
#   ACTION_NET=host   in the runner's network instead, as act has it by default
#   EVENT, EVENT_FILE   what triggers the workflow, and its payload; default: push
# The workflow must begin with actions/checkout, which act replaces by a copy of the working tree.
#   OVERLAY   folder whose files are put over the copy
#   OUT   folder for log.jsonl (all that act said), summary.md (the job summary), outputs (name=value) and act.pid
#   ACT   the act binary; default: the one in PATH
# The exit code is the workflow's: 1 when a step failed.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
ACT=${ACT:-$(command -v act)} || { echo "act is missing: see e2e/README.md" >&2; exit 1; }
src=$(cd "$1" && pwd) workflow=$2
mkdir -p "$3"
OUT=$(cd "$3" && pwd)
shift 3
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir -p "$t/cache" "$t/repository"
# a clean clone with a remote, as a runner has one; uncommitted files come along
# (tar says 1 where a file changed meanwhile, as those of a test that runs beside this one do)
{ (cd "$src" && tar -c --exclude=.git --exclude=./e2e/browser/pictures .) || [ $? = 1 ]; } | tar -x -C "$t/repository"
[ -z "${OVERLAY:-}" ] || cp -R "$OVERLAY/." "$t/repository/"
cd "$t/repository"
git init -q -b main
git -c user.name=e2e -c user.email=e2e@example.invalid add -A
git -c user.name=e2e -c user.email=e2e@example.invalid commit -q -m e2e
git remote add origin https://example.invalid/owner/repository.git
export XDG_CACHE_HOME=$t/cache XDG_CONFIG_HOME=$t/config
# act puts the workspace and the command files under its cache and does not mount that into the action's container: it is
# mounted at the same path. --json because act empties GITHUB_STEP_SUMMARY and GITHUB_OUTPUT after every step.
rc=0
event=("${EVENT:-push}")
[ -z "${EVENT_FILE:-}" ] || event+=(--eventpath "$EVENT_FILE")
bash -c 'echo $$ > "$0"; exec "$@"' "$OUT/act.pid" \
  "$HERE/docker/in.sh" "$ACT" "${event[@]}" --workflows "$workflow" --pull=false --action-offline-mode --no-cache-server --json \
  -P ubuntu-latest=-self-hosted --container-options "-v $t/cache:$t/cache --network ${ACTION_NET:-bridge}" "$@" 2>&1 |
  tee "$OUT/log.jsonl" | jq -Rr '(fromjson? | .msg | rtrimstr("\n")) // .' || rc=${PIPESTATUS[0]}
jq -Rj 'fromjson? | select(.command == "summary") | .content' "$OUT/log.jsonl" > "$OUT/summary.md"
jq -Rr 'fromjson? | select(.command == "set-output") | "\(.name)=\(.arg)"' "$OUT/log.jsonl" > "$OUT/outputs"
exit "$rc"
