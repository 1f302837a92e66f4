package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/alecthomas/kong"
)

// This file is about what stands below the flags in a help.

// exitCodes is what `slogate --help` says of them; docs/verdicts.md has the
// whole table.
const exitCodes = `
Exit codes:
  0      passed, or only warned
  1      an objective failed the run
  2      wrong file, flags or environment: nothing was loaded
  3      inconclusive, or the target was never ready
  130    cancelled
`

// examples are calls of each command, as one would type them. A test parses
// them.
var examples = map[string][]string{
	"run": {
		"slogate run",
		"slogate run --target http://localhost:8080 --profile smoke",
		"slogate run --once slo.yaml",
		"slogate run 'slo/*.yaml' --baseline results/ --gate report",
		"slogate run --base-target http://localhost:8081",
	},
	"check": {
		"slogate check",
		"slogate check 'slo/*.yaml' --target http://localhost:8080",
		"slogate check slo.yaml --against main/slo.yaml",
	},
	"compare": {
		"slogate compare before.json after.json",
		"slogate compare main..HEAD",
		"slogate compare main...HEAD --slo perf/slo.yaml --keep",
	},
	"merge":     {"slogate merge shards/", "slogate merge shard-1.json shard-2.json --slo slo.yaml"},
	"calibrate": {"slogate calibrate", "slogate calibrate --runs 7 --out calibration"},
	"suggest":   {"slogate suggest results/", "slogate suggest results/*.json --slo slo.yaml"},
	"what-if": {
		"slogate what-if --max-replicas 10",
		"slogate what-if --max-replicas 10 --against slogate-out/slogate-result.json",
		"slogate what-if --restore",
	},
	"demo": {"slogate demo", "slogate demo --regress", "slogate demo --serve --addr 127.0.0.1:8000"},
	"report": {
		"slogate report slogate-out/slogate-result.json",
		"slogate report slogate-out/slogate-result.json --format html --out report.html",
	},
	"comment": {"slogate comment slogate-result.json --comment on-failure"},
	"init": {
		"slogate init http://localhost:8080/health",
		"slogate init --openapi openapi.yaml http://localhost:8080",
		"slogate init 'curl -X POST http://localhost:8080/orders -d @order.json'",
	},
	"completion": {"slogate completion bash", "slogate completion zsh"},
	"help":       {"slogate help", "slogate help run"},
	"version":    {"slogate version"},
	"explain":    {"slogate explain SLO012", "slogate explain"},
	"schema":     {"slogate schema", "slogate schema --result"},
}

// helpCommand is --help for those who ask by a word.
type helpCommand struct {
	Command []string `arg:"" optional:"" help:"The command; without one, all are listed." placeholder:"COMMAND" complete:"command"`
}

// Run calls the command with --help.
func (c *helpCommand) Run(ctx context.Context, p *program) (int, error) {
	return Main(ctx, append(slices.Clone(c.Command), "--help"), p.lookupEnv, p.stdout, p.stderr), nil
}

// printHelp adds exit codes or examples to kong's help.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	selected := ctx.Selected()
	if selected == nil {
		_, err := io.WriteString(ctx.Stdout, exitCodes)
		return err
	}
	for i, line := range examples[selected.Name] {
		if i == 0 {
			fmt.Fprint(ctx.Stdout, "\nExamples:\n")
		}
		if _, err := fmt.Fprintf(ctx.Stdout, "  %s\n", line); err != nil {
			return err
		}
	}
	return nil
}
