package docker

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// selfID is the container in testdata, twinID the one that the fake creates.
const (
	selfID = "fa0987115cb40577483fa9bafb0c47276aa61ba44fbaee9e858bb5ba594f0405"
	twinID = "1111111111111111111111111111111111111111111111111111111111111111"
)

// fakeEngine is an engine behind a Unix socket that behaves like Docker's in
// the calls that are used here: it has one running container and creates one
// more, whose program is a function.
type fakeEngine struct {
	t       *testing.T
	socket  string
	version string // of its API

	// program is what the twin runs: it ends when it returns its exit code.
	// Signals come in, input ends when the other side is gone.
	program func(stdout, stderr io.Writer, stdin io.Reader, signals <-chan string) int
	refuse  map[string]int // status for a call by its name: "create"

	mu      sync.Mutex
	created map[string]any // the body of create
	calls   []string
	present bool // the twin
	stdin   net.Conn
	signals chan string
	ended   chan struct{} // closed when the twin is removed
	code    int
}

func newFakeEngine(t *testing.T) *fakeEngine {
	t.Helper()
	// A short path: the address of a Unix socket has about a hundred bytes.
	dir, err := os.MkdirTemp("", "slogate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	f := &fakeEngine{
		t: t, socket: filepath.Join(dir, "s"), version: "1.50", refuse: map[string]int{},
		signals: make(chan string, 10), ended: make(chan struct{}),
	}
	l, err := net.Listen("unix", f.socket)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_ping", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", f.version) })
	f.handle(mux, "GET /{version}/containers/{id}/json", "inspect", f.inspect)
	f.handle(mux, "GET /{version}/containers/json", "list", f.file("testdata/containers.json"))
	f.handle(mux, "GET /{version}/containers/{id}/stats", "stats", f.file("testdata/stats.json"))
	f.handle(mux, "POST /{version}/containers/create", "create", f.create)
	f.handle(mux, "POST /{version}/containers/{id}/attach", "attach", f.attach)
	f.handle(mux, "POST /{version}/containers/{id}/wait", "wait", f.wait)
	f.handle(mux, "POST /{version}/containers/{id}/start", "start", f.start)
	f.handle(mux, "POST /{version}/containers/{id}/kill", "kill", f.kill)
	f.handle(mux, "DELETE /{version}/containers/{id}", "remove", f.remove)
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: mux}}
	server.Start()
	t.Cleanup(server.Close)
	return f
}

func (f *fakeEngine) handle(mux *http.ServeMux, pattern, name string, serve http.HandlerFunc) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.calls = append(f.calls, name)
		status := f.refuse[name]
		f.mu.Unlock()
		if status != 0 {
			say(w, status, "refused\nas the test wants")
			return
		}
		serve(w, r)
	})
}

func (f *fakeEngine) called() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

func (f *fakeEngine) left() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.present
}

func say(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"message": message})
}

// file answers with a file.
func (f *fakeEngine) file(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		text, err := os.ReadFile(name)
		if err != nil {
			f.t.Error(err)
		}
		w.Write(text)
	}
}

func (f *fakeEngine) inspect(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if id != selfID && id != selfID[:12] {
		say(w, http.StatusNotFound, "No such container: "+id)
		return
	}
	text, err := os.ReadFile("testdata/inspect.json")
	if err != nil {
		f.t.Error(err)
	}
	w.Write(text)
}

func (f *fakeEngine) create(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := json.NewDecoder(r.Body).Decode(&f.created); err != nil {
		say(w, http.StatusBadRequest, err.Error())
		return
	}
	f.present = true
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"Id":%q,"Warnings":[]}`, twinID)
}

func (f *fakeEngine) attach(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "tcp" {
		say(w, http.StatusBadRequest, "no upgrade")
		return
	}
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		f.t.Error(err)
		return
	}
	f.mu.Lock()
	f.stdin = c // before the answer, after which the twin may be started
	f.mu.Unlock()
	io.WriteString(c, "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
}

func (f *fakeEngine) wait(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("condition") != "removed" {
		say(w, http.StatusBadRequest, "the test wants to wait for the removal")
		return
	}
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	select {
	case <-f.ended:
		fmt.Fprintf(w, `{"StatusCode":%d}`, f.code)
	case <-r.Context().Done():
	}
}

func (f *fakeEngine) start(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	c := f.stdin
	f.mu.Unlock()
	go func() {
		code := f.program(frames{c, streamStdout}, frames{c, streamStderr}, c, f.signals)
		c.Close()
		f.gone(code)
	}()
	w.WriteHeader(http.StatusNoContent)
}

// gone removes the twin, as the engine does by itself.
func (f *fakeEngine) gone(code int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.present {
		f.present, f.code = false, code
		close(f.ended)
	}
}

func (f *fakeEngine) kill(w http.ResponseWriter, r *http.Request) {
	f.signals <- r.URL.Query().Get("signal")
	w.WriteHeader(http.StatusNoContent)
}

func (f *fakeEngine) remove(w http.ResponseWriter, r *http.Request) {
	if !f.left() {
		say(w, http.StatusNotFound, "No such container")
		return
	}
	if r.URL.Query().Get("force") != "1" {
		say(w, http.StatusConflict, "it runs")
		return
	}
	f.gone(137)
	w.WriteHeader(http.StatusNoContent)
}

// frames writes one stream of a container without a terminal.
type frames struct {
	to     io.Writer
	stream byte
}

func (s frames) Write(p []byte) (int, error) {
	frame := append([]byte{s.stream, 0, 0, 0}, binary.BigEndian.AppendUint32(nil, uint32(len(p)))...)
	if _, err := s.to.Write(append(frame, p...)); err != nil {
		return 0, err
	}
	return len(p), nil
}
