//go:build kubernetes

package kube

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// server answers who asks it with the token "good".
func server(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer good" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{}`))
	}))
	t.Cleanup(s.Close)
	return s
}

// kubeconfig writes one with two contexts and a user.
func kubeconfig(t *testing.T, address, user string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	text := fmt.Sprintf(`
apiVersion: v1
kind: Config
current-context: shop
clusters:
  - {name: c, cluster: {server: %q, insecure-skip-tls-verify: true}}
contexts:
  - {name: shop, context: {cluster: c, user: u, namespace: shop}}
  - {name: plain, context: {cluster: c, user: u}}
users:
  - {name: u, user: %s}
`, address, user)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConnectUsesAToken(t *testing.T) {
	path := kubeconfig(t, server(t).URL, `{token: good}`)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		o    Options
		want string
	}{
		{"the current context", Options{}, "shop"},
		{"another context", Options{Context: "plain"}, "default"},
		{"a text", Options{Text: text}, "shop"},
		{"a namespace", Options{Namespace: "other"}, "other"},
		{"its own namespace", Options{Namespace: "shop", OwnNamespace: true}, "shop"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.o.Text == nil {
				test.o.Kubeconfig = []string{path}
			}
			c, err := Connect(t.Context(), test.o)
			if err != nil {
				t.Fatal(err)
			}
			if c.Namespace != test.want {
				t.Errorf("got namespace %q, want %q", c.Namespace, test.want)
			}
			if err := c.Get(t.Context(), "/version", nil, nil); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestConnectAsksAProgramForCredentials(t *testing.T) {
	program := filepath.Join(t.TempDir(), "cloud-auth")
	script := `#!/bin/sh
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"good"}}'
`
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	user := fmt.Sprintf(`{exec: {apiVersion: client.authentication.k8s.io/v1, command: %q, interactiveMode: Never}}`, program)
	c, err := Connect(t.Context(), Options{Kubeconfig: []string{kubeconfig(t, server(t).URL, user)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Get(t.Context(), "/version", nil, nil); err != nil {
		t.Error(err)
	}
}

// The credentials are the API server's alone.
func TestConnectFollowsNoRedirect(t *testing.T) {
	asked := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer elsewhere.Close()
	s := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer s.Close()
	c, err := Connect(t.Context(), Options{Kubeconfig: []string{kubeconfig(t, s.URL, `{token: good}`)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Get(t.Context(), "/version", nil, nil); Status(err) != http.StatusTemporaryRedirect || asked {
		t.Errorf("got %v, the other server was asked: %t", err, asked)
	}
}

func TestConnectExplainsWhatIsMissing(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	good := kubeconfig(t, "https://127.0.0.1:1", `{token: good}`)
	garbage := filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage, []byte("\x00 no YAML: ["), 0o600); err != nil {
		t.Fatal(err)
	}
	plugin := kubeconfig(t, "https://127.0.0.1:1", `{exec: {apiVersion: client.authentication.k8s.io/v1, command: /opt/bin/no-such-auth, interactiveMode: Never}}`)
	for _, test := range []struct {
		name string
		o    Options
		want string
		hint string
	}{
		{"nothing", Options{}, "there is no kubeconfig", "KUBECONFIG"},
		{"a context in a pod", Options{Context: "x"}, `the context "x" needs a kubeconfig`, "KUBECONFIG"},
		{"no file", Options{Kubeconfig: []string{"/no/such/file"}}, "holds no context", "get-contexts"},
		{"garbage", Options{Kubeconfig: []string{garbage}}, "read the kubeconfig", ""},
		{"a text that is none", Options{Text: []byte("token: s3cr3t: [")}, "read the kubeconfig: it is neither the text of one nor a file", ""},
		{"an unknown context", Options{Kubeconfig: []string{good}, Context: "x"}, `context "x" does not exist`, "get-contexts"},
		{"a program that is not here", Options{Kubeconfig: []string{plugin}}, `the program "no-such-auth", which is not here`, "kubectl create token"},
		{"a stranger's namespace", Options{Kubeconfig: []string{good}, Namespace: "kube-system", OwnNamespace: true}, `watches the namespace "kube-system"`, "set-context"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Connect(t.Context(), test.o)
			e, ok := errors.AsType[*ConnectError](err)
			if !ok || !strings.Contains(err.Error(), test.want) || !strings.Contains(e.Hint, test.hint) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
