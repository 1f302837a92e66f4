package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
)

// A terminal that is shown the JSON obeys nothing in it, and a reader gets the
// same texts.
func TestJSONIsSafeToShow(t *testing.T) {
	name := "a\x1b[31m\u007f\u009b2J\u202e\u200b\U000e0001 größer ✅"
	r := sampleRun(result.Pass)
	r.Name = name
	var b strings.Builder
	if err := JSON(&b, r); err != nil {
		t.Fatal(err)
	}
	want := `"a\u001b[31m\u007f\u009b2J\u202e\u200b\udb40\udc01 größer ✅"`
	if !strings.Contains(b.String(), want) {
		t.Errorf("missing: %s", want)
	}
	got, err := result.Decode(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(name, got.Name); diff != "" {
		t.Error(diff)
	}
}
