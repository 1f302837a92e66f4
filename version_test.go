package main

import (
	"runtime/debug"
	"testing"
)

func TestSource(t *testing.T) {
	recorded := func(modified string) *debug.BuildInfo {
		return &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: modified}}}
	}
	for name, tt := range map[string]struct {
		commit string
		info   *debug.BuildInfo
		want   string
	}{
		"release":         {"def", recorded("true"), "commit def"},
		"clone":           {"", recorded("false"), "commit abc"},
		"changed clone":   {"", recorded("true"), "commit abc with changes"},
		"go install":      {"", &debug.BuildInfo{Main: debug.Module{Sum: "h1:x="}}, "module h1:x="},
		"without a clone": {"", &debug.BuildInfo{}, "unknown commit"},
		"without modules": {"", nil, "unknown commit"},
	} {
		if got := source(tt.commit, tt.info); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
