# Sourced by the scripts beside it: where things are.
KUBENODE=${SLOGATE_KUBENODE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/slogate/kubenode} # a whole Kubernetes in one binary: build.sh
S=${KUBERNETES_STATE:-/tmp/slogate-kubernetes} # everything that up.sh writes; down.sh removes it
NS=${KUBERNETES_NS:-slogate-kubernetes}        # the network namespace of the node
IN=(nsenter "--net=/run/netns/$NS" --)         # not "ip netns exec": that would hide /sys/fs/cgroup
K=("${IN[@]}" env "KUBECONFIG=$S/kubeconfig" "$S/kubenode" kubectl)
alive() { # a zombie that nobody reaps is dead
  local st
  st=$(ps -o stat= -p "$1" 2> /dev/null) && [ -n "$st" ] && [ "${st:0:1}" != Z ]
}
