package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// release and commit are set by the release build:
// -ldflags "-X main.release=v1.2.3 -X main.commit=0123…".
var release, commit string

// version returns the release, else what the Go tool recorded of the build.
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "devel"
	}
	return info.Main.Version
}

// fullVersion says besides what the program was built from, and by what.
func fullVersion() string {
	info, _ := debug.ReadBuildInfo()
	return fmt.Sprintf("slogate %s (%s, %s %s/%s)", version(), source(commit, info), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// source names the commit of a build: that of the release, else the one that
// the Go tool recorded.
func source(commit string, info *debug.BuildInfo) string {
	modified := ""
	if commit == "" && info != nil {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				commit = s.Value
			case s.Key == "vcs.modified" && s.Value == "true":
				modified = " with changes"
			}
		}
	}
	switch {
	case commit != "":
		return "commit " + commit + modified
	case info != nil && info.Main.Sum != "":
		return "module " + info.Main.Sum // "go install", which knows no commit
	}
	return "unknown commit"
}

// versionCommand is --version for those who ask by a word.
type versionCommand struct{}

// Run prints the version.
func (*versionCommand) Run(_ context.Context, p *program) (int, error) {
	return p.print(fullVersion() + "\n")
}

// userAgent names the program to the servers of the CI.
func userAgent() string { return "slogate/" + version() }
