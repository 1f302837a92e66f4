package loader

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slogate/slogate/slo"
)

// nginxConfig is a server that speaks HTTP/1.1, h2c, and HTTP/2 with TLS, and
// that closes each connection after a few requests.
const nginxConfig = `
daemon off; master_process off; pid %[1]s/nginx.pid; error_log stderr error;
events { worker_connections 256; }
http {
  access_log off; client_body_temp_path %[1]s; proxy_temp_path %[1]s; fastcgi_temp_path %[1]s; uwsgi_temp_path %[1]s; scgi_temp_path %[1]s;
  keepalive_requests 7;
  gzip on; gzip_types text/plain; gzip_min_length 1;
  server {
    listen %[2]s; listen %[3]s http2; listen %[4]s ssl http2; listen %[5]s ssl;
    ssl_certificate %[1]s/cert.pem; ssl_certificate_key %[1]s/cert.pem; ssl_protocols TLSv1.2 TLSv1.3;
    location = /long.txt { default_type text/plain; root %[1]s; }
    location / { default_type text/plain; return 200 "$server_protocol $ssl_protocol $request_uri\n"; }
  }
}
`

// nginx starts one with a certificate of its own and returns its addresses:
// clear, h2c, TLS with HTTP/2, TLS without.
func nginx(t *testing.T) (addresses [4]string, roots *x509.CertPool) {
	t.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not installed")
	}
	dir := t.TempDir()
	roots = certificate(t, filepath.Join(dir, "cert.pem"))
	if err := os.WriteFile(filepath.Join(dir, "long.txt"), []byte(strings.Repeat("a", 4096)), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 5 { // somebody else may be given a port before nginx takes it
		for i := range addresses {
			addresses[i] = freePort(t)
		}
		config := filepath.Join(dir, "nginx.conf")
		if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, dir, addresses[0], addresses[1], addresses[2], addresses[3]), 0o600); err != nil {
			t.Fatal(err)
		}
		c := exec.Command(path, "-p", dir, "-c", config, "-e", "stderr")
		c.Stderr = os.Stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { c.Wait(); close(ended) }()
		t.Cleanup(func() { c.Process.Signal(syscall.SIGTERM); <-ended })
		if listens(addresses[3], ended) {
			return addresses, roots
		}
	}
	t.Fatal("nginx does not listen")
	return addresses, nil
}

// freePort is a loopback address at which nothing listens at the moment.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// listens waits until an address can be connected to. It reports false where its
// server ends before.
func listens(address string, ended <-chan struct{}) bool {
	for {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return true
		}
		select {
		case <-ended:
			return false
		case <-time.After(10 * ms):
		}
	}
}

// certificate writes one for the loopback address, with its key.
func certificate(t *testing.T, path string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return roots
}

// Every protocol against a server that many people run. It ends connections
// after seven requests, with HTTP/2 by GOAWAY: no request fails because of that.
func TestNginx(t *testing.T) {
	t.Parallel()
	at, roots := nginx(t)
	tests := map[string]struct {
		url      string
		protocol slo.Protocol
		tls      slo.TLS
		version  string
		h2       bool
	}{
		"HTTP/1.1":       {"http://" + at[0], slo.AutoProtocol, slo.TLS{}, "HTTP/1.1 ", false},
		"h2c":            {"http://" + at[1], slo.H2C, slo.TLS{}, "HTTP/2.0 ", true},
		"HTTP/2":         {"https://" + at[2], slo.HTTP2, slo.TLS{}, "HTTP/2.0 TLSv1.3", true},
		"chosen":         {"https://" + at[2], slo.AutoProtocol, slo.TLS{}, "HTTP/2.0 TLSv1.3", true},
		"TLS 1.2":        {"https://" + at[2], slo.HTTP2, slo.TLS{MaxVersion: tls.VersionTLS12}, "HTTP/2.0 TLSv1.2", true},
		"HTTP/1.1 alone": {"https://" + at[2], slo.HTTP1, slo.TLS{}, "HTTP/1.1 TLSv1.3", false},
		"no HTTP/2":      {"https://" + at[3], slo.AutoProtocol, slo.TLS{}, "HTTP/1.1 TLSv1.3", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := parse(t, test.url, "  - {request: \"GET /a?b=c\", checks: ['body startsWith \""+test.version+"\"', 'body contains \"/a?b=c\"']}")
			file.HTTP.Protocol, file.HTTP.TLS = test.protocol, test.tls
			l := newLoader(t, file, Options{})
			trust(l, roots)
			const requests = 70
			s := l.Run(t.Context(), counted(requests, 4))
			coherent(t, s)
			if s.Counters.Success != requests {
				t.Fatalf("%+v %+v", s.Counters, s.Failures)
			}
			g := s.Generator
			if (g.Protocol == "HTTP/2") != test.h2 || g.Opened < requests/7-4 || g.Opened+g.Reused != requests {
				t.Errorf("%q: opened %d, reused %d", g.Protocol, g.Opened, g.Reused)
			}
			if secure := test.url[:5] == "https"; secure && (s.TLS.Total() != g.Opened || g.Resumed == 0) || !secure && s.TLS.Total() > 0 {
				t.Errorf("%d handshakes, %d of them resumed", s.TLS.Total(), g.Resumed)
			}
		})
	}
}

// nginx compresses where it is asked to: checks see the decoded body, bytes
// count what came over the wire.
func TestNginxCompresses(t *testing.T) {
	t.Parallel()
	at, roots := nginx(t)
	for name, url := range map[string]string{"HTTP/1.1": "http://" + at[0], "HTTP/2": "https://" + at[2]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sizes := map[bool]int64{}
			for _, compressed := range []bool{false, true} {
				encoding := `not ("content-encoding" in header)`
				settings := ""
				if compressed {
					encoding, settings = `header["content-encoding"] == "gzip"`, "http: {compression: on}\n"
				}
				file := parseWhole(t, "version: 1\ntarget: "+url+"\n"+settings+"scenarios: [{request: GET /long.txt, checks: ['body contains \"aaaa\"', size == 4096, '"+encoding+"']}]\n"+
					"stages: [{name: s, requests: 1, workers: 1}]\nobjectives: [p95 <= 1s]\n")
				l := newLoader(t, file, Options{})
				trust(l, roots)
				s := l.Run(t.Context(), counted(10, 1))
				coherent(t, s)
				if s.Counters.Success != 10 {
					t.Fatalf("compressed %v: %+v %+v", compressed, s.Counters, s.Failures)
				}
				sizes[compressed] = s.BytesIn
			}
			if sizes[true] > sizes[false]/4 {
				t.Errorf("%d bytes compressed, %d as they are", sizes[true], sizes[false])
			}
		})
	}
}

// trust lets a loader trust an authority of a test.
func trust(l *Loader, roots *x509.CertPool) {
	l.client.tls.RootCAs = roots
	if h := l.client.http2; h != nil {
		h.tls.RootCAs = roots
	}
}
