package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// What is left of a run that was cancelled is nothing to compare with.
func TestWhatIfAgainstARunThatWasCancelled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "result.json")
	r := &result.Run{Version: result.Version, Slogate: "v1", Name: "a", SLO: result.SLO{Digest: "d"}, Cancelled: true}
	if err := result.WriteFile(path, r); err != nil {
		t.Fatal(err)
	}
	c := whatIfCommand{Against: path}
	if _, code, err := c.without(t.Context(), &program{}, &slo.File{Digest: "d"}); code != exitUsage || err == nil || !strings.Contains(err.Error(), "cancelled") {
		t.Errorf("exit code %d, %v", code, err)
	}
}
