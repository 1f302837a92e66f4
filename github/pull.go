package github

import (
	"context"
	"errors"
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
	Head   side   `json:"head"`
}

// isOf reports whether a pull request is open and its head is the event's
// commit in the event's repository. The commit alone is not enough: anybody
// can push the commit of somebody else to a repository of their own.
func (p pull) isOf(e Event) bool {
	return p.State == "open" && p.Head.SHA == e.Head.SHA &&
		(e.Head.RepositoryID == 0 || p.Head.Repo != nil && p.Head.Repo.ID == e.Head.RepositoryID)
}

// PullRequest returns the number of the pull request that an event belongs to,
// 0 where there is none. It asks the API only where the event does not say:
// then it is the oldest open one whose head is the event's commit, in the
// event's repository.
func (c *Client) PullRequest(ctx context.Context, e Event) (int, error) {
	if e.Number != 0 || e.Name == "merge_group" || e.Head.SHA == "" {
		return e.Number, nil
	}
	for _, r := range c.pullsOf(e) {
		number, err := c.openPull(ctx, e, r)
		if refused, ok := errors.AsType[*Error](err); ok && refused.Status == http.StatusUnprocessableEntity {
			continue // a commit that the repository does not know
		}
		if err != nil || number != 0 {
			return number, err
		}
	}
	return 0, nil
}

// pullsOf are the lists that hold the pull request of an event, the shortest
// first. The commit of a fork is not always known to belong to one. Gitea and
// Forgejo have no list by commit.
func (c *Client) pullsOf(e Event) []call {
	query := url.Values{"state": {"open"}, "per_page": {"100"}}
	if e.Head.Owner != "" && e.Head.Ref != "" {
		query.Set("head", e.Head.Owner+":"+e.Head.Ref)
	}
	branch := c.in(http.MethodGet, "/pulls", query, readPulls)
	commit := c.in(http.MethodGet, "/commits/"+e.Head.SHA+"/pulls", url.Values{"per_page": {"100"}}, readPulls)
	switch {
	case c.gitea():
		return []call{branch}
	case query.Has("head"):
		return []call{commit, branch}
	}
	return []call{commit}
}

func (c *Client) openPull(ctx context.Context, e Event, r call) (int, error) {
	oldest := 0
	for page, err := range pages[[]pull](ctx, c, r) {
		if err != nil {
			return 0, err
		}
		for _, p := range page {
			if p.isOf(e) && (oldest == 0 || p.Number < oldest) {
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
	r := c.in(http.MethodGet, path, url.Values{"per_page": {"1"}}, readContents)
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
