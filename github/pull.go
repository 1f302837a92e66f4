package github

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const readPulls = "pull-requests: read"

// pull is a pull request as listed.
type pull struct {
	Number int    `json:"number"`
	State  string `json:"state"`
	Head   struct {
		SHA string `json:"sha"`
	} `json:"head"`
}

// PullRequest returns the number of the pull request that an event belongs to,
// 0 where there is none. It asks the API only where the event does not say:
// then it is the oldest open one whose head is the event's commit.
func (c *Client) PullRequest(ctx context.Context, e Event) (int, error) {
	if e.Number != 0 || e.Name == "merge_group" || e.Head.SHA == "" {
		return e.Number, nil
	}
	path := "/commits/" + e.Head.SHA + "/pulls"
	number, err := c.openPull(ctx, e.Head.SHA, c.in(http.MethodGet, path, url.Values{"per_page": {"100"}}, readPulls))
	if err != nil || number != 0 || e.Head.Owner == "" || e.Head.Ref == "" {
		return number, err
	}
	// The commit of a fork is not always known to belong to a pull request.
	query := url.Values{"head": {e.Head.Owner + ":" + e.Head.Ref}, "state": {"open"}, "per_page": {"100"}}
	return c.openPull(ctx, e.Head.SHA, c.in(http.MethodGet, "/pulls", query, readPulls))
}

func (c *Client) openPull(ctx context.Context, sha string, r call) (int, error) {
	oldest := 0
	for page, err := range pages[[]pull](ctx, c, r) {
		if err != nil {
			return 0, err
		}
		for _, p := range page {
			if p.State == "open" && p.Head.SHA == sha && (oldest == 0 || p.Number < oldest) {
				oldest = p.Number
			}
		}
	}
	return oldest, nil
}

// Labelled says who set a label, and when.
type Labelled struct {
	By string // login
	At time.Time
}

// LabelledBy returns who set the label that a pull request has now; ok is
// false where it has none of that name. Letter case does not matter, as on
// GitHub.
func (c *Client) LabelledBy(ctx context.Context, number int, label string) (last Labelled, ok bool, err error) {
	type event struct {
		Event string    `json:"event"`
		At    time.Time `json:"created_at"`
		Actor struct {
			Login string `json:"login"`
		} `json:"actor"`
		Label struct {
			Name string `json:"name"`
		} `json:"label"`
	}
	r := c.in(http.MethodGet, fmt.Sprintf("/issues/%d/events", number), url.Values{"per_page": {"100"}}, readPulls)
	for page, err := range pages[[]event](ctx, c, r) {
		if err != nil {
			return Labelled{}, false, err
		}
		for _, e := range page { // oldest first
			if !strings.EqualFold(e.Label.Name, label) {
				continue
			}
			switch e.Event {
			case "labeled":
				last, ok = Labelled{By: e.Actor.Login, At: e.At}, true
			case "unlabeled":
				last, ok = Labelled{}, false
			}
		}
	}
	return last, ok, nil
}

// Labels returns the names of a pull request's labels.
func (c *Client) Labels(ctx context.Context, number int) ([]string, error) {
	type label struct {
		Name string `json:"name"`
	}
	var names []string
	r := c.in(http.MethodGet, fmt.Sprintf("/issues/%d/labels", number), url.Values{"per_page": {"100"}}, readPulls)
	for page, err := range pages[[]label](ctx, c, r) {
		if err != nil {
			return nil, err
		}
		for _, l := range page {
			names = append(names, l.Name)
		}
	}
	return names, nil
}

// MergeBase returns the commit where two revisions parted.
func (c *Client) MergeBase(ctx context.Context, a, b string) (string, error) {
	var said struct {
		MergeBase struct {
			SHA string `json:"sha"`
		} `json:"merge_base_commit"`
	}
	path := "/compare/" + url.PathEscape(a) + "..." + url.PathEscape(b)
	r := c.in(http.MethodGet, path, url.Values{"per_page": {"1"}}, "contents: read")
	if _, err := c.do(ctx, r, &said); err != nil {
		return "", err
	}
	return said.MergeBase.SHA, nil
}

// IsAncestor reports whether commit a, by its full name, is b or lies in the
// history of b.
func (c *Client) IsAncestor(ctx context.Context, a, b string) (bool, error) {
	if a == b {
		return true, nil
	}
	base, err := c.MergeBase(ctx, a, b)
	return base == a, err
}
