#!/bin/bash
# Start one real Kubernetes node by hand inside a network namespace of its own. Root only.
#   SLOGATE_KUBENODE, KUBERNETES_STATE, KUBERNETES_NS   see env.sh
#   HPA_SYNC=2s         how often the autoscaler looks; a cluster's default is 15s
#   METRICS_EVERY=2s    how often the CPU of pods is sampled; metrics-server's default is 15s
# etcd, API server, controllers, scheduler, kubelet with containerd, kube-proxy and the metrics API run on the machine,
# pods in containers. The namespace has no link to the machine's network. Use in.sh to run things in it.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/env.sh"
HPA_SYNC=${HPA_SYNC:-2s} METRICS_EVERY=${METRICS_EVERY:-2s}
[ "$(id -u)" = 0 ] || { echo "root is needed to start a node" >&2; exit 1; }
[ -x "$KUBENODE" ] || { echo "$KUBENODE is missing: run build.sh" >&2; exit 1; }
for c in nsenter openssl curl ip containerd ctr runc nft conntrack; do
  command -v $c > /dev/null || { echo "$c is missing: see e2e/README.md" >&2; exit 1; }
done
[ -x /usr/lib/cni/bridge ] || { echo "/usr/lib/cni/bridge is missing: see e2e/README.md" >&2; exit 1; }
if [ -f "$S/ready" ] && alive "$(cat "$S/pid/apiserver")"; then echo "already up"; exit 0; fi
"$HERE/down.sh" # what an interrupted run left
mkdir -p "$S"/{log,pid,etcd,apiserver,kubelet,cni,containerd,tools}
chmod 700 "$S"
ln -s "$KUBENODE" "$S/kubenode"
(cd "$HERE" && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$S/tools/" ./image ./pause)

# control groups: use what is mounted, v1 or v2; mount v2 where nothing is
grep -qE ' /sys/fs/cgroup ' /proc/mounts || mount -t cgroup2 cgroup2 /sys/fs/cgroup
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  echo "+cpu +memory +pids +cpuset" > /sys/fs/cgroup/cgroup.subtree_control 2> /dev/null || true
fi
# the kubelet sets these for the whole machine; down.sh puts them back
for k in vm.overcommit_memory kernel.panic kernel.panic_on_oops; do sysctl "$k"; done > "$S/sysctl.saved"

# the node's network: its own address on a pair of interfaces that ends inside
ip netns add "$NS"
"${IN[@]}" sh -c 'ip link set lo up; ip link add eth0 type veth peer name peer0; ip addr add 10.99.0.2/24 dev eth0
  ip link set eth0 up; ip link set peer0 up; ip route add default dev eth0; sysctl -qw net.ipv4.ip_forward=1'

start() { # name command...
  local n=$1
  shift
  "${IN[@]}" "$@" > "$S/log/$n.log" 2>&1 < /dev/null &
  echo $! > "$S/pid/$n"
}
wait_for() { # seconds command...
  local i=$(($1 * 10))
  shift
  while ! "$@" > /dev/null 2>&1; do
    i=$((i - 1))
    [ $i -gt 0 ] || { echo "timed out: $*; logs: $S/log" >&2; return 1; }
    sleep 0.1
  done
}

token=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
echo "$token" > "$S/token"
echo "$token,admin,admin,system:masters" > "$S/tokens.csv"
openssl genrsa -out "$S/sa.key" 2048 2> /dev/null
# the API server's own certificate, also what it shows the kubelet (for logs)
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /O=system:masters/CN=apiserver \
  -addext "subjectAltName=IP:10.99.0.2,IP:127.0.0.1,IP:10.96.0.1,DNS:kubernetes.default.svc" -keyout "$S/api.key" -out "$S/api.crt" 2> /dev/null
cat > "$S/kubeconfig" << Y
apiVersion: v1
kind: Config
clusters: [{name: e2e, cluster: {server: "https://10.99.0.2:6443", certificate-authority: $S/api.crt}}]
users: [{name: admin, user: {token: "$token"}}]
contexts: [{name: e2e, context: {cluster: e2e, user: admin, namespace: default}}]
current-context: e2e
Y
start etcd "$S/kubenode" etcd --data-dir "$S/etcd" --unsafe-no-fsync --listen-client-urls http://127.0.0.1:2379 \
  --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380
start apiserver "$S/kubenode" apiserver --etcd-servers http://127.0.0.1:2379 --bind-address 0.0.0.0 --advertise-address 10.99.0.2 --secure-port 6443 \
  --cert-dir "$S/apiserver" --tls-cert-file "$S/api.crt" --tls-private-key-file "$S/api.key" \
  --service-cluster-ip-range 10.96.0.0/24 --service-account-issuer https://kubernetes.default.svc \
  --service-account-key-file "$S/sa.key" --service-account-signing-key-file "$S/sa.key" \
  --token-auth-file "$S/tokens.csv" --authorization-mode RBAC --profiling=false \
  --kubelet-client-certificate "$S/api.crt" --kubelet-client-key "$S/api.key" --kubelet-preferred-address-types InternalIP
wait_for 120 "${IN[@]}" curl -skf https://127.0.0.1:6443/readyz
start controllers "$S/kubenode" controllers --kubeconfig "$S/kubeconfig" --leader-elect=false --bind-address 127.0.0.1 \
  --service-account-private-key-file "$S/sa.key" --root-ca-file "$S/api.crt" --horizontal-pod-autoscaler-sync-period="$HPA_SYNC" \
  --horizontal-pod-autoscaler-cpu-initialization-period=5s --horizontal-pod-autoscaler-initial-readiness-delay=1s
start scheduler "$S/kubenode" scheduler --kubeconfig "$S/kubeconfig" --leader-elect=false --bind-address 127.0.0.1
start metrics "$S/kubenode" metrics --kubeconfig "$S/kubeconfig" --token-file "$S/token" --interval "$METRICS_EVERY"
cat > "$S/containerd.toml" << Y
version = 2
root = "$S/containerd/root"
state = "$S/containerd/run"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]
[grpc]
  address = "$S/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  disable_apparmor = true
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$S/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
Y
cat > "$S/cni/10-bridge.conflist" << Y
{"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
 "ipam": {"type": "host-local", "dataDir": "$S/cni/ipam", "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
Y
start containerd containerd --config "$S/containerd.toml"
wait_for 30 ctr -a "$S/containerd/containerd.sock" version
"$HERE/image.sh" localhost/pause:1 "$S/tools/pause" > "$S/log/image.log"
cat > "$S/kubelet.yaml" << Y
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
containerRuntimeEndpoint: unix://$S/containerd/containerd.sock
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $S/api.crt}}
authorization: {mode: Webhook}
failSwapOn: false
makeIPTablesUtilChains: false
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 50Mi, nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%", imagefs.inodesFree: "0%"}
podLogsDir: $S/podlogs
maxPods: 40
Y
start kubelet "$S/kubenode" kubelet --config "$S/kubelet.yaml" --kubeconfig "$S/kubeconfig" --root-dir "$S/kubelet" --cert-dir "$S/kubelet/pki" \
  --hostname-override node1 --node-ip 10.99.0.2 --housekeeping-interval 1s
start proxy "$S/kubenode" proxy --kubeconfig "$S/kubeconfig" --proxy-mode nftables --cluster-cidr 10.244.0.0/24 --hostname-override node1 \
  --conntrack-max-per-core 0 --conntrack-tcp-timeout-established 0s --conntrack-tcp-timeout-close-wait 0s --metrics-bind-address 127.0.0.1:10249
"${K[@]}" apply -f "$HERE/metrics.yaml" > /dev/null
wait_for 120 "${K[@]}" wait --for=condition=Ready node/node1 --timeout=1s
wait_for 60 "${K[@]}" get serviceaccount default
wait_for 60 "${K[@]}" get --raw /apis/metrics.k8s.io/v1beta1
touch "$S/ready"
