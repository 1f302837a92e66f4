//go:build kubernetes

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
)

// small is an API server with the autoscaler web, its Deployment and one pod. It
// has no metrics server, and gives no events away.
func small(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web":
		fmt.Fprint(w, `{"spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "maxReplicas": 3},
			"status": {"desiredReplicas": 1}}`)
	case "/apis/apps/v1/namespaces/shop/deployments/web":
		fmt.Fprint(w, `{"spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}}}`)
	case "/api/v1/namespaces/shop/pods":
		fmt.Fprint(w, `{"items": [{"metadata": {"name": "web-<b>", "uid": "1"}, "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}]}`)
	case "/api/v1/namespaces/shop/events":
		w.WriteHeader(http.StatusForbidden)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// A run watches the cluster that its file names, and judges what it saw.
func TestRunWatchesACluster(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(small))
	defer api.Close()
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer target.Close()
	for _, test := range []struct {
		name, hpa string
		code      int
		want      []string // of standard output and error
	}{
		{"as it is", "web", exitInconclusive, []string{
			"watching shop/web on " + api.URL, "not seen: usage of CPU and memory: the cluster has no metrics server",
			`the role lacks the rule - {apiGroups: [""], resources: [events], verbs: [list]}`,
			"replicas.max <= 3", "the cluster did not show cpu.max in the stage",
		}},
		{"another name", "wep", exitUsage, []string{`error: kubernetes: there is no HorizontalPodAutoscaler "wep" in the namespace "shop"`, "hint: see kubectl get hpa"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			out, kubeconfig, file := filepath.Join(dir, "out"), filepath.Join(dir, "config"), filepath.Join(dir, "slo.yaml")
			for path, text := range map[string]string{
				kubeconfig: fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: c, clusters: [{name: c, cluster: {server: %q}}], contexts: [{name: c, context: {cluster: c, namespace: shop}}]}`, api.URL),
				file: fmt.Sprintf(`version: 1
target: %s
scenarios: [{steps: [{request: GET /}, {pause: 20ms}]}]
kubernetes: {hpa: %s}
stages: [{name: steady, workers: 1, duration: 2s}]
objectives: [replicas.max <= 3, restarts <= 0, cpu.max <= 90%%]
`, target.URL, test.hpa),
			} {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var output bytes.Buffer
			code := Main(t.Context(), []string{"run", "--kubeconfig", kubeconfig, "--out", out, file}, os.LookupEnv, &output, &output)
			if code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			for _, want := range test.want {
				if !strings.Contains(strings.Join(strings.Fields(output.String()), " "), want) {
					t.Errorf("no %q", want)
				}
			}
			if t.Failed() {
				t.Log(output.String())
			}
			if test.code == exitUsage {
				return
			}
			r, err := result.ReadFile(filepath.Join(out, resultFile))
			if err != nil {
				t.Fatal(err)
			}
			if r.Timeline == nil || len(r.Timeline.Samples) == 0 || r.Timeline.Samples[0].Pods[0].Name != "web-<b>" {
				t.Errorf("timeline: %+v", r.Timeline)
			}
			if got := r.Judgement.Objectives; got[0].Verdict != result.Pass || got[1].Verdict != result.Pass || got[2].Verdict != result.Inconclusive {
				t.Errorf("judged %s, %s, %s", got[0].Verdict, got[1].Verdict, got[2].Verdict)
			}
		})
	}
}

// A run that is cancelled before its workers have begun is a cancelled one,
// whatever verdicts are let pass.
func TestSpreadRunThatIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			fmt.Fprintf(w, `{"metadata": {"uid": "1", "creationTimestamp": %q}}`, time.Now().UTC().Format(time.RFC3339))
		case strings.HasSuffix(r.URL.Path, "/pods"): // they are waited for
			cancel()
			fmt.Fprint(w, `{}`)
		default:
			fmt.Fprint(w, `{}`)
		}
	}))
	defer api.Close()
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, "config", fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: c, clusters: [{name: c, cluster: {server: %q}}], contexts: [{name: c, context: {cluster: c, namespace: shop}}]}`, api.URL))
	write(t, "slo.yaml", `version: 1
target: http://web
scenarios: [{request: GET /}]
stages: [{name: steady, rate: 50/s, duration: 2s}]
`)
	var output bytes.Buffer
	args := []string{"run", "--kubeconfig", "config", "--on", "kubernetes", "--workers", "2", "--image", "slogate:1", "--gate", "report", "slo.yaml"}
	if code := Main(ctx, args, os.LookupEnv, &output, &output); code != exitCancelled {
		t.Errorf("exit code %d, want %d\n%s", code, exitCancelled, &output)
	}
}
