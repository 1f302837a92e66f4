package loader

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

var update = flag.Bool("update", false, "rewrite golden files")

// parse reads an SLO file for a target; each stage that tests load is their own.
func parse(t testing.TB, target, scenarios string) *slo.File {
	t.Helper()
	return parseWhole(t, "version: 1\ntarget: "+target+"\nhttp: {timeout: 1m}\nscenarios:\n"+scenarios+"\nstages:\n  - {name: s, requests: 1, workers: 1}\nobjectives:\n  - p95 <= 1s\n")
}

// parseWhole reads an SLO file.
func parseWhole(t testing.TB, src string) *slo.File {
	t.Helper()
	file, err := slo.Parse([]byte(src), slo.Options{
		Path: "slo.yaml",
		Env:  func(name string) (string, bool) { return "s3cret/value", name == "KEY" },
	})
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestOnce(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		w.Header().Set("X-Echo", r.Header.Get("X-Key"))
		if r.URL.Path == "/evil" {
			w.WriteHeader(500)
			fmt.Fprintf(w, "\x1b[2J\n::error::%s\r\n", r.Header.Get("X-Key"))
			return
		}
		// All of it first: a server that has begun to answer may drop the rest.
		body, _ := io.ReadAll(r.Body)
		w.Write(body)
	})
	file := parse(t, url, `
  - name: good
    steps:
      - {name: post, request: 'POST /a?x=1', body: '{"a": 1}', headers: {x-key: '${secret.KEY}'}, checks: ['json.a == 1', 'json.a == 2']}
      - {name: never, request: GET /b}
  - name: evil
    steps:
      - {name: evil, request: GET /evil, headers: {x-key: '${secret.KEY}'}}
      - {name: never, request: GET /b}
  - name: long
    steps:
      - {name: long, request: POST /long, body: '`+strings.Repeat("x", onceBody)+`yyy'}
      - pause: 1ms`)
	var b bytes.Buffer
	if err := newLoader(t, file, Options{Seed: 1}).Once(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(b.String(), strings.TrimPrefix(url, "http://"), "HOST")
	got = regexp.MustCompile(`, [0-9.]+ (µs|ms|s), `).ReplaceAllString(got, ", TIME, ")
	got = regexp.MustCompile(`x{100,}`).ReplaceAllStringFunc(got, func(s string) string { return fmt.Sprintf("(%d times x)", len(s)) })
	golden(t, "once.txt", got)
	if strings.Contains(got, "s3cret") {
		t.Error("the secret is printed")
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestOnceReportsAFullDisk(t *testing.T) {
	l := newLoader(t, fileOf(serve(t, ok), get("/")), Options{})
	r, w := io.Pipe()
	r.CloseWithError(syscall.ENOSPC)
	if err := l.Once(t.Context(), w); err != syscall.ENOSPC {
		t.Errorf("got %v", err)
	}
}

// Errors that a test cannot bring about without harming its neighbours.
func TestClassify(t *testing.T) {
	wrap := func(err error) error { return fmt.Errorf("dial: %w", &os.SyscallError{Syscall: "connect", Err: err}) }
	tests := map[error]result.Class{
		wrap(syscall.EMFILE):                                             result.Local,
		wrap(syscall.EADDRNOTAVAIL):                                      result.Local,
		wrap(syscall.ENETUNREACH):                                        result.Local,
		&ledError{wrap(syscall.EMFILE)}:                                  result.Local,
		&ledError{wrap(syscall.ENETUNREACH)}:                             result.Refused,
		wrap(syscall.EHOSTUNREACH):                                       result.Refused,
		wrap(syscall.ETIMEDOUT):                                          result.Timeout,
		wrap(syscall.EPIPE):                                              result.Reset,
		wrap(syscall.ECONNREFUSED):                                       result.Refused,
		&handshakeError{wrap(syscall.ECONNRESET)}:                        result.Reset,
		&handshakeError{fmt.Errorf("tls: no cipher")}:                    result.TLS,
		&net.OpError{Op: "dial", Net: "unix", Err: wrap(syscall.EAGAIN)}: result.Refused,
		&net.OpError{Op: "dial", Net: "unix", Err: wrap(syscall.ENOENT)}: result.Refused,
		&net.OpError{Op: "read", Net: "unix", Err: wrap(syscall.ENOENT)}: result.Protocol,
		fmt.Errorf("malformed"):                                          result.Protocol,
	}
	for err, want := range tests {
		if got := classify(err); got != want {
			t.Errorf("%v is %s, want %s", err, got, want)
		}
	}
}
