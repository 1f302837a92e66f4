package draft

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strings"

	"gopkg.in/yaml.v3"
)

// Part is a field of a multipart form: a text, or a file.
type Part struct {
	Name  string
	Value string

	File string // path; empty: it is a text
	Type string // media type of the file; empty: the default one
	As   string // name that is sent for the file; empty: its own
}

// multipartNode writes a form. A name that stands several times has a list.
func multipartNode(all []Part) *yaml.Node {
	n := mapping()
	at := map[string]*yaml.Node{}
	for _, p := range all {
		first, twice := at[p.Name]
		switch {
		case !twice:
			at[p.Name] = p.node()
			with(n, p.Name, at[p.Name])
		case first.Kind == yaml.SequenceNode:
			first.Content = append(first.Content, p.node())
		default:
			value := *first
			*first = *list()
			first.Content = []*yaml.Node{&value, p.node()}
		}
	}
	return n
}

func (p Part) node() *yaml.Node {
	if p.File == "" {
		return text(p.Value)
	}
	n := mapping(entry("file", text(p.File)))
	addText(n, "name", p.As)
	addText(n, "type", p.Type)
	return n
}

// mediaType gives a type that an SLO file accepts, else none.
func mediaType(s string) string {
	kind, _, err := mime.ParseMediaType(s)
	if err != nil || !strings.Contains(kind, "/") {
		return ""
	}
	return plain(kind)
}

// recordedForm reads a multipart body as it was sent. Of files it keeps the
// names.
func recordedForm(body, boundary string) ([]namedValue, error) {
	r := multipart.NewReader(strings.NewReader(body), boundary)
	var all []namedValue
	for len(all) < maxFields {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		f := namedValue{Name: part.FormName(), File: part.FileName(), Type: part.Header.Get("Content-Type")}
		if f.File == "" {
			content, err := io.ReadAll(io.LimitReader(part, maxBody+1))
			if err != nil {
				return nil, err
			}
			f.Value = string(content)
		}
		all = append(all, f)
	}
	return nil, errors.New("it has too many fields")
}

// maxFields is how many fields of a multipart body are read.
const maxFields = 1000
