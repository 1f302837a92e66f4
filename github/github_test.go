package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

const token = "ghs_secret"

// start serves handler as the API and returns a client of it whose pauses take
// no time and are kept.
func start(t *testing.T, handler http.Handler) (*Client, *[]time.Duration) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	c, err := New(Config{APIURL: server.URL, GraphQLURL: server.URL + "/graphql", Token: token, Repository: "o/r", UserAgent: "slogate/test"})
	if err != nil {
		t.Fatal(err)
	}
	var pauses []time.Duration
	c.now = func() time.Time { return time.Unix(1000, 0) }
	c.sleep = func(_ context.Context, d time.Duration) error { pauses = append(pauses, d); return nil }
	return c, &pauses
}

func TestRefusedAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		header map[string]string
		body   string
		calls  int             // with a GET
		pauses []time.Duration // nil: not compared
		want   Error
	}{
		"denied":          {status: 403, body: `{"message":"Resource not accessible by integration"}`, calls: 1, want: Error{Status: 403, Message: "Resource not accessible by integration", Needs: readPulls}},
		"not seen":        {status: 404, body: `{"message":"Not Found"}`, calls: 1, want: Error{Status: 404, Message: "Not Found", Needs: readPulls}},
		"locked":          {status: 403, body: `{"message":"Unable to create comment because issue is locked."}`, calls: 1, want: Error{Status: 403, Message: "Unable to create comment because issue is locked.", Locked: true}},
		"invalid":         {status: 422, body: `{"message":"Validation Failed","errors":[{"message":"body is too long"}]}`, calls: 1, want: Error{Status: 422, Message: "Validation Failed; body is too long"}},
		"hostile":         {status: 400, body: `{"message":"a\n::error::b\u001b[31m ` + token + `"}`, calls: 1, want: Error{Status: 400, Message: "a ::error::b[31m ***"}},
		"outage":          {status: 502, body: `<html>`, calls: attempts, want: Error{Status: 502}},
		"retry after":     {status: 503, header: map[string]string{"Retry-After": "20"}, calls: attempts, pauses: []time.Duration{20e9, 20e9, 20e9, 20e9}, want: Error{Status: 503, retryAfter: 20e9}},
		"primary limit":   {status: 403, header: map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1029"}, calls: 4, pauses: []time.Duration{30e9, 30e9, 30e9}, want: Error{Status: 403, RateLimited: true, retryAfter: 30e9}},
		"far reset":       {status: 403, header: map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4600"}, calls: 1, want: Error{Status: 403, RateLimited: true, retryAfter: 3601e9}},
		"secondary limit": {status: 403, body: `{"message":"You have exceeded a secondary rate limit"}`, calls: 2, pauses: []time.Duration{60e9}, want: Error{Status: 403, Message: "You have exceeded a secondary rate limit", RateLimited: true, retryAfter: 60e9}},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			c, pauses := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				calls++
				for k, v := range test.header {
					w.Header().Set(k, v)
				}
				w.WriteHeader(test.status)
				fmt.Fprint(w, test.body)
			}))
			_, err := c.Labels(t.Context(), 7)
			got, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("error = %v, want an *Error", err)
			}
			if diff := cmp.Diff(test.want, *got, cmp.AllowUnexported(Error{})); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if calls != test.calls {
				t.Errorf("%d calls, want %d", calls, test.calls)
			}
			if test.pauses != nil && !cmp.Equal(test.pauses, *pauses) {
				t.Errorf("pauses %v, want %v", *pauses, test.pauses)
			}
			if strings.Contains(err.Error(), token) {
				t.Errorf("the token is in %q", err)
			}
		})
	}
}

// What can be waited for in vain is not waited for.
func TestPauseBeyondTheEnd(t *testing.T) {
	c, pauses := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	c.now = time.Now
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	if _, err := c.Labels(ctx, 7); err == nil || len(*pauses) > 0 {
		t.Errorf("error %v, pauses %v", err, *pauses)
	}
}

// A server that does not answer costs all calls together a minute, and is asked
// again after a run.
func TestUnansweredCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		c, err := New(Config{Token: token, Repository: "o/r", UserAgent: "slogate/test"})
		if err != nil {
			t.Fatal(err)
		}
		c.api.Transport = transport(func(r *http.Request) (*http.Response, error) {
			attempts++
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		began := time.Now()
		for range 10 {
			if _, err := c.Labels(t.Context(), 7); err == nil || err.Error() != "GET /repos/o/r/issues/7/labels: no answer in time" {
				t.Fatalf("error %v", err)
			}
		}
		if took := time.Since(began); took < mostUnanswered || took > mostUnanswered+10*time.Second {
			t.Errorf("%d attempts took %s", attempts, took)
		}
		time.Sleep(answersAgain + time.Second)
		c.api.Transport = transport(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("[]"))}, nil
		})
		if _, err := c.Labels(t.Context(), 7); err != nil {
			t.Errorf("when it answers again: %v", err)
		}
	})
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestUnknownAuthority(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	c, err := New(Config{APIURL: server.URL, Repository: "o/r"})
	if err != nil {
		t.Fatal(err)
	}
	c.sleep = func(context.Context, time.Duration) error { t.Error("it was tried again"); return nil }
	if _, err := c.Labels(t.Context(), 7); err == nil || !strings.Contains(err.Error(), "SSL_CERT_FILE") {
		t.Errorf("error %v", err)
	}
}

func TestRecovery(t *testing.T) {
	calls := 0
	c, _ := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		switch calls {
		case 1:
			panic(http.ErrAbortHandler) // the connection breaks
		case 2:
			w.WriteHeader(http.StatusBadGateway)
		default:
			want := http.Header{"Authorization": {"Bearer " + token}, "User-Agent": {"slogate/test"}, "X-Github-Api-Version": {apiVersion}}
			for name := range want {
				if r.Header.Get(name) != want.Get(name) {
					t.Errorf("%s = %q, want %q", name, r.Header.Get(name), want.Get(name))
				}
			}
			fmt.Fprint(w, `[{"name":"slogate-accept"}]`)
		}
	}))
	got, err := c.Labels(t.Context(), 7)
	if err != nil || !cmp.Equal(got, []string{"slogate-accept"}) {
		t.Errorf("labels = %q, %v", got, err)
	}
}

func TestOtherHostsGetNothing(t *testing.T) {
	asked := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	t.Cleanup(other.Close)
	for name, handler := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) },
		"next page": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "<"+other.URL+`/p>; rel="next"`)
			fmt.Fprint(w, "[]")
		},
	} {
		c, _ := start(t, handler)
		if _, err := c.Labels(t.Context(), 7); err == nil || !strings.Contains(err.Error(), "another host, which is refused") {
			t.Errorf("%s: error = %v", name, err)
		}
	}
	if asked != 0 {
		t.Errorf("the other host was asked %d times", asked)
	}
}

func TestConfig(t *testing.T) {
	for _, config := range []Config{{Repository: "a/b/../c"}, {Repository: "r"}, {Repository: "o/r", APIURL: "ftp://h"}, {Repository: "o/r", APIURL: "\x7f"}} {
		if _, err := New(config); err == nil {
			t.Errorf("New(%+v) succeeded", config)
		}
	}
}

// conversation is the comments of pull request 7 as a server keeps them.
type conversation struct {
	comments []map[string]any
	viewer   string // empty: GraphQL is refused
	gone     bool   // updates find nothing
	locked   bool
}

func (s *conversation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var sent struct{ Body string }
	_ = json.NewDecoder(r.Body).Decode(&sent)
	switch {
	case r.URL.Path == "/graphql" && s.viewer == "":
		w.WriteHeader(http.StatusForbidden)
	case r.URL.Path == "/graphql":
		fmt.Fprintf(w, `{"data":{"viewer":{"login":%q}}}`, s.viewer)
	case r.Method == http.MethodGet: // one comment a page
		var page int
		if _, err := fmt.Sscan(r.URL.Query().Get("page"), &page); err != nil {
			page = 0
		}
		if page+1 < len(s.comments) {
			w.Header().Set("Link", fmt.Sprintf(`<%s?page=%d>; rel="next", <%s?page=9>; rel="last"`, r.URL.Path, page+1, r.URL.Path))
		}
		_ = json.NewEncoder(w).Encode(s.comments[min(page, len(s.comments)):min(page+1, len(s.comments))])
	case s.locked:
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"message":"Unable to create comment because issue is locked."}`)
	case r.Method == http.MethodPost:
		s.comments = append(s.comments, entry(int64(100+len(s.comments)), "github-actions[bot]", "Bot", sent.Body))
		_ = json.NewEncoder(w).Encode(s.comments[len(s.comments)-1])
	default:
		for _, one := range s.comments {
			if !s.gone && strings.HasSuffix(r.URL.Path, fmt.Sprint("/", one["id"])) {
				one["body"] = sent.Body
				_ = json.NewEncoder(w).Encode(one)
				return
			}
		}
		w.WriteHeader(http.StatusNotFound)
	}
}

func entry(id int64, login, kind, body string) map[string]any {
	return map[string]any{"id": id, "html_url": fmt.Sprint("https://x/", id), "body": body, "user": map[string]any{"login": login, "type": kind}, "minimized": nil}
}

func TestPutComment(t *testing.T) {
	key := Key{Workflow: "ci", Job: "gate", Name: "iris"}
	mine := key.Marker() + "\nold"
	hidden := entry(5, "github-actions[bot]", "Bot", mine)
	hidden["minimized"] = map[string]any{"reason": "outdated"}
	for name, test := range map[string]struct {
		server conversation
		want   int64 // the comment that has the new text
	}{
		"first":                   {conversation{}, 100},
		"update":                  {conversation{comments: []map[string]any{entry(1, "ann", "User", "hi"), entry(2, "github-actions[bot]", "Bot", mine)}}, 2},
		"newest of several":       {conversation{comments: []map[string]any{entry(3, "github-actions[bot]", "Bot", mine), entry(2, "github-actions[bot]", "Bot", mine)}}, 3},
		"pasted by a user":        {conversation{comments: []map[string]any{entry(1, "ann", "User", mine)}}, 101},
		"user named like the bot": {conversation{comments: []map[string]any{entry(1, "github-actions[bot]", "User", mine)}}, 101},
		"quoted by the bot":       {conversation{comments: []map[string]any{entry(1, "github-actions[bot]", "Bot", "> "+mine)}}, 101},
		"own token":               {conversation{viewer: "ann", comments: []map[string]any{entry(1, "ann", "User", mine), entry(2, "github-actions[bot]", "Bot", mine)}}, 1},
		"app":                     {conversation{viewer: "app", comments: []map[string]any{entry(1, "app[bot]", "Bot", mine)}}, 1},
		"hidden":                  {conversation{comments: []map[string]any{hidden}}, 101},
		"deleted meanwhile":       {conversation{gone: true, comments: []map[string]any{entry(1, "github-actions[bot]", "Bot", mine)}}, 101},
		"other key":               {conversation{comments: []map[string]any{entry(1, "github-actions[bot]", "Bot", Key{Job: "other"}.Marker())}}, 101},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := start(t, &test.server)
			got, err := c.PutComment(t.Context(), 7, key, Report{Text: "new"})
			if err != nil || got.ID != test.want {
				t.Fatalf("comment = %+v, %v, want id %d", got, err, test.want)
			}
			for _, one := range test.server.comments {
				if isNew := one["body"] == key.Marker()+"\nnew"; isNew != (one["id"] == test.want) {
					t.Errorf("comment %v has body %q", one["id"], one["body"])
				}
			}
		})
	}
}

// A run that was overtaken does not replace what the later one has said.
// An answer that was lost leaves one comment, whether it was written or not.
func TestPutCommentAfterALostAnswer(t *testing.T) {
	for name, written := range map[string]bool{"written": true, "not written": false} {
		t.Run(name, func(t *testing.T) {
			s := &conversation{}
			posts := 0
			c, _ := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost || r.URL.Path == "/graphql" {
					s.ServeHTTP(w, r)
					return
				}
				if posts++; posts > 1 {
					s.ServeHTTP(w, r)
					return
				}
				if written {
					s.ServeHTTP(httptest.NewRecorder(), r)
				}
				w.WriteHeader(http.StatusBadGateway)
			}))
			_, err := c.PutComment(t.Context(), 7, Key{Job: "gate"}, Report{Text: "text"})
			if err != nil || len(s.comments) != 1 {
				t.Errorf("%d comments, %v", len(s.comments), err)
			}
		})
	}
}

func TestCommentOfALaterRunStays(t *testing.T) {
	var key Key
	for name, test := range map[string]struct {
		earlier  string // after the marker
		run      int64
		replaced bool
	}{
		"later run there":     {"<!-- run:43 -->\nx", 42, false},
		"same run":            {"<!-- run:42 -->\nx", 42, true},
		"earlier run there":   {"<!-- run:41 -->\nx", 42, true},
		"run not told there":  {"\nx", 42, true},
		"run not known":       {"<!-- run:43 -->\nx", 0, true},
		"number in the text":  {"\n<!-- run:43 -->\nx", 42, true},
		"number beyond limit": {"<!-- run:" + strings.Repeat("9", 40) + " -->\nx", 42, true},
	} {
		server := conversation{comments: []map[string]any{entry(2, "github-actions[bot]", "Bot", key.Marker()+test.earlier)}}
		c, _ := start(t, &server)
		got, err := c.PutComment(t.Context(), 7, key, Report{Text: "new", Run: test.run})
		if err != nil || got.ID != 2 || got.Newer == test.replaced || strings.HasSuffix(server.comments[0]["body"].(string), "new") != test.replaced {
			t.Errorf("%s: %+v, %v, body %q", name, got, err, server.comments[0]["body"])
		}
	}
}

func TestLockedConversation(t *testing.T) {
	c, _ := start(t, &conversation{locked: true})
	_, err := c.PutComment(t.Context(), 7, Key{}, Report{Text: "new"})
	if e, ok := errors.AsType[*Error](err); !ok || !e.Locked || e.Needs != "" {
		t.Errorf("error = %v, want that it is locked", err)
	}
}

func TestRefreshCreatesNothing(t *testing.T) {
	var server conversation
	c, _ := start(t, &server)
	if _, found, err := c.RefreshComment(t.Context(), 7, Key{}, Report{Text: "new"}); found || err != nil || len(server.comments) > 0 {
		t.Errorf("found %v, %v, comments %v", found, err, server.comments)
	}
}

func TestMarkersDiffer(t *testing.T) {
	keys := []Key{{}, {Workflow: "a"}, {Job: "a"}, {Matrix: "a"}, {Name: "a"}, {Workflow: "a", Job: "b"}, {Workflow: "ab"}, {Name: "--> <script>"}}
	seen := map[string]Key{}
	for _, key := range keys {
		marker := key.Marker()
		if other, ok := seen[marker]; ok {
			t.Errorf("%+v and %+v share %s", key, other, marker)
		}
		if strings.Count(marker, "--") != 2 {
			t.Errorf("%s can be ended early", marker)
		}
		seen[marker] = key
	}
}

const (
	sha  = "0123456789012345678901234567890123456789"
	gone = "9876543210987654321098765432109876543210"
)

func TestPullRequest(t *testing.T) {
	lists := map[string]string{
		"/repos/o/r/commits/" + sha + "/pulls":                     `[{"number":9,"state":"open","head":{"sha":"` + sha + `"}},{"number":4,"state":"open","head":{"sha":"` + sha + `"}},{"number":3,"state":"closed","head":{"sha":"` + sha + `"}},{"number":2,"state":"open","head":{"sha":"ff"}}]`,
		"/repos/o/r/commits/" + strings.Repeat("a", 40) + "/pulls": `[]`,
		"/repos/o/r/pulls?ann:fix":                                 `[{"number":11,"state":"open","head":{"sha":"` + strings.Repeat("a", 40) + `"}}]`,
	}
	c, _ := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		if head := r.URL.Query().Get("head"); head != "" {
			path += "?" + head
		}
		fmt.Fprint(w, lists[path])
	}))
	for name, test := range map[string]struct {
		event Event
		want  int
	}{
		"told":                  {Event{Name: "pull_request", Number: 5}, 5},
		"push":                  {Event{Name: "push", Head: Side{SHA: sha}}, 4},
		"fork":                  {Event{Name: "workflow_run", Head: Side{SHA: strings.Repeat("a", 40), Owner: "ann", Ref: "fix"}}, 11},
		"same commit elsewhere": {Event{Name: "workflow_run", Head: Side{SHA: strings.Repeat("a", 40), Owner: "ann", Ref: "fix", RepositoryID: 5}}, 0},
		"merge queue":           {Event{Name: "merge_group", Head: Side{SHA: sha}}, 0},
		"schedule":              {Event{Name: "schedule"}, 0},
	} {
		if got, err := c.PullRequest(t.Context(), test.event); err != nil || got != test.want {
			t.Errorf("%s: %d, %v, want %d", name, got, err, test.want)
		}
	}
}

// Gitea has no list of pull requests by commit.
func TestPullRequestOnGitea(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/repos/o/r/pulls" {
			t.Errorf("asked for %s", r.URL)
		}
		fmt.Fprint(w, `[{"number":3,"state":"open","head":{"sha":"`+sha+`","repo":{"id":1}}}]`)
	}))
	t.Cleanup(server.Close)
	c, err := New(Config{APIURL: server.URL + "/api/v1", Repository: "o/r"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.PullRequest(t.Context(), Event{Name: "push", Head: Side{SHA: sha, RepositoryID: 1}}); got != 3 || err != nil {
		t.Errorf("%d, %v, want 3", got, err)
	}
}

func TestFile(t *testing.T) {
	c, _ := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.EscapedPath() {
		case "/repos/o/r/contents/a%20b/slo.yaml":
			if got := r.URL.Query().Get("ref"); got != sha {
				t.Errorf("ref = %q", got)
			}
			fmt.Fprint(w, `{"type":"file","encoding":"base64","content":"dmVy\nc2lvbg==\n"}`)
		case "/repos/o/r/contents/link":
			fmt.Fprint(w, `{"type":"symlink","target":"/etc/passwd"}`)
		case "/repos/o/r/commits/" + sha:
			fmt.Fprintf(w, `{"sha":%q}`, sha)
		case "/repos/o/r/contents/folder":
			fmt.Fprint(w, `[]`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	if got, found, err := c.File(t.Context(), "a b/slo.yaml", sha); string(got) != "version" || !found || err != nil {
		t.Errorf("%q, %v, %v", got, found, err)
	}
	if _, found, err := c.File(t.Context(), "slo.yaml", sha); found || err != nil {
		t.Errorf("no file: %v, %v", found, err)
	}
	_, found, err := c.File(t.Context(), "slo.yaml", gone)
	if refused, ok := errors.AsType[*Error](err); found || !ok || refused.Needs != readContents {
		t.Errorf("no commit: %v, %v", found, err)
	}
	for _, path := range []string{"link", "folder"} {
		if _, _, err := c.File(t.Context(), path, sha); err == nil {
			t.Errorf("%s was read as a file", path)
		}
	}
}

func TestFiles(t *testing.T) {
	for said, want := range map[string]string{
		`{"tree":[{"path":"slo","type":"tree"},{"path":"slo/a.yaml","type":"blob"},{"path":"sub","type":"commit"},{"path":"b","type":"blob"}],"truncated":false}`: "slo/a.yaml b",
		`{"tree":[{"path":"b","type":"blob"}],"truncated":true}`: "",
		`[]`: "",
	} {
		c, _ := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.EscapedPath() != "/repos/o/r/git/trees/"+sha || r.URL.Query().Get("recursive") != "1" {
				t.Errorf("asked for %s", r.URL)
			}
			fmt.Fprint(w, said)
		}))
		if got, err := c.Files(t.Context(), sha); strings.Join(got, " ") != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v, want %q", said, got, err, want)
		}
	}
}

func TestTip(t *testing.T) {
	for said, want := range map[string]string{`{"sha":"` + sha + `"}`: sha, `{"sha":"../../x"}`: "", `{}`: "", `[]`: ""} {
		c, _ := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.EscapedPath() != "/repos/o/r/commits/heads%2Frelease%2F1" {
				t.Errorf("path = %s", r.URL.EscapedPath())
			}
			fmt.Fprint(w, said)
		}))
		if got, err := c.Tip(t.Context(), "release/1"); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v, want %q", said, got, err, want)
		}
	}
}

func TestLabelledBy(t *testing.T) {
	c, _ := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `[{"event":"labeled","actor":{"login":"ann"},"label":{"name":"x"},"created_at":"2026-01-01T00:00:00Z"},
			{"event":"unlabeled","actor":{"login":"bob"},"label":{"name":"x"}},
			{"event":"labeled","actor":{"login":"eve"},"label":{"name":"y"}},{"event":"unlabeled","label":{"name":"y"}},
			{"event":"labeled","actor":{"login":"cid"},"label":{"name":"X"},"created_at":"2026-01-02T00:00:00Z"},{"event":"closed","actor":null}]`)
	}))
	got, ok, err := c.LabelledBy(t.Context(), 7, "x")
	if want := (Labelled{By: "cid", At: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)}); err != nil || !ok || got != want {
		t.Errorf("%+v, %v, %v, want %+v", got, ok, err, want)
	}
	if _, ok, err := c.LabelledBy(t.Context(), 7, "y"); ok || err != nil {
		t.Errorf("a removed label: %v, %v", ok, err)
	}
}

func TestIsAncestor(t *testing.T) {
	c, _ := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.EscapedPath() != "/repos/o/r/compare/a...b%2Fc" && r.URL.EscapedPath() != "/repos/o/r/compare/d...b%2Fc" {
			t.Errorf("path = %s", r.URL.EscapedPath())
		}
		fmt.Fprint(w, `{"merge_base_commit":{"sha":"a"}}`)
	}))
	for a, want := range map[string]bool{"a": true, "d": false, "b/c": true} {
		if got, err := c.IsAncestor(t.Context(), a, "b/c"); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", a, got, err, want)
		}
	}
}

func TestParseEvent(t *testing.T) {
	for name, test := range map[string]struct {
		event, payload string
		want           Event
	}{
		"fork":         {"pull_request", `{"repository":{"id":1},"pull_request":{"number":7,"labels":[{"name":"l"}],"head":{"sha":"` + sha + `","ref":"f","repo":{"id":2,"owner":{"login":"ann"}}},"base":{"ref":"main","repo":{"id":1}}}}`, Event{RepositoryID: 1, Name: "pull_request", Number: 7, Fork: true, Labels: []string{"l"}, Head: Side{SHA: sha, Ref: "f", Owner: "ann", RepositoryID: 2}, Base: Side{Ref: "main", RepositoryID: 1}}},
		"deleted fork": {"pull_request", `{"repository":{"id":1},"pull_request":{"number":7,"head":{"repo":null}}}`, Event{RepositoryID: 1, Name: "pull_request", Number: 7, Fork: true}},
		"merge queue":  {"merge_group", `{"merge_group":{"head_sha":"` + sha + `","head_ref":"refs/heads/gh-readonly-queue/main/pr-12-` + sha + `","base_ref":"refs/heads/main"}}`, Event{Name: "merge_group", Number: 12, Head: Side{SHA: sha, Ref: "gh-readonly-queue/main/pr-12-" + sha}, Base: Side{Ref: "main"}}},
		"push":         {"push", `{"ref":"refs/heads/main","after":"` + sha + `","repository":{"id":1}}`, Event{RepositoryID: 1, Name: "push", Head: Side{SHA: sha, Ref: "main", RepositoryID: 1}, Base: Side{RepositoryID: 1}}},
		"deployment":   {"deployment_status", `{"deployment":{"sha":"` + sha + `","ref":"f"},"deployment_status":{"environment_url":"https://preview"}}`, Event{Name: "deployment_status", Head: Side{SHA: sha, Ref: "f"}, EnvironmentURL: "https://preview"}},
		"comment":      {"issue_comment", `{"issue":{"number":5,"pull_request":{"url":"x"}}}`, Event{Name: "issue_comment", Number: 5, Fork: true}},
		"on an issue":  {"issue_comment", `{"issue":{"number":5}}`, Event{Name: "issue_comment"}},
		"run":          {"workflow_run", `{"repository":{"id":1,"default_branch":"main"},"workflow_run":{"id":9,"head_sha":"` + sha + `","head_branch":"f","head_repository":{"id":2,"owner":{"login":"ann"}}}}`, Event{RepositoryID: 1, Name: "workflow_run", Fork: true, RunID: 9, DefaultBranch: "main", Head: Side{SHA: sha, Ref: "f", Owner: "ann", RepositoryID: 2}}},
		"no payload":   {"pull_request", `{}`, Event{Name: "pull_request", Fork: true}},
		"no web page":  {"deployment_status", `{"deployment":{},"deployment_status":{"environment_url":"javascript:1"}}`, Event{Name: "deployment_status"}},
		"schedule":     {"schedule", `{"schedule":"0 0 * * *"}`, Event{Name: "schedule"}},
	} {
		got, err := ParseEvent(test.event, []byte(test.payload))
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	for _, bad := range []string{``, `[]`, `{"pull_request":{"number":-1}}`, `{"deployment":{"sha":"../../x"}}`} {
		if _, err := ParseEvent("x", []byte(bad)); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add("pull_request", []byte(`{"pull_request":{"number":1,"head":{"sha":"`+sha+`","repo":null}}}`))
	f.Add("merge_group", []byte(`{"merge_group":{"head_ref":"gh-readonly-queue/main/pr-1-`+sha+`"}}`))
	f.Fuzz(func(t *testing.T, name string, payload []byte) {
		if e, err := ParseEvent(name, payload); err == nil && (!commitName.MatchString(e.Head.SHA) || e.Number < 0) {
			t.Errorf("accepted %+v", e)
		}
	})
}

func FuzzNextPage(f *testing.F) {
	f.Add(`<https://h/a?page=2>; rel="next", <https://h/a?page=9>; rel="last"`)
	f.Add(`<>; rel=next,<`)
	f.Fuzz(func(t *testing.T, header string) {
		if next := nextPage(header); !strings.Contains(header, "<"+next+">") && next != "" {
			t.Errorf("%q is not a target of %q", next, header)
		}
	})
}

// Whatever the API answers, a call ends without waiting long, its error is one
// line without the token, and nobody else gets that.
func FuzzAnswers(f *testing.F) {
	for _, body := range []string{
		`{"message":"m","errors":[{"message":"x"},"y"]}`, `[{"id":1,"body":"<!-- slogate:","user":{"login":"a","type":"Bot"}}]`, `{"workflow_runs":[{"id":-1,"created_at":"x"}]}`, `{"message":"ghs_\u200bsecret ghs_secret"}`,
		`{"artifacts":[{"id":1e99}]}`, `{"type":"file","encoding":"base64","content":"YQ\n=="}`, `{"sha":"` + sha + `","merge_base_commit":{"sha":"../x"}}`, "null", "[[", "",
	} {
		f.Add([]byte(body), 200, 200, `<?page=2>; rel="next"`, "", "")
		f.Add([]byte(body), 502, 403, "https://files.example/a", "Fri, 31 Dec 9999 23:59:59 GMT", "")
		f.Add([]byte(body), 429, 429, "//files.example", "", "9223372036854775807")
		f.Add([]byte(body), 302, 500, "\x1b[31m", "-1", "9000000000")
	}
	base := Config{APIURL: "https://api.example/api/v3", GraphQLURL: "https://api.example/api/graphql", Token: token, Repository: "o/r"}
	f.Fuzz(func(t *testing.T, body []byte, first, then int, header, after, reset string) {
		if min(first, then) < 100 || max(first, then) > 599 {
			return
		}
		c, err := New(base)
		if err != nil {
			t.Fatal(err)
		}
		calls := 0
		c.now = func() time.Time { return time.Unix(1000, 0) }
		c.sleep = func(_ context.Context, d time.Duration) error {
			if d < 0 || d > maxWait {
				t.Fatalf("waits %v", d)
			}
			return nil
		}
		c.api.Transport = answers(func(r *http.Request) *http.Response {
			if calls++; r.Header.Get("Authorization") != "" && (r.URL.Host != "api.example" || r.URL.Scheme != "https") {
				t.Errorf("the token goes to %s", r.URL)
			}
			answer := &http.Response{StatusCode: first, Header: http.Header{"Link": {header}, "Location": {header}}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: -1, Request: r}
			if calls%2 == 0 { // after a pause
				answer.StatusCode = then
				for name, value := range map[string]string{"Retry-After": after, "X-Ratelimit-Reset": reset, "X-Ratelimit-Remaining": "0"} {
					answer.Header.Set(name, value)
				}
			}
			return answer
		})
		for name, call := range everyCall {
			calls = 0
			err := call(t.Context(), c)
			if calls > mostPages*attempts*4 {
				t.Errorf("%s: %d calls", name, calls)
			}
			if err == nil {
				continue
			}
			text := err.Error()
			if len(text) > 4*longestMessage || strings.Contains(text, token) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%s: %q", name, text)
			}
		}
	})
}

// answers are those of an API that is not there.
type answers func(*http.Request) *http.Response

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) { return a(r), nil }

// everyCall is one of each.
var everyCall = map[string]func(context.Context, *Client) error{
	"put comment": func(ctx context.Context, c *Client) error {
		_, err := c.PutComment(ctx, 7, Key{Name: "slo"}, Report{Text: "x", Run: 9})
		return err
	},
	"check run": func(ctx context.Context, c *Client) error {
		_, err := c.CreateCheckRun(ctx, CheckRun{Name: "x"})
		return err
	},
	"runs": func(ctx context.Context, c *Client) error {
		list, err := c.SuccessfulRuns(ctx, "ci.yml", "main", time.Unix(1, 0), 10)
		return atMost(len(list), err)
	},
	"artifacts": func(ctx context.Context, c *Client) error {
		list, err := c.Artifacts(ctx, "a", 10)
		return atMost(len(list), err)
	},
	"archive": func(ctx context.Context, c *Client) error {
		archive, err := c.Archive(ctx, Artifact{ID: 1}, 10)
		return atMost(len(archive), err)
	},
	"pull": func(ctx context.Context, c *Client) error {
		_, err := c.PullRequest(ctx, Event{Head: Side{SHA: sha, Ref: "b", Owner: "o"}})
		return err
	},
	"labelled": func(ctx context.Context, c *Client) error {
		_, _, err := c.LabelledBy(ctx, 7, "slogate-accept")
		return err
	},
	"labels": func(ctx context.Context, c *Client) error {
		_, err := c.Labels(ctx, 7)
		return err
	},
	"file": func(ctx context.Context, c *Client) error {
		_, _, err := c.File(ctx, "slo.yaml", sha)
		return err
	},
	"tip": func(ctx context.Context, c *Client) error {
		commit, err := c.Tip(ctx, "main")
		if err == nil && !commitName.MatchString(commit) {
			err = fmt.Errorf("%q is a commit\n", commit)
		}
		return err
	},
	"ancestor": func(ctx context.Context, c *Client) error {
		_, err := c.IsAncestor(ctx, sha, "main")
		return err
	},
}

// atMost is an error, that no answer should lead to, where a list is longer than
// was asked for.
func atMost(n int, err error) error {
	if n > 10 {
		return fmt.Errorf("%d entries\n", n)
	}
	return err
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte(`{"message":"m","errors":[{"message":"x"},"y"]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		text := cleaned(message(body))
		if len(text) > longestMessage || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q", text)
		}
	})
}
