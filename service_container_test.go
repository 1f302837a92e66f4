package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/slogate/slogate/cost"
	"github.com/slogate/slogate/slo"
)

// serveEngine serves a Docker engine at a socket.
func serveEngine(t *testing.T, mux *http.ServeMux) (socket string) {
	t.Helper()
	// A short path: the address of a Unix socket has about a hundred bytes.
	dir, err := os.MkdirTemp("", "slogate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	mux.HandleFunc("GET /_ping", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1.47") })
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: mux}}
	server.Start()
	t.Cleanup(server.Close)
	return socket
}

// engineAt is a Docker engine with one container that publishes port 8000.
func engineAt(t *testing.T) (socket string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1.47/containers/json", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `[{"Id": "abc", "Names": ["/api"], "Ports": [{"IP": "0.0.0.0", "PublicPort": 8000, "Type": "tcp"}]}]`)
	})
	used := 0
	mux.HandleFunc("GET /v1.47/containers/abc/stats", func(w http.ResponseWriter, _ *http.Request) {
		if used += 500; used > 1500 {
			used = 200 // it was started anew
		}
		fmt.Fprintf(w, `{"cpu_stats": {"cpu_usage": {"total_usage": %d}, "throttling_data": {"periods": 5}}, "memory_stats": {"usage": 7}}`, used)
	})
	return serveEngine(t, mux)
}

func TestCostOfAContainer(t *testing.T) {
	socket := engineAt(t)
	for _, c := range []struct {
		name, target, socket, want string
	}{
		{"a published port", "http://localhost:8000", socket, "container api, from docker"},
		{"another port", "http://localhost:8001", socket, ""},
		{"another machine", "http://192.0.2.1:8000", socket, ""},
		{"no engine", "http://localhost:8000", "", ""},
		{"an engine that does not answer", "http://localhost:8000", socket + "x", ""},
	} {
		find, closeEngine := containerOf(t.Context(), &slo.File{Target: c.target}, c.socket)
		source, _ := cost.Find(t.Context(), cost.Place{Container: find})
		got := ""
		if source != nil {
			got = source.String()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		closeEngine()
	}
}

func TestContainerThatIsStartedAnew(t *testing.T) {
	file := &slo.File{Target: "http://127.0.0.1:8000"}
	find, closeEngine := containerOf(t.Context(), file, engineAt(t))
	defer closeEngine()
	source, refused := cost.Find(t.Context(), cost.Place{Container: find})
	if source == nil {
		t.Fatal(refused)
	}
	var readings []cost.Reading
	for range 4 {
		r, err := source.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		readings = append(readings, r)
	}
	c := cost.Between(readings[0], readings[3]) // 1000, 1500, then 200 and 700 of the next
	if c.CPU != 1200 || c.Memory != 7 || c.Throttling == nil {
		t.Errorf("used %+v", c)
	}
}

func TestDockerSocket(t *testing.T) {
	for host, want := range map[string]string{
		"":                        runnerSocket,
		"unix:///run/user/1/sock": "/run/user/1/sock",
		"tcp://192.0.2.1:2375":    "",
		"ssh://me@elsewhere":      "",
	} {
		p := &program{lookupEnv: func(name string) (string, bool) { return host, name == "DOCKER_HOST" }}
		if got := p.dockerSocket(); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
}
