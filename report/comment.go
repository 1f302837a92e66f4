package report

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/slogate/slogate/result"
)

// CommentOptions say what surrounds a comment.
type CommentOptions struct {
	SummaryURL string // of the job's summary; empty: no link
	// Foreign says that the result file was left by another run than the one
	// that writes, whose author may be a stranger; OriginURL is that run's, empty
	// where it is not known.
	Foreign   bool
	OriginURL string
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
		{"loosened", "what this change asks less of", 1},
		{"findings", "findings", 2},
		{"baseline", "earlier results", 8},
		{"stages", "stages", 4},
		{"bars", "bars by stage", 9},
		{"capacity", "capacity", 5},
		{"changes", "changes from stage to stage", 6},
		{"timeline", "replicas", 7},
		{"failures", "failing responses", 11},
		{"precision", "precision", 10},
		{"facts", "what was tested", 5},
	},
}

// Comment returns the run as a comment of a pull request: the facts of
// [Markdown] in fewer than 60,000 characters, with bars of characters in the
// place of charts, which neither the mobile app nor a mail would draw, and
// without the bodies of failing responses: a runner masks its secrets in logs
// and summaries, but not in a comment. Where that is not enough, whole sections are left out and named at the end.
func Comment(r *result.Run, opts CommentOptions) (string, error) {
	page := markdownPage{View: newView(r, markdown), SummaryURL: link(opts.SummaryURL), Foreign: opts.Foreign, OriginURL: link(opts.OriginURL)}
	for i := range page.Failures {
		page.Failures[i].Body = Text{}
	}
	if commit.MatchString(r.Source.Commit) {
		page.Commit = r.Source.Commit[:12]
	}
	return commentForm.write(page)
}

// RefusalComment returns, as a comment of a pull request, why nothing was
// loaded: an earlier comment would go on saying how the change before fared.
func RefusalComment(why string, opts CommentOptions) string {
	var text strings.Builder
	_ = Refusal(&text, why) // a Builder takes everything
	if url := link(opts.SummaryURL); url != "" {
		fmt.Fprintf(&text, "\n[The job summary](<%s>)\n", url)
	}
	return text.String()
}

// commit matches a commit's full name.
var commit = regexp.MustCompile(`^[0-9a-f]{40,64}$`)

// link returns an address that can stand in a link, or nothing.
func link(url string) string {
	if !linkable.MatchString(url) {
		return ""
	}
	return url
}

// linkable matches what can stand in a link of Markdown without an escape.
var linkable = regexp.MustCompile(`^https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~:/?#!$&'*+,;=%-]*)?$`)
