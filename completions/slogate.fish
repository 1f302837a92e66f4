# fish completion of slogate: slogate completion fish > ~/.config/fish/completions/slogate.fish
# slogate itself knows the candidates: one a line, with a tab and what it is.
function __slogate_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    $program complete -- $words 2>/dev/null
end
complete -c slogate -f -a '(__slogate_complete)'
