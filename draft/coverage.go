package draft

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/slogate/slogate/slo"
)

// Coverage says which operations of an OpenAPI document a file loads.
type Coverage struct {
	Operations int      // all of the document
	Missing    []string // those that no judged stage loads, such as "GET /pets/{id}"
}

// dynamic stands in a path where a value is put in.
const dynamic = "\x00"

// Cover compares the requests of the judged stages with a document. A request
// belongs to the operation whose path it matches with the most literal parts;
// a value in a request matches only where the document has a parameter.
func Cover(name string, src []byte, file *slo.File) (*Coverage, error) {
	doc, err := readAPI(name, src)
	if err != nil {
		return nil, withoutSource(err)
	}
	all, _ := doc.operations()
	known, prefixes := shapesOf(all), doc.prefixes()
	loaded := make([]bool, len(all))
	for request := range judgedRequests(file) {
		for _, prefix := range prefixes {
			if rest, ok := strings.CutPrefix(request.path, prefix); ok && strings.HasPrefix(rest, "/") {
				if i := known.match(request.method, rest); i >= 0 {
					loaded[i] = true
				}
			}
		}
	}
	c := &Coverage{Operations: len(all)}
	for i, op := range all {
		if !loaded[i] {
			c.Missing = append(c.Missing, op.String())
		}
	}
	return c, nil
}

// withoutSource takes the line of the document out of an error. A stranger's SLO
// file may name any file of the workspace, and the error is for all to read.
func withoutSource(err error) error {
	if e, ok := errors.AsType[*slo.Error](err); ok {
		e.Source = ""
	}
	return err
}

// maxPrefixes bounds how many servers of a document are looked at.
const maxPrefixes = 20

// prefixes are what may stand in front of the document's paths.
func (d *apiDocument) prefixes() []string {
	all := []string{""}
	for _, server := range d.servers() {
		if _, prefix := splitServer(server); prefix != "" && len(all) < maxPrefixes && !slices.Contains(all, prefix) {
			all = append(all, prefix)
		}
	}
	return all
}

// loadedRequest is what a request is known by.
type loadedRequest struct{ method, path string }

// judgedRequests are those of the scenarios that a judged stage loads.
func judgedRequests(file *slo.File) map[loadedRequest]bool {
	all := map[loadedRequest]bool{}
	for _, s := range file.Scenarios {
		isJudged := func(stage slo.Stage) bool { return stage.Judge && stage.Loads(s.Name) }
		if !slices.ContainsFunc(file.Stages, isJudged) {
			continue
		}
		for _, step := range s.Steps {
			if step.Request != nil && !step.Again {
				all[loadedRequest{step.Request.Method, pathOf(step.Request.Path)}] = true
			}
		}
	}
	return all
}

// pathOf writes a path without its query.
func pathOf(t slo.Template) string {
	var b strings.Builder
	for _, part := range t {
		if part.Value != slo.NoValue {
			b.WriteString(dynamic)
			continue
		}
		before, _, isQuery := strings.Cut(part.Literal, "?")
		b.WriteString(before)
		if isQuery {
			break
		}
	}
	return b.String()
}

// shape is what the operations that a path can match have in common.
type shape struct {
	method   string
	segments int
}

// candidate is an operation by its number, with the segments of its path.
type candidate struct {
	number   int
	segments []string
}

// shapes are operations by their shape.
type shapes map[shape][]candidate

func shapesOf(all []operation) shapes {
	s := shapes{}
	for i, op := range all {
		segments := strings.Split(op.path, "/")
		key := shape{op.method, len(segments)}
		s[key] = append(s[key], candidate{i, segments})
	}
	return s
}

// match finds the operation of a path, -1 where there is none.
func (s shapes) match(method, path string) int {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if plain, err := url.PathUnescape(segment); err == nil {
			segments[i] = plain
		}
	}
	best, most := -1, -1
	for _, c := range s[shape{method, len(segments)}] {
		if literal, ok := matchPath(c.segments, segments); ok && literal > most {
			best, most = c.number, literal
		}
	}
	return best
}

// matchPath counts the segments that are the same, of as many.
func matchPath(patterns, segments []string) (literal int, ok bool) {
	for i, pattern := range patterns {
		switch {
		case pattern == segments[i]:
			literal++
		case !matchSegment(pattern, segments[i]):
			return 0, false
		}
	}
	return literal, true
}

// matchSegment matches a segment with parameters, such as {id}.json.
func matchSegment(pattern, segment string) bool {
	at := templated.FindAllStringIndex(pattern, -1)
	if at == nil {
		return false
	}
	before, after := pattern[:at[0][0]], pattern[at[len(at)-1][1]:]
	return len(segment) > len(before)+len(after) && strings.HasPrefix(segment, before) && strings.HasSuffix(segment, after)
}
