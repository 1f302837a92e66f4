# Sourced by the scripts beside it: where things are.
S=${DOCKER_STATE:-/tmp/slogate-docker} # everything that up.sh writes; down.sh removes it
NS=${DOCKER_NS:-slogate-docker}        # the network namespace that plays the CI runner, and the parent of control groups
SOCK=$S/docker.sock
IN=(nsenter "--net=/run/netns/$NS" --)
alive() { # a zombie that nobody reaps is dead
  local st
  st=$(ps -o stat= -p "$1" 2> /dev/null) && [ -n "$st" ] && [ "${st:0:1}" != Z ]
}
