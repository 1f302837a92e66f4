package report

import (
	"regexp"

	"github.com/slogate/slogate/result"
)

// CommentOptions say what surrounds a comment.
type CommentOptions struct {
	SummaryURL string // of the job's summary; empty: no link
}

// commentForm is a comment below a pull request. GitHub takes 65,536
// characters; the rest is room for a marker. Bytes are counted, of which there
// are never fewer.
var commentForm = markdownForm{
	limit: 60_000,
	rest:  "The job summary holds more, the result file everything.",
	sections: []markdownSection{
		{"head", "verdict", 0},
		{"link", "link", 0},
		{"warnings", "warnings", 3},
		{"objectives", "objectives", 1},
		{"findings", "findings", 2},
		{"baseline", "earlier results", 8},
		{"stages", "stages", 4},
		{"bars", "bars by stage", 9},
		{"changes", "changes from stage to stage", 6},
		{"timeline", "replicas", 7},
		{"failures", "failing responses", 11},
		{"precision", "precision", 10},
		{"facts", "what was tested", 5},
	},
}

// Comment returns the run as a comment of a pull request: the facts of
// [Markdown] in fewer than 60,000 characters, with bars of characters in the
// place of charts, which neither the mobile app nor a mail would draw. Where
// that is not enough, whole sections are left out and named at the end.
func Comment(r *result.Run, opts CommentOptions) (string, error) {
	page := markdownPage{View: newView(r, markdown)}
	if linkable.MatchString(opts.SummaryURL) {
		page.SummaryURL = opts.SummaryURL
	}
	return commentForm.write(page)
}

// linkable matches what can stand in a link of Markdown without an escape.
var linkable = regexp.MustCompile(`^https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~:/?#!$&'*+,;=%-]*)?$`)
