# bash completion of slogate: source <(slogate completion bash)
# slogate itself knows the candidates: one a line, with a tab and what it is.
_slogate() {
  local line=${COMP_LINE:0:COMP_POINT} words cur candidate quoted
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  cur=${words[${#words[@]} - 1]}
  # bash replaces only what stands behind the last = or : of a word.
  local kept=${cur%"${cur##*[=:]}"}
  COMPREPLY=()
  while IFS=$'\t' read -r candidate _; do
    [[ $candidate == */ ]] && compopt -o nospace 2> /dev/null
    candidate=${candidate#"$kept"}
    printf -v quoted '%q' "$candidate"
    [[ $candidate == "~/"* ]] && quoted=${quoted#\\}
    COMPREPLY+=("$quoted")
  done < <("$1" complete -- "${words[@]:1}" 2> /dev/null)
}
complete -F _slogate slogate
