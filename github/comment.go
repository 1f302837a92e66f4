package github

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Key tells one sticky comment of a pull request from the others.
type Key struct {
	Workflow string // name or path
	Job      string
	Matrix   string // the job's cell, see Cell
	Name     string // of the SLO file
}

// Cell is the canonical form of a matrix's cell, given as JSON: with its keys in
// order, empty for none, which is null or an object without keys.
func Cell(matrix string) string {
	var cell any
	if json.Unmarshal([]byte(matrix), &cell) != nil {
		return matrix
	}
	if values, isMap := cell.(map[string]any); cell == nil || isMap && len(values) == 0 {
		return ""
	}
	text, err := json.Marshal(cell)
	if err != nil {
		return matrix
	}
	return string(text)
}

// Marker is the invisible first line of a key's comment. It holds a digest, so
// that no name can end the HTML comment.
func (k Key) Marker() string {
	parts, _ := json.Marshal([]string{k.Workflow, k.Job, k.Matrix, k.Name}) // strings always have a form
	sum := sha256.Sum256(parts)
	return "<!-- slogate:" + hex.EncodeToString(sum[:16]) + " -->"
}

// Comment is a comment on a pull request.
type Comment struct {
	ID  int64  `json:"id"`
	URL string `json:"html_url"`
	// Newer says that a later run has written it, and that it was left so.
	Newer bool `json:"-"`
}

// Report is what a comment says.
type Report struct {
	Text string // Markdown
	// Run is the workflow's run that it is about: later runs have higher numbers.
	// 0: not known.
	Run int64
}

// body is the whole text of a comment, with the invisible first line by which
// it is found again.
func (r Report) body(key Key) string {
	first := key.Marker()
	if r.Run > 0 {
		first += fmt.Sprintf("<!-- run:%d -->", r.Run)
	}
	return first + "\n" + r.Text
}

var runMark = regexp.MustCompile(`^<!-- slogate:[0-9a-f]+ --><!-- run:([1-9][0-9]{0,17}) -->\n`)

// runOf is the run that a comment is about, 0 where it does not say.
func runOf(body string) int64 {
	found := runMark.FindStringSubmatch(body)
	if found == nil {
		return 0
	}
	run, _ := strconv.ParseInt(found[1], 10, 64) // at most 18 digits
	return run
}

// comment is one as listed.
type comment struct {
	Comment
	Body string `json:"body"`
	User struct {
		Login string `json:"login"`
		Type  string `json:"type"`
	} `json:"user"`
	// Minimized is not null where a person hid the comment; only newer servers
	// say so.
	Minimized *struct{} `json:"minimized"`
}

const commentPermission = "pull-requests: write"

// PutComment writes a report as the key's comment on a pull request: it updates
// the one that is there, or creates it. One of a later run stays: that run may
// have been the quicker one.
//
// Only a comment that begins with the marker and was written by the token's
// own user is updated: anybody can paste a marker. Of several, the newest one
// is; the others stay, as they may hold a conversation. A comment that was
// hidden is left alone, because its update would be hidden too.
func (c *Client) PutComment(ctx context.Context, number int, key Key, report Report) (Comment, error) {
	for attempt := 1; ; attempt++ {
		updated, found, err := c.RefreshComment(ctx, number, key, report)
		if err != nil || found {
			return updated, err
		}
		r := c.in(http.MethodPost, fmt.Sprintf("/issues/%d/comments", number), nil, commentPermission)
		r.body = map[string]string{"body": report.body(key)}
		var created Comment
		_, err = c.do(ctx, r, &created)
		// It may be there, though the answer was lost: repeated unseen, it could
		// be there twice.
		if !lost(err) || attempt == writes || !c.lasts(ctx, backoff(attempt)) || c.sleep(ctx, backoff(attempt)) != nil {
			return created, err
		}
	}
}

// writes of one comment at most.
const writes = 3

// lost reports a call of which nobody knows whether it was done.
func lost(err error) bool {
	e, refused := errors.AsType[*Error](err)
	if refused {
		return e.Status >= 500
	}
	return err != nil && !answered(err)
}

// RefreshComment is [Client.PutComment] for a comment that exists; found tells
// whether there was one.
func (c *Client) RefreshComment(ctx context.Context, number int, key Key, report Report) (updated Comment, found bool, err error) {
	existing, found, err := c.findComment(ctx, number, key)
	if err != nil || !found {
		return Comment{}, false, err
	}
	if report.Run > 0 && runOf(existing.Body) > report.Run {
		existing.Newer = true
		return existing.Comment, true, nil
	}
	r := c.in(http.MethodPatch, "/issues/comments/"+strconv.FormatInt(existing.ID, 10), nil, commentPermission)
	r.body = map[string]string{"body": report.body(key)}
	_, err = c.do(ctx, r, &updated)
	if e, ok := errors.AsType[*Error](err); ok && (e.Status == http.StatusNotFound || e.Status == http.StatusGone) {
		return Comment{}, false, nil // deleted since it was read
	}
	return updated, true, err
}

// findComment returns the newest own comment of the key.
func (c *Client) findComment(ctx context.Context, number int, key Key) (newest comment, found bool, err error) {
	var candidates []comment
	r := c.in(http.MethodGet, fmt.Sprintf("/issues/%d/comments", number), url.Values{"per_page": {"100"}}, commentPermission)
	for page, err := range pages[[]comment](ctx, c, r) {
		if err != nil {
			return comment{}, false, err
		}
		for _, one := range page {
			if strings.HasPrefix(one.Body, key.Marker()) && one.Minimized == nil {
				candidates = append(candidates, one)
			}
		}
	}
	if len(candidates) == 0 {
		return comment{}, false, nil
	}
	own := c.ownership(ctx)
	for _, one := range candidates {
		if own(one) && one.ID > newest.ID {
			newest, found = one, true
		}
	}
	return newest, found, nil
}

// ownership returns a rule that knows the token's own comments. Where the
// server does not tell whose the token is, only a workflow's own bot counts.
func (c *Client) ownership(ctx context.Context) func(comment) bool {
	if login := c.viewer(ctx); login != "" {
		return func(one comment) bool {
			return one.User.Login == login || one.User.Type == "Bot" && one.User.Login == login+"[bot]"
		}
	}
	return func(one comment) bool {
		switch one.User.Login {
		case "github-actions[bot]":
			return one.User.Type == "Bot"
		case "gitea-actions", "forgejo-actions": // reserved names there
			return true
		}
		return false
	}
}

// viewer asks GraphQL for the login of the token's user, because REST refuses
// a workflow's token that question. Empty where there is no answer.
func (c *Client) viewer(ctx context.Context) string {
	if c.graphQL == "" || !c.sameHost(c.graphQL) {
		return ""
	}
	var said struct {
		Data struct {
			Viewer struct {
				Login string `json:"login"`
			} `json:"viewer"`
		} `json:"data"`
	}
	query := map[string]string{"query": "query { viewer { login } }"}
	r := call{method: http.MethodPost, url: c.graphQL, body: query, again: true}
	if _, err := c.do(ctx, r, &said); err != nil {
		return ""
	}
	return said.Data.Viewer.Login
}

// sameHost reports whether an address is at the API's host: the token goes
// nowhere else.
func (c *Client) sameHost(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == c.base.Scheme && u.Host == c.base.Host
}
