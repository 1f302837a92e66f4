package report

import "fmt"

// Coverage says which operations of an OpenAPI document are not loaded.
type Coverage struct {
	Title    string // "Operations that are not loaded: 7 of 12"
	Document Text
	Missing  []Text
	More     string // "and 200 more"; empty: Missing has all
}

// missingRows bounds the list: it is there to be read.
const missingRows = 100

func (b builder) coverage() *Coverage {
	c := b.run.Coverage
	if c == nil {
		return nil
	}
	missing := c.Operations - c.Loaded
	out := &Coverage{
		Title:    fmt.Sprintf("Operations that are not loaded: %d of %d", missing, c.Operations),
		Document: b.name(c.Document),
	}
	for _, m := range c.Missing[:min(len(c.Missing), missingRows)] {
		out.Missing = append(out.Missing, b.name(m))
	}
	if more := missing - len(out.Missing); more > 0 {
		out.More = fmt.Sprintf("and %d more", more)
	}
	return out
}
