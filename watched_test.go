package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/action"
	"github.com/slogate/slogate/kube"
	"github.com/slogate/slogate/slo"
)

// The kubeconfig is found as kubectl finds it.
func TestClusterOfTheUser(t *testing.T) {
	home := t.TempDir()
	usual := filepath.Join(home, ".kube", "config")
	env := map[string]string{"HOME": home}
	p := &program{lookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
	found := func(f kubeFlags) []string { return p.cluster(f).Kubeconfig }
	if got := found(kubeFlags{}); got != nil {
		t.Errorf("nothing is there: %q", got)
	}
	if err := os.MkdirAll(filepath.Dir(usual), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(usual, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{usual}, found(kubeFlags{})); diff != "" {
		t.Error(diff)
	}
	env["KUBECONFIG"] = "a" + string(filepath.ListSeparator) + "b"
	if diff := cmp.Diff([]string{"a", "b"}, found(kubeFlags{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"c"}, found(kubeFlags{Kubeconfig: "c"})); diff != "" {
		t.Error(diff)
	}
}

// In a workflow nothing is watched but what it names, whatever lies on the
// runner, and for a stranger only the namespace that it names.
func TestClusterOfAWorkflow(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "ci/kubeconfig", "")
	for _, test := range []struct {
		kubeconfig string
		stranger   bool
		want       kube.Options
		missing    bool
	}{
		{"", false, kube.Options{}, true},
		{"in-cluster", true, kube.Options{OwnNamespace: true}, false},
		{"ci/kubeconfig", false, kube.Options{Kubeconfig: []string{"ci/kubeconfig"}}, false},
		{`{"apiVersion": "v1"}`, false, kube.Options{Text: []byte(`{"apiVersion": "v1"}`)}, false},
		{"YXBpVmVyc2lvbjogdjEK", false, kube.Options{Text: []byte("YXBpVmVyc2lvbjogdjEK")}, false},
		{"apiVersion: v1\nkind: Config", false, kube.Options{Text: []byte("apiVersion: v1\nkind: Config")}, false},
	} {
		got := clusterOf(action.Inputs{Kubeconfig: test.kubeconfig}, test.stranger)
		if diff := cmp.Diff(test.want, got.Options); diff != "" || (got.missing != "") != test.missing {
			t.Errorf("%q: missing %q, -want +got\n%s", test.kubeconfig, got.missing, diff)
		}
	}
}

// Where a workflow gives no kubeconfig the service is loaded all the same: what
// the file asks of the cluster is then inconclusive.
func TestUnwatchedClusterIsNoError(t *testing.T) {
	s := settings{Kube: clusterOf(action.Inputs{}, true)}
	pods, notes, err := s.watched(t.Context(), &program{}, &slo.File{Kubernetes: &slo.Kubernetes{HPA: "web"}})
	if err != nil || len(notes) != 1 || !strings.Contains(notes[0], "the workflow gives no kubeconfig") {
		t.Fatalf("got %q, %v", notes, err)
	}
	if _, err := pods.Sample(t.Context()); err == nil {
		t.Error("a sample of nothing")
	}
	if got := pods.Timeline(); got.Name != "web" || len(got.Missing) != 1 {
		t.Errorf("got %+v", got)
	}
	if pods, _, err := s.watched(t.Context(), &program{}, &slo.File{}); pods != nil || err != nil {
		t.Errorf("got %v, %v for a file that names none", pods, err)
	}
}
