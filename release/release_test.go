package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestArtifacts(t *testing.T) {
	all, err := artifacts("..", "v1.2.3", nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range all {
		got = append(got, a.archive()+" "+a.program()+" "+a.tags)
	}
	want := []string{
		"slogate_v1.2.3_linux_amd64.tar.gz slogate ",
		"slogate-full_v1.2.3_linux_amd64.tar.gz slogate grpc kubernetes",
		"slogate_v1.2.3_linux_arm64.tar.gz slogate ",
		"slogate-full_v1.2.3_linux_arm64.tar.gz slogate grpc kubernetes",
		"slogate_v1.2.3_darwin_amd64.tar.gz slogate ",
		"slogate-full_v1.2.3_darwin_amd64.tar.gz slogate grpc kubernetes",
		"slogate_v1.2.3_darwin_arm64.tar.gz slogate ",
		"slogate-full_v1.2.3_darwin_arm64.tar.gz slogate grpc kubernetes",
		"slogate_v1.2.3_windows_amd64.zip slogate.exe ",
		"slogate-full_v1.2.3_windows_amd64.zip slogate.exe grpc kubernetes",
		"slogate_v1.2.3_windows_arm64.zip slogate.exe ",
		"slogate-full_v1.2.3_windows_arm64.zip slogate.exe grpc kubernetes",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("artifacts (-want +got):\n%s", diff)
	}
	if _, err := artifacts("..", "v1.2.3", []string{"plan9/amd64"}); err == nil {
		t.Error("a platform that is not released is built")
	}
}

var packed = []file{
	{name: "slogate", mode: 0o755, content: []byte("program")},
	{name: "LICENSE", mode: 0o644, content: bytes.Repeat([]byte("terms "), 1000)},
}

// entry is what an archive says of a file.
type entry struct {
	Name, Content string
	Mode          int64
	Time          int64
	Owner         string
}

func entries(owner string, at time.Time) []entry {
	var want []entry
	for _, f := range packed {
		want = append(want, entry{f.name, string(f.content), int64(f.mode), at.Unix(), owner})
	}
	return want
}

func TestTarball(t *testing.T) {
	at := time.Unix(1_700_000_000, 0).UTC()
	path := filepath.Join(t.TempDir(), "x.tar.gz")
	if err := tarball(path, packed, at); err != nil {
		t.Fatal(err)
	}
	unpacked, err := gzip.NewReader(strings.NewReader(read(t, path)))
	if err != nil {
		t.Fatal(err)
	}
	if unpacked.Name != "" || !unpacked.ModTime.IsZero() {
		t.Errorf("the header names %q, %v", unpacked.Name, unpacked.ModTime)
	}
	var got []entry
	for archive := tar.NewReader(unpacked); ; {
		h, err := archive.Next()
		if err == io.EOF {
			break
		}
		content, err2 := io.ReadAll(archive)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Gid != 0 {
			t.Errorf("%s belongs to %d:%d", h.Name, h.Uid, h.Gid)
		}
		got = append(got, entry{h.Name, string(content), h.Mode, h.ModTime.Unix(), h.Uname + h.Gname})
	}
	if diff := cmp.Diff(entries("", at), got); diff != "" {
		t.Errorf("archive (-want +got):\n%s", diff)
	}
}

func TestZipped(t *testing.T) {
	at := time.Unix(1_700_000_000, 0).UTC()
	path := filepath.Join(t.TempDir(), "x.zip")
	if err := zipped(path, packed, at); err != nil {
		t.Fatal(err)
	}
	archive, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	var got []entry
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, entry{f.Name, string(content), int64(f.Mode()), f.Modified.Unix(), ""})
	}
	if diff := cmp.Diff(entries("", at), got); diff != "" {
		t.Errorf("archive (-want +got):\n%s", diff)
	}
}

func TestReleasable(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, ".go-version", "1.26.8\n")
	t.Chdir(dir)
	for name, tt := range map[string]struct{ version, changes, by, want string }{
		"release":         {"v1.2.3", "", "go1.26.8", ""},
		"candidate":       {"v1.2.3-rc.1", "", "go1.26.8", ""},
		"without v":       {"1.2.3", "", "go1.26.8", "no version"},
		"without a patch": {"v1.2", "", "go1.26.8", "no version"},
		"leading zero":    {"v1.02.3", "", "go1.26.8", "no version"},
		"two lines":       {"v1.2.3\nv1", "", "go1.26.8", "no version"},
		"changed tree":    {"v1.2.3", " M main.go", "go1.26.8", "differs from its commit"},
		"another Go":      {"v1.2.3", "", "go1.26.7", "go1.26.7; releases are built by go1.26.8"},
	} {
		err := releasable(tt.version, tt.changes, tt.by)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
	}
}

// The compiler of releases is a patch of the version that the module asks for.
func TestGoVersion(t *testing.T) {
	pinned := strings.TrimSpace(read(t, "../.go-version"))
	series, _, _ := strings.Cut(strings.TrimPrefix(pinned, "1."), ".")
	if !strings.Contains(read(t, "../go.mod"), "\ngo 1."+series+".") {
		t.Errorf(".go-version is %s, go.mod asks for another series", pinned)
	}
}

// What a released image is built on are the bases of the Dockerfile, by digest,
// and the Go of the archives: else the programs would differ.
func TestImages(t *testing.T) {
	from := regexp.MustCompile(`(?m)^FROM (\S+):(\S+)@sha256:[0-9a-f]{64} AS (go|base)$`).FindAllStringSubmatch(read(t, "images/Dockerfile"), -1)
	if len(from) != 2 {
		t.Fatalf("%d images with a digest, want 2", len(from))
	}
	if got, want := from[0][1]+":"+from[0][2], "golang:"+strings.TrimSpace(read(t, "../.go-version"))+"-alpine"; got != want || from[0][3] != "go" {
		t.Errorf("the image with Go is %s, want %s", got, want)
	}
	if got := from[1][1] + ":" + from[1][2]; !strings.Contains(read(t, "../Dockerfile"), "\nARG BASE_IMAGE="+got+"\n") || from[1][3] != "base" {
		t.Errorf("the base is %s, and another one in the Dockerfile", got)
	}
}

func TestNotes(t *testing.T) {
	const changes = "# Changelog\n\n## Unreleased\n\n- new\n\n## v1.1.0 – 2026-12-01\n\n- **Load**: more\n\n### Details\n\n- x\n\n## v1.0.0\n\n## v0.9.0\n- first\n"
	for version, want := range map[string]string{
		"v1.1.0": "- **Load**: more\n\n### Details\n\n- x\n",
		"v0.9.0": "- first\n",
	} {
		if got, err := notesOf(changes, version); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", version, got, err, want)
		}
	}
	for version, want := range map[string]string{"v1.2.0": "no heading", "v1.1": "no heading", "v1.0.0": "nothing below"} {
		if got, err := notesOf(changes, version); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v; want %q", version, got, err, want)
		}
	}
}

func TestCompare(t *testing.T) {
	a, b := strings.Repeat("a", 64), strings.Repeat("b", 64)
	for name, tt := range map[string]struct{ first, second, want string }{
		"same":           {a + "  one.zip\n" + b + "  two.zip\n", a + "  one.zip\n", ""},
		"another digest": {a + "  one.zip\n", b + "  one.zip\n", "not reproduced: one.zip"},
		"another name":   {a + "  one.zip\n", a + "  two.zip\n", "not reproduced: two.zip"},
		"nothing built":  {a + "  one.zip\n", "", "nothing was built"},
		"no digest":      {"hello\n", a + "  one.zip\n", "no digest with a name"},
		"path for name":  {a + "  ../one.zip\n", a + "  one.zip\n", "no digest with a name"},
	} {
		first, second := t.TempDir(), t.TempDir()
		write(t, first, sumsFile, tt.first)
		write(t, second, sumsFile, tt.second)
		var out strings.Builder
		err := compare(&out, first, second)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
		if name == "same" && out.String() != "one.zip\n  "+a+"\n  "+a+"\n" {
			t.Errorf("printed %q", out.String())
		}
	}
}

// tree is what pin needs of the repository.
func tree(t *testing.T, version string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range []string{"action.yml", "Dockerfile"} {
		write(t, root, name, read(t, "../"+name))
	}
	write(t, root, "host/action.yml", "")
	all, err := artifacts(root, version, nil)
	if err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for i, a := range all {
		lines.WriteString(strings.Repeat(string("0123456789ab"[i]), 64) + "  " + a.archive() + "\n")
	}
	write(t, root, "dist/"+sumsFile, lines.String())
	return root
}

var image = "ghcr.io/slogate/slogate@sha256:" + strings.Repeat("7", 64)

func TestPin(t *testing.T) {
	root := tree(t, "v1.2.3")
	before := read(t, filepath.Join(root, "action.yml"))
	if !strings.Contains(before, "\n  image: Dockerfile\n") {
		t.Skip("this is a tagged commit: its action is pinned already")
	}
	c := pinCommand{Image: image, Version: "v1.2.3", Sums: filepath.Join(root, "dist", sumsFile), Root: root}
	if err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(before, "  image: Dockerfile\n", "  image: docker://"+image+" # v1.2.3\n", 1)
	if diff := cmp.Diff(want, read(t, filepath.Join(root, "action.yml"))); diff != "" {
		t.Errorf("action.yml (-want +got):\n%s", diff)
	}
	got, err := readSums(filepath.Join(root, "host", sumsFile))
	if err != nil || len(got) != len(platforms) {
		t.Fatalf("the action for the host knows %v, %v", got, err)
	}
	if digest := got.of("slogate-full_v1.2.3_linux_amd64.tar.gz"); digest != strings.Repeat("1", 64) {
		t.Errorf("digest of the full edition = %q", digest)
	}
	if err := c.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "0 lines") {
		t.Errorf("a pinned tree is pinned again: %v", err)
	}
}

func TestPinRefuses(t *testing.T) {
	for name, tt := range map[string]struct{ image, version, want string }{
		"a tag for a digest":  {"ghcr.io/slogate/slogate:v1.2.3", "v1.2.3", "no image with a digest"},
		"a short digest":      {"ghcr.io/slogate/slogate@sha256:77", "v1.2.3", "no image with a digest"},
		"two lines":           {image + "\nx: y", "v1.2.3", "no image with a digest"},
		"no version":          {image, "1.2.3", "no version"},
		"archives of another": {image, "v1.2.4", "lacks slogate-full_v1.2.4_linux_amd64.tar.gz"},
	} {
		root := tree(t, "v1.2.3")
		before := read(t, filepath.Join(root, "action.yml"))
		c := pinCommand{Image: tt.image, Version: tt.version, Sums: filepath.Join(root, "dist", sumsFile), Root: root}
		if err := c.Run(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
		if read(t, filepath.Join(root, "action.yml")) != before {
			t.Errorf("%s: action.yml was changed", name)
		}
	}
}

func TestWithoutToolHashes(t *testing.T) {
	const tool = `{"vendor":"CycloneDX","name":"cyclonedx-gomod","version":"v1","hashes":[{"alg":"MD5","content":"0"}]}`
	got, err := withoutToolHashes([]byte(`{"metadata":{"tools":[` + tool + `],"component":{"name":"x","hashes":[1]}},"components":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	if s := string(got); strings.Contains(s, "MD5") || !strings.Contains(s, `"version": "v1"`) || !strings.Contains(s, `"hashes": [`) {
		t.Errorf("SBOM is %s", s)
	}
	for _, text := range []string{"", "{}", `{"metadata":{"tools":[]}}`, `{"metadata":{"tools":{"components":[]}}}`} {
		if _, err := withoutToolHashes([]byte(text)); err == nil {
			t.Errorf("no error for %q", text)
		}
	}
}

func TestLicenses(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "LICENSE", "terms\n")
	write(t, dir, "NOTICE.txt", "mine\n")
	write(t, dir, "license.go", "package x")
	var text bytes.Buffer
	if err := appendLicenses(&text, "example.org/x v1.0.0", dir); err != nil {
		t.Fatal(err)
	}
	if want := "==== example.org/x v1.0.0: LICENSE\n\nterms\n\n==== example.org/x v1.0.0: NOTICE.txt\n\nmine\n\n"; text.String() != want {
		t.Errorf("got %q, want %q", text.String(), want)
	}
	if err := appendLicenses(&text, "example.org/y", t.TempDir()); err == nil {
		t.Error("a module without a license is no error")
	}
}
