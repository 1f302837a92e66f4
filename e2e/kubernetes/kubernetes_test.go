//go:build e2e

// Package kubernetes runs slogate on a real Kubernetes: the scripts beside it
// start a node in a network namespace, the demo service is deployed as a user
// would, and loaded. It needs root; see e2e/README.md.
//
// It is a module of its own, as the node is: what they need is not the
// program's.
package kubernetes

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/slogate/slogate/result"
)

// program is the image of slogate, which the demo service is, too.
const program = "localhost/slogate:1"

func TestKubernetes(t *testing.T) {
	b := newBed(t)
	t.Run("three stages", b.testStages)
	t.Run("what if", b.testWhatIf)
	// These mostly wait, and do so together.
	t.Run("what if killed", b.testWhatIfKilled)
	t.Run("spread", b.testSpread)
	t.Run("spread and cancelled", b.testSpreadCancelled)
	t.Run("spread and a worker dies", b.testSpreadDies)
	t.Run("spread without rights", b.testSpreadForbidden)
}

// The service scales in the second stage, and is at its ceiling in the third.
func (b *bed) testStages(t *testing.T) {
	d := b.deploy(t)
	d.as("slogate-watch")
	r, code := d.run(d.slogate("run", "../../demo/kubernetes/slo.yaml"))
	if code == 2 || code == 130 || r == nil {
		t.Fatalf("slogate exits with %d", code)
	}
	wantRequests(t, r)
	wantTimeline(t, r)
	const ceiling = `{.status.conditions[?(@.type=="ScalingLimited")].reason}`
	if n := d.kubectl("get", "hpa", "iris-classifier-hpa", "-o", "jsonpath={.status.desiredReplicas}"); n != "3" {
		t.Errorf("the autoscaler wants %s replicas, want 3", n)
	}
	if why := d.kubectl("get", "hpa", "iris-classifier-hpa", "-o", "jsonpath="+ceiling); why != "TooManyReplicas" {
		t.Errorf("the autoscaler is limited by %q, want TooManyReplicas", why)
	}
}

// wantTimeline holds what slogate saw of the cluster against what there was.
func wantTimeline(t *testing.T, r *result.Run) {
	t.Helper()
	if r.Timeline == nil || len(r.Timeline.Samples) == 0 {
		t.Fatal("slogate has seen nothing of the cluster")
	}
	all := r.Timeline.Samples
	if got := all[0].Replicas; got != 1 {
		t.Errorf("%d replicas in the first sample, want 1", got)
	}
	var ready, wanted int
	var atCeiling, used bool
	for _, s := range all {
		ready, wanted = max(ready, s.Ready), max(wanted, s.Wanted)
		atCeiling, used = atCeiling || s.AtCeiling, used || s.UsageMilli > 100
	}
	if ready != 3 || wanted <= 3 || !atCeiling || !used {
		t.Errorf("at most %d pods ready and %d wanted, at the ceiling %t, CPU seen %t; want 3, more, true, true", ready, wanted, atCeiling, used)
	}
	if !slices.ContainsFunc(r.Stages, func(s result.Stage) bool { return s.Cluster != nil && s.Cluster.ScaleUp > 0 }) {
		t.Error("no stage says how long scaling up took")
	}
	if !slices.ContainsFunc(r.Findings, func(f result.Finding) bool { return f.Rule == "replica-ceiling" }) {
		t.Errorf("the ceiling is not found: %+v", r.Findings)
	}
	limits := result.ClusterLimits{MinReplicas: 1, MaxReplicas: 3, TargetCPU: 0.5, RequestMilli: 100, LimitMilli: 200}
	if r.Timeline.Limits != limits {
		t.Errorf("limits %+v, want %+v", r.Timeline.Limits, limits)
	}
}

// wantRequests holds the stages of demo/kubernetes/slo.yaml against what was
// sent: every request ends in one way.
func wantRequests(t *testing.T, r *result.Run) {
	t.Helper()
	want := map[string]int64{"normal": 100, "high": 1000, "extreme": 2000}
	for _, s := range r.Stages {
		// One that fails near a bound is loaded twice.
		due := want[s.Name] * int64(max(1, s.Runs))
		if sent := s.Counters.Due(); s.State != result.Completed || sent != due {
			t.Errorf("stage %s is %s with %d requests, want %d", s.Name, s.State, sent, due)
		}
	}
	if len(r.Stages) != len(want) {
		t.Errorf("%d stages, want %d", len(r.Stages), len(want))
	}
}

// bed is a node with slogate's image.
type bed struct {
	t       *testing.T
	binary  string
	ordinal atomic.Int64
}

// newBed starts the node, unless somebody has.
func newBed(t *testing.T) *bed {
	t.Helper()
	if why := missing(); why != "" {
		t.Skip(why)
	}
	b := &bed{t: t, binary: filepath.Join(t.TempDir(), "slogate")}
	build := exec.Command("go", "build", "-C", "../..", "-trimpath", "-tags", "kubernetes", "-ldflags", "-s -w", "-o", b.binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	must(t, build)
	if out := must(t, exec.Command("./up.sh")); !strings.Contains(out, "already up") {
		t.Cleanup(func() { must(t, exec.Command("./down.sh")) })
	}
	must(t, exec.Command("./image.sh", program, b.binary))
	return b
}

// missing says why there can be no node.
func missing() string {
	if os.Getuid() != 0 {
		return "root is needed to start a node"
	}
	for _, name := range []string{"containerd", "ctr", "runc", "nft", "conntrack", "nsenter", "ip", "openssl", "curl"} {
		if _, err := exec.LookPath(name); err != nil {
			return name + " is missing: see e2e/README.md"
		}
	}
	out, err := exec.Command("bash", "-c", `. ./env.sh; [ -x "$KUBENODE" ] || echo "$KUBENODE"`).Output()
	if path := strings.TrimSpace(string(out)); err != nil || path != "" {
		return path + " is missing: build.sh makes it, in 10 to 20 minutes"
	}
	return ""
}

// deployment is the demo service in a namespace of its own.
type deployment struct {
	*bed
	t         *testing.T
	namespace string
	url       string
	out       string // slogate's folder
}

// deploy applies the manifests and waits until the service answers.
func (b *bed) deploy(t *testing.T) *deployment {
	t.Helper()
	d := &deployment{bed: b, t: t, namespace: fmt.Sprintf("e2e-%d-%d", os.Getpid(), b.ordinal.Add(1)), out: t.TempDir()}
	// With all that is in it, or it would use the node's CPU in the next test.
	t.Cleanup(func() { d.kubectl("delete", "namespace", d.namespace, "--ignore-not-found") })
	d.kubectl("create", "namespace", d.namespace)
	d.kubectl("apply", "-f", "../../demo/kubernetes/deployment.yaml", "-f", "../../demo/kubernetes/service.yaml", "-f", "../../demo/kubernetes/hpa.yaml")
	d.kubectl("wait", "--for=condition=Available", "deployment/iris-classifier", "--timeout=60s")
	// Its autoscaler has seen it and is content.
	d.kubectl("wait", "--for=condition=ScalingActive", "hpa/iris-classifier-hpa", "--timeout=60s")
	d.kubectl("wait", "--for=jsonpath={.status.desiredReplicas}=1", "hpa/iris-classifier-hpa", "--timeout=60s")
	// The node has no name server.
	d.url = "http://" + d.kubectl("get", "service", "iris-classifier", "-o", "jsonpath={.spec.clusterIP}")
	return d
}

func (d *deployment) kubectl(args ...string) string {
	d.t.Helper()
	return must(d.t, exec.Command("./in.sh", append([]string{"kubectl", "--namespace", d.namespace}, args...)...))
}

// as makes the kubeconfig that slogate gets: of an account with those of the
// documents' roles, in the deployment's namespace.
func (d *deployment) as(roles ...string) {
	d.t.Helper()
	d.kubectl("create", "serviceaccount", "slogate")
	for _, name := range []string{"watching.md", "kubernetes.md"} {
		document, err := os.ReadFile(filepath.Join("../../docs", name))
		if err != nil {
			d.t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?s)```yaml\n(apiVersion: rbac.*?)```").FindAllSubmatch(document, -1) {
			d.write("roles.yaml", string(block[1]))
			d.kubectl("apply", "-f", filepath.Join(d.out, "roles.yaml"))
		}
	}
	for _, role := range roles {
		d.kubectl("create", "rolebinding", role, "--role", role, "--serviceaccount", d.namespace+":slogate")
	}
	config := d.config()
	if err := os.WriteFile(config, []byte(d.kubectl("config", "view", "--raw", "--flatten", "-o", "json")), 0o600); err != nil {
		d.t.Fatal(err)
	}
	set := func(args ...string) {
		must(d.t, exec.Command("./in.sh", append([]string{"kubectl", "--kubeconfig", config, "config"}, args...)...))
	}
	set("set-credentials", "slogate", "--token", d.kubectl("create", "token", "slogate"))
	set("set-context", "--current", "--namespace", d.namespace, "--user", "slogate")
	set("delete-user", "admin")
}

// config is the kubeconfig that slogate gets.
func (d *deployment) config() string { return filepath.Join(d.out, "kubeconfig") }

// slogate is a command in the node's network.
func (d *deployment) slogate(args ...string) *exec.Cmd {
	in, err := filepath.Abs("in.sh") // the working directory may be another one
	if err != nil {
		d.t.Fatal(err)
	}
	c := exec.Command(in, append([]string{"env", "KUBECONFIG=" + d.config(), "TARGET_URL=" + d.url, d.binary}, args...)...)
	c.Args = append(c.Args, "--out", d.out)
	return c
}

// run runs slogate and reads the result, nil where it wrote none.
func (d *deployment) run(c *exec.Cmd) (*result.Run, int) {
	d.t.Helper()
	_, code := d.say(c)
	r, err := result.ReadFile(filepath.Join(d.out, "slogate-result.json"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.t.Fatal(err)
	}
	return r, code
}

// must runs a command that has to succeed. What it prints goes to a file: a
// server that it starts would hold a pipe open.
func must(t *testing.T, c *exec.Cmd) string {
	t.Helper()
	out, err := os.CreateTemp("", "slogate-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(out.Name())
	defer out.Close()
	c.Stdout, c.Stderr = out, out
	err = c.Run()
	text, _ := os.ReadFile(out.Name())
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(c.Args, " "), err, text)
	}
	return strings.TrimSpace(string(text))
}
