package main

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// A folder brings its .json files, and the results that runs have named below
// it: as artifacts of several jobs come.
func TestResultsOfAFolder(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
		found int
	}{
		{"files beside each other", []string{"1.json", "2.JSON"}, 2},
		{"a folder for each", []string{"1/slogate-result.json", "a/b/slogate-result.json"}, 2},
		{"both", []string{"1.json", "2/slogate-result.json"}, 2},
		{"other files below", []string{"1.json", "node_modules/package.json"}, 1},
		{"hidden ones", []string{"1.json", ".2.json", ".git/slogate-result.json"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			writeResults(t, suggestSLO, 1)
			content, err := os.ReadFile("run-1.json")
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range c.files {
				writeFile(t, filepath.Join("results", filepath.FromSlash(name)), content)
			}
			found, err := readResults("results")
			if err != nil || len(found) != c.found {
				t.Errorf("%d results, error %v, want %d results", len(found), err, c.found)
			}
		})
	}
}

// A folder that the user names and that holds no result compares with nothing:
// that must not pass for a comparison.
func TestFolderWithoutAResult(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "slo.yaml", []byte(suggestSLO))
	writeFile(t, "results/readme.txt", nil)
	for _, args := range [][]string{
		{"run", "--target", "http://127.0.0.1:1", "--baseline", "results"},
		{"suggest", "results"},
	} {
		var stderr bytes.Buffer
		code := Main(t.Context(), args, os.LookupEnv, io.Discard, &stderr)
		want := "error: read result results: the folder holds no result\nhint: results are the .json files"
		text := strings.Replace(stderr.String(), "error: baseline: ", "error: ", 1)
		if code != exitUsage || !strings.HasPrefix(text, want) {
			t.Errorf("%s: exit code %d, said %q", strings.Join(args, " "), code, stderr.String())
		}
	}
}

func writeFile(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// locked is a folder that only another user may read, as a container's volume.
type locked struct{ fstest.MapFS }

func (l locked) Open(name string) (fs.File, error) {
	if path.Base(name) == "volume" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return l.MapFS.Open(name)
}

func (l locked) ReadDir(name string) ([]fs.DirEntry, error) {
	if path.Base(name) == "volume" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return l.MapFS.ReadDir(name)
}

func (l locked) Sub(string) (fs.FS, error) { return l, nil }

func TestResultsBesideAFolderOfOthers(t *testing.T) {
	root := locked{fstest.MapFS{
		"1/slogate-result.json":      {},
		"volume/slogate-result.json": {},
	}}
	got, err := resultFiles(root, ".")
	if diff := cmp.Diff([]string{"1/slogate-result.json"}, got); err != nil || diff != "" {
		t.Errorf("%v, (-want +got):\n%s", err, diff)
	}
	got, err = shardsBelow(root, "shards")
	if diff := cmp.Diff([]string{filepath.Join("shards", "1", resultFile)}, got); err != nil || diff != "" {
		t.Errorf("shards: %v, (-want +got):\n%s", err, diff)
	}
}
