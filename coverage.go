package main

import (
	"fmt"
	"strings"

	"github.com/slogate/slogate/draft"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// coverageOf says which operations of the file's OpenAPI document its judged
// stages do not load, nil where it names none.
func coverageOf(file *slo.File) (*result.Coverage, error) {
	if file.OpenAPI == nil {
		return nil, nil
	}
	c, err := draft.Cover(file.OpenAPI.Name, file.OpenAPI.Content, file)
	if err != nil {
		return nil, err
	}
	return &result.Coverage{
		Document:   file.OpenAPI.Name,
		Operations: c.Operations,
		Loaded:     c.Operations - len(c.Missing),
		Missing:    c.Missing[:min(len(c.Missing), result.MaxMissing)],
	}, nil
}

// printCoverage says what of the document a plan leaves out.
func printCoverage(w *strings.Builder, c *result.Coverage) {
	if c == nil {
		return
	}
	const most = 20
	fmt.Fprintf(w, "\noperations of %s that are not loaded: %d of %d\n", draft.Visible(c.Document), c.Operations-c.Loaded, c.Operations)
	for _, m := range c.Missing[:min(len(c.Missing), most)] {
		fmt.Fprintf(w, "  %s\n", draft.Visible(m))
	}
	if more := c.Operations - c.Loaded - most; more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
}
