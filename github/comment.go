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
	"strconv"
	"strings"
)

// Key tells one sticky comment of a pull request from the others.
type Key struct {
	Workflow string // name or path
	Job      string
	Matrix   string // the job's cell, as JSON; "null" or empty without a matrix
	Name     string // of the SLO file
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

// PutComment writes a markdown text as the key's comment on a pull request: it
// updates the one that is there, or creates it.
//
// Only a comment that begins with the marker and was written by the token's
// own user is updated: anybody can paste a marker. Of several, the newest one
// is; the others stay, as they may hold a conversation. A comment that was
// hidden is left alone, because its update would be hidden too.
func (c *Client) PutComment(ctx context.Context, number int, key Key, text string) (Comment, error) {
	updated, found, err := c.RefreshComment(ctx, number, key, text)
	if err != nil || found {
		return updated, err
	}
	r := c.in(http.MethodPost, fmt.Sprintf("/issues/%d/comments", number), nil, commentPermission)
	r.body = written(key, text)
	var created Comment
	_, err = c.do(ctx, r, &created)
	return created, err
}

// RefreshComment is [Client.PutComment] for a comment that exists; found tells
// whether there was one.
func (c *Client) RefreshComment(ctx context.Context, number int, key Key, text string) (updated Comment, found bool, err error) {
	existing, found, err := c.findComment(ctx, number, key)
	if err != nil || !found {
		return Comment{}, false, err
	}
	r := c.in(http.MethodPatch, "/issues/comments/"+strconv.FormatInt(existing.ID, 10), nil, commentPermission)
	r.body = written(key, text)
	_, err = c.do(ctx, r, &updated)
	if e, ok := errors.AsType[*Error](err); ok && (e.Status == http.StatusNotFound || e.Status == http.StatusGone) {
		return Comment{}, false, nil // deleted since it was read
	}
	return updated, true, err
}

func written(key Key, text string) any {
	return map[string]string{"body": key.Marker() + "\n" + text}
}

// findComment returns the newest own comment of the key.
func (c *Client) findComment(ctx context.Context, number int, key Key) (newest Comment, found bool, err error) {
	var candidates []comment
	r := c.in(http.MethodGet, fmt.Sprintf("/issues/%d/comments", number), url.Values{"per_page": {"100"}}, commentPermission)
	for page, err := range pages[[]comment](ctx, c, r) {
		if err != nil {
			return Comment{}, false, err
		}
		for _, one := range page {
			if strings.HasPrefix(one.Body, key.Marker()) && one.Minimized == nil {
				candidates = append(candidates, one)
			}
		}
	}
	if len(candidates) == 0 {
		return Comment{}, false, nil
	}
	own := c.ownership(ctx)
	for _, one := range candidates {
		if own(one) && one.ID > newest.ID {
			newest, found = one.Comment, true
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
