package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/report"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/run"
	"github.com/slogate/slogate/slo"
)

// checkCommand validates an SLO file and prints its plan.
type checkCommand struct {
	fileFlags
	against
}

// Run prints the plan of each file.
func (c *checkCommand) Run(_ context.Context, p *program) (int, error) {
	options, err := c.options(p.lookupEnv)
	if err != nil {
		return exitUsage, err
	}
	paths, err := expand(c.File)
	if err == nil {
		err = c.against.of(paths)
	}
	if err != nil {
		return exitUsage, err
	}
	options.Plan = true
	var files []*slo.File
	var plans []string
	var wrong joined
	for _, path := range paths {
		file, plan, err := c.check(path, options)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		files, plans = append(files, file), append(plans, plan)
	}
	if code, err := p.print(strings.Join(plans, "\n")); err != nil {
		return code, err
	}
	switch {
	case len(wrong) == 1:
		return exitUsage, wrong[0]
	case len(wrong) > 1:
		return exitUsage, wrong
	}
	if err := distinct(files); err != nil {
		return exitUsage, err
	}
	return exitPass, nil
}

// check returns a file with its plan.
func (c *checkCommand) check(path string, options slo.Options) (*slo.File, string, error) {
	file, err := readSLO(path, options)
	if err != nil {
		return nil, "", err
	}
	var loosened []result.Loosening
	if c.Against != "" {
		if _, loosened, err = c.compare(file, options); err != nil {
			return nil, "", err
		}
	}
	plan, err := planText(file, loosened, nil)
	return file, plan, err
}

// planText says what a run of the file would do, and what the file asks less of
// than its base.
func planText(file *slo.File, loosened []result.Loosening, notices []string) (string, error) {
	coverage, err := coverageOf(file)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	printPlan(&text, file)
	printCoverage(&text, coverage)
	printLoosened(&text, loosened)
	printNotices(&text, notices)
	return text.String(), nil
}

func printLoosened(w *strings.Builder, all []result.Loosening) {
	if len(all) == 0 {
		return
	}
	w.WriteString("\nasks less than its base:\n")
	for _, l := range all {
		fmt.Fprintf(w, "  %s\n", lessThanBase(l))
	}
}

// printNotices says what a reader of a plan must know besides.
func printNotices(w *strings.Builder, all []string) {
	for _, n := range all {
		fmt.Fprintf(w, "\n%s\n", n)
	}
}

func lessThanBase(l result.Loosening) string {
	where := "all stages"
	if len(l.Stages) > 0 {
		where = strings.Join(l.Stages, ", ")
	}
	return fmt.Sprintf("%s: %s → %s", where, l.Before, l.After)
}

func stagesText(n int) string {
	if n == 1 {
		return "1 stage"
	}
	return fmt.Sprintf("%d stages", n)
}

func objectivesText(n int) string {
	if n == 1 {
		return "1 objective"
	}
	return fmt.Sprintf("%d objectives", n)
}

// printPlan says what a run of the file would do.
func printPlan(w *strings.Builder, file *slo.File) {
	planned := run.PlannedTime(file.Together(), file.Confirm)
	fmt.Fprintf(w, "%s is valid: %s on %s, at least %s\n", file.Path, stagesText(len(file.Stages)), veil(file.Target, file), quantity.Duration(planned))
	if worst := worstTime(file); worst > planned {
		fmt.Fprintf(w, "at most %s, with what is confirmed and extended, where the service keeps up\n", quantity.Duration(worst))
	}
	if base := file.Baseline.BaseTarget; base != "" {
		fmt.Fprint(w, veil(fmt.Sprintf("base and head take turns: %s and %s, 1 s each\n", base, file.Target), file))
	}
	if file.Service != nil {
		fmt.Fprintln(w, "its service block is for slogate compare BASE..HEAD and slogate run --allow-commands; check runs nothing of it")
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "STAGE\tLOAD\tREQUESTS\tJUDGED")
	for _, s := range file.Stages {
		judged := "no"
		if s.Judge {
			judged = objectivesText(len(s.Objectives))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", s.Name, report.Workload(loader.Describe(s.Workload)), plannedText(file, s), judged)
	}
	t.Flush()
	for _, stages := range file.Together() {
		if len(stages) > 1 {
			fmt.Fprintf(w, "the %d workloads of %s run at the same time\n", len(stages), stages[0].Parallel)
		}
	}
	for _, s := range file.Stages {
		if !s.Judge {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", s.Name)
		for _, o := range s.Objectives {
			fmt.Fprintf(w, "  %-4s  %s%s\n", o.Severity, o.Text, remark(o, s, file))
		}
	}
}

// remark says what a reader of the plan would want to know of an objective.
func remark(o slo.Objective, stage slo.Stage, file *slo.File) string {
	switch short := shortOf(o, stage, file); {
	case o.Relative != nil && file.Baseline.BaseTarget != "" && o.Severity != slo.Show:
		return remarkCompared(o, stage, file)
	case short != "" && o.Severity != slo.Show:
		return fmt.Sprintf("  (%s%s)", placeOf(o, file), short)
	case afterSearch(o, stage):
		return "  (judged at the rate that is found)"
	case o.Implicit:
		return "  (added: no other objective looks at success)"
	}
	return ""
}

// afterSearch reports whether an objective with a value has no part in what a
// search finds, though others of its stage do.
func afterSearch(o slo.Objective, stage slo.Stage) bool {
	return stage.Workload.Search && o.Severity != slo.Show && o.Relative == nil && o.Indicator.Kind != slo.Capacity && !o.Steers()
}

// takesTurns reports whether base and head are both loaded with a stage.
func takesTurns(stage slo.Stage, file *slo.File) bool {
	return file.Baseline.BaseTarget != "" && gate.Alone(stage) == ""
}

// remarkCompared says what a comparison of base and head can see by an
// objective.
func remarkCompared(o slo.Objective, stage slo.Stage, file *slo.File) string {
	at := placeOf(o, file)
	if why := gate.Alone(stage); why != "" {
		return "  (" + at + "not compared with base: " + why + ")"
	}
	if !gate.Compares(o.Indicator) {
		return "  (" + at + "not compared with base: only response times, success, errors, throughput and CPU per request are kept for each turn)"
	}
	family, w := gate.Family(file), stage.Workload
	if w.Requests > 0 {
		return "" // how long they take is known after the run
	}
	longest := longestOf(stage, file)
	if most := gate.Pairs(file, o, stage, longest); most < gate.PairsNeeded(family) {
		way := ""
		if needed := gate.Needed(file, o, stage, family); needed > 0 {
			way = fmt.Sprintf("; with max: %s it could", needed)
		}
		return fmt.Sprintf("  (%scan never be decided: in %s base and head make %d pairs of enough requests, and %d are needed%s)",
			at, quantity.Duration(longest), most, gate.PairsNeeded(family), way)
	}
	tolerance := 0.0
	for _, t := range o.Relative {
		if t.Percent {
			tolerance = max(tolerance, math.Abs(t.Value))
		}
	}
	if !isTime(o.Indicator) {
		return ""
	}
	seen := func(d time.Duration) string {
		n := gate.Pairs(file, o, stage, d)
		if n < gate.PairsNeeded(family) {
			return "nothing in " + quantity.Duration(d)
		}
		return fmt.Sprintf("%s in %s", quantity.Change(gate.PlannedDetectable(o.Indicator, n, family, tolerance), false), quantity.Duration(d))
	}
	if longest == w.Duration {
		return "  (should see " + seen(longest) + ")"
	}
	return "  (should see " + seen(w.Duration) + ", " + seen(longest) + ")"
}

// placeOf is where an objective stands, with a colon, or that it was added.
func placeOf(o slo.Objective, file *slo.File) string {
	if o.Implicit {
		return "added: no other objective looks at success; "
	}
	return fmt.Sprintf("%s:%d:%d: ", file.Path, o.Pos.Line, o.Pos.Column)
}

func isTime(ind slo.Indicator) bool { return ind.Unit() == slo.UnitDuration }

// longestOf is how long a compared stage may last.
func longestOf(stage slo.Stage, file *slo.File) time.Duration {
	if stage.Workload.Requests > 0 {
		return stage.Workload.Duration
	}
	return max(stage.Workload.Duration, file.Baseline.Max)
}

// worstTime is the time of a run in which everything is confirmed and extended
// that can be.
func worstTime(file *slo.File) time.Duration {
	sum := time.Duration(0)
	compared := false
	for _, stages := range file.Together() {
		s, lasts := stages[0], run.Longest(stages)
		sum += s.IdleBefore
		switch {
		case s.Workload.Search:
			_, most := run.SearchTime(s.Workload, file.Confirm)
			sum += most
		case takesTurns(s, file):
			compared = true
			if gate.Extends(s) {
				sum += longestOf(s, file)
				continue
			}
			sum += lasts
		case file.Confirm && slices.ContainsFunc(stages, confirms):
			sum += s.IdleBefore + 2*lasts
		default:
			sum += lasts
		}
	}
	if compared {
		sum += 2 * run.WarmUp
	}
	if most := file.Limits.Duration; most > 0 {
		sum = min(sum, most)
	}
	return sum
}

// confirms reports whether a stage may be loaded once more.
func confirms(s slo.Stage) bool {
	return s.Judge && slices.ContainsFunc(s.Objectives, func(o slo.Objective) bool { return o.Relative == nil && o.Severity == slo.Fail })
}

// plannedText writes the planned requests of a stage, or its arrivals where the
// requests of one differ from scenario to scenario.
func plannedText(file *slo.File, s slo.Stage) string {
	if s.Workload.Search {
		return "as many as it takes"
	}
	if n, known := file.Requests(s); known {
		return strconv.FormatInt(n, 10)
	}
	if s.Workload.Model == slo.Closed {
		return "as many as it can"
	}
	return fmt.Sprintf("%d arrivals", int64(s.Workload.Due()))
}
