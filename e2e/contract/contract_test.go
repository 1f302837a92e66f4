// Package contract holds the client in github/, and the server that its tests
// use, to the description of the REST API that GitHub publishes: every request
// and every answer is validated. It is a module of its own, so that the
// validator is none of the product's dependencies.
//
// The description is the npm package @octokit/openapi, which is not kept in
// the repository: OCTOKIT names the folder node_modules/@octokit. Without it
// the tests are skipped.
package contract

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// description is GitHub's, read once.
var description = sync.OnceValues(func() (*openapi3.T, error) {
	text, err := os.ReadFile(filepath.Join(os.Getenv("OCTOKIT"), "openapi", "generated", "api.github.com.json"))
	if err != nil {
		return nil, err
	}
	return openapi3.NewLoader().LoadFromData(text)
})

// contract validates what passes between a client and a server.
type contract struct {
	t      *testing.T
	doc    *openapi3.T
	routes []route
	inner  http.Handler
}

// route is a path of the description as it stands in a request.
type route struct {
	path    string
	pattern *regexp.Regexp
	item    *openapi3.PathItem
}

// serve starts a validated server and returns its address.
func serve(t *testing.T, inner http.Handler) string {
	t.Helper()
	if os.Getenv("OCTOKIT") == "" {
		t.Skip("OCTOKIT does not name the folder of the npm packages @octokit/openapi and @octokit/webhooks-examples: see e2e/README.md")
	}
	doc, err := description()
	if err != nil {
		t.Fatal(err)
	}
	c := &contract{t: t, doc: doc, inner: inner}
	for path, item := range doc.Paths.Map() {
		c.routes = append(c.routes, route{path, pathPattern(path), item})
	}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return server.URL
}

var parameter = regexp.MustCompile(`\\\{(\w+)\\\}`)

// pathPattern matches a path of the description. The only parameter that may
// hold slashes is the path of a file.
func pathPattern(path string) *regexp.Regexp {
	return regexp.MustCompile("^" + parameter.ReplaceAllStringFunc(regexp.QuoteMeta(path), func(p string) string {
		name := parameter.FindStringSubmatch(p)[1]
		if name == "path" {
			return "(?P<path>.+)"
		}
		return "(?P<" + name + ">[^/]+)"
	}) + "$")
}

// find returns the route of a request: of several that match, the one with the
// fewest parameters.
func (c *contract) find(r *http.Request) (route, map[string]string, bool) {
	var best route
	var parameters map[string]string
	for _, one := range c.routes {
		match := one.pattern.FindStringSubmatch(r.URL.EscapedPath())
		if match == nil || one.item.GetOperation(r.Method) == nil || parameters != nil && len(match)-1 >= len(parameters) {
			continue
		}
		best, parameters = one, map[string]string{}
		for i, name := range one.pattern.SubexpNames()[1:] {
			parameters[name], _ = url.PathUnescape(match[i+1])
		}
	}
	return best, parameters, parameters != nil
}

// ServeHTTP validates a request, lets the server answer, and validates that.
// GraphQL has no description.
func (c *contract) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/graphql" {
		c.inner.ServeHTTP(w, r)
		return
	}
	sent, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(sent))
	found, parameters, ok := c.find(r)
	if !ok {
		c.t.Errorf("%s %s is not in GitHub's description", r.Method, r.URL.Path)
		c.inner.ServeHTTP(w, r)
		return
	}
	// GitHub describes created as a time, and takes a comparison with one: its
	// words beside the format say so.
	query := r.URL.Query()
	query.Del("created")
	input := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: parameters, QueryParams: query,
		Route: &routers.Route{Spec: c.doc, Path: found.path, PathItem: found.item, Method: r.Method, Operation: found.item.GetOperation(r.Method)},
		Options: &openapi3filter.Options{
			MultiError: true, IncludeResponseStatus: true, SkipSettingDefaults: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
		},
	}
	if err := openapi3filter.ValidateRequest(context.Background(), input); err != nil {
		c.t.Errorf("request %s %s: %v", r.Method, r.URL, short(err))
	}
	c.checkQuery(r, found)
	r.Body = io.NopCloser(bytes.NewReader(sent))
	answer := httptest.NewRecorder()
	c.inner.ServeHTTP(answer, r)
	c.checkAnswer(r, input, answer)
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	w.Write(answer.Body.Bytes())
}

// checkQuery refuses parameters that the description does not know, which the
// validator lets pass and GitHub ignores.
func (c *contract) checkQuery(r *http.Request, found route) {
	known := map[string]bool{}
	for _, list := range []openapi3.Parameters{found.item.Parameters, found.item.GetOperation(r.Method).Parameters} {
		for _, p := range list {
			known[p.Value.In+" "+p.Value.Name] = true
		}
	}
	for name := range r.URL.Query() {
		if !known["query "+name] {
			c.t.Errorf("request %s %s: GitHub knows no parameter %s", r.Method, r.URL, name)
		}
	}
}

// anywhere are the errors that every endpoint may answer with; the description
// names them at some only.
var anywhere = map[int]bool{http.StatusForbidden: true, http.StatusNotFound: true, http.StatusBadGateway: true}

func (c *contract) checkAnswer(r *http.Request, input *openapi3filter.RequestValidationInput, answer *httptest.ResponseRecorder) {
	if input.Route.Operation.Responses.Status(answer.Code) == nil && anywhere[answer.Code] {
		return
	}
	err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: answer.Code, Header: answer.Header(),
		Body: io.NopCloser(bytes.NewReader(answer.Body.Bytes())), Options: input.Options,
	})
	if err != nil {
		c.t.Errorf("answer %d to %s %s: %v", answer.Code, r.Method, r.URL, short(err))
	}
}

// short cuts an error of the validator, which repeats whole schemas.
func short(err error) string {
	var kept []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimRight(line, "\n"); strings.Contains(line, "rror") && len(kept) < 20 {
			kept = append(kept, line[:min(len(line), 300)])
		}
	}
	return strings.Join(kept, "\n")
}
