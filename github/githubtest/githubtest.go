// Package githubtest is a GitHub of one repository, for tests: a server that
// keeps comments, pull requests, labels and files, and answers as GitHub's
// REST API does. The tests in e2e/contract hold its answers, and the requests
// of its clients, to the description that GitHub publishes.
//
// A test fills the exported fields before the first request. It adds
// endpoints of its own with [Server.Handle].
package githubtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The repository that the server has, and its workflows' own bot.
const (
	Repository   = "acme/iris"
	RepositoryID = 1001
	Bot          = "github-actions[bot]"
)

// pageSize bounds a page, so that tests with a few entries see several.
const pageSize = 3

// Server is the state of the repository. Its fields may be changed between
// requests.
type Server struct {
	Comments []Comment
	Pulls    []Pull
	Labelled []Labelled
	Checks   []CheckRun
	// Files by commit and path; a commit that is no key is not there.
	Files map[string]map[string]string
	// Branches by name: their newest commits.
	Branches map[string]string
	// MergeBases by "BASE...HEAD".
	MergeBases map[string]string

	Viewer   string // the login that GraphQL says; empty: it refuses
	ReadOnly bool   // the token may write nothing
	Locked   bool   // the conversations take no comments
	Down     bool   // every answer is 502

	mu  sync.Mutex
	mux *http.ServeMux
	log []string
}

// Comment is a comment on a pull request.
type Comment struct {
	ID        int64
	Pull      int
	Login     string // of the author; a name in brackets is a bot
	Body      string
	Minimized bool
}

// Pull is a pull request.
type Pull struct {
	Number int
	State  string // open or closed
	Head   Side
	Base   Side
}

// Side is one side of a pull request.
type Side struct {
	SHA, Ref, Owner string
	RepositoryID    int64 // 0: the repository is gone
}

// Labelled is a label that somebody set on a pull request.
type Labelled struct {
	Pull     int
	By, Name string
}

// CheckRun is a check run, as it was sent.
type CheckRun struct {
	Name       string `json:"name"`
	HeadSHA    string `json:"head_sha"`
	Status     string `json:"status"`
	Conclusion string `json:"conclusion"`
	DetailsURL string `json:"details_url"`
	Output     struct {
		Title       string `json:"title"`
		Summary     string `json:"summary"`
		Annotations []struct {
			Path    string `json:"path"`
			From    int    `json:"start_line"`
			To      int    `json:"end_line"`
			Level   string `json:"annotation_level"`
			Title   string `json:"title"`
			Message string `json:"message"`
		} `json:"annotations"`
	} `json:"output"`
}

// New returns an empty repository.
func New() *Server {
	s := &Server{mux: http.NewServeMux()}
	s.Handle("GET /repos/{owner}/{repo}/issues/{number}/comments", s.listComments)
	s.Handle("POST /repos/{owner}/{repo}/issues/{number}/comments", s.createComment)
	s.Handle("PATCH /repos/{owner}/{repo}/issues/comments/{id}", s.updateComment)
	s.Handle("GET /repos/{owner}/{repo}/commits/{sha}/pulls", s.pullsOfCommit)
	s.Handle("GET /repos/{owner}/{repo}/pulls", s.listPulls)
	s.Handle("GET /repos/{owner}/{repo}/issues/{number}/labels", s.listLabels)
	s.Handle("GET /repos/{owner}/{repo}/issues/{number}/events", s.listEvents)
	s.Handle("GET /repos/{owner}/{repo}/compare/{basehead}", s.compare)
	s.Handle("GET /repos/{owner}/{repo}/commits/{ref}", s.commit)
	s.Handle("GET /repos/{owner}/{repo}/contents/{path...}", s.contents)
	s.Handle("GET /repos/{owner}/{repo}/git/trees/{sha}", s.tree)
	s.Handle("POST /repos/{owner}/{repo}/check-runs", s.createCheckRun)
	s.Handle("POST /graphql", s.graphQL)
	return s
}

// Start serves the repository until the test ends and returns its address.
func Start(t testing.TB, handler http.Handler) string {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// Handle adds an endpoint, in the words of [http.ServeMux].
func (s *Server) Handle(pattern string, answer http.HandlerFunc) { s.mux.HandleFunc(pattern, answer) }

// Calls returns "METHOD /path" of every request so far.
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// ServeHTTP answers one request after the other.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, r.Method+" "+r.URL.Path)
	writes := r.Method != http.MethodGet && r.URL.Path != "/graphql"
	switch {
	case s.Down:
		w.WriteHeader(http.StatusBadGateway)
	case s.ReadOnly && writes:
		Refuse(w, http.StatusForbidden, "Resource not accessible by integration")
	case s.Locked && writes:
		Refuse(w, http.StatusForbidden, "Unable to create comment because issue is locked.")
	default:
		s.mux.ServeHTTP(w, r)
	}
}

// Answer writes a value as JSON.
func Answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(value); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// Refuse writes an error of GitHub.
func Refuse(w http.ResponseWriter, status int, message string) {
	Answer(w, status, map[string]any{"message": message, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status)})
}

// Page writes the part of a list that a request asks for, and links to the
// next one.
func Page(w http.ResponseWriter, r *http.Request, all []map[string]any) {
	Answer(w, http.StatusOK, Part(w, r, all))
}

// Part returns the part of a list that a request asks for, and links to the
// next one.
func Part(w http.ResponseWriter, r *http.Request, all []map[string]any) []map[string]any {
	page := max(number(r.URL.Query().Get("page")), 1)
	size := pageSize
	if asked := number(r.URL.Query().Get("per_page")); asked > 0 {
		size = min(asked, size)
	}
	first, last := min((page-1)*size, len(all)), min(page*size, len(all))
	if last < len(all) {
		query := r.URL.Query()
		query.Set("page", strconv.Itoa(page+1))
		w.Header().Set("Link", fmt.Sprintf(`<http://%s%s?%s>; rel="next"`, r.Host, r.URL.EscapedPath(), query.Encode()))
	}
	return append([]map[string]any{}, all[first:last]...)
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

func (s *Server) listComments(w http.ResponseWriter, r *http.Request) {
	var all []map[string]any
	for _, c := range s.Comments {
		if c.Pull == number(r.PathValue("number")) {
			all = append(all, c.json(r))
		}
	}
	Page(w, r, all)
}

// longestBody in characters, as GitHub has it.
const longestBody = 65536

// body reads the text of a comment.
func body(w http.ResponseWriter, r *http.Request) (string, bool) {
	var sent struct {
		Body *string `json:"body"`
	}
	if json.NewDecoder(r.Body).Decode(&sent) != nil || sent.Body == nil {
		Refuse(w, http.StatusBadRequest, "Problems parsing JSON")
		return "", false
	}
	if len([]rune(*sent.Body)) > longestBody {
		Answer(w, http.StatusUnprocessableEntity, map[string]any{
			"message": "Validation Failed", "documentation_url": "https://docs.github.com/rest",
			"errors": []map[string]any{{"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": "Body is too long"}},
		})
		return "", false
	}
	return *sent.Body, true
}

func (s *Server) createComment(w http.ResponseWriter, r *http.Request) {
	text, ok := body(w, r)
	if !ok {
		return
	}
	c := Comment{ID: 1, Pull: number(r.PathValue("number")), Login: Bot, Body: text}
	if s.Viewer != "" {
		c.Login = s.Viewer
	}
	for _, other := range s.Comments {
		c.ID = max(c.ID, other.ID+1)
	}
	s.Comments = append(s.Comments, c)
	Answer(w, http.StatusCreated, c.json(r))
}

func (s *Server) updateComment(w http.ResponseWriter, r *http.Request) {
	i := slices.IndexFunc(s.Comments, func(c Comment) bool { return c.ID == int64(number(r.PathValue("id"))) })
	if i < 0 {
		Refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	text, ok := body(w, r)
	if !ok {
		return
	}
	s.Comments[i].Body = text
	Answer(w, http.StatusOK, s.Comments[i].json(r))
}

func (s *Server) pullsOfCommit(w http.ResponseWriter, r *http.Request) {
	var all []map[string]any
	for _, p := range s.Pulls {
		// GitHub knows a fork's commits by the name of the pull request's ref only.
		if p.Head.SHA == r.PathValue("sha") && p.Head.RepositoryID == RepositoryID {
			all = append(all, p.json(r))
		}
	}
	Page(w, r, all)
}

func (s *Server) listPulls(w http.ResponseWriter, r *http.Request) {
	var all []map[string]any
	query := r.URL.Query()
	for _, p := range s.Pulls {
		if (query.Get("state") == p.State || query.Get("state") == "all") && (!query.Has("head") || query.Get("head") == p.Head.Owner+":"+p.Head.Ref) {
			all = append(all, p.json(r))
		}
	}
	Page(w, r, all)
}

func (s *Server) listLabels(w http.ResponseWriter, r *http.Request) {
	var all []map[string]any
	for i, l := range s.Labelled {
		if l.Pull == number(r.PathValue("number")) {
			all = append(all, l.label(i, r))
		}
	}
	Page(w, r, all)
}

func (s *Server) listEvents(w http.ResponseWriter, r *http.Request) {
	var all []map[string]any
	for i, l := range s.Labelled {
		if l.Pull == number(r.PathValue("number")) {
			all = append(all, l.event(i, r))
		}
	}
	Page(w, r, all)
}

func (s *Server) compare(w http.ResponseWriter, r *http.Request) {
	base, known := s.MergeBases[r.PathValue("basehead")]
	if !known {
		Refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	Answer(w, http.StatusOK, comparison(r, base))
}

func (s *Server) commit(w http.ResponseWriter, r *http.Request) {
	sha := r.PathValue("ref")
	if branch, ok := strings.CutPrefix(sha, "heads/"); ok {
		sha = s.Branches[branch]
	}
	if _, known := s.Files[sha]; !known {
		Refuse(w, http.StatusUnprocessableEntity, "No commit found for SHA: "+r.PathValue("ref"))
		return
	}
	Answer(w, http.StatusOK, commit(r, sha))
}

func (s *Server) contents(w http.ResponseWriter, r *http.Request) {
	text, known := s.Files[r.URL.Query().Get("ref")][r.PathValue("path")]
	if !known {
		Refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	Answer(w, http.StatusOK, content(r, r.PathValue("path"), text))
}

func (s *Server) tree(w http.ResponseWriter, r *http.Request) {
	files, known := s.Files[r.PathValue("sha")]
	if !known {
		Refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	Answer(w, http.StatusOK, tree(r, r.PathValue("sha"), slices.Sorted(maps.Keys(files))))
}

// mostAnnotations of a check run at once, as GitHub has it.
const mostAnnotations = 50

func (s *Server) createCheckRun(w http.ResponseWriter, r *http.Request) {
	var sent CheckRun
	err := json.NewDecoder(r.Body).Decode(&sent)
	if err != nil || sent.Name == "" || sent.HeadSHA == "" || len(sent.Output.Annotations) > mostAnnotations || len(sent.Output.Summary) > longestBody {
		Refuse(w, http.StatusUnprocessableEntity, "Invalid request.")
		return
	}
	s.Checks = append(s.Checks, sent)
	Answer(w, http.StatusCreated, sent.json(len(s.Checks), r))
}

func (s *Server) graphQL(w http.ResponseWriter, r *http.Request) {
	var sent struct{ Query string }
	if json.NewDecoder(r.Body).Decode(&sent) != nil || !strings.Contains(sent.Query, "viewer") || s.Viewer == "" {
		Refuse(w, http.StatusForbidden, "Resource not accessible by integration")
		return
	}
	Answer(w, http.StatusOK, map[string]any{"data": map[string]any{"viewer": map[string]any{"login": s.Viewer}}})
}

// at is the moment of everything that happens here.
var at = time.Date(2026, 11, 23, 14, 30, 0, 0, time.UTC).Format(time.RFC3339)
