package github

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

const readContents = "contents: read"

// File returns a file of the repository as it is at a commit; found is false
// where there is none. GitHub answers with files of up to a megabyte.
//
// A token that may not read gets the same answer as for a file that is not
// there, and so does a commit that is gone: then the commit is asked for, and
// that it cannot be read is the error.
func (c *Client) File(ctx context.Context, path, commit string) (text []byte, found bool, err error) {
	var said struct {
		Type     string `json:"type"`
		Encoding string `json:"encoding"`
		Content  string `json:"content"`
	}
	r := c.in(http.MethodGet, "/contents/"+escapePath(path), url.Values{"ref": {commit}}, readContents)
	_, err = c.do(ctx, r, &said)
	if refused, ok := errors.AsType[*Error](err); ok && refused.Status == http.StatusNotFound {
		_, err := c.commit(ctx, commit)
		return nil, false, err
	}
	if err != nil {
		return nil, false, err
	}
	if said.Type != "file" || said.Encoding != "base64" {
		return nil, false, fmt.Errorf("%s: %s in %s is not a file of text", c.name(r), c.quote(said.Type), c.quote(said.Encoding))
	}
	// In lines of 60 characters, whose ends the decoder skips.
	text, err = base64.StdEncoding.DecodeString(said.Content)
	if err != nil {
		return nil, false, fmt.Errorf("%s: answer of the API: %w", c.name(r), err)
	}
	return text, true, nil
}

// Files returns the paths of all files of the repository as it is at a commit.
// More than a server lists, 100,000 on GitHub, are an error.
func (c *Client) Files(ctx context.Context, commit string) ([]string, error) {
	var said struct {
		Tree []struct {
			Path string `json:"path"`
			Type string `json:"type"`
		} `json:"tree"`
		Truncated bool `json:"truncated"`
	}
	r := c.in(http.MethodGet, "/git/trees/"+url.PathEscape(commit), url.Values{"recursive": {"1"}}, readContents)
	if _, err := c.do(ctx, r, &said); err != nil {
		return nil, err
	}
	if said.Truncated {
		return nil, fmt.Errorf("%s: more files than the API lists", c.name(r))
	}
	var paths []string
	for _, entry := range said.Tree {
		if entry.Type == "blob" {
			paths = append(paths, entry.Path)
		}
	}
	return paths, nil
}

// Tip returns the newest commit of a branch.
func (c *Client) Tip(ctx context.Context, branch string) (string, error) {
	if c.gitea() {
		return c.commit(ctx, branch)
	}
	return c.commit(ctx, "heads/"+branch) // a tag may have the same name
}

// commit returns the full name of a commit that is named by it or by a
// reference.
func (c *Client) commit(ctx context.Context, ref string) (string, error) {
	list := "/commits/"
	if c.gitea() {
		list = "/git/commits/"
	}
	var said struct {
		SHA string `json:"sha"`
	}
	r := c.in(http.MethodGet, list+url.PathEscape(ref), url.Values{"per_page": {"1"}}, readContents)
	if _, err := c.do(ctx, r, &said); err != nil {
		return "", err
	}
	if said.SHA == "" || !commitName.MatchString(said.SHA) {
		return "", fmt.Errorf("%s: %q is not a commit", c.name(r), c.quote(said.SHA))
	}
	return said.SHA, nil
}

// escapePath escapes each part of a path with slashes.
func escapePath(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/")
}
