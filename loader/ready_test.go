package loader

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/slo"
)

func TestReadyWaitsForTheRequest(t *testing.T) {
	var n atomic.Int64
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if tried := n.Add(1); tried < 4 {
			w.WriteHeader(500 + int(tried/2))
		}
	})
	file := fileOf(url, get("/"))
	file.WaitFor = &slo.WaitFor{Request: *get("/health").Request, Timeout: 20 * time.Second}
	l := newLoader(t, file, Options{})
	var told []string
	if err := l.Ready(t.Context(), func(s string) { told = append(told, s) }); err != nil {
		t.Fatal(err)
	}
	want := []string{fmt.Sprintf("waiting for %q, up to 20 s", strings.TrimPrefix(url, "http://")), "GET /health: status 501"}
	if !slices.Equal(told, want) || n.Load() != 4 {
		t.Errorf("told %q after %d requests, want %q", told, n.Load(), want)
	}
	if l.Route() != strings.TrimPrefix(url, "http://") {
		t.Errorf("route %q", l.Route())
	}
}

func TestReadyConnects(t *testing.T) {
	l := newLoader(t, fileOf(serve(t, ok), get("/")), Options{})
	if err := l.Ready(t.Context(), nil); err != nil || l.Route() == "" {
		t.Errorf("error %v, route %q", err, l.Route())
	}
}

func TestNotReady(t *testing.T) {
	busy := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	tests := map[string]struct {
		target string
		want   string
	}{
		"nothing listens": {"http://" + closedPort, fmt.Sprintf("target %q was not ready within TIME: tried %s (connection refused)", closedPort, closedPort)},
		"dead name":       {"http://slogate.invalid:81", `target "slogate.invalid:81" was not ready within TIME: tried slogate.invalid (`},
		"busy":            {busy, ` was not ready within TIME: GET /health: status 503: tried 127.0.0.1:`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			attempts(t, func(scale time.Duration) string {
				within := 50 * scale * scale * ms // that a busy machine makes one try in
				file := fileOf(test.target, get("/"))
				file.WaitFor = &slo.WaitFor{Request: *get("/health").Request, Timeout: within}
				err := newLoader(t, file, Options{}).Ready(t.Context(), nil)
				if _, notReady := errors.AsType[*NotReadyError](err); !notReady {
					t.Fatalf("got %v", err)
				}
				if want := strings.Replace(test.want, "TIME", quantity.Duration(within), 1); !strings.Contains(err.Error(), want) {
					return fmt.Sprintf("%q does not say %q", err, want)
				}
				return ""
			})
		})
	}
}

// late is a context whose deadline has passed unnoticed.
type late struct{ context.Context }

func (late) Deadline() (time.Time, bool) { return time.Now(), true }

// The try that the end of the wait cuts short is not the reason why the target
// was not ready.
func TestTriesThatAreCutShort(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	ahead, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for name, test := range map[string]struct {
		ctx  context.Context
		want bool
	}{
		"without a deadline": {t.Context(), false},
		"before it":          {ahead, false},
		"cancelled":          {cancelled, true},
		"behind it, and nobody has been told yet": {late{t.Context()}, true},
	} {
		if got := over(test.ctx); got != test.want {
			t.Errorf("%s: over = %v", name, got)
		}
	}
}

func TestReadyObeysCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := newLoader(t, fileOf("http://"+closedPort, get("/")), Options{}).Ready(ctx, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestCheckTriesOnce(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health" {
			w.WriteHeader(404)
		}
	})
	for path, want := range map[string]string{"/health": "", "/else": "GET /else: status 404"} {
		file := fileOf(url, get("/"))
		file.WaitFor = &slo.WaitFor{Request: *get(path).Request, Timeout: 20 * time.Second}
		l := newLoader(t, file, Options{})
		if err := l.Check(t.Context()); want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("Check = %v, want %q", err, want)
		}
		if l.Patience() != 20*time.Second {
			t.Errorf("patience = %v", l.Patience())
		}
	}
	l := newLoader(t, fileOf("http://"+closedPort, get("/")), Options{})
	if err := l.Check(t.Context()); err == nil || l.Patience() != connectWithin {
		t.Errorf("Check = %v, patience %v", err, l.Patience())
	}
}
