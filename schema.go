package main

import (
	"context"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// schemaCommand prints a JSON Schema.
type schemaCommand struct {
	Result bool `help:"Of the result file instead of the SLO file."`
}

// Run prints the schema.
func (c *schemaCommand) Run(_ context.Context, p *program) (int, error) {
	schema := slo.Schema()
	if c.Result {
		schema = result.Schema()
	}
	return p.print(string(schema))
}
