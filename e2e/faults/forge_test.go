//go:build linux

package faults

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/slogate/slogate/github/githubtest"
)

// judged is what a run leaves whose verdict GitHub cannot change.
var judged = outcome{0, "pass", allFiles}

// allCalls makes GitHub answer every call of a job in this way.
func allCalls(answer http.HandlerFunc) func(t *testing.T, b *bed) ending {
	return func(t *testing.T, b *bed) ending {
		j := newJob(t, b)
		j.breaks = func(w http.ResponseWriter, r *http.Request) bool {
			answer(w, r)
			return true
		}
		e := j.act(t)
		j.summarised(t, e)
		return e
	}
}

// refuses answers every call with an error of GitHub.
func refuses(status int, message string, header ...string) func(t *testing.T, b *bed) ending {
	return allCalls(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		githubtest.Refuse(w, status, message)
	})
}

// answers answers every call with this text.
func answers(status int, contentType, text string) func(t *testing.T, b *bed) ending {
	return allCalls(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		io.WriteString(w, text)
	})
}

// outage runs a job, prepared, while every answer of GitHub is 502.
func outage(prepare func(t *testing.T, j *job)) func(t *testing.T, b *bed) ending {
	return func(t *testing.T, b *bed) ending {
		j := newJob(t, b)
		j.github.Down = true
		prepare(t, j)
		return j.act(t)
	}
}

// hijack takes the connection of a request.
func hijack(w http.ResponseWriter, use func(c *httptestConn)) {
	c, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer c.Close()
	use(&httptestConn{c, buffered})
}

func forgeFaults() []fault {
	noComment := "no comment on the pull request: "
	return []fault{
		{
			group: "forge", name: "the API knows the token no more (401)",
			inject: refuses(http.StatusUnauthorized, "Bad credentials"),
			want:   judged, says: []string{noComment, "401: Bad credentials"},
		},
		{
			group: "forge", name: "the token may not write (403)",
			inject: func(t *testing.T, b *bed) ending {
				j := newJob(t, b)
				j.github.ReadOnly = true
				return j.act(t)
			},
			want: judged, says: []string{noComment + "the token lacks the permission pull-requests: write (status 403)"},
		},
		{
			group: "forge", name: "the pull request comes from a fork, whose token may not write",
			inject: func(t *testing.T, b *bed) ending {
				j := newJob(t, b)
				j.github.ReadOnly = true
				j.event(t, "pull_request", pullRequest(2002))
				return j.act(t)
			},
			want: judged, says: []string{noComment + "the token of a fork's pull request, or of Dependabot's, can only read"},
		},
		{
			group: "forge", name: "everything is hidden (404)",
			inject: refuses(http.StatusNotFound, "Not Found"),
			want:   judged, says: []string{noComment + "the token lacks the permission pull-requests: write (status 404)"},
		},
		{
			group: "forge", name: "a secondary rate limit that passes (403 with Retry-After)",
			inject: func(t *testing.T, b *bed) ending {
				j := newJob(t, b)
				var refused atomic.Bool
				j.breaks = func(w http.ResponseWriter, r *http.Request) bool {
					if r.Method != http.MethodPost || strings.HasSuffix(r.URL.Path, "graphql") || refused.Swap(true) {
						return false
					}
					w.Header().Set("Retry-After", "1")
					githubtest.Refuse(w, http.StatusForbidden, "You have exceeded a secondary rate limit")
					return true
				}
				return j.commented(t)
			},
			want: judged, says: []string{"comment: http"},
		},
		{
			group: "forge", name: "a rate limit of an hour (429 with Retry-After)",
			inject: refuses(http.StatusTooManyRequests, "API rate limit exceeded", "Retry-After", "3600"),
			want:   judged, says: []string{noComment + "the token has made too many calls"},
		},
		{
			group: "forge", name: "the API fails (500)",
			inject: refuses(http.StatusInternalServerError, "Server Error"),
			want:   judged, says: []string{noComment, "status 500: Server Error"},
		},
		{
			group: "forge", name: "a gateway answers with a page (502, HTML)",
			inject: answers(http.StatusBadGateway, "text/html", "<html><script>alert(1)</script><h1>Unicorn!</h1></html>"),
			want:   judged, says: []string{noComment, "status 502"},
		},
		{
			group: "forge", name: "every call fails once (503), also that which writes the comment",
			inject: func(t *testing.T, b *bed) ending {
				j := newJob(t, b)
				var seen sync.Map
				j.breaks = func(w http.ResponseWriter, r *http.Request) bool {
					if _, again := seen.LoadOrStore(r.Method+r.URL.Path, true); again {
						return false
					}
					githubtest.Refuse(w, http.StatusServiceUnavailable, "Maintenance")
					return true
				}
				return j.commented(t)
			},
			want: judged, says: []string{"comment: http"},
		},
		{
			group: "forge", name: "the API fails, and an objective was missed",
			inject: outage(func(t *testing.T, j *job) { j.objectives(t, "p95 <= 1us") }),
			want:   outcome{1, "fail", allFiles}, says: []string{noComment, "status 502", "Fail: iris"},
		},
		{
			group: "forge", name: "the API fails, and the workflow requires the comment",
			inject: outage(func(_ *testing.T, j *job) { j.env["INPUT_COMMENT-REQUIRED"] = "true" }),
			want:   outcome{2, "pass", allFiles}, says: []string{"error: " + noComment, "status 502"},
		},
		{
			group: "forge", name: "the API fails, and the base's SLO file judges",
			inject: outage(func(_ *testing.T, j *job) { j.env["INPUT_OBJECTIVES-FROM"] = "base" }),
			want:   notLoaded, says: []string{"objectives-from base: ", "status 502"},
		},
		{
			group: "forge", name: "the API refuses connections",
			inject: func(t *testing.T, b *bed) ending {
				j := newJob(t, b)
				gone := httptest.NewServer(nil)
				gone.Close()
				j.env["GITHUB_API_URL"] = gone.URL
				e := j.act(t)
				j.summarised(t, e)
				return e
			},
			want: judged, says: []string{noComment, "connection refused"},
		},
		{
			group: "forge", name: "the API accepts and never answers",
			inject: allCalls(silence),
			want:   judged, says: []string{noComment, "no answer"},
		},
		{
			group: "forge", name: "the API answers a byte a second",
			inject: allCalls(dribble),
			want:   judged, says: []string{noComment, "no answer"},
		},
		{
			group: "forge", name: "asked to end (SIGTERM) while the API never answers",
			inject: func(t *testing.T, b *bed) ending {
				j, f := newHistory(t, b)
				asked := make(chan struct{}, 100)
				f.Fail = func(w http.ResponseWriter, r *http.Request) bool {
					asked <- struct{}{}
					silence(w, r)
					return true
				}
				j.change(t)
				p := j.begin(t)
				<-asked
				p.signal(t, syscall.SIGTERM)
				return j.ended(t, p)
			},
			want: outcome{130, "", noFiles}, says: []string{"cancelled"},
		},
		{
			group: "forge", name: "garbage in the place of JSON",
			inject: answers(http.StatusOK, "application/json", "\x00\x1b[31m::error::x\n{{{"),
			want:   judged, says: []string{noComment, "answer of the API"},
		},
		{
			group: "forge", name: "JSON of another shape",
			inject: answers(http.StatusOK, "application/json", `{"comments": 7, "sha": [], "content": {"x": null}}`),
			want:   judged, says: []string{noComment, "answer of the API"},
		},
		{
			group: "forge", name: "a login page in the place of the API (200, HTML)",
			inject: answers(http.StatusOK, "text/html", "<!DOCTYPE html><title>Sign in</title>"),
			want:   judged, says: []string{noComment, "answer of the API"},
		},
		{
			group: "forge", name: "an answer that ends in the middle",
			inject: allCalls(func(w http.ResponseWriter, _ *http.Request) {
				hijack(w, func(c *httptestConn) { c.say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[{\"id\":") })
			}),
			want: judged, says: []string{noComment, "unexpected EOF"},
		},
		{
			group: "forge", name: "an answer without end",
			inject: func(t *testing.T, b *bed) ending {
				j := newJob(t, b)
				j.breaks = func(w http.ResponseWriter, r *http.Request) bool {
					if r.Method == http.MethodGet {
						flood(w, "["+strings.Repeat(" ", 1<<16))
						return true
					}
					return false
				}
				e := j.act(t)
				j.summarised(t, e)
				small(t, j)
				return e
			},
			want: judged, says: []string{noComment, "answer is too large"},
		},
		{
			group: "forge", name: "connections are reset",
			inject: allCalls(func(w http.ResponseWriter, _ *http.Request) { hijack(w, (*httptestConn).reset) }),
			want:   judged, says: []string{noComment, "connection reset by peer"},
		},
		{
			group: "forge", name: "the API leads to another host, which gets no token",
			inject: func(t *testing.T, b *bed) ending {
				j := newJob(t, b)
				other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					t.Errorf("the other host was asked for %s, token %t", r.URL, r.Header.Get("Authorization") != "")
				}))
				t.Cleanup(other.Close)
				j.breaks = func(w http.ResponseWriter, r *http.Request) bool {
					http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
					return true
				}
				return j.act(t)
			},
			want: judged, says: []string{noComment, "the API leads to another host, which is refused"},
		},
		{
			group: "forge", name: "an Enterprise Server whose certificate nobody knows",
			inject: func(t *testing.T, b *bed) ending {
				j := newJob(t, b)
				server := httptest.NewUnstartedServer(j.github)
				server.Config.ErrorLog = quiet
				server.StartTLS()
				t.Cleanup(server.Close)
				j.env["GITHUB_API_URL"], j.env["GITHUB_GRAPHQL_URL"] = server.URL+"/api/v3", server.URL+"/api/graphql"
				return j.act(t)
			},
			want: judged, says: []string{noComment, "certificate", "SSL_CERT_FILE"},
		},
		{
			group: "forge", name: "a list that never ends",
			inject: func(t *testing.T, b *bed) ending {
				j := newJob(t, b)
				var pages atomic.Int64
				j.breaks = func(w http.ResponseWriter, r *http.Request) bool {
					if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/comments") {
						return false
					}
					w.Header().Set("Link", fmt.Sprintf(`<http://%s%s?page=%d>; rel="next"`, r.Host, r.URL.Path, pages.Add(1)+1))
					io.WriteString(w, `[{"id": 1, "body": "hello", "user": {"login": "eve", "type": "User"}}]`)
					return true
				}
				e := j.act(t)
				if n := pages.Load(); n > 100 {
					t.Errorf("%d pages were read", n)
				}
				return e
			},
			want: judged, says: []string{"comment: http"},
		},
		{
			group: "forge", name: "the comment is deleted while it is updated",
			inject: func(t *testing.T, b *bed) ending {
				j := newJob(t, b)
				j.act(t)
				j.breaks = func(_ http.ResponseWriter, r *http.Request) bool {
					if r.Method == http.MethodPatch {
						j.github.Comments = nil
					}
					return false
				}
				return j.commented(t)
			},
			want: judged, says: []string{"comment: http"},
		},
		{
			group: "forge", name: "two jobs write the same comment at once",
			inject: twoJobs,
			want:   judged, says: []string{"comment: http"},
		},
		{
			group: "forge", name: "answers with workflow commands, markup and escape codes",
			inject: func(t *testing.T, b *bed) ending {
				e := refuses(http.StatusBadRequest, "a\n::error::b\n::set-output name=passed::true\x1b[2J\u202e<script>![x](http://evil.example)|"+apiToken)(t, b)
				for line := range strings.Lines(e.said) {
					if strings.HasPrefix(line, "::error") || strings.HasPrefix(line, "::set-output") || strings.Contains(line, "\x1b") {
						t.Errorf("a line of the log obeys the API: %q", line)
					}
				}
				return e
			},
			want: judged, says: []string{noComment, "status 400: a ::error::b"},
		},
		{
			group: "forge", name: "the event's payload is missing",
			inject: func(t *testing.T, b *bed) ending {
				j := newJob(t, b)
				if err := os.Remove(j.path("event.json")); err != nil {
					t.Fatal(err)
				}
				return j.act(t)
			},
			want: judged, says: []string{noComment, "event"},
		},
		{
			group: "forge", name: "the event's payload is torn",
			inject: func(t *testing.T, b *bed) ending {
				j := newJob(t, b)
				j.event(t, "pull_request", pullRequest(githubtest.RepositoryID)[:90])
				return j.act(t)
			},
			want: judged, says: []string{noComment, "event"},
		},
		{
			group: "forge", name: "an event that slogate does not know",
			inject: func(t *testing.T, b *bed) ending {
				j := newJob(t, b)
				j.event(t, "milestone", `{"milestone":{"number":7},"repository":{"id":1001,"default_branch":"main"}}`)
				return j.act(t)
			},
			want: judged, says: []string{"no comment: this run belongs to no open pull request"},
		},
	}
}
