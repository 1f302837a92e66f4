package draft

import (
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
		return nil, err
	}
	all, _ := doc.operations()
	prefixes := []string{""}
	for _, server := range doc.servers() {
		if _, prefix := splitServer(server); prefix != "" {
			prefixes = append(prefixes, prefix)
		}
	}
	loaded := make([]bool, len(all))
	for _, r := range judgedRequests(file) {
		path := pathOf(r.Path)
		for _, prefix := range prefixes {
			if rest, ok := strings.CutPrefix(path, prefix); ok && strings.HasPrefix(rest, "/") {
				if i := match(all, r.Method, rest); i >= 0 {
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

// judgedRequests are those of the scenarios that a judged stage loads.
func judgedRequests(file *slo.File) []*slo.Request {
	var all []*slo.Request
	for _, s := range file.Scenarios {
		isJudged := func(stage slo.Stage) bool { return stage.Judge && stage.Loads(s.Name) }
		if !slices.ContainsFunc(file.Stages, isJudged) {
			continue
		}
		for _, step := range s.Steps {
			if step.Request != nil && !step.Again {
				all = append(all, step.Request)
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

// match finds the operation of a path, -1 where there is none.
func match(all []operation, method, path string) int {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if plain, err := url.PathUnescape(s); err == nil {
			segments[i] = plain
		}
	}
	best, most := -1, -1
	for i, op := range all {
		if op.method != method {
			continue
		}
		if literal, ok := matchPath(strings.Split(op.path, "/"), segments); ok && literal > most {
			best, most = i, literal
		}
	}
	return best
}

// matchPath counts the segments that are the same.
func matchPath(patterns, segments []string) (literal int, ok bool) {
	if len(patterns) != len(segments) {
		return 0, false
	}
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
