package docker

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// inContainer is what the system of the container in testdata says.
func inContainer(t testing.TB) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{
		"proc/sys/kernel/hostname": {Data: []byte("fa0987115cb4\n")},
		"proc/1/cmdline":           {Data: []byte("/slogate\x00action\x00")},
	}
	for name, from := range map[string]string{"proc/self/mountinfo": "mountinfo", "proc/self/cgroup": "cgroup"} {
		text, err := os.ReadFile(filepath.Join("testdata", from))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: text}
	}
	return files
}

func connect(t *testing.T, f *fakeEngine) *Engine {
	t.Helper()
	e, err := Connect(t.Context(), f.socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func self(t *testing.T, e *Engine) *Container {
	t.Helper()
	c, err := e.Self(t.Context(), inContainer(t))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNegotiate(t *testing.T) {
	for theirs, want := range map[string]string{
		"1.50": "1.47", "1.47": "1.47", "1.30": "1.30", "1.41": "1.41",
		"1.29": "", "": "", "2.0": "", "1.": "", "1.x/../../etc": "", "1.-1": "",
	} {
		got, err := negotiate(theirs)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("negotiate(%q) = %q, %v; want %q", theirs, got, err, want)
		}
	}
}

func TestConnectWithoutEngine(t *testing.T) {
	_, err := Connect(t.Context(), filepath.Join(t.TempDir(), "none"))
	if err == nil || !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "http://") {
		t.Errorf("error = %v", err)
	}
	old := newFakeEngine(t)
	old.version = "1.24"
	if _, err := Connect(t.Context(), old.socket); err == nil || !strings.Contains(err.Error(), "older than") {
		t.Errorf("error = %v", err)
	}
}

func TestSelf(t *testing.T) {
	without := func(names ...string) fs.FS {
		files := maps.Clone(inContainer(t))
		for _, name := range names {
			delete(files, name)
		}
		return files
	}
	joined := inContainer(t)
	joined["proc/1/cmdline"] = &fstest.MapFile{Data: []byte("tail\x00-f\x00/dev/null\x00")}
	other := fstest.MapFS{"proc/sys/kernel/hostname": {Data: []byte("222222222222\n")}}
	for name, tt := range map[string]struct {
		files fs.FS
		known bool
	}{
		"mountinfo":             {without(), true},
		"control groups":        {without("proc/self/mountinfo"), true},
		"hostname":              {without("proc/self/mountinfo", "proc/self/cgroup"), true},
		"nothing":               {fstest.MapFS{}, false},
		"another one's network": {joined, false},
		"no processes":          {without("proc/1/cmdline"), false},
		"another engine's":      {other, false},
		"a machine's name":      {fstest.MapFS{"proc/sys/kernel/hostname": {Data: []byte("runner-1\n")}}, false},
		"a path in the name":    {fstest.MapFS{"proc/sys/kernel/hostname": {Data: []byte("../../images\n")}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := connect(t, newFakeEngine(t)).Self(t.Context(), tt.files)
			if tt.known && (err != nil || c.ID != selfID) || !tt.known && !errors.Is(err, ErrNoContainer) {
				t.Errorf("Self = %+v, %v", c, err)
			}
		})
	}
}

func TestSelfTellsTrouble(t *testing.T) {
	f := newFakeEngine(t)
	f.refuse["inspect"] = 500
	_, err := connect(t, f).Self(t.Context(), inContainer(t))
	if err == nil || err.Error() != "inspect this container: the engine answered 500: refused as the test wants" {
		t.Errorf("error = %v", err)
	}
}

func TestInHostNetwork(t *testing.T) {
	c := self(t, connect(t, newFakeEngine(t)))
	if c.InHostNetwork() {
		t.Error("a network of the runner is the host's")
	}
	c.HostConfig["NetworkMode"] = []byte(`"host"`)
	if !c.InHostNetwork() {
		t.Error("the host's network is not")
	}
}

func TestRunInHostNetwork(t *testing.T) {
	f := newFakeEngine(t)
	f.program = func(stdout, stderr io.Writer, _ io.Reader, _ <-chan string) int {
		fmt.Fprintln(stdout, "verdict")
		fmt.Fprintln(stderr, "progress")
		fmt.Fprint(stdout, strings.Repeat("x", 1<<20))
		return 3
	}
	e := connect(t, f)
	var stdout, stderr bytes.Buffer
	code, err := e.RunInHostNetwork(t.Context(), self(t, e), "what was tried", &stdout, &stderr)
	if code != 3 || err != nil {
		t.Errorf("exit code %d, %v", code, err)
	}
	if got := stdout.String(); got != "verdict\n"+strings.Repeat("x", 1<<20) || stderr.String() != "progress\n" {
		t.Errorf("stdout %d bytes %.20q, stderr %q", len(got), got, &stderr)
	}
	want := map[string]any{
		"Image": "sha256:0d57a6b3f044c4a001e4868c14738ff2835200255ff76d877fed905d164ead16",
		"User":  "", "Cmd": []any{"action"}, "Entrypoint": []any{"/slogate"}, "WorkingDir": "/github/workspace",
		"Env": []any{
			"HOME=/github/home", "INPUT_TARGET=http://localhost:8080", "TOKEN=hunter2", "SLOGATE_HOST_NETWORK=what was tried",
		},
		"Labels":      map[string]any{"runner": "abc"},
		"AttachStdin": true, "AttachStdout": true, "AttachStderr": true, "OpenStdin": true, "StdinOnce": true,
		"HostConfig": map[string]any{
			"Binds":       []any{"/var/run/docker.sock:/var/run/docker.sock", "/home/runner/work:/github/workspace"},
			"NetworkMode": "host", "AutoRemove": true, "PublishAllPorts": false,
			"Memory": float64(1 << 30), "NanoCpus": 5e8, "SecurityOpt": []any{"no-new-privileges"},
		},
	}
	if diff := cmp.Diff(want, f.created); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	if f.left() {
		t.Error("the twin is left")
	}
}

// Every call may fail: the error says which, nothing is left, and the secret
// in the environment is not repeated.
func TestRunFails(t *testing.T) {
	for call, want := range map[string]string{
		"create": "create a container in the host's network: the engine answered 403",
		"attach": "attach to container 111111111111: the engine answered 403",
		"wait":   "wait for container 111111111111: the engine answered 403",
		"start":  "start container 111111111111: the engine answered 403",
	} {
		t.Run(call, func(t *testing.T) {
			f := newFakeEngine(t)
			f.refuse[call] = 403
			e := connect(t, f)
			_, err := e.RunInHostNetwork(t.Context(), self(t, e), "", io.Discard, io.Discard)
			if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error = %v, want %s", err, want)
			}
			if f.left() {
				t.Errorf("the twin is left after %v", f.called())
			}
		})
	}
}

func TestRunForwardsTheCancel(t *testing.T) {
	f := newFakeEngine(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.program = func(stdout, _ io.Writer, _ io.Reader, signals <-chan string) int {
		cancel()
		fmt.Fprint(stdout, <-signals)
		return 130
	}
	e := connect(t, f)
	var stdout bytes.Buffer
	code, err := e.RunInHostNetwork(ctx, self(t, e), "", &stdout, io.Discard)
	if code != 130 || err != nil || stdout.String() != "SIGINT" {
		t.Errorf("exit code %d, %v, output %q", code, err, &stdout)
	}
	if f.left() {
		t.Error("the twin is left")
	}
}

func TestRunRemovesATwinThatDoesNotEnd(t *testing.T) {
	f := newFakeEngine(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.program = func(_, _ io.Writer, stdin io.Reader, _ <-chan string) int {
		cancel()
		io.Copy(io.Discard, stdin) // ends when the other side is gone
		<-f.ended
		return 0
	}
	e := connect(t, f)
	e.endWithin = time.Millisecond
	if _, err := e.RunInHostNetwork(ctx, self(t, e), "", io.Discard, io.Discard); err == nil {
		t.Error("no error")
	}
	if f.left() {
		t.Error("the twin is left")
	}
}

// broken is a log that nobody reads any more.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestRunEndsWhenItsOutputCannotBeWritten(t *testing.T) {
	f := newFakeEngine(t)
	f.program = func(stdout, _ io.Writer, stdin io.Reader, _ <-chan string) int {
		fmt.Fprintln(stdout, "verdict")
		io.Copy(io.Discard, stdin)
		<-f.ended
		return 0
	}
	e := connect(t, f)
	_, err := e.RunInHostNetwork(t.Context(), self(t, e), "", broken{}, io.Discard)
	if !errors.Is(err, io.ErrClosedPipe) || f.left() {
		t.Errorf("error = %v, left %v", err, f.left())
	}
}

func TestRunNotAtAllAfterACancel(t *testing.T) {
	f := newFakeEngine(t)
	e := connect(t, f)
	c := self(t, e)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.RunInHostNetwork(ctx, c, "", io.Discard, io.Discard); !errors.Is(err, context.Canceled) || f.left() {
		t.Errorf("error = %v, left %v", err, f.left())
	}
}

func TestDemultiplex(t *testing.T) {
	for name, tt := range map[string]struct {
		in, stdout, stderr string
		wrong              bool
	}{
		"empty":             {},
		"both":              {"\x01\x00\x00\x00\x00\x00\x00\x02ab\x02\x00\x00\x00\x00\x00\x00\x01c\x01\x00\x00\x00\x00\x00\x00\x01d", "abd", "c", false},
		"empty frame":       {"\x01\x00\x00\x00\x00\x00\x00\x00", "", "", false},
		"input, echoed":     {"\x00\x00\x00\x00\x00\x00\x00\x01x", "", "", false},
		"half a header":     {"\x01\x00\x00", "", "", true},
		"half a frame":      {"\x01\x00\x00\x00\x00\x00\x00\x05ab", "ab", "", true},
		"header alone":      {"\x01\x00\x00\x00\x00\x00\x00\x05", "", "", true},
		"an unknown stream": {"\x03\x00\x00\x00\x00\x00\x00\x01x", "", "", true},
		"a terminal's":      {"plain text", "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			err := demultiplex(strings.NewReader(tt.in), &stdout, &stderr)
			if stdout.String() != tt.stdout || stderr.String() != tt.stderr || (err != nil) != tt.wrong {
				t.Errorf("stdout %q, stderr %q, error %v", &stdout, &stderr, err)
			}
		})
	}
}

func FuzzDemultiplex(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00\x00\x00\x00\x02ab\x02\x00\x00\x00\x00\x00\x00\x01c"))
	f.Add([]byte("\x01\x00\x00\x00\xff\xff\xff\xffab"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var out bytes.Buffer
		err := demultiplex(bytes.NewReader(in), &out, &out)
		if out.Len() > len(in) {
			t.Errorf("%d bytes out of %d", out.Len(), len(in))
		}
		if err == nil && len(in) >= 8 && int(binary.BigEndian.Uint32(in[4:8])) > len(in)-8 {
			t.Error("a frame that was cut is no error")
		}
	})
}

func FuzzIDs(f *testing.F) {
	files := inContainer(f)
	f.Add(files["proc/self/mountinfo"].Data, files["proc/self/cgroup"].Data, "fa0987115cb4")
	f.Fuzz(func(t *testing.T, mounts, groups []byte, hostname string) {
		files := fstest.MapFS{"proc/self/mountinfo": {Data: mounts}, "proc/self/cgroup": {Data: groups}, "proc/sys/kernel/hostname": {Data: []byte(hostname)}}
		for _, id := range ids(files) {
			if strings.Trim(id, "0123456789abcdef") != "" || len(id) != 64 && len(id) != 12 {
				t.Errorf("%q is no id", id)
			}
		}
	})
}

func TestExitCode(t *testing.T) {
	for reply, want := range map[string]string{
		`{"StatusCode":3}`: "3 <nil>",
		`{"StatusCode":0}`: "0 <nil>",
		`{}`:               "0 read exit code: the engine named none",
		`{"StatusCode":0,"Error":{"Message":"gone\nwrong"}}`: "0 read exit code: gone wrong",
	} {
		code, err := exitCode(strings.NewReader(reply))
		if got := fmt.Sprintf("%d %v", code, err); got != want {
			t.Errorf("exitCode(%s) = %s, want %s", reply, got, want)
		}
	}
	if _, err := exitCode(strings.NewReader("")); err == nil {
		t.Error("no reply is no error")
	}
}

// FuzzReplies lets an engine answer with anything: no number is negative, and
// what goes into a path or a log stays within it.
func FuzzReplies(f *testing.F) {
	for _, name := range []string{"testdata/stats.json", "testdata/containers.json"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, "1.47", 200)
	}
	f.Add([]byte(`{"message":"\u001b[31m\n::error::"}`), "1.x", 500)
	f.Add([]byte(`{"cpu_stats":{"cpu_usage":{"total_usage":1}},"memory_stats":{"usage":-9223372036854775808,"stats":{"inactive_file":9}}}`), "1.41", 200)
	f.Add([]byte(`{"StatusCode":7,"Error":{"Message":"x"}}`), "", 404)
	f.Fuzz(func(t *testing.T, body []byte, version string, status int) {
		e := &Engine{version: newest, http: &http.Client{Transport: replies(func(r *http.Request) *http.Response {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}
		})}}
		if v, err := negotiate(version); err == nil {
			if n, ok := minor(v); !ok || v != newest && v != version || n == 0 {
				t.Errorf("%q leads to %q", version, v)
			}
		}
		if s, err := e.Stats(t.Context(), "a"); min(s.CPU, s.Waited) < 0 || min(s.Memory, s.Periods, s.Throttled) < 0 {
			t.Errorf("%q: %+v, %v", body, s, err)
		}
		if p, ok, err := e.Publisher(t.Context(), 8000); ok && err != nil || strings.ContainsAny(p.ID, "/?#\r\n") || len(p.Name) > 2000 {
			t.Errorf("%q: %+v, %v", body, p, err)
		}
		if code, err := exitCode(bytes.NewReader(body)); err != nil && code != 0 {
			t.Errorf("%q: %d beside %v", body, code, err)
		}
		if err := refusal(&http.Response{StatusCode: status, Body: io.NopCloser(bytes.NewReader(body))}); strings.Contains(err.Error(), "\n") || len(err.Error()) > 2000 {
			t.Errorf("%q: %q", body, err)
		}
	})
}

type replies func(*http.Request) *http.Response

func (a replies) RoundTrip(r *http.Request) (*http.Response, error) { return a(r), nil }
