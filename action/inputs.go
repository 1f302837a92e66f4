package action

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sethvargo/go-githubactions"
)

// Inputs are the inputs of the step: the flags of "slogate run" by the same
// names, and what only a workflow can say.
type Inputs struct {
	Config         string   // path of the SLO file
	Target         string   // base URL of the service; empty: the file's target
	Baseline       []string // earlier result files; or artifact alone, or none alone; empty: what the SLO file says
	BaseTarget     string   // base URL of the service to compare with in the same run; empty: the file's, or none
	Profile        string   // of the SLO file; empty: all of its stages
	Out            string   // folder for the result file and the reports
	Gate           string   // enforce or report
	OnInconclusive string   // auto, fail or warn
	MaxRate        string   // requests a second; empty: the SLO file's limit, or none
	MaxDuration    string   // of the run; likewise
	AllowedHosts   string   // patterns of hosts that may be loaded; likewise
	Accept         bool     // regressions against the baseline only warn
	Kubeconfig     string   // path or text of the one whose cluster is watched, or in-cluster; empty: none is
	KubeContext    string   // of the kubeconfig; empty: its current one
	Seed           uint64   // of random arrivals and values; 0: a random one
	Shard          string   // I/N: which of several generators the job is; empty: the only one
	StartAt        string   // when the first stage begins; empty: at once
	Shards         []string // results of shards, or folders of them, for the mode merge
	Env            []string // names of the environment variables that the SLO file may read
	Network        string   // auto, bridge or host
	Mode           string   // run, check, merge or comment
	Result         string   // result file of the mode comment; empty: the one in Out
	ObjectivesFrom string   // head or base: whose SLO file judges a pull request
	Comment        string   // always, on-failure or never
	// CommentRequired says that a comment which cannot be written is an error.
	CommentRequired bool
	Charts          bool   // the job summary has charts
	OwnCheckRun     bool   // the verdict becomes a check run besides the job's own
	Token           string // for the API of the server; a secret
	Services        string // the context job.services as JSON
	Container       string // the id of the job's container; empty: the job runs in none
	Matrix          string // the context matrix as JSON
	CheckRun        string // the id of the job's check run; empty: the runner is too old to tell
}

// input is one input of action.yml.
type input struct {
	name     string
	fallback string // when the input is absent or blank
	context  string // in action.yml the default is this expression, which the runner evaluates
	set      func(*Inputs, string) error
}

// inputs are all inputs. The runner itself warns about names that action.yml
// does not declare.
var inputs = []input{
	{name: "config", fallback: "slo.yaml", set: func(in *Inputs, v string) error { in.Config = v; return nil }},
	{name: "target", set: func(in *Inputs, v string) error { in.Target = v; return nil }},
	{name: "base-target", set: func(in *Inputs, v string) error { in.BaseTarget = v; return nil }},
	{name: "baseline", set: func(in *Inputs, v string) error { in.Baseline = paths(v); return nil }},
	{name: "profile", set: func(in *Inputs, v string) error { in.Profile = v; return nil }},
	{name: "out", fallback: "slogate-out", set: func(in *Inputs, v string) error { in.Out = v; return nil }},
	{name: "gate", fallback: "enforce", set: func(in *Inputs, v string) (err error) {
		in.Gate, err = oneOf(v, "enforce", "report")
		return err
	}},
	{name: "on-inconclusive", fallback: "auto", set: func(in *Inputs, v string) (err error) {
		in.OnInconclusive, err = oneOf(v, "auto", "fail", "warn")
		return err
	}},
	{name: "accept", fallback: "false", set: func(in *Inputs, v string) (err error) { in.Accept, err = isTrue(v); return err }},
	{name: "max-rate", set: func(in *Inputs, v string) error { in.MaxRate = v; return nil }},
	{name: "max-duration", set: func(in *Inputs, v string) error { in.MaxDuration = v; return nil }},
	{name: "allowed-hosts", set: func(in *Inputs, v string) error { in.AllowedHosts = v; return nil }},
	{name: "kubeconfig", set: func(in *Inputs, v string) error { in.Kubeconfig = v; return nil }},
	{name: "kube-context", set: func(in *Inputs, v string) error { in.KubeContext = v; return nil }},
	{name: "seed", set: func(in *Inputs, v string) (err error) { in.Seed, err = seed(v); return err }},
	{name: "shard", set: func(in *Inputs, v string) error { in.Shard = v; return nil }},
	{name: "start-at", set: func(in *Inputs, v string) error { in.StartAt = v; return nil }},
	{name: "shards", fallback: "shards", set: func(in *Inputs, v string) error { in.Shards = paths(v); return nil }},
	{name: "env", set: func(in *Inputs, v string) (err error) { in.Env, err = names(v); return err }},
	{name: "network", fallback: "auto", set: func(in *Inputs, v string) (err error) {
		in.Network, err = oneOf(v, "auto", "bridge", "host")
		return err
	}},
	{name: "mode", fallback: "run", set: func(in *Inputs, v string) (err error) {
		in.Mode, err = oneOf(v, "run", "check", "merge", "comment")
		return err
	}},
	{name: "result", set: func(in *Inputs, v string) error { in.Result = v; return nil }},
	{name: "objectives-from", fallback: "head", set: func(in *Inputs, v string) (err error) {
		in.ObjectivesFrom, err = oneOf(v, "head", "base")
		return err
	}},
	{name: "comment", fallback: "always", set: func(in *Inputs, v string) (err error) {
		in.Comment, err = oneOf(v, "always", "on-failure", "never")
		return err
	}},
	{name: "comment-required", fallback: "false", set: func(in *Inputs, v string) (err error) { in.CommentRequired, err = isTrue(v); return err }},
	{name: "charts", fallback: "true", set: func(in *Inputs, v string) (err error) { in.Charts, err = isTrue(v); return err }},
	{name: "check-run", fallback: "false", set: func(in *Inputs, v string) (err error) { in.OwnCheckRun, err = isTrue(v); return err }},
	{name: "github-token", context: "${{ github.token }}", set: func(in *Inputs, v string) error { in.Token = v; return nil }},
	{name: "job-services", context: "${{ toJSON(job.services) }}", set: func(in *Inputs, v string) error { in.Services = v; return nil }},
	{name: "job-container-id", context: "${{ job.container.id }}", set: func(in *Inputs, v string) error { in.Container = v; return nil }},
	{name: "job-matrix", context: "${{ toJSON(matrix) }}", set: func(in *Inputs, v string) error { in.Matrix = v; return nil }},
	{name: "job-check-run-id", context: "${{ job.check_run_id }}", set: func(in *Inputs, v string) error { in.CheckRun = v; return nil }},
}

// paths splits a list of files, one a line.
func paths(value string) []string {
	var all []string
	for line := range strings.Lines(value) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// Inputs reads the inputs. Its error holds all that is wrong with them.
func (a *Action) Inputs() (Inputs, error) {
	var in Inputs
	var errs []error
	for _, i := range inputs {
		value := a.input(i.name)
		if value == "" {
			value = i.fallback
		}
		if err := i.set(&in, value); err != nil {
			errs = append(errs, fmt.Errorf("input %s: %w", i.name, err))
		}
	}
	return in, errors.Join(errs...)
}

// input returns the trimmed value of an input. The runner keeps the dashes of
// its name in the variable's (INPUT_ON-INCONCLUSIVE); a shell cannot set such
// a variable, so the form with underscores counts where that one is absent.
func (a *Action) input(name string) string {
	gha := githubactions.New(githubactions.WithGetenv(a.getenv))
	if value := gha.GetInput(name); value != "" {
		return value
	}
	return gha.GetInput(strings.ReplaceAll(name, "-", "_"))
}

func oneOf(value string, allowed ...string) (string, error) {
	if !slices.Contains(allowed, value) {
		return "", fmt.Errorf("%s is not accepted, only %s", quote(value), strings.Join(allowed, " or "))
	}
	return value, nil
}

func isTrue(value string) (bool, error) {
	word, err := oneOf(value, "true", "false")
	return word == "true", err
}

func seed(value string) (uint64, error) {
	if value == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is not a whole number from 0 to 18446744073709551615", quote(value))
	}
	return n, nil
}

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// names splits a list of environment variables at blanks, commas and ends of
// lines. A value in it ("TOKEN=abc") may be a secret, so it is not repeated.
func names(value string) ([]string, error) {
	fields := strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
	for i, name := range fields {
		if !variable.MatchString(name) {
			return nil, fmt.Errorf("entry %d is not the name of an environment variable; list names alone, their values go into the step's env", i+1)
		}
	}
	return fields, nil
}

// quote repeats a value in a message: quoted, on one line, cut.
func quote(value string) string { return strconv.Quote(cut(value, 60)) }

// EnvLookup returns a lookup of environment variables that knows only the
// listed names: the SLO file may come from a stranger's pull request, and the
// environment holds tokens.
func (a *Action) EnvLookup(names []string, lookup func(string) (string, bool)) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if !slices.Contains(names, name) {
			return "", false
		}
		return lookup(name)
	}
}
