package github

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strings"
)

// mostPages of one list: with 100 entries each, more than anybody reads.
const mostPages = 50

// pages returns the answers to a call and to the pages that follow it. The
// function stops at the first error.
func pages[T any](ctx context.Context, c *Client, first call) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		r := first
		for range mostPages {
			var page T
			header, err := c.do(ctx, r, &page)
			if !yield(page, err) || err != nil {
				return
			}
			next := nextPage(header.Get("Link"))
			if next == "" {
				return
			}
			if r.url, err = c.follow(r.url, next); err != nil {
				yield(page, fmt.Errorf("%s: %w", c.name(first), err))
				return
			}
		}
	}
}

// follow resolves the address of a further page, which must be the API's.
func (c *Client) follow(from, to string) (string, error) {
	base, err := url.Parse(from)
	if err != nil {
		return "", Explain(err)
	}
	next, err := base.Parse(to)
	if err != nil || !c.home(next) {
		return "", errors.New("the next page is at another host, which is refused")
	}
	return next.String(), nil
}

// nextPage returns the target of rel="next" of a Link header (RFC 8288), or
// nothing.
func nextPage(header string) string {
	for header != "" {
		_, rest, ok := strings.Cut(header, "<")
		if !ok {
			return ""
		}
		target, rest, ok := strings.Cut(rest, ">")
		if !ok {
			return ""
		}
		// A comma ends the link: none of GitHub's relations holds one.
		var parameters string
		parameters, header, _ = strings.Cut(rest, ",")
		for parameter := range strings.SplitSeq(parameters, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
			if strings.EqualFold(strings.TrimSpace(name), "rel") && strings.Trim(strings.TrimSpace(value), `"`) == "next" {
				return target
			}
		}
	}
	return ""
}
