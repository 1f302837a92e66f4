package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// runner is a machine on which the action for the host is installed.
type runner struct {
	t       *testing.T
	action  string // folder of the released action
	dir     string // tool cache, temporary files and programs in PATH
	env     map[string]string
	server  sync.Mutex        // held while it answers, and by the test but for an installation
	mirror  map[string]string // what the server of the releases has, by path
	asked   []string
	archive string // name of the one for Linux on X64
}

// program is what the released archives hold here.
const program = "#!/bin/sh\necho slogate v1.2.3\n"

func newRunner(t *testing.T) *runner {
	t.Helper()
	for _, name := range []string{"bash", "curl", "tar"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is missing", name)
		}
	}
	r := &runner{t: t, action: t.TempDir(), dir: t.TempDir(), mirror: map[string]string{}, archive: "slogate-full_v1.2.3_linux_amd64.tar.gz"}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.server.Lock()
		defer r.server.Unlock()
		r.asked = append(r.asked, q.URL.Path)
		content, ok := r.mirror[q.URL.Path]
		if !ok {
			http.NotFound(w, q)
			return
		}
		fmt.Fprint(w, content)
	}))
	t.Cleanup(server.Close)
	r.env = map[string]string{
		"RUNNER_OS": "Linux", "RUNNER_ARCH": "X64", "RUNNER_TEMP": filepath.Join(r.dir, "temp"), "RUNNER_TOOL_CACHE": filepath.Join(r.dir, "cache"),
		"GITHUB_OUTPUT": filepath.Join(r.dir, "output"), "PATH": os.Getenv("PATH"), "SLOGATE_RELEASES": server.URL,
	}
	write(t, r.action, "install.sh", read(t, "../host/install.sh"))
	if err := os.MkdirAll(r.env["RUNNER_TEMP"], 0o755); err != nil {
		t.Fatal(err)
	}
	r.server.Lock()
	r.release()
	return r
}

// release fills the server and the action's list of digests.
func (r *runner) release() {
	var sums strings.Builder
	for _, p := range platforms {
		a := artifact{edition: edition{name: "slogate-full"}, version: "v1.2.3", platform: p}
		pack := tarball
		if a.windows() {
			pack = zipped
		}
		path := filepath.Join(r.t.TempDir(), a.archive())
		if err := pack(path, []file{{name: a.program(), mode: 0o755, content: []byte(program)}}, time.Unix(0, 0)); err != nil {
			r.t.Fatal(err)
		}
		content := read(r.t, path)
		r.mirror["/v1.2.3/"+a.archive()] = content
		digest := sha256.Sum256([]byte(content))
		sums.WriteString(hex.EncodeToString(digest[:]) + "  " + a.archive() + "\n")
	}
	write(r.t, r.action, sumsFile, sums.String())
}

// kept is the archive in the tool cache.
func (r *runner) kept() string {
	return filepath.Join(r.env["RUNNER_TOOL_CACHE"], "slogate", "v1.2.3", r.archive)
}

// install runs the script, and returns what it says, its exit code and what the
// installed program says.
func (r *runner) install() (log string, exit int, says string) {
	r.t.Helper()
	c := exec.Command("bash", filepath.Join(r.action, "install.sh"))
	for name, value := range r.env {
		c.Env = append(c.Env, name+"="+value)
	}
	r.server.Unlock()
	out, err := c.CombinedOutput()
	r.server.Lock()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out), failed.ExitCode(), ""
	} else if err != nil {
		r.t.Fatal(err)
	}
	path, ok := strings.CutPrefix(strings.TrimSpace(read(r.t, r.env["GITHUB_OUTPUT"])), "program=")
	if !ok {
		r.t.Fatalf("the output names no program:\n%s", out)
	}
	said, err := exec.Command(path).Output()
	if err != nil {
		r.t.Fatal(err)
	}
	return string(out), 0, strings.TrimSpace(string(said))
}

// gh puts a client of GitHub into PATH that has a command attestation, and ends
// with a code where it verifies.
func (r *runner) gh(exit int) {
	bin := filepath.Join(r.dir, "bin")
	script := fmt.Sprintf("#!/bin/sh\ncase \"$*\" in *--help*) exit 0 ;; esac\necho \"$*\" >> %s\nexit %d\n", filepath.Join(r.dir, "gh.log"), exit)
	if err := os.Chmod(write(r.t, bin, "gh", script), 0o755); err != nil {
		r.t.Fatal(err)
	}
	// The pauses between the questions are GitHub's, not the test's.
	if err := os.Chmod(write(r.t, bin, "sleep", "#!/bin/sh\n"), 0o755); err != nil {
		r.t.Fatal(err)
	}
	r.env["PATH"] = bin + string(os.PathListSeparator) + r.env["PATH"]
	r.env["GITHUB_SERVER_URL"], r.env["GH_TOKEN"] = "https://github.com", "t"
}

func TestInstallOnce(t *testing.T) {
	r := newRunner(t)
	if log, exit, says := r.install(); exit != 0 || says != "slogate v1.2.3" || !strings.Contains(log, "not asked who built it") {
		t.Fatalf("first: exit %d, the program says %q\n%s", exit, says, log)
	}
	os.Remove(r.env["GITHUB_OUTPUT"])
	if log, exit, says := r.install(); exit != 0 || says != "slogate v1.2.3" {
		t.Fatalf("second: exit %d, the program says %q\n%s", exit, says, log)
	}
	if len(r.asked) != 1 {
		t.Errorf("asked for %q, want one download", r.asked)
	}
	// What an earlier job put into the cache of a runner is not believed.
	write(t, filepath.Dir(r.kept()), r.archive, "hostile")
	os.Remove(r.env["GITHUB_OUTPUT"])
	if log, exit, says := r.install(); exit != 0 || says != "slogate v1.2.3" || len(r.asked) != 2 {
		t.Errorf("after the cache was changed: exit %d, the program says %q, asked %q\n%s", exit, says, r.asked, log)
	}
}

func TestInstallForEveryPlatform(t *testing.T) {
	for _, goos := range []string{"Linux", "macOS", "Windows"} {
		for _, arch := range []string{"X64", "ARM64"} {
			t.Run(goos+"/"+arch, func(t *testing.T) {
				r := newRunner(t)
				if _, err := exec.LookPath("unzip"); err != nil && goos == "Windows" {
					t.Skip("unzip is missing")
				}
				r.env["RUNNER_OS"], r.env["RUNNER_ARCH"] = goos, arch
				log, exit, says := r.install()
				if exit != 0 || says != "slogate v1.2.3" || len(r.asked) != 1 {
					t.Errorf("exit %d, the program says %q, asked %q\n%s", exit, says, r.asked, log)
				}
			})
		}
	}
}

func TestInstallRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*runner)
		want   string
	}{
		"another system":    {func(r *runner) { r.env["RUNNER_OS"] = "Plan9" }, `runner's system "Plan9"`},
		"another processor": {func(r *runner) { r.env["RUNNER_ARCH"] = "ARM" }, `runner's processor "ARM"`},
		"other bytes":       {func(r *runner) { r.mirror["/v1.2.3/"+r.archive] = "hostile" }, "is not what was released"},
		"no such release":   {func(r *runner) { clear(r.mirror) }, "cannot be downloaded"},
		"no digest":         {func(r *runner) { write(r.t, r.action, sumsFile, "") }, "SHA256SUMS has no slogate for linux/amd64"},
		"not attested":      {func(r *runner) { r.gh(1) }, "GitHub does not attest"},
		"source without Go": {func(r *runner) {
			os.Remove(filepath.Join(r.action, sumsFile))
			bin := filepath.Join(r.dir, "few")
			for _, name := range []string{"bash", "dirname", "mktemp"} {
				path, err := exec.LookPath(name)
				if err := errors.Join(err, os.MkdirAll(bin, 0o755), os.Symlink(path, filepath.Join(bin, name))); err != nil {
					r.t.Fatal(err)
				}
			}
			r.env["PATH"] = bin
		}, "building it needs Go"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRunner(t)
			tt.change(r)
			log, exit, _ := r.install()
			if exit != 2 || !strings.Contains(log, "::error title=slogate::") || !strings.Contains(log, tt.want) {
				t.Errorf("exit %d, want 2 and %q:\n%s", exit, tt.want, log)
			}
			if _, err := os.Stat(r.env["GITHUB_OUTPUT"]); err == nil {
				t.Error("a program is given out")
			}
			if _, err := os.Stat(r.kept()); err == nil {
				t.Error("what was refused is in the cache")
			}
		})
	}
}

func TestInstallAsksWhoBuiltIt(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*runner)
		asked  int
	}{
		"on github.com":     {func(*runner) {}, 1},
		"on another server": {func(r *runner) { r.env["GITHUB_SERVER_URL"] = "https://ghe.example" }, 0},
		"without a token":   {func(r *runner) { r.env["GH_TOKEN"] = "" }, 0},
		"not wanted":        {func(r *runner) { r.env["SLOGATE_ATTESTATION"] = "off" }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRunner(t)
			r.gh(0)
			tt.change(r)
			log, exit, says := r.install()
			if exit != 0 || says != "slogate v1.2.3" {
				t.Fatalf("exit %d, the program says %q\n%s", exit, says, log)
			}
			asked, _ := os.ReadFile(filepath.Join(r.dir, "gh.log"))
			if got := strings.Count(string(asked), "\n"); got != tt.asked {
				t.Errorf("asked %d times, want %d: %s", got, tt.asked, asked)
			}
			if tt.asked > 0 && !strings.Contains(string(asked), "--repo slogate/slogate --signer-workflow slogate/slogate/.github/workflows/release.yml") {
				t.Errorf("asked for another builder: %s", asked)
			}
		})
	}
}
