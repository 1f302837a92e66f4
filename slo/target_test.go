package slo

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The host of a target that is a secret is one by itself, as routes and errors
// name it; that it is this machine is none.
func TestHostOfASecretTarget(t *testing.T) {
	for secret, tt := range map[string]struct {
		target string
		want   []string
	}{
		"http://shop.corp:8080": {"${secret.WHERE}", []string{"http://shop.corp:8080", "shop.corp:8080", "shop.corp"}},
		"https://shop.corp":     {"${secret.WHERE}", []string{"https://shop.corp", "shop.corp"}},
		"shop.corp:8080":        {"http://${secret.WHERE}", []string{"shop.corp:8080", "shop.corp"}},
		"http://10.1.2.3:80":    {"${secret.WHERE}", []string{"http://10.1.2.3:80", "10.1.2.3:80", "10.1.2.3"}},
		"http://127.0.0.1:8000": {"${secret.WHERE}", []string{"http://127.0.0.1:8000", "127.0.0.1:8000"}},
		"http://localhost":      {"${secret.WHERE}", []string{"http://localhost"}},
		"8080":                  {"http://shop.corp:${secret.WHERE}", []string{"8080"}},
	} {
		options := testOptions("slo.yaml")
		options.Env = func(string) (string, bool) { return secret, true }
		file, err := Parse([]byte("version: 1\ntarget: '"+tt.target+"'\n"+oneGet+oneStage), options)
		if err != nil {
			t.Fatalf("%s: %v", secret, err)
		}
		if diff := cmp.Diff(tt.want, file.Secrets); diff != "" {
			t.Errorf("%s (-want +got):\n%s", secret, diff)
		}
	}
}
