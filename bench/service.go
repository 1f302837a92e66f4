//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// service is a process that is loaded.
type service struct {
	cmd *exec.Cmd
	out bytes.Buffer
	url string
}

// launch starts a service and waits until it listens on the port.
func launch(core string, port int, name string, args ...string) (*service, error) {
	s := &service{url: fmt.Sprintf("http://127.0.0.1:%d/", port)}
	s.cmd = command(context.Background(), core, nil, name, args...)
	s.cmd.Stdout, s.cmd.Stderr = &s.out, os.Stderr
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for range 200 {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			c.Close()
			return s, nil
		}
		time.Sleep(25 * time.Millisecond)
	}
	s.stop()
	return nil, fmt.Errorf("%s does not listen on port %d", name, port)
}

// stop ends the service and returns what it has written.
func (s *service) stop() []byte {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGTERM)
	_ = s.cmd.Wait()
	return s.out.Bytes()
}

// freePort is a port that nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// own starts one of the bench's own services.
func own(core, mode string) (*service, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return launch(core, port, self, "serve", mode, fmt.Sprint(port))
}

// truth ends one of the bench's own services and returns what it measured.
func (s *service) truth() (truth, error) {
	var t truth
	text := s.stop()
	if err := json.Unmarshal(text, &t); err != nil {
		return t, fmt.Errorf("read the service's log: %w", err)
	}
	if len(t.Times) == 0 {
		return t, errors.New("the service saw no request")
	}
	return t, nil
}

const nginxConfig = `
daemon off; worker_processes 1; pid %[1]s/nginx.pid; error_log %[1]s/nginx.log;
events { worker_connections 8192; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 1h;
  client_body_temp_path %[1]s/t1; proxy_temp_path %[1]s/t2; fastcgi_temp_path %[1]s/t3; uwsgi_temp_path %[1]s/t4; scgi_temp_path %[1]s/t5;
  default_type application/json;
  server { listen 127.0.0.1:%[2]d backlog=4096; location / { return 200 '%[4]s'; }%[5]s  }
  server {
    listen 127.0.0.1:%[3]d ssl backlog=4096; ssl_protocols TLSv1.3;
    ssl_certificate %[1]s/cert.pem; ssl_certificate_key %[1]s/key.pem;
    location / { return 200 '%[4]s'; }
  }
}
`

// answer is what nginx says: 136 bytes.
const answer = `{"species":"versicolor","probability":0.974121,"model":"iris-7","alternatives":["setosa","virginica"],"took_us":184,"id":"000000000042"}`

// start starts nginx, with and without TLS.
func (b *bench) start(ctx context.Context) error {
	if _, err := finish(ctx, "", nil, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
		"-keyout", filepath.Join(b.scratch, "key.pem"), "-out", filepath.Join(b.scratch, "cert.pem"), "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"); err != nil {
		return err
	}
	plain, err := freePort()
	if err != nil {
		return err
	}
	secure, err := freePort()
	if err != nil {
		return err
	}
	path := filepath.Join(b.scratch, "nginx.conf")
	if err := os.WriteFile(path, fmt.Appendf(nil, nginxConfig, b.scratch, plain, secure, answer, journey.answers), 0o644); err != nil {
		return err
	}
	b.nginx, err = launch(serviceCore, plain, b.program("nginx"), "-c", path, "-p", b.scratch)
	if err != nil {
		return err
	}
	b.url, b.tlsURL = b.nginx.url, fmt.Sprintf("https://127.0.0.1:%d/", secure)
	return nil
}
