package slo

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestKubernetes(t *testing.T) {
	for _, test := range []struct {
		text string
		want Kubernetes
	}{
		{"kubernetes: {hpa: iris-classifier-hpa}", Kubernetes{HPA: "iris-classifier-hpa"}},
		{"kubernetes: {namespace: shop-1, deployment: web.v2}", Kubernetes{Namespace: "shop-1", Deployment: "web.v2"}},
	} {
		got := parseText(t, head+oneGet+oneStage+test.text).Kubernetes
		if diff := cmp.Diff(&test.want, got, ignorePlaces); diff != "" {
			t.Errorf("%s: -want +got\n%s", test.text, diff)
		}
	}
}

func TestKubernetesIsRefused(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"kubernetes: iris", "5:13: SLO013: kubernetes must be a map"},
		{"kubernetes: {namespace: default}", `5:13: SLO014: key "hpa" or "deployment" is missing`},
		{"kubernetes: {hpa: a, deployment: b}", `5:22: SLO015: "deployment" cannot stand beside "hpa"`},
		{"kubernetes: {hpa: ../../secrets}", `5:19: SLO160: "../../secrets" is not a name of Kubernetes`},
		{"kubernetes: {hpa: a..b}", "5:19: SLO160: "},
		{"kubernetes: {hpa: A}", "5:19: SLO160: "},
		{"kubernetes: {namespace: a.b, hpa: a}", `5:25: SLO160: "a.b" is not a name of Kubernetes`},
		{"kubernetes: {hpa: a, kubeconfig: /etc/shadow}", `5:22: SLO012: unknown key "kubeconfig"`},
		{"objectives: [replicas.max <= 3]", `5:14: SLO161: "replicas.max" needs a cluster that is watched`},
		{"kubernetes: {hpa: a}\nobjectives: [cpu.max <= 0.9]", "6:25: SLO042: "},
	} {
		_, err := Parse([]byte(head+oneGet+oneStage+test.text), testOptions("slo.yaml"))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", test.text, err, test.want)
		}
	}
}

func TestObjectivesOnReplicas(t *testing.T) {
	file := parseText(t, head+oneGet+oneStage+`kubernetes: {hpa: a}
objectives: [replicas.max <= 3, scale_up_time <= 45s, cpu.max <= 150%, restarts <= 0, cpu.max <= baseline + 10%]
`)
	var got []string
	for _, o := range file.Stages[0].Objectives {
		if o.Indicator.IsCluster() {
			got = append(got, o.Indicator.String()+" "+WriteValue(o.Indicator.Unit(), o.Bound)+WriteTolerances(o.Indicator.Unit(), o.Relative))
		}
	}
	want := []string{"replicas.max 3", "scale_up_time 45s", "cpu.max 150%", "restarts 0", "cpu.max 0%+ 10%"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestLifeOfConnections(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 0, "kubernetes: {deployment: a}": 0, "kubernetes: {hpa: a}": 10 * time.Second,
		"kubernetes: {hpa: a}\nhttp: {connections: keep}": 0, "kubernetes: {hpa: a}\nhttp: {connections: new}": 0,
		"kubernetes: {hpa: a}\nhttp: {connections: 3s}": 3 * time.Second, "http: {connections: 2m}": 2 * time.Minute,
		"http: {connections: '${env.LIFE:-4s}'}": 4 * time.Second, "kubernetes: {hpa: a}\nhttp: {connections: '${env.LIFE:-keep}'}": 0,
	} {
		if got := parseText(t, head+oneGet+oneStage+text).HTTP.ConnectionAge; got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"http: {connections: 10ms}": "5:21: SLO025: ", "http: {connections: 2h}": "5:21: SLO025: ", "http: {connections: 5}": "5:21: SLO020: ",
		"http: {connections: some}": "5:21: SLO026: ", "http: {connections: '${env.LIFE}'}": "5:22: SLO052: ",
	} {
		_, err := Parse([]byte(head+oneGet+oneStage+text), testOptions("slo.yaml"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}
