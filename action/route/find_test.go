package route

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

var three = []Candidate{
	{Given, "localhost:8080", "the address as given"},
	{Gateway, "172.17.0.1:8080", "bridge gateway 172.17.0.1"},
	{Container, "0123456789ab:8080", "job container 0123456789ab"},
}

var errRefused = errors.New("connection refused")

// readyAt answers for each candidate that has an entry from that time on, and
// takes delay for every try.
func readyAt(delay time.Duration, at map[Kind]time.Duration) Try {
	start := time.Now()
	return func(ctx context.Context, c Candidate) error {
		if !sleep(ctx, delay) {
			return ctx.Err()
		}
		if ready, ok := at[c.Kind]; ok && time.Since(start) >= ready {
			return nil
		}
		return errRefused
	}
}

func TestFind(t *testing.T) {
	for name, tt := range map[string]struct {
		at    map[Kind]time.Duration
		delay time.Duration
		want  Kind
		by    time.Duration // found by then
	}{
		"given, at once":                {map[Kind]time.Duration{Given: 0}, 0, Given, 0},
		"given is preferred":            {map[Kind]time.Duration{Given: 0, Gateway: 0}, 0, Given, 0},
		"gateway":                       {map[Kind]time.Duration{Gateway: 0}, 0, Gateway, retryAfter},
		"last":                          {map[Kind]time.Duration{Container: 0}, 0, Container, retryAfter},
		"starts later":                  {map[Kind]time.Duration{Gateway: 5 * time.Second}, 0, Gateway, 5*time.Second + 2*retryAfter},
		"preferred, a moment later":     {map[Kind]time.Duration{Gateway: 90 * time.Millisecond, Container: 0}, 50 * time.Millisecond, Gateway, courtesy},
		"not preferred after courtesy":  {map[Kind]time.Duration{Gateway: 2 * courtesy, Container: 0}, 0, Container, courtesy},
		"a slow try of a preferred one": {map[Kind]time.Duration{Given: 0, Container: 0}, 300 * time.Millisecond, Given, courtesy},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				got, err := Find(t.Context(), three, 20*time.Second, readyAt(tt.delay, tt.at), func(string) {})
				if err != nil || got.Kind != tt.want {
					t.Errorf("found %v, %v; want %v", got, err, tt.want)
				}
				if took := time.Since(start); took > tt.by {
					t.Errorf("found after %v, want %v", took, tt.by)
				}
			})
		})
	}
}

// A candidate that accepts and then says nothing must not keep the others
// from being tried, nor from being taken.
func TestFindIsNotHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ready := readyAt(0, map[Kind]time.Duration{Gateway: 3 * time.Second})
		got, err := Find(t.Context(), three, time.Minute, func(ctx context.Context, c Candidate) error {
			if c.Kind == Given {
				<-ctx.Done()
				return ctx.Err()
			}
			return ready(ctx, c)
		}, func(string) {})
		if err != nil || got.Kind != Gateway || time.Since(start) > 3*time.Second+retryAfter+courtesy {
			t.Errorf("found %v, %v after %v", got, err, time.Since(start))
		}
	})
}

func TestFindNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		start := time.Now()
		_, err := Find(t.Context(), three, 10*time.Second, readyAt(0, nil), func(s string) { told = append(told, s) })
		notFound, ok := errors.AsType[*NotFoundError](err)
		if !ok {
			t.Fatalf("error = %v", err)
		}
		if took := time.Since(start); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("gave up after %v", took)
		}
		want := &NotFoundError{Target: "localhost:8080", Within: 10 * time.Second}
		for _, c := range three {
			want.Tried = append(want.Tried, Attempt{c, errRefused})
		}
		same := cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) })
		if diff := cmp.Diff(*want, *notFound, same); diff != "" {
			t.Errorf("error (-want +got):\n%s", diff)
		}
		if want := "waiting for localhost:8080 (connection refused), 172.17.0.1:8080 (connection refused), 0123456789ab:8080 (connection refused)"; !slices.Equal(told, []string{want}) {
			t.Errorf("told %q, want %q once", told, want)
		}
	})
}

func TestFindObeysCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(cause) })
		if _, err := Find(ctx, three, time.Minute, readyAt(0, nil), func(string) {}); !errors.Is(err, cause) {
			t.Errorf("error = %v", err)
		}
	})
}

// listen serves each connection on a loopback port.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return l.Addr().String()
}

func TestConnect(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for name, tt := range map[string]struct{ address, want string }{
		"waits for a request":        {listen(t, func(c net.Conn) { io.Copy(io.Discard, c) }), ""},
		"speaks first":               {listen(t, func(c net.Conn) { io.WriteString(c, "220 hello\r\n"); io.Copy(io.Discard, c) }), ""},
		"a proxy, nothing behind":    {listen(t, func(net.Conn) {}), "closed at once"},
		"a proxy that resets":        {listen(t, func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }), "reset by peer"},
		"nothing listens":            {closed.Addr().String(), "connection refused"},
		"a name that nobody has":     {"slogate.invalid:80", "slogate.invalid"},
		"not an address":             {"127.0.0.1", "missing port"},
		"a port that does not exist": {"127.0.0.1:99999", "invalid port"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Connect(t.Context(), &net.Dialer{}, tt.address)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(reason(err), tt.want)) {
				t.Errorf("Connect(%s) = %v, want %q", tt.address, err, tt.want)
			}
		})
	}
}

func TestConnectObeysCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Connect(ctx, &net.Dialer{}, listen(t, func(c net.Conn) { io.Copy(io.Discard, c) })); err == nil {
		t.Error("no error")
	}
}

func TestNotFoundErrorNamesTheWaysOut(t *testing.T) {
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: errRefused}
	e := &NotFoundError{
		Target: "localhost:8080", Within: 30 * time.Second, Host: "the input network is bridge",
		Tried: []Attempt{{three[0], dial}, {three[1], errors.New("GET /health: status 404")}},
	}
	want := `target "localhost:8080" was not ready within 30 s
  tried localhost:8080, the address as given: connection refused
  tried 172.17.0.1:8080, bridge gateway 172.17.0.1: GET /health: status 404
  not tried, the runner's own network: the input network is bridge
the action runs in a container, where localhost is not the runner; one of these helps, once the server runs:
  - let the server listen on 0.0.0.0:8080 instead of 127.0.0.1:8080
  - run it under "services:" of the job and take its label as the host: http://LABEL:8080
  - set the input "network: host", which needs the runner's Docker socket`
	if diff := cmp.Diff(want, e.Error()); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	e.Host = ""
	if text := e.Error(); strings.Contains(text, "not tried") || strings.Contains(text, "network: host") {
		t.Errorf("the runner's network was tried, but:\n%s", text)
	}
}
