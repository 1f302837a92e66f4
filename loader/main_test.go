package loader

import (
	"encoding/pem"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// TestMain trusts the certificate of httptest's servers, as a user's machine
// trusts its authorities, names a proxy that no engine may use, and lets more
// tests run at once than there are cores: they wait more than they compute.
func TestMain(m *testing.M) {
	flag.Parse()
	code, err := withTrust(func() int {
		flag.Set("test.parallel", "16")
		return m.Run()
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withTrust(run func() int) (int, error) {
	dir, err := os.MkdirTemp("", "slogate-loader")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	s := httptest.NewTLSServer(http.HandlerFunc(ok))
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	s.Close()
	path := filepath.Join(dir, "authorities.pem")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return 0, err
	}
	for name, value := range map[string]string{"SSL_CERT_FILE": path, "HTTP_PROXY": "http://slogate.invalid"} {
		if err := os.Setenv(name, value); err != nil {
			return 0, err
		}
	}
	return run(), nil
}

// leftovers returns a test that no more goroutines run and no more files are
// open than now. They end a moment after the connection that they served.
func leftovers(t *testing.T) func() {
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	return func() {
		t.Helper()
		for wait := ms; wait < 10*time.Second; wait *= 2 {
			if runtime.NumGoroutine() <= goroutines && openFiles(t) <= files {
				return
			}
			<-time.After(wait)
		}
		stacks := make([]byte, 64<<10)
		stacks = stacks[:runtime.Stack(stacks, true)]
		t.Errorf("%d goroutines and %d open files, before %d and %d\n%s", runtime.NumGoroutine(), openFiles(t), goroutines, files, stacks)
	}
}
