package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// platforms are those that a release has binaries for.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}

// sumsFile lists the digests of a release, in the form of sha256sum.
const sumsFile = "SHA256SUMS"

// edition is the program with some of its optional parts.
type edition struct {
	name string // of the archive
	tags string // of the build
}

// editions are the usual program, and the one of the image and of the action:
// its tags are the Dockerfile's.
func editions(root string) ([]edition, error) {
	dockerfile, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		return nil, err
	}
	found := regexp.MustCompile(`(?m)^ARG TAGS="([^"\n]+)"$`).FindSubmatch(dockerfile)
	if found == nil {
		return nil, fmt.Errorf("the Dockerfile has no argument TAGS")
	}
	return []edition{{name: "slogate"}, {name: "slogate-full", tags: string(found[1])}}, nil
}

// artifact is one archive of a release.
type artifact struct {
	edition
	version, platform string
}

func (a artifact) windows() bool { return strings.HasPrefix(a.platform, "windows/") }

// stem is the name of the archive without its ending.
func (a artifact) stem() string {
	return a.name + "_" + a.version + "_" + strings.ReplaceAll(a.platform, "/", "_")
}

func (a artifact) archive() string {
	if a.windows() {
		return a.stem() + ".zip"
	}
	return a.stem() + ".tar.gz"
}

func (a artifact) sbom() string { return a.stem() + ".cdx.json" }

// program is the name of the binary in the archive.
func (a artifact) program() string {
	if a.windows() {
		return "slogate.exe"
	}
	return "slogate"
}

// origin is what a release is built from, as far as it enters the bytes.
type origin struct {
	Version string    // vX.Y.Z, or snapshot
	Commit  string    // of the sources
	Time    time.Time // of the commit: that of all files in the archives
}

type buildCommand struct {
	Version  string   `help:"vX.Y.Z. Without it a snapshot is built, of any tree and by any Go."`
	Out      string   `default:"dist" help:"Folder for what is built."`
	Platform []string `help:"Only these, such as linux/amd64."`
}

// Run builds a release of the tree in the current folder.
func (c *buildCommand) Run(ctx context.Context, stdout io.Writer) error {
	o, err := originOf(ctx, c.Version)
	if err != nil {
		return err
	}
	b := &builder{root: ".", out: c.Out, origin: o, log: stdout}
	return b.release(ctx, c.Platform)
}

var versionForm = regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$`)

// originOf describes the tree in the current folder. A release wants one that
// others can build, too.
func originOf(ctx context.Context, version string) (origin, error) {
	commit, err := output(ctx, "git", "log", "-1", "--format=%H %ct")
	if err != nil {
		return origin{}, err
	}
	hash, seconds, _ := strings.Cut(commit, " ")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return origin{}, fmt.Errorf("git log: %w", err)
	}
	changes, err := output(ctx, "git", "status", "--porcelain")
	if err != nil {
		return origin{}, err
	}
	o := origin{Version: version, Commit: hash, Time: time.Unix(unix, 0).UTC()}
	if version == "" {
		o.Version = "snapshot"
		if changes != "" {
			o.Commit += "+changes"
		}
		return o, nil
	}
	return o, releasable(version, changes, runtime.Version())
}

// releasable says why a tree cannot be released.
func releasable(version, changes, goVersion string) error {
	pinned, err := os.ReadFile(".go-version")
	if err != nil {
		return err
	}
	want := "go" + strings.TrimSpace(string(pinned))
	switch {
	case !versionForm.MatchString(version):
		return fmt.Errorf("%q is no version such as v1.2.3", version)
	case changes != "":
		return fmt.Errorf("the tree differs from its commit:\n%s", changes)
	case goVersion != want:
		return fmt.Errorf("this is %s; releases are built by %s (.go-version), so that everyone gets the same bytes", goVersion, want)
	}
	return nil
}

// builder builds one release.
type builder struct {
	root, out string
	origin    origin
	env       []string // added to the environment of the Go tool
	log       io.Writer
}

// release builds everything for the platforms; none are all.
func (b *builder) release(ctx context.Context, only []string) error {
	all, err := artifacts(b.root, b.origin.Version, only)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(b.out, 0o755); err != nil {
		return err
	}
	old, err := os.ReadDir(b.out)
	if err != nil {
		return err
	}
	if len(old) > 0 {
		return fmt.Errorf("%s is not empty", b.out)
	}
	var made []string
	for _, a := range all {
		began := time.Now()
		size, err := b.artifact(ctx, a)
		if err != nil {
			return fmt.Errorf("%s: %w", a.stem(), err)
		}
		made = append(made, a.archive(), a.sbom())
		fmt.Fprintf(b.log, "%-50s binary %9d bytes, %4.1f s\n", a.archive(), size, time.Since(began).Seconds())
	}
	sums, err := digests(b.out, made)
	if err != nil {
		return err
	}
	fmt.Fprint(b.log, sums)
	return os.WriteFile(filepath.Join(b.out, sumsFile), []byte(sums), 0o644)
}

// artifacts are those of a version for the platforms; none are all.
func artifacts(root, version string, only []string) ([]artifact, error) {
	es, err := editions(root)
	if err != nil {
		return nil, err
	}
	for _, p := range only {
		if !slices.Contains(platforms, p) {
			return nil, fmt.Errorf("no platform %q, only %s", p, strings.Join(platforms, ", "))
		}
	}
	var all []artifact
	for _, p := range platforms {
		for _, e := range es {
			if len(only) == 0 || slices.Contains(only, p) {
				all = append(all, artifact{edition: e, version: version, platform: p})
			}
		}
	}
	return all, nil
}

// artifact builds one binary, its archive and its SBOM, and returns the size of
// the binary.
func (b *builder) artifact(ctx context.Context, a artifact) (int64, error) {
	scratch, err := os.MkdirTemp("", "release")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(scratch)
	binary := filepath.Join(scratch, a.program())
	if err := b.compile(ctx, a, binary); err != nil {
		return 0, err
	}
	if err := b.describe(ctx, a, binary); err != nil {
		return 0, err
	}
	files, err := b.files(ctx, a, binary)
	if err != nil {
		return 0, err
	}
	write := tarball
	if a.windows() {
		write = zipped
	}
	return int64(len(files[0].content)), write(filepath.Join(b.out, a.archive()), files, b.origin.Time)
}

// toolEnv is the environment of the Go tool for a platform. What a machine may
// have set otherwise is fixed: it would change the bytes.
func (b *builder) toolEnv(a artifact) []string {
	goos, goarch, _ := strings.Cut(a.platform, "/")
	return append(append(os.Environ(),
		"CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch, "GOAMD64=v1", "GOARM64=v8.0",
		"GOFLAGS=", "GOEXPERIMENT=", "GOFIPS140=off", "GOWORK=off", "GOTOOLCHAIN=local"), b.env...)
}

func (b *builder) compile(ctx context.Context, a artifact, binary string) error {
	_, err := b.tool(ctx, b.toolEnv(a), "build", "-trimpath", "-buildvcs=false", "-mod=readonly", "-tags", a.tags,
		"-ldflags", "-s -w -X main.release="+b.origin.Version+" -X main.commit="+b.origin.Commit, "-o", binary, ".")
	return err
}

// describe writes the SBOM: every module in the binary, as the binary itself
// names them, the standard library and how it was built.
func (b *builder) describe(ctx context.Context, a artifact, binary string) error {
	text, err := b.tool(ctx, append(os.Environ(), b.env...), "tool", "-modfile=tools/go.mod", "cyclonedx-gomod",
		"bin", "-json", "-std", "-noserial", "-notimestamp", "-version", b.origin.Version, binary)
	if err != nil {
		return err
	}
	sbom, err := withoutToolHashes([]byte(text))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.out, a.sbom()), sbom, 0o644)
}

// withoutToolHashes drops the digests of the tool that wrote an SBOM: it is
// built on the spot, so that they are those of the machine.
func withoutToolHashes(text []byte) ([]byte, error) {
	var sbom map[string]any
	if err := json.Unmarshal(text, &sbom); err != nil {
		return nil, fmt.Errorf("SBOM: %w", err)
	}
	metadata, _ := sbom["metadata"].(map[string]any)
	tools, _ := metadata["tools"].([]any)
	if len(tools) != 1 {
		return nil, fmt.Errorf("SBOM: it names %d tools, not one", len(tools))
	}
	tool, _ := tools[0].(map[string]any)
	delete(tool, "hashes")
	return json.MarshalIndent(sbom, "", "  ")
}

// files are what an archive holds: the program first.
func (b *builder) files(ctx context.Context, a artifact, binary string) ([]file, error) {
	program, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	license, err := os.ReadFile(filepath.Join(b.root, "LICENSE"))
	if err != nil {
		return nil, err
	}
	others, err := b.licenses(ctx, a)
	if err != nil {
		return nil, err
	}
	all := []file{
		{name: a.program(), mode: 0o755, content: program},
		{name: "LICENSE", mode: 0o644, content: license},
		{name: "THIRD_PARTY_LICENSES", mode: 0o644, content: others},
	}
	for _, name := range beside {
		content, err := os.ReadFile(filepath.Join(b.root, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		all = append(all, file{name: name, mode: 0o644, content: content})
	}
	return all, nil
}

// beside are the files of the repository that packages put into their places.
var beside = []string{"completions/_slogate", "completions/slogate.bash", "completions/slogate.fish", "man/slogate.1"}

// digests lists files as sha256sum does, by name.
func digests(dir string, names []string) (string, error) {
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		sum := sha256.Sum256(content)
		b.WriteString(hex.EncodeToString(sum[:]) + "  " + name + "\n")
	}
	return b.String(), nil
}
