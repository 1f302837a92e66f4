// Package baseline finds the earlier results that a run is compared with, and
// keeps a run's result for those that come after it.
//
// Both use the artifacts of GitHub's workflow runs. [Find] takes a [Query] and
// returns the results of earlier good runs of the same workflow on one branch;
// [Service] keeps a result as an artifact, by the protocol that
// actions/upload-artifact speaks. Nothing needs a server of its own, and
// nothing is written to the repository.
//
// An artifact's name says nothing of where it comes from: a pull request of a
// fork can keep one of the same name. What counts is therefore the run that
// kept it, and its branch and repository as GitHub knows them. Archives are
// hostile all the same: they are read in memory within limits, and one that is
// broken, foreign or too large is left out with a notice.
//
// The package knows nothing of objectives and verdicts, and nothing of the
// environment.
package baseline

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/slogate/slogate/github"
)

// ResultFile is the name of a result in an artifact.
const ResultFile = "slogate-result.json"

// DefaultArtifact is the first part of an artifact's name where the SLO file
// names none.
const DefaultArtifact = "slogate-result"

// Origin is what the results of an artifact come from. Those of two jobs, of
// two cells of a matrix, of two files or of two of their profiles must not meet
// in one name, because a workflow run takes each name once.
type Origin struct {
	First   string // first part of the name; empty: [DefaultArtifact]
	File    string // name of the SLO file
	Profile string // empty: all stages
	Job     string
	Matrix  string // the cell as JSON; empty, null or {}: none
}

// Artifact is the name of the artifact that keeps the results. It has at most
// 200 characters, and all of them are letters, digits and . _ -
func (o Origin) Artifact() string {
	first := cmp.Or(o.First, DefaultArtifact)
	cell, plain := readCell(o.Matrix)
	parts, whole := []string{first, o.File, o.Job}, []string{first, o.File, o.Job, github.Cell(o.Matrix)}
	if o.Profile != "" {
		parts, whole = append(parts, o.Profile), append(whole, o.Profile)
	}
	if cell != "" {
		parts = append(parts, cell)
	}
	if len(parts) > mostParts {
		parts = append(parts[:mostParts-1], o.Profile+"-"+cell)
	}
	for i, part := range parts {
		parts[i] = harmless.ReplaceAllString(part, "-")
		if len(parts[i]) > longestPart {
			parts[i] = parts[i][:longestPart]
		}
		// A part with the separator in it could be two.
		plain = plain && parts[i] == part && (i == 0 || !strings.Contains(part, "_"))
	}
	name := strings.Join(parts, "_")
	if !plain {
		sum := sha256.Sum256([]byte(strings.Join(whole, "\x00")))
		name += "_" + hex.EncodeToString(sum[:4])
	}
	return name
}

// So many parts of this length, and a digest, have less than 200 characters.
const (
	mostParts   = 4
	longestPart = 45
)

var harmless = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// readCell writes the values of a matrix's cell, and reports whether they are
// the whole of it.
func readCell(matrix string) (text string, plain bool) {
	var cell map[string]any
	if json.Unmarshal([]byte(matrix), &cell) != nil || len(cell) == 0 {
		return "", github.Cell(matrix) == ""
	}
	var values []string
	for _, key := range slices.Sorted(maps.Keys(cell)) {
		if v, ok := cell[key].(map[string]any); ok {
			values = append(values, fmt.Sprint(len(v)))
			continue
		}
		values = append(values, fmt.Sprint(cell[key]))
	}
	return strings.Join(values, "-"), false
}
