//go:build amd64 || arm64

package loader

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A connection goes to the next address of its family that has not failed
// lately; the others follow.
func TestRota(t *testing.T) {
	at := func(names string) (list []netip.AddrPort) {
		for name := range strings.FieldsSeq(names) {
			list = append(list, netip.MustParseAddrPort(name))
		}
		return list
	}
	const a, b, c, six = "10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "[::1]:80"
	for name, tt := range map[string]struct {
		list, reached, failed string
		after                 time.Duration
		want                  []string // of connections one after the other
	}{
		"one":                  {a, "", "", 0, []string{a, a}},
		"one that failed":      {a, "", a, avoided, []string{a, a}},
		"some":                 {a + " " + b + " " + c, "", "", 0, []string{a + " " + b + " " + c, b + " " + c + " " + a, c + " " + a + " " + b, a + " " + b + " " + c}},
		"one has failed":       {a + " " + b + " " + c, "", b, 0, []string{a + " " + c + " " + b, c + " " + a + " " + b, a + " " + c + " " + b}},
		"it failed long ago":   {a + " " + b + " " + c, "", b, avoided, []string{b + " " + a + " " + c, a + " " + c + " " + b, c + " " + a + " " + b}},
		"it is back":           {a + " " + b, b, b, 0, []string{a + " " + b, b + " " + a}},
		"all have failed":      {a + " " + b, "", a + " " + b, 0, []string{b + " " + a, a + " " + b}},
		"families":             {six + " " + a + " " + b, "", "", 0, []string{six + " " + a + " " + b, six + " " + a + " " + b}},
		"the other was better": {six + " " + a + " " + b, a, "", 0, []string{a + " " + b + " " + six, b + " " + a + " " + six}},
		"the first is silent":  {six + " " + a, "", six, 0, []string{a + " " + six, a + " " + six}},
		"it has been for long": {six + " " + a, "", six, avoided, []string{six + " " + a, a + " " + six}},
		"none":                 {"", "", "", 0, []string{"", ""}},
	} {
		now := time.Now()
		r := &rota{}
		r.set(at(tt.list), func(netip.AddrPort) bool { return false })
		for _, address := range at(tt.failed) {
			r.fail(address, now)
		}
		for _, address := range at(tt.reached) {
			r.reach(address)
		}
		for i, want := range tt.want {
			var got []netip.AddrPort
			one := r.choices(now.Add(tt.after))
			for n := range one.list {
				got = append(got, one.at(n))
			}
			if !slices.Equal(got, at(want)) {
				t.Errorf("%s: connection %d tries %v, want %s", name, i, got, want)
			}
		}
	}
}

// The family that the service was reached by before is the first.
func TestRotaBeginsWithWhatWasReached(t *testing.T) {
	to := targetsBy(leads("::1", "127.0.0.1"))
	to.client.note("127.0.0.1:80")
	to.prepare(t.Context())
	if a, _ := to.choose(&exchange{}); a.String() != "127.0.0.1:80" {
		t.Error(a)
	}
}

// replica serves at an address of loopback, and counts what it got.
func replica(t *testing.T, address string) (at string, served *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Skip(err)
	}
	served = new(atomic.Int64)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		fmt.Fprint(w, "ok")
	}))
	s.Listener.Close()
	s.Listener = listener
	s.Start()
	t.Cleanup(s.Close)
	return listener.Addr().String(), served
}

// behind is a loader of a name that leads to addresses of loopback.
func behind(t *testing.T, port, http string, addresses ...string) *Loader {
	t.Helper()
	l := newLoader(t, with(t, "http://api.test:"+port, http, "  - {request: GET /}"), Options{Engine: EpollEngine})
	l.engine.(*epollEngine).to.lookup = leads(addresses...)
	return l
}

// All that stands behind a name is loaded, whether connections are kept or not.
func TestAllAddressesOfANameAreLoaded(t *testing.T) {
	for connections, want := range map[string]func(n int64) bool{
		"keep": func(n int64) bool { return n > 0 },
		"new":  func(n int64) bool { return n == 20 },
	} {
		first, n1 := replica(t, "127.0.0.1:0")
		_, port, _ := net.SplitHostPort(first)
		_, n2 := replica(t, "127.0.0.2:"+port)
		_, n3 := replica(t, "127.0.0.3:"+port)
		s := behind(t, port, "{connections: "+connections+"}", "127.0.0.1", "127.0.0.2", "127.0.0.3").Run(t.Context(), counted(60, 6))
		coherent(t, s)
		if s.Counters.Success != 60 || !want(n1.Load()) || !want(n2.Load()) || !want(n3.Load()) {
			t.Errorf("%s: %d %d %d, %+v", connections, n1.Load(), n2.Load(), n3.Load(), s.Counters)
		}
	}
}

// An address that drops what it is sent costs one request its time, and those
// that follow go to the others.
func TestAnAddressThatDropsIsLeftOut(t *testing.T) {
	_, port, _ := net.SplitHostPort(crowded(t))
	_, served := replica(t, "127.0.0.2:"+port)
	s := behind(t, port, "{connections: new, timeout: 500ms}", "127.0.0.1", "127.0.0.2").Run(t.Context(), counted(10, 1))
	coherent(t, s)
	if s.Counters.Timeout != 1 || served.Load() != 9 {
		t.Errorf("%d were served, %+v\n%+v", served.Load(), s.Counters, s.Failures)
	}
}

// An address where nobody listens is tried once and not by each connection.
func TestAnAddressThatRefusesIsLeftOut(t *testing.T) {
	first, served := replica(t, "127.0.0.2:0")
	_, port, _ := net.SplitHostPort(first)
	l := behind(t, port, "{connections: new}", "127.0.0.1", "127.0.0.2")
	s := l.Run(t.Context(), counted(20, 1))
	coherent(t, s)
	r := &l.engine.(*epollEngine).to.rota
	if s.Counters.Success != 20 || served.Load() != 20 || len(r.failed) != 1 || r.turns != 1 {
		t.Errorf("%d were served, %d failed, %d take turns: %+v", served.Load(), len(r.failed), r.turns, s.Counters)
	}
}

// A lack of this machine says nothing of an address.
func TestRotaKeepsTurnsWhereThisMachineIsShort(t *testing.T) {
	a, b := netip.MustParseAddrPort("127.0.0.1:80"), netip.MustParseAddrPort("127.0.0.2:80")
	to := &targets{}
	to.rota.set([]netip.AddrPort{a, b}, func(netip.AddrPort) bool { return false })
	for _, tt := range []struct {
		err   error
		turns int
	}{{syscall.EMFILE, 2}, {syscall.ECONNREFUSED, 1}} {
		if to.failed(a, tt.err); to.rota.turns != tt.turns {
			t.Errorf("%v: %d addresses take turns, want %d", tt.err, to.rota.turns, tt.turns)
		}
	}
}
