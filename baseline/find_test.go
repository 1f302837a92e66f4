package baseline

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/baseline/artifacttest"
	"github.com/slogate/slogate/github"
	"github.com/slogate/slogate/result"
)

func query() Query {
	return Query{
		Artifact: artifact, File: "iris", Workflow: workflow, Branch: "main", Repository: ours, Run: 1, Last: 20,
		MaxAge: 90 * 24 * time.Hour, Now: now,
	}
}

// commits are those of the results, newest first.
func commits(found Found) []string {
	var all []string
	for _, r := range found.Results {
		all = append(all, r.Source.Commit)
	}
	return all
}

func TestFind(t *testing.T) {
	f := newForge(t)
	f.kept(f.ran(3, 9), 100*time.Millisecond)
	newest := f.ran(5, 2)
	f.kept(newest, 120*time.Millisecond)
	got, err := Find(t.Context(), f.client(), query())
	if err != nil || len(got.Notices) > 0 {
		t.Fatal(err, got.Notices)
	}
	if diff := cmp.Diff([]string{sha(5), sha(3)}, commits(got)); diff != "" {
		t.Errorf("commits (-want +got):\n%s", diff)
	}
	// The origin is GitHub's word, not the archive's.
	want := result.Source{Commit: sha(5), Branch: "main", RunURL: fmt.Sprintf("https://github.com/o/r/actions/runs/%d", newest.ID)}
	if diff := cmp.Diff(want, got.Results[0].Source); diff != "" {
		t.Errorf("source (-want +got):\n%s", diff)
	}
	s := got.Results[0].Stages[0]
	if p95, _ := s.Response.Quantile(95, 100); p95 != result.Equivalent(120*time.Millisecond) {
		t.Errorf("p95 = %s, want that of the newest result", p95)
	}
	if s.Slices != nil {
		t.Error("the seconds of an earlier result are still in memory")
	}
}

// What does not count is passed over silently: it is not broken.
func TestFindCountsOnlyGoodRunsOfTheBranch(t *testing.T) {
	for name, change := range map[string]func(r *artifacttest.Run, a *artifacttest.Artifact){
		"fork":             func(r *artifacttest.Run, _ *artifacttest.Artifact) { r.Head = fork },
		"deleted fork":     func(r *artifacttest.Run, _ *artifacttest.Artifact) { r.Head = 0 },
		"pull request":     func(r *artifacttest.Run, _ *artifacttest.Artifact) { r.Event = "pull_request" },
		"target event":     func(r *artifacttest.Run, _ *artifacttest.Artifact) { r.Event = "pull_request_target" },
		"failed":           func(r *artifacttest.Run, _ *artifacttest.Artifact) { r.Result = "failure" },
		"still running":    func(r *artifacttest.Run, _ *artifacttest.Artifact) { r.Result = "" },
		"other branch":     func(r *artifacttest.Run, _ *artifacttest.Artifact) { r.Branch = "maintenance" },
		"other workflow":   func(r *artifacttest.Run, _ *artifacttest.Artifact) { r.Path = ".github/workflows/gate.yml2" },
		"same file nested": func(r *artifacttest.Run, _ *artifacttest.Artifact) { r.Path = ".github/workflows/x/gate.yml" },
		"too old":          func(r *artifacttest.Run, _ *artifacttest.Artifact) { r.Created = now.Add(-91 * 24 * time.Hour) },
		"a minute too old": func(r *artifacttest.Run, _ *artifacttest.Artifact) {
			r.Created = now.Add(-90*24*time.Hour - time.Minute)
		},
		"itself":     func(r *artifacttest.Run, _ *artifacttest.Artifact) { r.ID = 1 },
		"expired":    func(_ *artifacttest.Run, a *artifacttest.Artifact) { a.Expired = true },
		"other name": func(_ *artifacttest.Run, a *artifacttest.Artifact) { a.Name = artifact + "2" },
		"of another run": func(_ *artifacttest.Run, a *artifacttest.Artifact) {
			a.Run = &artifacttest.Run{ID: 4, Branch: "main", Head: ours}
		},
		"commit of another": func(r *artifacttest.Run, a *artifacttest.Artifact) { other := *r; other.SHA = sha(7); a.Run = &other },
	} {
		t.Run(name, func(t *testing.T) {
			f := newForge(t)
			r := f.ran(5, 2)
			change(r, f.kept(r, 100*time.Millisecond))
			got, err := Find(t.Context(), f.client(), query())
			if err != nil || len(got.Results)+len(got.Notices) > 0 {
				t.Errorf("found %v, notices %q, error %v; want nothing", commits(got), got.Notices, err)
			}
		})
	}
}

// A server that ignores the filters of a list does not change what counts.
func TestFindDoesNotTrustFilters(t *testing.T) {
	f := newForge(t)
	bad := f.ran(5, 2)
	bad.Result = "failure"
	f.kept(bad, time.Second)
	f.kept(f.ran(4, 3), 100*time.Millisecond)
	f.Fail = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/runs") {
			q := r.URL.Query()
			q.Set("status", "success")
			r.URL.RawQuery = q.Encode()
		}
		return false
	}
	got, err := Find(t.Context(), f.client(), query())
	if err != nil || !cmp.Equal(commits(got), []string{sha(4)}) {
		t.Errorf("found %v, %v", commits(got), err)
	}
}

func TestFindReadsAllPages(t *testing.T) {
	f := newForge(t)
	f.PageSize = 3
	for i := range 10 {
		f.kept(f.ran(i, 20-i), 100*time.Millisecond)
	}
	q := query()
	q.Last = 7
	got, err := Find(t.Context(), f.client(), q)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{sha(9), sha(8), sha(7), sha(6), sha(5), sha(4), sha(3)}
	if diff := cmp.Diff(want, commits(got)); diff != "" {
		t.Errorf("commits (-want +got):\n%s", diff)
	}
}

func TestFindPrefersTheHistoryOfTheChange(t *testing.T) {
	for name, tt := range map[string]struct {
		parted string
		want   []string
		notice string
	}{
		"newer runs are left": {sha(6), []string{sha(6), sha(3)}, ""},
		"between two runs":    {sha(5), []string{sha(3)}, ""},
		"the end":             {sha(150), []string{sha(9), sha(6), sha(3)}, ""},
		"before all":          {sha(1), []string{sha(9), sha(6), sha(3)}, "the baseline is newer than the place where this change left main: no run before that has kept a result"},
		"gone":                {"none", []string{sha(9), sha(6), sha(3)}, "the newest results of main are the baseline: where this change left it is not known (GET /repos/o/r/compare/main..." + tested + ": status 404: Not Found (needs the permission contents: read))"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForge(t)
			f.Parted = tt.parted
			for _, n := range []int{3, 6, 9} {
				f.kept(f.ran(n, 20-n), 100*time.Millisecond)
			}
			q := query()
			q.Tested = tested
			got, err := Find(t.Context(), f.client(), q)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, commits(got)); diff != "" {
				t.Errorf("commits (-want +got):\n%s", diff)
			}
			if strings.Join(got.Notices, "\n") != tt.notice {
				t.Errorf("notices %q, want %q", got.Notices, tt.notice)
			}
		})
	}
}

// A commit that was pushed away is in nobody's history.
func TestFindPassesOverLostCommits(t *testing.T) {
	f := newForge(t)
	f.Parted = sha(50)
	f.kept(f.ran(3, 9), 100*time.Millisecond)
	f.kept(f.ran(9999, 2), 100*time.Millisecond)
	q := query()
	q.Tested = tested
	got, err := Find(t.Context(), f.client(), q)
	if err != nil || !cmp.Equal(commits(got), []string{sha(3)}) {
		t.Errorf("found %v, %q, %v", commits(got), got.Notices, err)
	}
}

func TestFindLeavesOutBrokenArchives(t *testing.T) {
	start := now.Add(-48 * time.Hour)
	good := resultText(t, start, 100*time.Millisecond)
	foreign := bytes.Replace(good, []byte(`"name": "iris"`), []byte(`"name": "other"`), 1)
	many := map[string][]byte{}
	for i := range mostEntries + 1 {
		many[strconv.Itoa(i)] = nil
	}
	for name, tt := range map[string]struct {
		archive []byte
		change  func(a *artifacttest.Artifact)
		want    string
	}{
		"no zip":       {archive: []byte("PK but no more"), want: "not a zip archive"},
		"empty":        {archive: []byte{}, want: "not a zip archive"},
		"cut":          {archive: pack(t, map[string][]byte{ResultFile: good})[:200], want: "not a zip archive"},
		"damaged":      {archive: damaged(t, good), want: "the archive is damaged: "},
		"no result":    {archive: pack(t, map[string][]byte{"report.md": good}), want: "no slogate-result.json in the archive"},
		"two results":  {archive: pack(t, map[string][]byte{"a/" + ResultFile: good, "b/" + ResultFile: good}), want: "more than one slogate-result.json in the archive"},
		"many files":   {archive: pack(t, many), want: "more than 1000 files in the archive"},
		"bomb":         {archive: bomb(t, false), want: "slogate-result.json is larger than 64 MiB"},
		"lying bomb":   {archive: bomb(t, true), want: "the archive is damaged: "},
		"no JSON":      {archive: pack(t, map[string][]byte{ResultFile: []byte("hello")}), want: "line 1: not JSON"},
		"no result 2":  {archive: pack(t, map[string][]byte{ResultFile: []byte("{}")}), want: `not a slogate result: it has no "version"`},
		"other file":   {archive: pack(t, map[string][]byte{ResultFile: foreign}), want: `it is of the SLO file "other", not of "iris"`},
		"future":       {archive: pack(t, map[string][]byte{ResultFile: resultText(t, now.Add(2*time.Hour), time.Second)}), want: "it was measured in the future"},
		"wrong digest": {change: func(a *artifacttest.Artifact) { a.Digest = "sha256:" + strings.Repeat("0", 64) }, want: "the archive has another digest than the API says"},
		"huge":         {change: func(a *artifacttest.Artifact) { a.Size = 1 << 40 }, want: "answer is too large: 1099511627776 bytes, at most 16777216 are read"},
		"lying huge":   {archive: bytes.Repeat([]byte("PK"), 9<<20), change: func(a *artifacttest.Artifact) { a.Size = 10 }, want: "answer is too large: "},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForge(t)
			f.kept(f.ran(3, 9), 100*time.Millisecond)
			r := f.ran(5, 2)
			archive := tt.archive
			if archive == nil {
				archive = pack(t, map[string][]byte{ResultFile: good})
			}
			a := f.keptArchive(r, archive)
			if tt.change != nil {
				tt.change(a)
			}
			got, err := Find(t.Context(), f.client(), query())
			if err != nil || !cmp.Equal(commits(got), []string{sha(3)}) {
				t.Errorf("found %v, %v; want the older one", commits(got), err)
			}
			prefix := fmt.Sprintf("the earlier result of run %d was left out: ", r.ID)
			if len(got.Notices) != 1 || !strings.HasPrefix(got.Notices[0], prefix) || !strings.Contains(got.Notices[0], tt.want) {
				t.Errorf("notices %q, want %s%s", got.Notices, prefix, tt.want)
			}
		})
	}
}

// damaged has a wrong checksum.
func damaged(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateRaw(&zip.FileHeader{Name: ResultFile, CRC32: 1, CompressedSize64: uint64(len(text)), UncompressedSize64: uint64(len(text))})
	if err == nil {
		_, err = w.Write(text)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bomb inflates to more than a result may have; a lying one says 100 bytes.
func bomb(t *testing.T, lies bool) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	w, err := z.Create(ResultFile)
	if err == nil {
		_, err = w.Write(make([]byte, largestResult+1))
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	archive := b.Bytes()
	if !lies {
		return archive
	}
	// The size stands in the central directory, as four bytes.
	size := []byte{1, 0, 0, 4}
	if bytes.Count(archive, size) == 0 {
		t.Fatal("no size to lie about")
	}
	return bytes.ReplaceAll(archive, size, []byte{100, 0, 0, 0})
}

// A name that leads out of a folder leads nowhere: nothing is written.
func TestArchiveNamesAreNotFollowed(t *testing.T) {
	f := newForge(t)
	text := resultText(t, now.Add(-48*time.Hour), 100*time.Millisecond)
	f.keptArchive(f.ran(5, 2), pack(t, map[string][]byte{"../../../../tmp/" + ResultFile: text, "/etc/passwd": []byte("x")}))
	t.Chdir(t.TempDir())
	got, err := Find(t.Context(), f.client(), query())
	if err != nil || len(got.Results) != 1 {
		t.Errorf("found %d, %q, %v", len(got.Results), got.Notices, err)
	}
}

// Broken ones do not use up the wanted number, and do not flood the report.
func TestFindGoesOnPastBrokenArchives(t *testing.T) {
	f := newForge(t)
	for i := range 8 {
		f.kept(f.ran(i, 30-i), 100*time.Millisecond)
	}
	for i := range 6 {
		f.keptArchive(f.ran(10+i, 15-i), []byte("broken"))
	}
	q := query()
	q.Last = 3
	got, err := Find(t.Context(), f.client(), q)
	if err != nil || !cmp.Equal(commits(got), []string{sha(7), sha(6), sha(5)}) {
		t.Errorf("found %v, %v", commits(got), err)
	}
	if len(got.Notices) != 4 || got.Notices[3] != "3 more earlier results were left out" {
		t.Errorf("notices %q", got.Notices)
	}
}

// A run that was repeated keeps the artifact of its last attempt.
func TestFindTakesTheLastAttempt(t *testing.T) {
	f := newForge(t)
	r := f.ran(5, 2)
	f.kept(r, 100*time.Millisecond)
	f.kept(r, 300*time.Millisecond)
	got, err := Find(t.Context(), f.client(), query())
	if err != nil || len(got.Results) != 1 {
		t.Fatal(len(got.Results), err)
	}
	if p95, _ := got.Results[0].Stages[0].Response.Quantile(95, 100); p95 != result.Equivalent(300*time.Millisecond) {
		t.Errorf("p95 = %s", p95)
	}
}

func TestFindWithAnUnwillingAPI(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"denied":   {http.StatusForbidden, `{"message":"Resource not accessible by integration"}`, "status 403: Resource not accessible by integration (needs the permission actions: read)"},
		"not seen": {http.StatusNotFound, `{"message":"Not Found"}`, "status 404: Not Found (needs the permission actions: read)"},
		"no JSON":  {http.StatusOK, `<html>`, "answer of the API"},
		"no list":  {http.StatusOK, `{"workflow_runs": 7}`, "answer of the API"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForge(t)
			f.kept(f.ran(3, 9), 100*time.Millisecond)
			f.Fail = func(w http.ResponseWriter, r *http.Request) bool {
				w.WriteHeader(tt.status)
				fmt.Fprint(w, tt.body)
				return true
			}
			got, err := Find(t.Context(), f.client(), query())
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(got.Results) > 0 {
				t.Errorf("error %v, want %s", err, tt.want)
			}
			if strings.Contains(fmt.Sprint(err), apiToken) {
				t.Errorf("the token is in %q", err)
			}
		})
	}
}

func TestDownloadRecovers(t *testing.T) {
	f := newForge(t)
	f.kept(f.ran(3, 9), 100*time.Millisecond)
	failures := 0
	f.FailFile = func(w http.ResponseWriter) bool {
		if failures++; failures == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return failures == 1
	}
	got, err := Find(t.Context(), f.client(), query())
	if err != nil || len(got.Results) != 1 {
		t.Errorf("found %d, %q, %v", len(got.Results), got.Notices, err)
	}
}

// A storage that leads on, or that is none, is not followed.
func TestDownloadIsNotLedAway(t *testing.T) {
	for name, location := range map[string]string{
		"user in it": "http://user:pw@127.0.0.1/",
		"file":       "file:///etc/passwd",
		"no host":    "https:///x",
		"on and on":  "",
	} {
		t.Run(name, func(t *testing.T) {
			f := newForge(t)
			f.kept(f.ran(3, 9), 100*time.Millisecond)
			again := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/" {
					t.Error("the storage's redirect was followed")
				}
				http.Redirect(w, r, "/elsewhere", http.StatusFound)
			}))
			t.Cleanup(again.Close)
			f.Fail = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, "/zip") {
					return false
				}
				if location == "" {
					location = again.URL + "/"
				}
				w.Header().Set("Location", location)
				w.WriteHeader(http.StatusFound)
				return true
			}
			got, err := Find(t.Context(), f.client(), query())
			if err != nil || len(got.Results) != 0 || len(got.Notices) != 1 {
				t.Errorf("found %d, %q, %v", len(got.Results), got.Notices, err)
			}
		})
	}
}

// A server without digests and redirects, as older ones are.
func TestFindOnAnOldServer(t *testing.T) {
	f := newForge(t)
	a := f.kept(f.ran(3, 9), 100*time.Millisecond)
	a.Digest = "crc:1"
	f.Fail = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/zip") {
			_, _ = w.Write(a.Archive)
			return true
		}
		return false
	}
	got, err := Find(t.Context(), f.client(), query())
	if err != nil || len(got.Results) != 1 {
		t.Errorf("found %d, %q, %v", len(got.Results), got.Notices, err)
	}
}

// Nothing that the API or an archive says makes Find panic or count what is
// not of the branch.
func FuzzFind(f *testing.F) {
	archive := pack(f, map[string][]byte{ResultFile: resultText(f, now.Add(-48*time.Hour), time.Second)})
	runs := fmt.Sprintf(`{"workflow_runs":[{"id":5,"path":%q,"event":"push","conclusion":"success","head_branch":"main","head_sha":%q,"created_at":"2026-11-18T12:00:00Z","head_repository":{"id":1001}}]}`, workflow, sha(1))
	artifacts := fmt.Sprintf(`{"artifacts":[{"id":6,"name":%q,"size_in_bytes":100,"workflow_run":{"id":5,"repository_id":1001,"head_repository_id":1001,"head_branch":"main","head_sha":%q}}]}`, artifact, sha(1))
	f.Add([]byte(runs), []byte(artifacts), archive)
	f.Add([]byte(`{"workflow_runs":null}`), []byte(`[]`), []byte("PK"))
	f.Add([]byte(runs), []byte(`{"artifacts":[{}]}`), []byte{})
	var answer [3][]byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/runs"):
			_, _ = w.Write(answer[0])
		case strings.HasSuffix(r.URL.Path, "/zip"):
			_, _ = w.Write(answer[2])
		default:
			_, _ = w.Write(answer[1])
		}
	}))
	f.Cleanup(server.Close)
	c, err := github.New(github.Config{APIURL: server.URL, Repository: "o/r"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, runs, artifacts, archive []byte) {
		answer = [3][]byte{runs, artifacts, archive}
		got, _ := Find(t.Context(), c, query())
		for _, r := range got.Results {
			if r.Name != "iris" || r.Source.Branch != "main" || r.Start.After(now.Add(clockSkew)) {
				t.Errorf("counted %+v of %q", r.Source, r.Name)
			}
		}
	})
}

func FuzzReadArchive(f *testing.F) {
	f.Add(pack(f, map[string][]byte{ResultFile: resultText(f, now, time.Second)}))
	f.Add(pack(f, map[string][]byte{"a/" + ResultFile: []byte("{}"), "b": nil}))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, archive []byte) {
		r, err := readArchive(archive)
		if (r == nil) != (err != nil) {
			t.Errorf("result %v, error %v", r, err)
		}
	})
}
