package docker

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPublisher(t *testing.T) {
	e := connect(t, newFakeEngine(t))
	for port, want := range map[uint16]Published{
		8000: {"bbbbbbbbbbbbbbbb", "api ::error::x"}, // on one line
		8001: {"cccccccccccccccc", "cccccccccccc"},
		8002: {}, // at another address of the machine
		5432: {}, // not published
	} {
		got, found, err := e.Publisher(t.Context(), port)
		if err != nil || found != (want != Published{}) || got != want {
			t.Errorf("port %d: %+v, %v, %v, want %+v", port, got, found, err, want)
		}
	}
}

func TestStats(t *testing.T) {
	f := newFakeEngine(t)
	got, err := connect(t, f).Stats(t.Context(), "bbbbbbbbbbbbbbbb")
	want := Stats{CPU: 1234567 * time.Microsecond, Memory: 42_000_000, Periods: 400, Throttled: 12, Waited: 345 * time.Millisecond}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	f.version = "1.40"
	if _, err := connect(t, f).Stats(t.Context(), "bbbbbbbbbbbbbbbb"); err == nil || !strings.Contains(err.Error(), "1.40 is older than 1.41") {
		t.Errorf("an old engine: %v", err)
	}
	f.version, f.refuse["stats"], f.refuse["list"] = "1.50", 404, 500
	if _, err := connect(t, f).Stats(t.Context(), "gone"); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("a container that is gone: %v", err)
	}
	if _, _, err := connect(t, f).Publisher(t.Context(), 8000); err == nil || !strings.Contains(err.Error(), "500") {
		t.Errorf("an engine in trouble: %v", err)
	}
}
