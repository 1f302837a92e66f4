package slo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Body files stay within the workspace, whichever way they are named.
func TestBodyFilesStayInWorkspace(t *testing.T) {
	outside, workspace := t.TempDir(), t.TempDir()
	files := map[string]string{
		filepath.Join(outside, "secret.txt"):         "secret",
		filepath.Join(workspace, "perf", "in.txt"):   "in",
		filepath.Join(workspace, "shared", "up.txt"): "up",
		filepath.Join(workspace, "big.bin"):          strings.Repeat("x", maxBodyFile+1),
	}
	for path, content := range files {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	links := map[string]string{"out.txt": filepath.Join(outside, "secret.txt"), "folder": outside, "inner.txt": "in.txt", "above.txt": "../shared/up.txt"}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(workspace, "perf", name)); err != nil {
			t.Skip("no symbolic links here:", err)
		}
	}
	for name, want := range map[string]string{
		"in.txt":            "in",
		"../shared/up.txt":  "up",
		"inner.txt":         "in",
		"above.txt":         "up",
		"out.txt":           "",
		"folder/secret.txt": "",
		"../../" + filepath.Base(outside) + "/secret.txt": "",
		filepath.Join(outside, "secret.txt"):              "",
		"../big.bin":                                      "",
		"../shared":                                       "",
	} {
		src := head + oneStage + "scenarios: [{request: POST /, body_file: '" + name + "'}]\n"
		opts := Options{Path: filepath.Join(workspace, "perf", "slo.yaml"), Workspace: workspace}
		file, err := Parse([]byte(src), opts)
		if want == "" {
			if list, ok := err.(ErrorList); !ok || !hasCode(list, CodeBodyFile) || strings.Contains(list.Pretty(), "secret\n") {
				t.Errorf("%s: error is %v, want %s", name, err, CodeBodyFile)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, _ := file.Scenarios[0].Steps[0].Request.Body.Static(); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
