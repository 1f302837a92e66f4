package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/slogate/slogate/action"
	"github.com/slogate/slogate/action/route"
	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/slo"
)

// bridge is the file system of a container on a bridge. Its gateway is the
// broadcast address: the kernel refuses to connect to it and sends nothing.
var bridge = fstest.MapFS{
	".dockerenv":                 {},
	"proc/net/route":             {Data: []byte("eth0\t00000000\tFFFFFFFF\t0003\t0\t0\t0\t00000000\t0\t0\t0\n")},
	"sys/class/net/eth0/ifindex": {Data: []byte("2\n")},
	"sys/class/net/eth0/iflink":  {Data: []byte("7\n")},
}

// serveHealth answers GET /health with a status, and returns its port.
func serveHealth(t *testing.T, status int) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	t.Cleanup(s.Close)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func waitingFile(t *testing.T, target, patience string) *slo.File {
	t.Helper()
	file, err := slo.Parse(fmt.Appendf(nil, `version: 1
target: %s
wait_for: {request: GET /health, timeout: %s}
scenarios: [{request: GET /}]
stages: [{name: short, requests: 100, workers: 1}]
`, target, patience), slo.Options{Path: "slo.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func testNetwork(t *testing.T) (*network, *program, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	p := &program{lookupEnv: func(string) (string, bool) { return "", false }, stdout: &log, stderr: &log}
	n := newNetwork(p)
	n.socket = filepath.Join(t.TempDir(), "none")
	n.system = route.System{Files: bridge, Lookup: func(context.Context, string) ([]string, error) { return nil, errors.New("no such host") }}
	return n, p, &log
}

// published is the job's context with a service at localhost:port, published
// as another port.
func published(port, as string) string {
	return fmt.Sprintf(`{"localhost": {"ports": {%q: %q}}}`, port, as)
}

// A server that accepts connections and answers something else is not the
// target, though it is the address as given.
func TestWrongServerIsNotFinal(t *testing.T) {
	wrong, right := serveHealth(t, http.StatusNotFound), serveHealth(t, http.StatusOK)
	n, p, _ := testNetwork(t)
	got, err := n.find(t.Context(), p, waitingFile(t, "http://127.0.0.1:"+wrong, "20s"), action.Inputs{Network: "auto", Services: published(right, wrong)})
	want := way{address: "localhost:" + right, via: "127.0.0.1:" + wrong + " via service localhost:" + right}
	if err != nil || got != want {
		t.Errorf("find = %+v, %v; want %+v", got, err, want)
	}
}

func TestFindTakesTheGivenAddress(t *testing.T) {
	port := serveHealth(t, http.StatusOK)
	for name, change := range map[string]func(*network){
		"bridge":                func(*network) {},
		"twin":                  func(n *network) { n.twin = true },
		"on the runner":         func(n *network) { n.direct = true },
		"no container":          func(n *network) { n.system.Files = fstest.MapFS{} },
		"self-hosted":           func(n *network) { n.selfHosted = true },
		"a fork's pull request": func(n *network) { n.trust.stranger = true },
	} {
		t.Run(name, func(t *testing.T) {
			n, p, log := testNetwork(t)
			change(n)
			got, err := n.find(t.Context(), p, waitingFile(t, "http://127.0.0.1:"+port, "20s"), action.Inputs{Network: "auto"})
			if want := (way{twin: n.twin}); err != nil || got != want || strings.Contains(log.String(), "warning") {
				t.Errorf("find = %+v, %v; want %+v; said %q", got, err, want, log)
			}
		})
	}
}

func TestFindSaysWhyNot(t *testing.T) {
	wrong := serveHealth(t, http.StatusNotFound)
	for name, tt := range map[string]struct {
		mode         string
		fork, direct bool
		want         string
	}{
		"no socket":              {"auto", false, false, "docker socket"},
		"bridge":                 {"bridge", false, false, "the input network is bridge"},
		"fork":                   {"auto", true, false, "pull request of a fork"},
		"in the job's container": {"host", false, true, "no container of its own"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, p, _ := testNetwork(t)
			n.trust.stranger, n.direct = tt.fork, tt.direct
			_, err := n.find(t.Context(), p, waitingFile(t, "http://localhost:"+wrong, "3s"), action.Inputs{Network: tt.mode})
			notFound, ok := errors.AsType[*route.NotFoundError](err)
			if !ok || !strings.Contains(notFound.Host, tt.want) || len(notFound.Tried) != 2 || !strings.Contains(err.Error(), "status 404") {
				t.Errorf("error = %v, want %q and two addresses", err, tt.want)
			}
		})
	}
}

func TestFindObeysCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n, p, _ := testNetwork(t)
	if _, err := n.find(ctx, p, waitingFile(t, "http://localhost:"+serveHealth(t, http.StatusNotFound), "20s"), action.Inputs{Network: "bridge"}); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
}

func TestDemandedHostWithoutSocket(t *testing.T) {
	n, p, _ := testNetwork(t)
	_, done, err := n.demandHost(t.Context(), p)
	if done || err == nil || !strings.HasPrefix(err.Error(), "network host: docker socket") {
		t.Errorf("done %v, error %v", done, err)
	}
}

func TestTwinRepeatsWhatWasTried(t *testing.T) {
	n := &network{twin: true, earlier: "tried 172.17.0.1:80"}
	err := n.explain(&loader.NotReadyError{Host: "localhost:80"})
	if _, ok := errors.AsType[*loader.NotReadyError](err); !ok || !strings.Contains(err.Error(), n.earlier) {
		t.Errorf("error = %v", err)
	}
	other := errors.New("disk full")
	if got := n.explain(other); !errors.Is(got, other) || got.Error() != "disk full" {
		t.Errorf("error = %v", got)
	}
}

func TestTwinEndsWithItsInput(t *testing.T) {
	in, out := io.Pipe()
	ctx := untilAbandoned(t.Context(), in)
	if ctx.Err() != nil {
		t.Error("ended at once")
	}
	out.Close()
	<-ctx.Done()
}

func TestHostPort(t *testing.T) {
	for target, want := range map[string]string{
		"http://localhost:8080/a": "localhost:8080", "http://localhost": "localhost:80", "https://127.0.0.1": "127.0.0.1:443",
		"http://[::1]:8080": "[::1]:8080", "http://api.localhost:1": "api.localhost:1", "http://api:8080": "", "http://a b": "",
	} {
		if got, ok := hostPort(target); got != want || ok != (want != "") {
			t.Errorf("hostPort(%s) = %q, %v; want %q", target, got, ok, want)
		}
	}
}

// The log begins with what runs: version, reference, image.
func TestAnnounce(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1.47/containers/"+id+"/json", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"Id": %q, "Image": "sha256:77", "Path": "/slogate", "Args": ["action"], "State": {"Running": true}}`, id)
	})
	n, p, log := testNetwork(t)
	n.announce(t.Context(), p)
	if got, want := log.String(), "slogate "+version()+"\n"; got != want {
		t.Errorf("without an engine: %q, want %q", got, want)
	}
	log.Reset()
	n.socket = serveEngine(t, mux)
	n.system.Files = fstest.MapFS{
		"proc/1/cmdline":      {Data: []byte("/slogate\x00action\x00")},
		"proc/self/mountinfo": {Data: []byte("1 2 0:3 /containers/" + id + "/hostname /etc/hostname rw\n")},
	}
	p.lookupEnv = func(name string) (string, bool) {
		v, ok := map[string]string{"GITHUB_ACTION_REPOSITORY": "slogate/slogate", "GITHUB_ACTION_REF": "v1"}[name]
		return v, ok
	}
	n.announce(t.Context(), p)
	if got, want := log.String(), "slogate "+version()+", slogate/slogate@v1, image sha256:77\n"; got != want {
		t.Errorf("announced %q, want %q", got, want)
	}
	log.Reset()
	n.direct = true
	n.announce(t.Context(), p)
	if got, want := log.String(), "slogate "+version()+", slogate/slogate@v1, on the runner\n"; got != want {
		t.Errorf("announced on the runner %q, want %q", got, want)
	}
}
