package kube

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
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
