// Package prometheustest starts a real Prometheus server for tests.
package prometheustest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// config scrapes services each second.
const config = `
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: service
    static_configs: [{targets: [%s]}]
`

// readyWithin is how long a server may take to start on a busy machine.
const readyWithin = 60 * time.Second

// Start starts a server that scrapes /metrics of services, each a host and a
// port, and returns its address as a URL, once it is
// ready and has scraped them all. It ends with the
// test, which is skipped where Prometheus is not installed.
func Start(t testing.TB, services ...string) (url string) {
	t.Helper()
	path, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("prometheus is not installed (Debian's package prometheus has it)")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, fmt.Appendf(nil, config, strings.Join(services, ", ")), 0o600); err != nil {
		t.Fatal(err)
	}
	at := freePort(t)
	var said bytes.Buffer
	c := exec.Command(path, "--config.file", file, "--storage.tsdb.path", filepath.Join(dir, "data"), "--web.listen-address", at, "--log.level", "warn")
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Signal(syscall.SIGTERM)
		c.Wait()
		if t.Failed() {
			t.Logf("prometheus: %s", said.String())
		}
	})
	url = "http://" + at
	all := fmt.Sprintf(`"%d"`, len(services))
	for start := time.Now(); !says(url+"/-/ready", "") || !says(url+"/api/v1/query?query=sum(up)%20or%20vector(0)", all); time.Sleep(50 * time.Millisecond) {
		if time.Since(start) > readyWithin {
			t.Fatal("prometheus is not ready")
		}
	}
	return url
}

// says reports whether a page is there and holds a text.
func says(url, text string) bool {
	answer, err := http.Get(url)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return err == nil && answer.StatusCode == http.StatusOK && strings.Contains(string(body), text)
}

// freePort is one of the loopback address that nobody listens on.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
