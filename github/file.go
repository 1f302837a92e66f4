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

// File returns a file of the repository as it is at a commit; found is false
// where there is none. GitHub answers with files of up to a megabyte.
func (c *Client) File(ctx context.Context, path, commit string) (text []byte, found bool, err error) {
	var said struct {
		Type     string `json:"type"`
		Encoding string `json:"encoding"`
		Content  string `json:"content"`
	}
	r := c.in(http.MethodGet, "/contents/"+escapePath(path), url.Values{"ref": {commit}}, "contents: read")
	_, err = c.do(ctx, r, &said)
	if refused, ok := errors.AsType[*Error](err); ok && refused.Status == http.StatusNotFound {
		return nil, false, nil
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

// escapePath escapes each part of a path with slashes.
func escapePath(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/")
}
