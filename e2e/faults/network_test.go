//go:build linux

package faults

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func networkFaults() []fault {
	failed := outcome{1, "fail", allFiles}
	passed := outcome{0, "pass", allFiles}
	// spoilt loads a service over a wire that does this to every packet.
	spoilt := func(e effects, change func(*plan)) func(*testing.T, *bed) ending {
		return func(t *testing.T, b *bed) ending {
			l := newLab(t)
			b.via = in(l.client)
			s := l.serve(t, serverAddress, good)
			l.wire.spoil.Store(&e)
			p := steady(s.url)
			p.http = "timeout: 5s"
			change(&p)
			return b.run(t, p)
		}
	}
	// breaking loads a service while something breaks after its 100th request.
	breaking := func(p func(target string) plan, act func(t *testing.T, l *lab)) func(*testing.T, *bed) ending {
		return func(t *testing.T, b *bed) ending {
			l := newLab(t)
			b.via = in(l.client)
			broken := make(chan struct{})
			s := l.serve(t, serverAddress, func(s *server, c net.Conn, n int64) bool {
				if n == 100 {
					close(broken)
				}
				return good(s, c, n)
			})
			run := b.load(t, p(s.url))
			<-broken
			act(t, l)
			return run.wait(t)
		}
	}
	answering := func(size int) func(*server, net.Conn, int64) bool {
		return says(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size)), true)
	}
	return []fault{
		{
			group: "network", name: "one packet in five is lost", want: failed,
			inject: spoilt(effects{loss: 0.2}, func(p *plan) { p.objectives = []string{"p95 <= 100ms"} }),
			says:   []string{"p95 <= 100ms"},
		},
		{
			group: "network", name: "every packet takes 100 ms", want: failed,
			inject: spoilt(effects{delay: 100 * time.Millisecond}, func(p *plan) { p.objectives = []string{"p50 <= 150ms"} }),
			says:   []string{"p50 <= 150ms"},
		},
		{
			group: "network", name: "packets take 0 to 50 ms and overtake each other", want: passed,
			inject: spoilt(effects{jitter: 50 * time.Millisecond}, waiting),
			says:   []string{"the only objective is met"},
		},
		{
			group: "network", name: "one packet in ten arrives twice, one in twenty is corrupt", want: passed,
			inject: spoilt(effects{twice: 0.1, corrupt: 0.05}, waiting),
			says:   []string{"the only objective is met"},
		},
		{
			group: "network", name: "a bandwidth of 1 Mbit/s for 4 Mbit/s of answers", want: failed,
			inject: func(t *testing.T, b *bed) ending {
				l := newLab(t)
				b.via = in(l.client)
				s := l.serve(t, serverAddress, answering(25_000))
				l.wire.spoil.Store(&effects{rate: 125_000})
				p := steady(s.url)
				p.stage = "rate: 20/s, duration: 5s"
				return b.run(t, p)
			},
			says: []string{"timeout"},
		},
		{
			group: "network", name: "packets of more than 600 bytes vanish (a wrong MTU)", want: failed,
			inject: func(t *testing.T, b *bed) ending {
				l := newLab(t)
				b.via = in(l.client)
				s := l.serve(t, serverAddress, answering(5_000))
				l.wire.spoil.Store(&effects{most: 600})
				return b.run(t, steady(s.url))
			},
			says: []string{"timeout"},
		},
		{
			group: "network", name: "the link is down for 2 s", want: failed,
			inject: breaking(func(target string) plan {
				p := steady(target)
				p.stage = "rate: 100/s, duration: 6s"
				return p
			}, func(_ *testing.T, l *lab) {
				l.wire.spoil.Store(&effects{loss: 1})
				time.Sleep(2 * time.Second) // the fault itself
				l.wire.spoil.Store(nil)
			}),
			says: []string{"timeout"},
		},
		{
			group: "network", name: "the link is down for good", want: failed,
			inject: breaking(endless, func(_ *testing.T, l *lab) { l.wire.spoil.Store(&effects{loss: 1}) }),
			says:   []string{"timeout", "the target was dead"},
		},
		{
			group: "network", name: "a firewall drops packets to the service after a while", want: failed,
			inject: breaking(steady, func(t *testing.T, l *lab) {
				must(t, in(l.server)[0], append(in(l.server)[1:], "iptables", "-A", "INPUT", "-p", "tcp", "--dport", "8000", "-j", "DROP")...)
			}),
			says: []string{"timeout"},
		},
		{
			group: "network", name: "a firewall rejects packets to the service after a while", want: failed,
			inject: breaking(steady, func(t *testing.T, l *lab) {
				must(t, in(l.server)[0], append(in(l.server)[1:], "iptables", "-A", "INPUT", "-p", "tcp", "--dport", "8000", "-j", "REJECT", "--reject-with", "tcp-reset")...)
			}),
			says: []string{"refused"},
		},
		{
			group: "network", name: "slogate's own network goes away", want: outcome{3, "inconclusive", allFiles},
			inject: breaking(func(target string) plan {
				p := steady(target)
				p.objectives = []string{"success_rate >= 70%"} // those under way time out
				return p
			}, func(t *testing.T, l *lab) {
				must(t, "ip", "-n", l.client, "link", "set", "wire", "down")
			}),
			says: []string{"generator limited"},
		},
		{
			group: "network", name: "slogate runs out of ports", want: outcome{3, "inconclusive", allFiles},
			inject: func(t *testing.T, b *bed) ending {
				l := newLab(t)
				b.via = in(l.client)
				must(t, in(l.client)[0], append(in(l.client)[1:], "sh", "-c", "echo 40000 40049 > /proc/sys/net/ipv4/ip_local_port_range")...)
				p := steady(l.serve(t, serverAddress, good).url)
				p.http = "timeout: 1s, connections: new"
				return b.run(t, p)
			},
			says: []string{"generator limited", "ports"},
		},
		{
			group: "network", name: "IPv6 alone", want: passed,
			inject: func(t *testing.T, b *bed) ending {
				l := newLab(t)
				b.via = in(l.client)
				for _, ns := range []string{l.client, l.server} {
					must(t, "ip", "-n", ns, "-4", "address", "flush", "dev", "wire")
				}
				return b.run(t, counted(l.serve(t, serverIPv6, good).url))
			},
			says: []string{"[" + serverIPv6 + "]:8000"},
		},
		{
			group: "network", name: "the name server stops answering in the run: the last address is kept", want: passed,
			inject: nameless(),
			says:   []string{"the only objective is met"},
		},
		{
			group: "network", name: "the name server stops answering in the run, with the portable engine", want: failed,
			inject: nameless("--engine", "portable"),
			says:   []string{"DNS"},
		},
		{
			group: "network", name: "the service's name gets another address in the run", want: passed,
			inject: func(t *testing.T, b *bed) ending {
				l := newLab(t)
				const other = "10.231.0.3"
				must(t, "ip", "-n", l.server, "address", "add", other+"/24", "dev", "wire")
				zone := l.nameServer(t, b)
				moved := l.serve(t, other, good)
				l.serve(t, serverAddress, after(100, func(s *server, c net.Conn, n int64) bool {
					zone.move(other)
					good(s, c, n)
					s.close()
					return false
				}))
				p := steady("http://service.test:8000")
				p.stage, p.objectives = "rate: 100/s, duration: 10s", []string{"success_rate >= 50%"}
				e := b.run(t, p)
				if moved.requests.Load() == 0 {
					t.Error("nothing was sent to the new address")
				}
				return e
			},
			says: []string{"refused"},
		},
	}
}

// nameless loads a service whose name cannot be resolved any more after its 20th
// request, over connections that are new for each.
func nameless(flags ...string) func(*testing.T, *bed) ending {
	return func(t *testing.T, b *bed) ending {
		l := newLab(t)
		zone := l.nameServer(t, b)
		p := steady("http://service.test:8000")
		p.http, p.stage = "timeout: 1s, connections: new", "rate: 20/s, duration: 7s"
		p.objectives = []string{"success_rate >= 70%"} // without the address only 20 of 140 could be answered
		l.serve(t, serverAddress, after(20, func(s *server, c net.Conn, n int64) bool {
			zone.mute()
			return good(s, c, n)
		}))
		return b.run(t, p, flags...)
	}
}

// waiting lets workers wait for the answers, however long these take.
func waiting(p *plan) { p.stage = counted("").stage }

// endless is a stage that only its target can end.
func endless(target string) plan {
	p := steady(target)
	p.stage = "rate: 100/s, duration: 10m"
	return p
}

// zone is a name server that knows service.test.
type zone struct {
	server *dns.Server
	answer chan string // the address; empty: none any more
}

func (z *zone) move(address string) {
	<-z.answer
	z.answer <- address
}

func (z *zone) mute() { z.move("") }

// nameServer starts one in the client's namespace, and lets slogate run with it.
func (l *lab) nameServer(t *testing.T, b *bed) *zone {
	t.Helper()
	z := &zone{answer: make(chan string, 1)}
	z.answer <- serverAddress
	var err error
	var packets net.PacketConn
	inside(t, l.client, func() { packets, err = net.ListenPacket("udp", "127.0.0.1:53") })
	if err != nil {
		t.Fatal(err)
	}
	z.server = &dns.Server{PacketConn: packets, Handler: dns.HandlerFunc(z.reply)}
	started := make(chan struct{})
	z.server.NotifyStartedFunc = func() { close(started) }
	go z.server.ActivateAndServe()
	<-started
	t.Cleanup(func() { z.server.Shutdown() })
	b.write(t, "resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
	b.via = append(in(l.client), "unshare", "-m", "sh", "-c", `mount --bind resolv.conf /etc/resolv.conf && exec "$@"`, "sh")
	return z
}

func (z *zone) reply(w dns.ResponseWriter, question *dns.Msg) {
	address := <-z.answer
	z.answer <- address
	if address == "" {
		return
	}
	m := new(dns.Msg)
	m.SetReply(question)
	if q := question.Question[0]; q.Qtype == dns.TypeA {
		m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1}, A: net.ParseIP(address)})
	}
	w.WriteMsg(m)
}
