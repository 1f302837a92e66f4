// Slogate is a performance gate for pull requests and releases: it loads an
// HTTP service in stages, judges what it measured against the objectives of an
// SLO file, and fails the build on a miss. The same program is the command line
// and the GitHub Action.
//
// The command line, the SLO file, the result file and the action's inputs and
// outputs are stable; the Go packages below this one are not a library and may
// change at any time.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// The exit codes of slogate.
const (
	exitPass         = 0
	exitFail         = 1
	exitUsage        = 2 // wrong file, flags or environment: nothing was loaded
	exitInconclusive = 3 // also: the target was never ready
	exitCancelled    = 130
)

func main() {
	// net/http reports unsolicited bytes of a target to the standard logger, past
	// every mask and escape of ours.
	log.SetOutput(io.Discard)
	// A reader that goes away, as head does, must not take the verdict with it:
	// writing fails instead.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	all := ends()
	ctx, stop := signal.NotifyContext(context.Background(), all...)
	// The first signal asks for an orderly end; a second one ends the process. A
	// terminal that closes is no second one, though its shell and it both tell.
	context.AfterFunc(ctx, stop)
	if slices.Contains(all, os.Signal(syscall.SIGHUP)) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	os.Exit(Main(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr))
}

// ends are the signals that ask for an orderly end. A terminal that closes does,
// but not where the user has said by nohup that it shall not.
func ends() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		all = append(all, syscall.SIGHUP)
	}
	return all
}

// program is what every command gets of the world.
type program struct {
	lookupEnv func(string) (string, bool)
	stdout    io.Writer // results
	stderr    io.Writer // everything else
}

func (p *program) getenv(name string) string {
	value, _ := p.lookupEnv(name)
	return value
}

// print writes the text that a command is called for.
func (p *program) print(text string) (int, error) {
	if _, err := io.WriteString(p.stdout, text); err != nil {
		return exitUsage, err
	}
	return exitPass, nil
}

// commandLine is the whole command line: what kong parses and prints as help.
type commandLine struct {
	Run         runCommand        `cmd:"" help:"Load the service in stages, judge what was measured, report it."`
	Check       checkCommand      `cmd:"" help:"Validate the SLO file and print the plan; nothing is sent."`
	Compare     compareCommand    `cmd:"" help:"Judge result B against A, or build and compare two revisions."`
	Merge       mergeCommand      `cmd:"" help:"Judge the shards that several generators made, as one run."`
	Calibrate   calibrateCommand  `cmd:"" help:"Print what this machine can see: the target against itself."`
	Suggest     suggestCommand    `cmd:"" help:"Print bounds that earlier results support, as a patch."`
	WhatIf      whatIfCommand     `cmd:"" name:"what-if" help:"Load with another ceiling of the autoscaler, and compare."`
	Demo        demoCommand       `cmd:"" help:"Load a demo service and show everything."`
	Report      reportCommand     `cmd:"" help:"Write the report of a result file again, in any form."`
	Comment     commentCommand    `cmd:"" help:"Comment on a pull request from a result file."`
	Init        initCommand       `cmd:"" help:"Write a first slo.yaml and a workflow."`
	Explain     explainCommand    `cmd:"" help:"Print what an error of the SLO file means and what to do."`
	Schema      schemaCommand     `cmd:"" help:"Print the JSON Schema of the SLO file or the result file."`
	Completion  completionCommand `cmd:"" help:"Print what makes a shell complete calls of slogate."`
	Help        helpCommand       `cmd:"" help:"Print the help of slogate, or of one command."`
	ShowVersion versionCommand    `cmd:"" name:"version" help:"Print the version."`
	Complete    completeCommand   `cmd:"" hidden:"" help:"Print what a word of a call may be."`
	Worker      workerCommand     `cmd:"" hidden:"" help:"Be one pod of a run that is spread over a cluster."`
	Action      actionCommand     `cmd:"" hidden:"" help:"Run as a GitHub Action: settings from inputs, results to outputs and the job summary."`

	Version kong.VersionFlag `help:"Print the version."`
}

// command is one command of the command line. It returns the exit code.
type command interface {
	Run(ctx context.Context, p *program) (int, error)
}

// newParser makes the parser of the command line. Help and versions that are
// asked for end in a call of exit.
func newParser(p *program, exit func(code int)) *kong.Kong {
	parser, err := kong.New(new(commandLine),
		kong.Name("slogate"),
		kong.Description("A performance gate for pull requests and releases."),
		kong.Writers(p.stdout, p.stderr),
		kong.Exit(exit),
		kong.Vars{"version": fullVersion()},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Help(printHelp),
	)
	if err != nil {
		panic("slogate: wrong command line struct: " + err.Error())
	}
	return parser
}

// Main runs slogate with the given arguments (the program's name not
// included), environment and streams, and returns the exit code.
func Main(ctx context.Context, args []string, lookupEnv func(string) (string, bool), stdout, stderr io.Writer) int {
	p := &program{lookupEnv: lookupEnv, stdout: stdout, stderr: stderr}
	exited := -1
	parser := newParser(p, func(code int) { exited = code })
	selected, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		p.fail(err, usageHint(args, err))
		return exitUsage
	}
	code, err := selected.Selected().Target.Addr().Interface().(command).Run(ctx, p)
	if err != nil {
		p.fail(err, "")
	}
	return code
}

// usageHint says which help knows what a call should have been.
func usageHint(args []string, err error) string {
	if len(args) == 0 {
		return "slogate init writes a first SLO file, slogate demo shows a run, slogate --help lists everything"
	}
	if parse, ok := errors.AsType[*kong.ParseError](err); ok {
		if command := parse.Context.Selected(); command != nil {
			return "slogate " + command.Name + " --help"
		}
	}
	return "slogate --help"
}

// hinted is an error with a way out, printed on a line of its own.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// Advice is the way out.
func (h hinted) Advice() string { return h.hint }

// fail prints an error and, where there is one, its hint.
func (p *program) fail(err error, hint string) {
	if all, several := err.(joined); several {
		for _, err := range all {
			p.fail(err, hint)
		}
		return
	}
	if text, ok := pretty(err); ok {
		fmt.Fprintln(p.stderr, text)
		if list, ok := errors.AsType[slo.ErrorList](err); ok {
			fmt.Fprintln(p.stderr, "\n"+explainHint(list))
		}
		return
	}
	fmt.Fprintf(p.stderr, "error: %v\n", err)
	if hint = cmp.Or(hintOf(err), hint); hint != "" {
		fmt.Fprintf(p.stderr, "hint: %s\n", hint)
	}
}

// explained is an error for a report, with its place and its hint.
func explained(err error) string {
	if all, several := err.(joined); several {
		var texts []string
		for _, err := range all {
			texts = append(texts, explained(err))
		}
		return strings.Join(texts, "\n\n")
	}
	if text, ok := pretty(err); ok {
		return text
	}
	if hint := hintOf(err); hint != "" {
		return err.Error() + "\nhint: " + hint
	}
	return err.Error()
}

// pretty is an error that knows its place in a file.
func pretty(err error) (string, bool) {
	p, ok := errors.AsType[interface {
		error
		Pretty() string
	}](err)
	if !ok {
		return "", false
	}
	return strings.TrimRight(p.Pretty(), "\n"), true
}

// hintOf is the way out of an error, empty where none is known.
func hintOf(err error) string {
	if h, ok := errors.AsType[hinted](err); ok {
		return h.hint
	}
	if _, late := errors.AsType[*loader.NotReadyError](err); late {
		return "start the service before slogate, say with target where it listens, or give it longer by wait_for"
	}
	if errors.Is(err, result.ErrOtherFile) {
		return "a result is the " + resultFile + " that slogate run writes into its output folder"
	}
	return ""
}
