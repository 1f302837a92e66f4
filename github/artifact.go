package github

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const readActions = "actions: read"

// WorkflowRun is one run of a workflow, as listed.
type WorkflowRun struct {
	ID         int64     `json:"id"`
	Path       string    `json:"path"` // of the workflow's file; "@" and a ref may follow
	Event      string    `json:"event"`
	Conclusion string    `json:"conclusion"` // success, failure, …; empty while it runs
	HeadBranch string    `json:"head_branch"`
	HeadSHA    string    `json:"head_sha"`
	CreatedAt  time.Time `json:"created_at"`
	HTMLURL    string    `json:"html_url"`
	// HeadRepository is where the commit comes from; its number is 0 where it is
	// gone.
	HeadRepository struct {
		ID int64 `json:"id"`
	} `json:"head_repository"`
}

// Artifact is one artifact of a workflow run, as listed.
type Artifact struct {
	ID        int64     `json:"id"`
	Name      string    `json:"name"`
	Size      int64     `json:"size_in_bytes"` // of the archive
	Expired   bool      `json:"expired"`
	CreatedAt time.Time `json:"created_at"`
	Digest    string    `json:"digest"` // "sha256:…" of the archive; empty on older servers
	Run       struct {
		ID               int64  `json:"id"`
		RepositoryID     int64  `json:"repository_id"`
		HeadRepositoryID int64  `json:"head_repository_id"`
		HeadBranch       string `json:"head_branch"`
		HeadSHA          string `json:"head_sha"`
	} `json:"workflow_run"`
}

// SuccessfulRuns lists the successful runs of a workflow for a branch, newest
// first, at most limit of them. The workflow is named by its file without
// folders. Forks have branches of the same name: see
// HeadRepository.
func (c *Client) SuccessfulRuns(ctx context.Context, workflow, branch string, since time.Time, limit int) ([]WorkflowRun, error) {
	query := url.Values{"branch": {branch}, "status": {"success"}, "per_page": {"100"}}
	if !since.IsZero() {
		query.Set("created", ">="+since.UTC().Format(time.DateOnly))
	}
	type list struct {
		Runs []WorkflowRun `json:"workflow_runs"`
	}
	r := c.in(http.MethodGet, "/actions/workflows/"+url.PathEscape(workflow)+"/runs", query, readActions)
	var all []WorkflowRun
	for page, err := range pages[list](ctx, c, r) {
		if err != nil {
			return nil, err
		}
		if all = append(all, page.Runs...); len(all) >= limit {
			return all[:limit], nil
		}
	}
	return all, nil
}

// Artifacts lists the repository's artifacts of a name, newest first, at most
// limit of them. They are those of every workflow, branch and fork.
func (c *Client) Artifacts(ctx context.Context, name string, limit int) ([]Artifact, error) {
	type list struct {
		Artifacts []Artifact `json:"artifacts"`
	}
	r := c.in(http.MethodGet, "/actions/artifacts", url.Values{"name": {name}, "per_page": {"100"}}, readActions)
	var all []Artifact
	for page, err := range pages[list](ctx, c, r) {
		if err != nil {
			return nil, err
		}
		if all = append(all, page.Artifacts...); len(all) >= limit {
			return all[:limit], nil
		}
	}
	return all, nil
}

// Archive returns the zip archive of an artifact. It is refused where it has
// more than limit bytes or another digest than the list said.
func (c *Client) Archive(ctx context.Context, a Artifact, limit int64) ([]byte, error) {
	if a.Size > limit {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", errTooLarge, a.Size, limit)
	}
	// The address that the API gives is good for a minute: each attempt asks
	// for a new one.
	for attempt := 1; ; attempt++ {
		archive, err := c.archive(ctx, a.ID, limit)
		if err == nil {
			err = checkDigest(archive, a.Digest)
		}
		if err == nil {
			return archive, nil
		}
		_, passing := errors.AsType[*passingError](err)
		if !passing || attempt == downloads || c.sleep(ctx, backoff(attempt)) != nil {
			return nil, err
		}
	}
}

// downloads of one archive at most.
const downloads = 3

// errDigest is an archive that is not the one that was kept.
var errDigest = errors.New("the archive has another digest than the API says")

func checkDigest(archive []byte, digest string) error {
	want, ok := strings.CutPrefix(digest, "sha256:")
	if !ok {
		return nil // an older server, or an algorithm that nobody here knows
	}
	if got := sha256.Sum256(archive); hex.EncodeToString(got[:]) != want {
		return errDigest
	}
	return nil
}

// passingError is a failed download that may succeed a little later.
type passingError struct{ error }

func (e *passingError) Unwrap() error { return e.error }

// archive makes one attempt to download an artifact. The API answers with an
// address at a host for files, which must not see the token.
func (c *Client) archive(ctx context.Context, id, limit int64) ([]byte, error) {
	r := c.in(http.MethodGet, "/actions/artifacts/"+strconv.FormatInt(id, 10)+"/zip", nil, readActions)
	r.away = true
	header, body, err := c.answer(ctx, r)
	if err != nil {
		return nil, err
	}
	address := header.Get("Location")
	if address == "" {
		if int64(len(body)) > limit {
			return nil, fmt.Errorf("%w: %d bytes, at most %d are read", errTooLarge, len(body), limit)
		}
		return body, nil // a server that keeps the files itself
	}
	file, err := url.Parse(address)
	if err != nil || file.Host == "" || file.User != nil || file.Scheme != "https" && file.Scheme != c.base.Scheme {
		return nil, fmt.Errorf("%s: the API leads to an address that is none for files", c.name(r))
	}
	archive, err := c.file(ctx, file.String(), limit)
	if err != nil {
		return nil, fmt.Errorf("download from %s: %w", cleaned(file.Host), err)
	}
	return archive, nil
}

// fileTimeout is for the whole of one download.
const fileTimeout = time.Minute

// file downloads from a signed address, as nobody: neither token nor cookie.
func (c *Client) file(ctx context.Context, address string, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fileTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, Explain(err)
	}
	request.Header.Set("User-Agent", c.userAgent)
	files := &http.Client{Transport: c.api.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := files.Do(request)
	if err != nil {
		return nil, &passingError{Explain(err)}
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode >= 500 || response.StatusCode == http.StatusTooManyRequests:
		return nil, &passingError{fmt.Errorf("status %d", response.StatusCode)}
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("status %d", response.StatusCode)
	case response.ContentLength > limit:
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", errTooLarge, response.ContentLength, limit)
	}
	body, err := read(response.Body, limit)
	if err != nil && !errors.Is(err, errTooLarge) {
		err = &passingError{Explain(err)}
	}
	return body, err
}
