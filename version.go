package main

import "runtime/debug"

// release is set by the release build: -ldflags "-X main.release=v1.2.3".
var release string

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

// userAgent names the program to the servers of the CI.
func userAgent() string { return "slogate/" + version() }
