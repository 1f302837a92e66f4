//go:build amd64 || arm64

package loader

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// Whatever a file calls localhost is reached over the way to its target: the
// server of its tokens, what its steps of TCP and DNS connect to, and where a
// redirect leads.
func TestAllOfTheHostIsReachedOverTheWay(t *testing.T) {
	t.Setenv("KEY", "s3cret/value")
	i := &issuer{life: 3600, seen: map[string]int{}}
	at := func(h http.HandlerFunc) (port string) {
		l, err := net.Listen("tcp", "127.0.0.2:0")
		if err != nil {
			t.Skip(err)
		}
		s := &http.Server{Handler: h}
		go s.Serve(l)
		t.Cleanup(func() { s.Close() })
		_, port, _ = net.SplitHostPort(l.Addr().String())
		return port
	}
	other := at(i.ServeHTTP)
	port := at(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://127.0.0.1:"+other+"/", http.StatusFound)
	})
	over := Options{Address: "127.0.0.2:" + port}
	target := "http://127.0.0.1:" + port
	run := func(file *slo.File) *result.Stage {
		l := newLoader(t, file, over)
		if err := l.Before(t.Context()); err != nil {
			t.Fatal(err)
		}
		return l.Run(t.Context(), counted(3, 1))
	}
	for name, file := range map[string]*slo.File{
		"TCP":      with(t, target, "{timeout: 10s}", fmt.Sprintf("  - {tcp: '127.0.0.1:%s'}", other)),
		"redirect": with(t, target, "{redirects: 1}", "  - {request: GET /, accept: [401]}"),
		"token":    with(t, target, "{redirects: 1, auth: {oauth2: {token_url: 'http://127.0.0.1:"+other+"/token', client_id: load, client_secret: '${secret.KEY}'}}}", "  - {request: GET /, accept: [401]}"),
	} {
		if s := run(file); s.Counters.Success != 3 {
			t.Errorf("%s: %+v %+v", name, s.Counters, s.Failures)
		}
	}
	_, question, _ := strings.Cut(zoneAt(t, "127.0.0.2:0"), ":")
	if s := run(with(t, target, "{timeout: 10s}", "  - {dns: {name: api.test, server: '127.0.0.1:"+question+"'}}")); s.Counters.Success != 3 {
		t.Errorf("DNS: %+v %+v", s.Counters, s.Failures)
	}
}
