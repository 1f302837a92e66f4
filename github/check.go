package github

import (
	"context"
	"net/http"
)

// CheckRun is the report of a check on a commit.
type CheckRun struct {
	Name       string         `json:"name"`
	HeadSHA    string         `json:"head_sha"`
	Status     string         `json:"status"`     // completed
	Conclusion string         `json:"conclusion"` // success, failure, neutral, cancelled
	DetailsURL string         `json:"details_url,omitempty"`
	Output     CheckRunOutput `json:"output"`
}

// CheckRunOutput is what a check run says.
type CheckRunOutput struct {
	Title       string       `json:"title"`
	Summary     string       `json:"summary"` // Markdown, at most 65,535 characters
	Annotations []Annotation `json:"annotations,omitempty"`
}

// Annotation is a message of a check run at lines of a file.
type Annotation struct {
	Path    string `json:"path"` // in the repository
	From    int    `json:"start_line"`
	To      int    `json:"end_line"`
	Level   string `json:"annotation_level"` // notice, warning or failure
	Title   string `json:"title"`
	Message string `json:"message"`
}

// MostAnnotations is how many a check run takes at once.
const MostAnnotations = 50

const writeChecks = "checks: write"

// CreateCheckRun reports a check that is over, and returns the address of the
// report. Of several of one name on a commit, GitHub shows the newest.
func (c *Client) CreateCheckRun(ctx context.Context, run CheckRun) (address string, err error) {
	r := c.in(http.MethodPost, "/check-runs", nil, writeChecks)
	r.body = run
	var said struct {
		URL string `json:"html_url"`
	}
	_, err = c.do(ctx, r, &said)
	return said.URL, err
}
