package kube

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/secret"
)

// clientOn is a client of a server on loopback.
func clientOn(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return &Client{Namespace: "shop", Server: server.URL, http: server.Client()}
}

func TestDoSendsAndReads(t *testing.T) {
	c := clientOn(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPatch || r.URL.Path != "/apis/x" || r.URL.Query().Get("fieldManager") != "slogate" ||
			r.Header.Get("Content-Type") != "application/merge-patch+json" {
			t.Errorf("got %s %s %v", r.Method, r.URL, r.Header)
		}
		_, _ = w.Write([]byte(`{"name": "web"}`))
	})
	var got struct{ Name string }
	err := c.Do(t.Context(), Call{
		Method: http.MethodPatch, Path: "/apis/x", Query: url.Values{"fieldManager": {"slogate"}},
		Type: "application/merge-patch+json", Body: map[string]int{"a": 1},
	}, &got)
	if err != nil || got.Name != "web" {
		t.Errorf("got %v %v", got, err)
	}
}

func TestDoExplainsWhatWentWrong(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		status int
		want   string
	}{
		{"a refusal", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"kind":"Status","reason":"Forbidden","message":"pods is forbidden"}`))
		}, 403, `GET /x: status 403: "pods is forbidden"`},
		{"a page of a proxy", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = w.Write([]byte("<html>\x1b[31m" + strings.Repeat("x", 1000)))
		}, 502, `GET /x: status 502: "<html>\x1b[31mxxx`},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://elsewhere.example/")
			w.WriteHeader(http.StatusFound)
		}, 302, `GET /x: status 302: "Found"`},
		{"garbage", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("no JSON")) }, 0, "GET /x: not the JSON that was asked for"},
		{"too much", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 2000)) }, 0, "GET /x: the answer has more than 1000 bytes"},
		{"nothing", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 0, "GET /x: no answer in time"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := clientOn(t, test.answer)
			c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			call := Call{Path: "/x", Most: 1000}
			if test.name == "nothing" {
				call.Within = 20 * time.Millisecond
			}
			err := c.Do(t.Context(), call, new(struct{}))
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || Status(err) != test.status || len(err.Error()) > 500 {
				t.Errorf("got %v with status %d, want %s with %d", err, Status(err), test.want, test.status)
			}
		})
	}
}

func TestDoTakesAnAnswerAsItIs(t *testing.T) {
	c := clientOn(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("line\n")) })
	var got []byte
	if err := c.Do(t.Context(), Call{Path: "/log"}, &got); err != nil || string(got) != "line\n" {
		t.Errorf("got %q %v", got, err)
	}
	if err := c.Do(t.Context(), Call{Path: "/log"}, nil); err != nil {
		t.Error(err)
	}
}

// The server may quote what it refuses, which can be a Secret.
func TestDoMasksWhatTheServerSays(t *testing.T) {
	key := "hunter2" + strings.Repeat("0123456789", 9)
	c := clientOn(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = w.Write([]byte(`{"kind":"Status","message":"` + strings.Repeat("x", maxSaid-20) + key + `"}`))
	})
	c.Mask = secret.NewMask([]string{key})
	err := c.Do(t.Context(), Call{Method: http.MethodPost, Path: "/x"}, nil)
	if err == nil || !strings.HasSuffix(err.Error(), `xxx***"`) {
		t.Errorf("got %v", err)
	}
}

// stuck is a transport that waits for a program which knows no deadline.
type stuck chan struct{}

func (s stuck) RoundTrip(*http.Request) (*http.Response, error) {
	<-s
	return nil, http.ErrServerClosed
}

// What the credentials come from may hang: nobody waits for it.
func TestDoWaitsForNoProgram(t *testing.T) {
	program := make(stuck)
	defer close(program)
	c := &Client{Server: "http://api", http: &http.Client{Transport: program}}
	ended := make(chan error, 1)
	go func() {
		for range maxStuck {
			if err := c.Do(t.Context(), Call{Path: "/x", Within: time.Millisecond}, nil); err == nil || !strings.Contains(err.Error(), "no answer in time") {
				t.Errorf("got %v", err)
			}
		}
		ended <- c.Do(context.WithoutCancel(t.Context()), Call{Path: "/x", Within: time.Hour}, nil)
	}()
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "earlier requests have not ended") {
			t.Errorf("got %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it waits")
	}
}

func TestPath(t *testing.T) {
	for _, tt := range []struct{ namespace, name, want string }{
		{"shop", "web", "/api/v1/namespaces/shop/pods/web"},
		{"shop", "", "/api/v1/namespaces/shop/pods"},
		{"a/b", "../c?d", "/api/v1/namespaces/a%2Fb/pods/..%2Fc%3Fd"}, // flags may be anything
	} {
		if got := Path("/api/v1", tt.namespace, "pods", tt.name); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

func TestIsPassing(t *testing.T) {
	for status, want := range map[int]bool{0: true, 302: false, 403: false, 404: false, 409: false, 429: true, 500: true, 503: true} {
		if got := IsPassing(&StatusError{Status: status}); got != want {
			t.Errorf("status %d: %t, want %t", status, got, want)
		}
	}
	if IsPassing(nil) {
		t.Error("no error is passing")
	}
}

func TestAhead(t *testing.T) {
	for _, test := range []struct {
		name string
		date func() string
		want time.Duration // about
	}{
		{"the same", func() string { return time.Now().UTC().Format(http.TimeFormat) }, 0},
		{"ahead", func() string { return time.Now().UTC().Add(time.Hour).Format(http.TimeFormat) }, time.Hour},
		{"behind", func() string { return time.Now().UTC().Add(-time.Minute).Format(http.TimeFormat) }, -time.Minute},
		{"none", func() string { return "yesterday" }, 0},
		{"none that is possible", func() string { return "Fri, 31 Dec 9999 23:59:59 GMT" }, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := clientOn(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Date", test.date()) })
			if got := c.Ahead(t.Context()); test.want == 0 && got != 0 || (got-test.want).Abs() > 20*time.Second {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
