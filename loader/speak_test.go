package loader

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/slogate/slogate/result"
)

func TestTCPStep(t *testing.T) {
	t.Parallel()
	url, saw := (&server{accept: func(p *peer) { p.wait() }}).start(t)
	address := strings.TrimPrefix(url, "http://")
	s := newLoader(t, parse(t, "http://localhost", "  - {tcp: \""+address+"\"}"), Options{}).Run(t.Context(), counted(20, 2))
	coherent(t, s)
	for saw.connections.Load() < s.Connect.Total() {
		<-time.After(ms) // the server accepts them after they are open
	}
	if s.Counters.Success != 20 || s.Connect.Total() != 20 || s.Steps[0].Name != "TCP "+address {
		t.Errorf("%+v, %d connections timed, %q", s.Counters, s.Connect.Total(), s.Steps[0].Name)
	}
	s = newLoader(t, parse(t, "http://localhost", "  - {tcp: \""+closedPort+"\"}"), Options{}).Run(t.Context(), counted(3, 1))
	if s.Counters.Refused != 3 {
		t.Errorf("%+v %+v", s.Counters, s.Failures)
	}
}

func TestWaitForTCPAndDNS(t *testing.T) {
	t.Parallel()
	open, _ := (&server{accept: func(p *peer) { p.wait() }}).start(t)
	for wait, want := range map[string]string{
		"tcp: \"" + strings.TrimPrefix(open, "http://") + "\"":  "",
		"dns: {name: api.test, server: \"" + zone(t) + "\"}":    "",
		"tcp: \"" + closedPort + "\"":                           "connection refused",
		"dns: {name: nobody.test, server: \"" + zone(t) + "\"}": "NAMEERROR",
	} {
		l := newLoader(t, parseWhole(t, "version: 1\ntarget: http://localhost:1\nwait_for: {"+wait+", timeout: 10s}\nscenarios: [{request: GET /}]\nstages: [{name: s, requests: 1, workers: 1}]\n"), Options{})
		if err := l.Check(t.Context()); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", wait, err)
		}
	}
}

// zone starts a name server of another library and returns its address.
func zone(t *testing.T) string {
	t.Helper()
	return zoneAt(t, "127.0.0.1:0")
}

func zoneAt(t *testing.T, address string) string {
	t.Helper()
	c, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	s := &dns.Server{PacketConn: c, NotifyStartedFunc: func() { close(started) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		a := new(dns.Msg)
		a.SetReply(q)
		switch name := q.Question[0].Name; name {
		case "api.test.", "user-7.test.":
			for _, text := range []string{" 60 IN A 192.0.2.1", " 60 IN A 192.0.2.2", " 60 IN TXT \"v=1\" \" ok\"", " 60 IN SRV 1 2 443 host.test.", " 60 IN MX 5 mail.test.", " 60 IN AAAA 2001:db8::1", " 60 IN NS ns.test.", " 60 IN CNAME other.test."} {
				if r, err := dns.NewRR(name + text); err == nil && r.Header().Rrtype == q.Question[0].Qtype {
					a.Answer = append(a.Answer, r)
				}
			}
		case "empty.test.":
		case "silent.test.":
			return
		case "odd.test.":
			w.Write([]byte("nonsense"))
			w.Write(append([]byte{byte(q.Id >> 8), byte(q.Id)}, "nonsense"...))
			return
		default:
			a.SetRcode(q, dns.RcodeNameError)
		}
		w.WriteMsg(a)
	})}
	done := make(chan error, 1)
	go func() { done <- s.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { s.Shutdown(); <-done })
	return c.LocalAddr().String()
}

func TestDNSStep(t *testing.T) {
	t.Parallel()
	server := zone(t)
	tests := map[string]struct {
		question, rest, detail string
		want                   result.Class
	}{
		"A":              {`name: api.test, type: A`, `, checks: ['all(json.records, .type == "A")', 'len(json.records) == 2', 'json.records[0].data == "192.0.2.1"', 'json.records[0].ttl == 60']`, "", result.Success},
		"AAAA":           {`name: api.test, type: AAAA`, `, checks: ['json.records[0].data == "2001:db8::1"']`, "", result.Success},
		"CNAME":          {`name: api.test, type: CNAME`, `, checks: ['json.records[0].data == "other.test."']`, "", result.Success},
		"MX":             {`name: api.test, type: MX`, `, checks: ['json.records[0].data == "5 mail.test."']`, "", result.Success},
		"NS":             {`name: api.test, type: NS`, `, checks: ['json.records[0].data == "ns.test."']`, "", result.Success},
		"SRV":            {`name: api.test, type: SRV`, `, checks: ['json.records[0].data == "1 2 443 host.test."'], capture: {port: 'body ~ (\d+) host'}`, "", result.Success},
		"TXT":            {`name: api.test, type: TXT`, `, checks: ['json.records[0].data == "v=1 ok"']`, "", result.Success},
		"a value":        {`name: "user-${random.int(7,7)}.test"`, ``, "", result.Success},
		"unknown":        {`name: nobody.test`, ``, "NAMEERROR", result.DNS},
		"no record":      {`name: empty.test`, ``, "no such record", result.DNS},
		"no answer":      {`name: silent.test`, `, timeout: 150ms`, "timeout", result.Timeout},
		"nonsense":       {`name: odd.test`, ``, "cannot be read", result.Protocol},
		"a failed check": {`name: api.test`, `, checks: [len(json.records) > 5]`, "check len", result.FailedCheck},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			step := "  - {dns: {" + test.question + ", server: \"" + server + "\"}" + test.rest + "}"
			s := newLoader(t, parse(t, "http://localhost", step), Options{}).Run(t.Context(), counted(6, 2))
			coherent(t, s)
			if *s.Counters.Of(test.want) != 6 {
				t.Fatalf("%+v %+v", s.Counters, s.Failures)
			}
			if test.detail != "" && !strings.Contains(s.Failures[0].Detail, test.detail) {
				t.Errorf("%+v", s.Failures[0])
			}
			if len(s.Status) > 0 || s.BytesOut == 0 {
				t.Errorf("status %v, %d bytes out", s.Status, s.BytesOut)
			}
		})
	}
}
