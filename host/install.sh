#!/usr/bin/env bash
# Gets the slogate that belongs to this action, and sets the output "program".
#
# A released action has SHA256SUMS beside it: the archives of its release. The
# one for the runner is downloaded once, kept in the runner's tool cache and
# compared with its digest every time: whatever stands between may lie. Without
# SHA256SUMS this is a commit that was not released, which is built from source.
#
#   SLOGATE_RELEASES      where the releases are, instead of on github.com
#   SLOGATE_ATTESTATION   off: do not ask GitHub who built the archive
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=slogate/slogate

# Exit code 2: wrong environment, as the program has it.
fail() {
  echo "::error title=slogate::$1"
  exit 2
}

# sha256 FILE: without its name, which Windows would quote.
sha256() {
  if command -v sha256sum > /dev/null; then sha256sum < "$1"; else shasum -a 256 < "$1"; fi | cut -c1-64
}

# same FILE: it is there and has the digest of the release.
same() { [ -f "$1" ] && [ "$(sha256 "$1")" = "$digest" ]; }

# attested FILE: GitHub signed that the release workflow built it. The digest
# has decided already, so where nobody can ask GitHub, that is enough.
attested() {
  if [ "${GITHUB_SERVER_URL:-}" != https://github.com ] || [ -z "${GH_TOKEN:-}" ] || ! gh attestation verify --help > /dev/null 2>&1; then
    echo "not asked who built it: that takes github.com, its gh and a token"
    return
  fi
  for pause in 2 5 0; do
    if gh attestation verify "$1" --repo "$repository" --signer-workflow "$repository/.github/workflows/release.yml" > "$scratch/attestation.log" 2>&1; then
      echo "built by $repository's release workflow, as GitHub attests"
      return
    fi
    sleep "$pause"
  done
  cat "$scratch/attestation.log"
  fail "GitHub does not attest that $name was built by $repository; SLOGATE_ATTESTATION=off goes on by its digest alone"
}

case ${RUNNER_OS:-} in
  Linux) os=linux end=tar.gz program=slogate ;;
  macOS) os=darwin end=tar.gz program=slogate ;;
  Windows) os=windows end=zip program=slogate.exe ;;
  *) fail "there is no slogate for the runner's system \"${RUNNER_OS:-}\", only for Linux, macOS and Windows" ;;
esac
case ${RUNNER_ARCH:-} in
  X64) arch=amd64 ;;
  ARM64) arch=arm64 ;;
  *) fail "there is no slogate for the runner's processor \"${RUNNER_ARCH:-}\", only for X64 and ARM64" ;;
esac
# unix PATH: with slashes alone; what unpacks takes "D:\a" for something else.
unix() { if command -v cygpath > /dev/null; then cygpath -u "$1"; else echo "$1"; fi; }
scratch=$(mktemp -d "$(unix "${RUNNER_TEMP:?}")/slogate.XXXXXX")

if [ ! -e "$here/SHA256SUMS" ]; then
  command -v go > /dev/null || fail "this commit of slogate is no release: building it needs Go (actions/setup-go)"
  tags=$(sed -n 's/^ARG TAGS="\(.*\)"$/\1/p' "$here/../Dockerfile")
  (cd "$here/.." && CGO_ENABLED=0 go build -trimpath -tags "$tags" -ldflags "-s -w" -o "$scratch/$program" .) || fail "slogate cannot be built from source"
  echo "program=$scratch/$program" >> "$GITHUB_OUTPUT"
  exit
fi

read -r digest name < <(grep -F "_${os}_$arch.$end" "$here/SHA256SUMS") || fail "SHA256SUMS has no slogate for $os/$arch"
version=${name#*_} version=${version%"_${os}_$arch.$end"}
kept=$(unix "${RUNNER_TOOL_CACHE:-$RUNNER_TEMP}")/slogate/$version/$name
if same "$kept"; then
  echo "$name is in the tool cache"
else
  url=${SLOGATE_RELEASES:-https://github.com/$repository/releases/download}/$version/$name
  command -v curl > /dev/null || fail "curl is missing"
  curl --fail --silent --show-error --location --proto =http,https --retry 3 --retry-connrefused --output "$scratch/$name" "$url" || fail "$url cannot be downloaded"
  same "$scratch/$name" || fail "$url is not what was released: its SHA-256 is $(sha256 "$scratch/$name"), not $digest"
  [ "${SLOGATE_ATTESTATION:-on}" = off ] || attested "$scratch/$name"
  # Moved, not copied: a job beside this one sees all of it or nothing.
  mkdir -p "$(dirname "$kept")"
  mv -f "$scratch/$name" "$kept"
  echo "downloaded $url"
fi
case $end in
  zip) unzip -q "$kept" "$program" -d "$scratch" ;;
  *) tar -xzf "$kept" -C "$scratch" "$program" ;;
esac
echo "program=$scratch/$program" >> "$GITHUB_OUTPUT"
