package baseline

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/baseline/artifacttest"
)

// service is that of a job of a run, whose pauses take no time.
func (f forge) service(r *artifacttest.Run, job string) *Service {
	f.t.Helper()
	s, err := NewService(f.URL+"/ignored/path", artifacttest.JobToken(r.ID, job), "slogate/test")
	if err != nil {
		f.t.Fatal(err)
	}
	s.sleep = func(context.Context, time.Duration) error { return nil }
	return s
}

// What one run has kept, the next one finds.
func TestKeptIsFound(t *testing.T) {
	f := newForge(t)
	r := f.ran(5, 2)
	text := resultText(t, r.Created, 100*time.Millisecond)
	if err := f.service(r, "job-1").Keep(t.Context(), artifact, text, false); err != nil {
		t.Fatal(err)
	}
	want := []string{"POST " + artifactService + "CreateArtifact", "POST " + artifactService + "FinalizeArtifact"}
	if diff := cmp.Diff(want, f.Asked); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	got, err := Find(t.Context(), f.client(), query())
	if err != nil || !cmp.Equal(commits(got), []string{sha(5)}) {
		t.Errorf("found %v, %q, %v", commits(got), got.Notices, err)
	}
}

func TestKeepOnceInARun(t *testing.T) {
	f := newForge(t)
	r := f.ran(5, 2)
	first := resultText(t, r.Created, 100*time.Millisecond)
	if err := f.service(r, "job-1").Keep(t.Context(), artifact, first, false); err != nil {
		t.Fatal(err)
	}
	if err := f.service(r, "job-1").Keep(t.Context(), artifact, first, false); !errors.Is(err, ErrTaken) {
		t.Errorf("error of the second = %v, want ErrTaken", err)
	}
	// A further attempt has a job of its own, and replaces.
	second := resultText(t, r.Created, 300*time.Millisecond)
	if err := f.service(r, "job-2").Keep(t.Context(), artifact, second, true); err != nil {
		t.Fatal(err)
	}
	if len(f.Artifacts) != 1 || f.Artifacts[0].Job != "job-2" {
		t.Errorf("%d artifacts", len(f.Artifacts))
	}
}

// An answer that is lost leaves a name that is taken by ourselves.
func TestKeepAfterALostAnswer(t *testing.T) {
	f := newForge(t)
	r := f.ran(5, 2)
	f.keptArchive(r, nil).Job = "job-1" // what the lost call has made
	lost := false
	f.Fail = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "CreateArtifact") && !lost {
			lost = true
			w.WriteHeader(http.StatusBadGateway)
			return true
		}
		return false
	}
	if err := f.service(r, "job-1").Keep(t.Context(), artifact, resultText(t, r.Created, time.Second), false); err != nil {
		t.Fatal(err)
	}
}

func TestKeepWithAnUnwillingService(t *testing.T) {
	for name, tt := range map[string]struct {
		method string
		status int
		body   string
		want   string
	}{
		"denied":        {"CreateArtifact", 401, `{"code":"unauthenticated","msg":"expired\n::error::token TOKEN"}`, "CreateArtifact: status 401: expired ::error::token ***"},
		"outage":        {"CreateArtifact", 503, "", "CreateArtifact: status 503"},
		"no address":    {"CreateArtifact", 200, `{"ok":true}`, "CreateArtifact: the service gives no address to store at"},
		"other address": {"CreateArtifact", 200, `{"ok":true,"signed_upload_url":"file:///etc/passwd"}`, "CreateArtifact: the service gives no address to store at"},
		"not ok":        {"CreateArtifact", 200, `{"ok":false,"signed_upload_url":"https://x.example/"}`, "CreateArtifact: the service gives no address to store at"},
		"no JSON":       {"CreateArtifact", 200, `<html>`, "CreateArtifact: invalid character"},
		"redirect":      {"CreateArtifact", 302, ``, "CreateArtifact: status 302"},
		"not finalized": {"FinalizeArtifact", 200, `{"ok":false}`, "FinalizeArtifact: the service refuses the artifact"},
		"quota":         {"FinalizeArtifact", 403, `{"msg":"Artifact storage quota has been hit."}`, "FinalizeArtifact: status 403: Artifact storage quota has been hit."},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForge(t)
			r := f.ran(5, 2)
			s := f.service(r, "job-1")
			f.Fail = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, tt.method) {
					return false
				}
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(strings.ReplaceAll(tt.body, "TOKEN", s.token)))
				return true
			}
			err := s.Keep(t.Context(), artifact, resultText(t, r.Created, time.Second), false)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

func TestKeepStoresAgain(t *testing.T) {
	f := newForge(t)
	r := f.ran(5, 2)
	failures := 0
	f.FailFile = func(w http.ResponseWriter) bool {
		if failures++; failures%2 == 1 {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
		return false
	}
	if err := f.service(r, "job-1").Keep(t.Context(), artifact, resultText(t, r.Created, time.Second), false); err != nil {
		t.Fatal(err)
	}
	f.FailFile = func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusForbidden); return true }
	err := f.service(r, "job-1").Keep(t.Context(), "another", resultText(t, r.Created, time.Second), false)
	if err == nil || err.Error() != "store the artifact: status 403" {
		t.Errorf("error %v", err)
	}
}

func TestKeepRefusesWhatNobodyWouldRead(t *testing.T) {
	f := newForge(t)
	r := f.ran(5, 2)
	if err := f.service(r, "job-1").Keep(t.Context(), artifact, make([]byte, largestResult+1), false); err == nil || len(f.Asked) > 0 {
		t.Errorf("error %v, %d calls", err, len(f.Asked))
	}
}

func TestServiceNeedsAnAddressAndAToken(t *testing.T) {
	good := artifacttest.JobToken(7, "j")
	for name, tt := range map[string]struct{ address, token string }{
		"no address":   {"", good},
		"no URL":       {"::", good},
		"other scheme": {"ftp://x.example", good},
		"no token":     {"https://x.example", ""},
		"one part":     {"https://x.example", "abc"},
		"no base64":    {"https://x.example", "a.!.c"},
		"no JSON":      {"https://x.example", "a.aGVsbG8.c"},
		"no scope":     {"https://x.example", "a.e30.c"},
		"empty ids":    {"https://x.example", artifacttest.JobToken(7, "")},
	} {
		if _, err := NewService(tt.address, tt.token, ""); err == nil || tt.token != "" && strings.Contains(err.Error(), tt.token) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func FuzzBackendIDs(f *testing.F) {
	f.Add(artifacttest.JobToken(7, "a1b2"))
	f.Add("a.e30.c")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		run, job, err := backendIDs(token)
		if (err == nil) != (run != "" && job != "") || strings.ContainsAny(run+job, ": ") {
			t.Errorf("%q, %q, %v", run, job, err)
		}
	})
}

// Whatever the artifact service answers, its token goes to nobody else and
// stands in no error, and an error is a line that anybody can read.
func FuzzKeep(f *testing.F) {
	for _, body := range []string{
		`{"ok":true,"signed_upload_url":"https://store.example/a?sig=1"}`, `{"ok":true,"signedUploadUrl":"http://169.254.169.254/"}`, `{"ok":true,"signed_upload_url":"https://u:p@store.example/"}`,
		`{"ok":` + strings.Repeat("1", 5000) + `}`, `{"artifacts":[{"name":"a","workflowRunBackendId":"x"}],"msg":"::error::\u001b[31m"}`, `[`, ``,
	} {
		for _, status := range []int{200, 302, 409, 500} {
			f.Add([]byte(body), status, status, uint8(1))
		}
	}
	secret := artifacttest.JobToken(7, "a1b2")
	f.Fuzz(func(t *testing.T, body []byte, first, then int, after uint8) {
		if min(first, then) < 100 || max(first, then) > 599 {
			return
		}
		s, err := NewService("https://results.example/ignored", secret, "slogate/test")
		if err != nil {
			t.Fatal(err)
		}
		s.sleep = func(context.Context, time.Duration) error { return nil }
		calls := 0
		s.client.Transport = answers(func(r *http.Request) *http.Response {
			if calls++; r.Header.Get("Authorization") != "" && r.URL.Host != "results.example" {
				t.Errorf("the token goes to %s", r.URL)
			}
			status := first
			if calls > int(after) {
				status = then
			}
			return &http.Response{StatusCode: status, Header: http.Header{"Location": {"https://store.example/"}}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}
		})
		err = s.Keep(t.Context(), artifact, []byte("{}"), after%2 == 0)
		if calls > 10*tries+longestAnswer/len(`{"name":""},`)*tries {
			t.Errorf("%d calls", calls)
		}
		if err == nil {
			return
		}
		text := err.Error()
		if len(text) > 2*longestMessage || strings.Contains(text, secret) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q", text)
		}
	})
}

// answers are those of a service that is not there.
type answers func(*http.Request) *http.Response

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) { return a(r), nil }
