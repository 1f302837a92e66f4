// Package artifacttest is GitHub as far as artifacts of Workflow runs go, for
// tests: the lists of its API, its artifact service, and its storage of files,
// which is another host. What the service has kept, the API lists, in the form
// that the tests in e2e/contract hold to GitHub's description.
package artifacttest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slogate/slogate/github/githubtest"
)

// The repository o/r, a token for its API, its workflow, and a commit under
// test, which is not on the main branch.
const (
	Repository = 1001
	Token      = "ghs_of_the_api"
	Workflow   = ".github/workflows/gate.yml"
	Tested     = "7777777777777777777777777777777777777777"
)

const artifactService = "/twirp/github.actions.results.api.v1.ArtifactService/"

// SHA names the nth commit of the main branch.
func SHA(n int) string { return fmt.Sprintf("%040x", n) }

// Server is the state of the repository. Its fields may be changed between
// requests.
type Server struct {
	Runs      []*Run      // oldest first
	Artifacts []*Artifact // oldest first
	History   []string    // commits of main, oldest first
	Parted    string      // where the tested commit left main
	PageSize  int
	// Fail and FailFile answer in the place of the API and the storage where
	// they report true.
	Fail     func(w http.ResponseWriter, r *http.Request) bool
	FailFile func(w http.ResponseWriter) bool
	Asked    []string // "METHOD /path" of every request to the API and the service
	URL      string   // of both

	t       testing.TB
	mu      sync.Mutex
	blobs   map[string][]byte
	pending map[string]*Artifact // by run and name
	files   string               // address of the storage
}

// Run is a run of a workflow.
type Run struct {
	ID      int64
	Path    string // of the workflow's file
	Event   string
	Result  string // success, failure, …
	Branch  string
	SHA     string
	Head    int64 // number of the repository that the commit comes from
	Created time.Time
}

// Artifact is what a run has kept.
type Artifact struct {
	ID      int64
	Name    string
	Run     *Run
	Archive []byte
	Expired bool
	Digest  string // empty: the right one
	Size    int    // that the list tells; 0: the right one
	Job     string // of the run

	blocks map[string][]byte
}

// New starts a repository with a long main branch, without runs.
func New(t testing.TB) *Server {
	f := &Server{t: t, PageSize: 100, blobs: map[string][]byte{}, pending: map[string]*Artifact{}}
	for i := range 200 {
		f.History = append(f.History, SHA(i))
	}
	mux := http.NewServeMux()
	const repo = "/repos/o/r"
	mux.HandleFunc("GET "+repo+"/actions/workflows/{file}/runs", f.listRuns)
	mux.HandleFunc("GET "+repo+"/actions/artifacts", f.listArtifacts)
	mux.HandleFunc("GET "+repo+"/actions/artifacts/{id}/zip", f.archive)
	mux.HandleFunc("GET "+repo+"/compare/{range}", f.compare)
	mux.HandleFunc("POST "+artifactService+"{method}", f.twirp)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.Asked = append(f.Asked, r.Method+" "+r.URL.EscapedPath())
		if f.Fail != nil && f.Fail(w, r) {
			return
		}
		mux.ServeHTTP(w, r)
	}))
	files := httptest.NewServer(http.HandlerFunc(f.storage))
	f.URL, f.files = api.URL, files.URL
	t.Cleanup(api.Close)
	t.Cleanup(files.Close)
	return f
}

// Push adds a successful run for a push of the nth commit to main.
func (f *Server) Push(commit int, created time.Time) *Run {
	r := &Run{
		ID: int64(5000 + len(f.Runs)), Path: Workflow, Event: "push", Result: "success",
		Branch: "main", SHA: SHA(commit), Head: Repository, Created: created,
	}
	f.Runs = append(f.Runs, r)
	return r
}

// Keep adds an artifact to a run.
func (f *Server) Keep(r *Run, name string, archive []byte) *Artifact {
	a := &Artifact{ID: int64(9000 + len(f.Artifacts)), Name: name, Run: r, Archive: archive}
	f.Artifacts = append(f.Artifacts, a)
	return a
}

// page answers with one page of a list, newest first, and a link to the next.
func page[T any](f *Server, w http.ResponseWriter, r *http.Request, key string, all []T) {
	if r.Header.Get("Authorization") != "Bearer "+Token {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	n, _ := strconv.Atoi(r.URL.Query().Get("page"))
	n = max(n, 1)
	from, to := min((n-1)*f.PageSize, len(all)), min(n*f.PageSize, len(all))
	if to < len(all) {
		next := *r.URL
		q := next.Query()
		q.Set("page", strconv.Itoa(n+1))
		next.RawQuery = q.Encode()
		w.Header().Set("Link", fmt.Sprintf(`<%s%s>; rel="next", <%s/x?page=9>; rel="last"`, f.URL, next.RequestURI(), f.URL))
	}
	writeJSON(w, map[string]any{"total_count": len(all), key: append([]T{}, all[from:to]...)})
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(v)
}

func (f *Server) listRuns(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var all []map[string]any
	for _, run := range slices.Backward(f.Runs) {
		file := run.Path[strings.LastIndex(run.Path, "/")+1:]
		created, _ := time.Parse(time.DateOnly, strings.TrimPrefix(q.Get("created"), ">="))
		if !strings.HasPrefix(file, r.PathValue("file")) || run.Branch != q.Get("branch") || q.Get("status") != "success" || run.Created.Before(created) {
			continue
		}
		all = append(all, map[string]any{
			"id": run.ID, "path": run.Path, "event": run.Event, "status": "completed", "conclusion": run.Result, "workflow_id": 77,
			"head_branch": run.Branch, "head_sha": run.SHA, "created_at": run.Created.Format(time.RFC3339),
			"html_url":        fmt.Sprintf("https://github.com/o/r/actions/runs/%d", run.ID),
			"repository":      githubtest.Home(r, Repository, "o"),
			"head_repository": githubtest.Home(r, run.Head, "o"),
			"node_id":         "WFR_1", "run_number": run.ID, "display_title": "Faster", "head_commit": nil, "pull_requests": []any{},
			"updated_at": run.Created.Format(time.RFC3339),
		})
		for _, name := range []string{"url", "jobs_url", "logs_url", "check_suite_url", "cancel_url", "rerun_url", "artifacts_url", "workflow_url"} {
			all[len(all)-1][name] = fmt.Sprintf("%s/repos/o/r/actions/runs/%d/%s", f.URL, run.ID, strings.TrimSuffix(name, "_url"))
		}
	}
	page(f, w, r, "workflow_runs", all)
}

func (f *Server) listArtifacts(w http.ResponseWriter, r *http.Request) {
	var all []map[string]any
	for _, a := range slices.Backward(f.Artifacts) {
		if a.Name != r.URL.Query().Get("name") {
			continue
		}
		sum := sha256.Sum256(a.Archive)
		digest, size := "sha256:"+hex.EncodeToString(sum[:]), len(a.Archive)
		if a.Digest != "" {
			digest = a.Digest
		}
		if a.Size != 0 {
			size = a.Size
		}
		here, created := fmt.Sprintf("%s/repos/o/r/actions/artifacts/%d", f.URL, a.ID), a.Run.Created.Format(time.RFC3339)
		all = append(all, map[string]any{
			"id": a.ID, "name": a.Name, "size_in_bytes": size, "expired": a.Expired, "digest": digest,
			"node_id": "A_1", "url": here, "archive_download_url": here + "/zip",
			"created_at": created, "updated_at": created, "expires_at": a.Run.Created.Add(90 * 24 * time.Hour).Format(time.RFC3339),
			"workflow_run": map[string]any{
				"id": a.Run.ID, "repository_id": Repository, "head_repository_id": a.Run.Head,
				"head_branch": a.Run.Branch, "head_sha": a.Run.SHA,
			},
		})
	}
	page(f, w, r, "artifacts", all)
}

func (f *Server) archive(w http.ResponseWriter, r *http.Request) {
	i := slices.IndexFunc(f.Artifacts, func(a *Artifact) bool { return strconv.FormatInt(a.ID, 10) == r.PathValue("id") })
	if i < 0 || r.Header.Get("Authorization") == "" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	key := fmt.Sprintf("/download/%d", f.Artifacts[i].ID)
	f.blobs[key] = f.Artifacts[i].Archive
	http.Redirect(w, r, f.files+key+"?sig=signed", http.StatusFound)
}

// compare knows main, a history without branches, and one Tested commit that
// left it at f.Parted.
func (f *Server) compare(w http.ResponseWriter, r *http.Request) {
	a, b, _ := strings.Cut(r.PathValue("range"), "...")
	at := func(revision string) int {
		switch revision {
		case "main":
			return len(f.History) - 1
		case Tested:
			revision = f.Parted
		}
		return slices.Index(f.History, revision)
	}
	base := min(at(a), at(b))
	if base < 0 {
		w.WriteHeader(http.StatusNotFound)
		writeJSON(w, map[string]any{"message": "Not Found"})
		return
	}
	writeJSON(w, map[string]any{"status": "diverged", "merge_base_commit": map[string]any{"sha": f.History[base]}})
}

// storage is the host of files. It knows addresses, and nobody.
func (f *Server) storage(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, secret := range []string{"Authorization", "Cookie"} {
		if r.Header.Get(secret) != "" {
			f.t.Errorf("the storage was sent %s", secret)
		}
	}
	if f.FailFile != nil && f.FailFile(w) {
		return
	}
	switch {
	case r.URL.Query().Get("sig") != "signed":
		w.WriteHeader(http.StatusForbidden)
	case r.Method == http.MethodGet:
		_, _ = w.Write(f.blobs[r.URL.Path])
	case r.Method == http.MethodPut:
		f.put(w, r)
	}
}

// put stores a block, or joins the blocks of a list.
func (f *Server) put(w http.ResponseWriter, r *http.Request) {
	a := f.pending[strings.TrimPrefix(r.URL.Path, "/upload/")]
	body, _ := io.ReadAll(r.Body)
	switch q := r.URL.Query(); q.Get("comp") {
	case "block":
		if _, err := base64.StdEncoding.DecodeString(q.Get("blockid")); err != nil || q.Get("blockid") == "" {
			f.t.Errorf("block id %q: %v", q.Get("blockid"), err)
		}
		a.blocks[q.Get("blockid")] = body
	case "blocklist":
		var list struct {
			XMLName xml.Name `xml:"BlockList"`
			Latest  []string
		}
		if err := xml.Unmarshal(body, &list); err != nil {
			f.t.Errorf("block list: %v", err)
		}
		a.Archive = nil
		for _, id := range list.Latest {
			a.Archive = append(a.Archive, a.blocks[id]...)
		}
	default:
		f.t.Errorf("comp = %q", q.Get("comp"))
	}
	w.WriteHeader(http.StatusCreated)
}

// JobToken is a token for a job of a run.
func JobToken(run int64, job string) string {
	encode := base64.RawURLEncoding.EncodeToString
	claims := fmt.Sprintf(`{"nameid":"x","scp":"Actions.ExampleScope Actions.Results:%d:%s Actions.UploadArtifacts:1"}`, run, job)
	return encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(claims)) + ".c2lnbmF0dXJl"
}

// twirp is the artifact service.
func (f *Server) twirp(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Run     string `json:"workflow_run_backend_id"`
		Job     string `json:"workflow_job_run_backend_id"`
		Name    string `json:"name"`
		Filter  string `json:"name_filter"`
		Version int    `json:"version"`
		Size    string `json:"size"`
		Hash    string `json:"hash"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		f.t.Errorf("%s: %v", r.URL.Path, err)
	}
	number, _ := strconv.ParseInt(in.Run, 10, 64)
	i := slices.IndexFunc(f.Runs, func(run *Run) bool { return run.ID == number })
	if i < 0 || !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ey") || r.Header.Get("Content-Type") != "application/json" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	taken := slices.IndexFunc(f.Artifacts, func(a *Artifact) bool { return a.Run == f.Runs[i] && (a.Name == in.Name || a.Name == in.Filter) })
	key := in.Run + "-" + in.Name
	switch r.PathValue("method") {
	case "CreateArtifact":
		if in.Version != 4 {
			f.t.Errorf("version %d", in.Version)
		}
		if taken >= 0 {
			w.WriteHeader(http.StatusConflict)
			writeJSON(w, map[string]any{"code": "already_exists", "msg": "an artifact with this name already exists on the Workflow run"})
			return
		}
		f.pending[key] = &Artifact{ID: int64(9500 + len(f.Artifacts)), Name: in.Name, Run: f.Runs[i], Job: in.Job, blocks: map[string][]byte{}}
		writeJSON(w, map[string]any{"ok": true, "signed_upload_url": f.files + "/upload/" + url.PathEscape(key) + "?sig=signed"})
	case "FinalizeArtifact":
		a := f.pending[key]
		sum := sha256.Sum256(a.Archive)
		ok := in.Size == strconv.Itoa(len(a.Archive)) && in.Hash == "sha256:"+hex.EncodeToString(sum[:]) && a.Job == in.Job
		if ok {
			f.Artifacts = append(f.Artifacts, a)
		}
		writeJSON(w, map[string]any{"ok": ok, "artifact_id": strconv.FormatInt(a.ID, 10)})
	case "ListArtifacts":
		list := []map[string]any{}
		if taken >= 0 {
			a := f.Artifacts[taken]
			list = append(list, map[string]any{"workflow_run_backend_id": in.Run, "workflow_job_run_backend_id": a.Job, "name": a.Name, "database_id": strconv.FormatInt(a.ID, 10)})
		}
		writeJSON(w, map[string]any{"artifacts": list})
	case "DeleteArtifact":
		if taken < 0 || f.Artifacts[taken].Job != in.Job {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		f.Artifacts = slices.Delete(f.Artifacts, taken, taken+1)
		writeJSON(w, map[string]any{"ok": true})
	}
}
