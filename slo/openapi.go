package slo

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Document is a file beside the SLO file that is read for the report alone.
type Document struct {
	Name    string // as the SLO file writes it
	Content []byte
}

// maxDocument bounds a document, which is kept in memory as a whole.
const maxDocument = 64 << 20

// openAPI reads the document of the service's operations. What it says is not
// looked at here.
func (p *parser) openAPI(n *node) {
	name, ok := p.fixed(n, "openapi")
	if !ok {
		return
	}
	content, err := p.readDocument(name)
	if err != nil {
		p.failNode(n, CodeDocument, quote(name)+" cannot be read: "+err.Error(), "an OpenAPI document is relative to the SLO file and lies within the workspace")
		return
	}
	p.file.OpenAPI = &Document{Name: name, Content: content}
}

func (p *parser) readDocument(name string) ([]byte, error) {
	relative, err := p.toRead(name)
	if err != nil {
		return nil, errors.New("it is not a relative path, or lies outside of the workspace")
	}
	if err := p.sheltered(relative); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(p.workspace())
	if err != nil {
		return nil, fmt.Errorf("open the workspace: %w", err)
	}
	defer root.Close()
	// Looked at before it is opened: opening a pipe would wait for a writer.
	stat, err := root.Stat(relative)
	switch {
	case err != nil:
		return nil, errors.New(reason(err))
	case !stat.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case stat.Size() > maxDocument:
		return nil, fmt.Errorf("it has %d bytes, at most %d are read", stat.Size(), maxDocument)
	}
	f, err := root.Open(relative)
	if err != nil {
		return nil, errors.New(reason(err))
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxDocument))
}
