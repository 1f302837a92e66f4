package diagnose

import (
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slogate/slogate/result"
)

// testdata/measured holds runs of real services on a busy machine, as
// bench/findings makes them; what was found then is found now. The golden texts
// are to be reviewed as text.
func TestMeasuredRuns(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("testdata", "measured", "*.json.gz"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d runs, %v", len(paths), err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".json.gz")
		t.Run(name, func(t *testing.T) {
			found := Find(measured(t, path))
			for _, f := range found {
				complete(t, f)
			}
			golden(t, filepath.Join("testdata", "measured", name+".txt"), written(found))
		})
	}
}

func measured(t *testing.T, path string) *result.Run {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unpacked, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	r, err := result.Decode(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
