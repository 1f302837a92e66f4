//go:build linux

package faults

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func targetFaults() []fault {
	// answering loads a server that answers so.
	answering := func(answer func(s *server, c net.Conn, n int64) bool) func(*testing.T, *bed) ending {
		return func(t *testing.T, b *bed) ending { return b.run(t, steady(serve(t, answer).url)) }
	}
	failed := outcome{1, "fail", allFiles}
	passed := outcome{0, "pass", allFiles}
	return []fault{
		{
			group: "target", name: "killed in a stage, for good", want: failed,
			inject: func(t *testing.T, b *bed) ending {
				s := launch(t, "127.0.0.1:0")
				s.dieAfter(t, 100)
				p := steady(s.url())
				p.stage = "rate: 100/s, duration: 10m" // ends early
				return b.run(t, p)
			},
			says: []string{"refused", "it had answered", "the target was dead"},
		},
		{
			group: "target", name: "killed in a stage and started again a second later", want: failed,
			inject: func(t *testing.T, b *bed) ending {
				s := launch(t, unused(t))
				s.dieAfter(t, 100)
				p := b.load(t, steady(s.url()))
				<-s.ended
				time.Sleep(time.Second) // the fault itself
				launch(t, s.address)
				return p.wait(t)
			},
			says: []string{"refused"},
		},
		{
			group: "target", name: "refuses connections after a while", want: failed,
			inject: answering(after(100, func(s *server, _ net.Conn, _ int64) bool {
				s.close()
				return false
			})),
			says: []string{"refused"},
		},
		{
			group: "target", name: "accepts and never answers, after a while", want: failed,
			inject: answering(after(100, func(*server, net.Conn, int64) bool { return true })),
			says:   []string{"timeout"},
		},
		{
			group: "target", name: "resets in the middle of an answer", want: failed,
			inject: answering(after(100, func(_ *server, c net.Conn, _ int64) bool {
				io.WriteString(c, whole[:len(whole)-1])
				return reset(c)
			})),
			says: []string{"reset"},
		},
		{
			group: "target", name: "closes the connection after each answer, unannounced", want: passed,
			inject: func(t *testing.T, b *bed) ending {
				p := counted(serve(t, says(whole, false)).url)
				p.objectives = []string{"success_rate >= 90%"} // one may meet the close on its way
				return b.run(t, p)
			},
			says: []string{"Closed by the service"},
		},
		{
			group: "target", name: "sends half an answer and closes", want: failed,
			inject: answering(after(100, says(whole[:len(whole)-1], false))),
			says:   []string{"reset"},
		},
		{
			group: "target", name: "sends half an answer and no more", want: failed,
			inject: answering(after(100, says(whole[:len(whole)-1], true))),
			says:   []string{"timeout"},
		},
		{
			group: "target", name: "answers 503 after a while", want: failed,
			inject: answering(after(100, says("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", true))),
			says:   []string{"503"},
		},
		{
			group: "target", name: "stands still for 2 s (SIGSTOP) and goes on", want: failed,
			inject: func(t *testing.T, b *bed) ending {
				s := launch(t, "127.0.0.1:0")
				p := steady(s.url())
				// Of the arrivals in 6 s a third comes in these 2 s: one in four waits
				// longer than half a second. A generator that waits for its answers
				// would see one slow request for each connection.
				p.http, p.stage, p.objectives = "timeout: 10s", "rate: 100/s, duration: 6s", []string{"p80 <= 400ms"}
				run := b.load(t, p)
				run.await(t, "steady  ")
				pause(t, s.cmd.Process, 2*time.Second)
				return run.wait(t)
			},
			says: []string{"p80"},
		},
		{
			group: "target", name: "never ready", want: outcome{3, "", noFiles},
			inject: func(t *testing.T, b *bed) ending {
				p := steady("http://" + unused(t))
				p.more = "wait_for: {request: GET /, timeout: 1s}\n"
				return b.run(t, p)
			},
			says: []string{"was not ready within 1 s", "connection refused"},
		},
		{
			group: "target", name: "listens a second late", want: passed,
			inject: func(t *testing.T, b *bed) ending {
				address := unused(t)
				run := b.load(t, counted("http://"+address))
				run.await(t, "waiting")
				launch(t, address)
				return run.wait(t)
			},
			says: []string{"waiting"},
		},
		{
			group: "target", name: "answers 503 to wait_for until it is ready", want: passed,
			inject: func(t *testing.T, b *bed) ending {
				p := counted(serve(t, func(_ *server, c net.Conn, n int64) bool {
					if n <= 5 {
						return says("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", true)(nil, c, n)
					}
					return good(nil, c, n)
				}).url)
				p.more = "wait_for: {request: GET /}\n"
				return b.run(t, p)
			},
			says: []string{"waiting for"},
		},
		{
			group: "target", name: "is slow at first: the warm-up is not judged", want: passed,
			inject: func(t *testing.T, b *bed) ending {
				p := counted(serve(t, func(_ *server, c net.Conn, n int64) bool {
					if n <= 50 {
						return says("HTTP/1.1 500 Starting\r\nContent-Length: 0\r\n\r\n", true)(nil, c, n)
					}
					return good(nil, c, n)
				}).url)
				p.warmUp = "rate: 100/s, duration: 1s"
				return b.run(t, p)
			},
			says: []string{"warm-up"},
		},
		{
			group: "target", name: "its TLS certificate expires in the run", want: failed,
			inject: func(t *testing.T, b *bed) ending {
				return b.overTLS(t, "localhost", 4*time.Second)
			},
			says: []string{"tls", "expired"},
		},
		{
			group: "target", name: "its TLS certificate has another name", want: failed,
			inject: func(t *testing.T, b *bed) ending {
				return b.overTLS(t, "other.example", time.Hour)
			},
			says: []string{"tls", "other.example"},
		},
		{
			group: "target", name: "another protocol listens at the port", want: failed,
			inject: func(t *testing.T, b *bed) ending {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				go func() {
					for {
						c, err := l.Accept()
						if err != nil {
							return
						}
						io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n")
						go io.Copy(io.Discard, c)
					}
				}()
				return b.run(t, steady("http://"+l.Addr().String()))
			},
			says: []string{"SSH-2.0"},
		},
	}
}

// overTLS loads a service whose certificate bears a name and is good for a time.
// Every request makes a connection of its own.
func (b *bed) overTLS(t *testing.T, name string, good time.Duration) ending {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(good),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	b.write(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // what it complains of is meant
	s.StartTLS()
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	p := steady("https://localhost:" + port)
	p.http, p.stage = "timeout: 2s, connections: new, tls: {ca_file: ca.pem}", "rate: 20/s, duration: 6s"
	return b.run(t, p)
}
