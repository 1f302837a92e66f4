//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// bench is what all cells share: the programs and the services.
type bench struct {
	seconds  int
	scratch  string
	tools    string
	programs map[string]string
	nginx    *service
	url      string // of nginx
	tlsURL   string
}

// peers are the programs to compare with, by the command that installs them.
var peers = map[string]string{
	"fortio": "fortio.org/fortio@v1.66.5",
	"hey":    "github.com/rakyll/hey@v0.1.4",
	"vegeta": "github.com/tsenart/vegeta/v12@v12.12.0",
	"k6":     "go.k6.io/k6@v1.0.0",
}

// packages are Debian's names of the programs that it has.
var packages = map[string]string{"wrk": "wrk", "nginx": "nginx-light", "taskset": "util-linux", "openssl": "openssl"}

func newBench(ctx context.Context, s settings) (*bench, error) {
	scratch, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	b := &bench{seconds: s.seconds, scratch: scratch, tools: s.tools, programs: map[string]string{}}
	if err := errors.Join(b.install(ctx), b.build(ctx), b.start(ctx)); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) close() {
	if b.nginx != nil {
		b.nginx.stop()
	}
	os.RemoveAll(b.scratch)
}

func (b *bench) program(name string) string { return b.programs[name] }

// install finds the programs, or installs them.
func (b *bench) install(ctx context.Context) error {
	for name, pkg := range packages {
		if _, err := exec.LookPath(name); err != nil {
			fmt.Fprintln(os.Stderr, "installing", pkg)
			if _, err := finish(ctx, "", []string{"DEBIAN_FRONTEND=noninteractive"}, "apt-get", "install", "-qq", "-y", "--no-install-recommends", pkg); err != nil {
				return fmt.Errorf("install %s: %w", pkg, err)
			}
		}
		b.programs[name] = name
	}
	if err := os.MkdirAll(b.tools, 0o755); err != nil {
		return err
	}
	for name, module := range peers {
		path := filepath.Join(b.tools, name)
		if _, err := os.Stat(path); err != nil {
			fmt.Fprintln(os.Stderr, "installing", module)
			if _, err := finish(ctx, "", []string{"GOBIN=" + b.tools}, "go", "install", "-trimpath", module); err != nil {
				return fmt.Errorf("install %s: %w", module, err)
			}
		}
		b.programs[name] = path
	}
	return nil
}

// build makes slogate as it is released.
func (b *bench) build(ctx context.Context) error {
	root, err := finish(ctx, "", nil, "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return err
	}
	path := filepath.Join(b.scratch, "slogate")
	b.programs["slogate"] = path
	_, err = finish(ctx, "", []string{"CGO_ENABLED=0"}, "go", "build", "-C", strings.TrimSpace(root.output), "-trimpath", "-ldflags", "-s -w", "-o", path, ".")
	return err
}

// trust is the environment in which a program believes the bench's own
// certificate.
func (b *bench) trust() []string {
	return []string{"SSL_CERT_FILE=" + filepath.Join(b.scratch, "cert.pem")}
}
