package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/report"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// suggestCommand prints a patch of the SLO file.
type suggestCommand struct {
	Results []string `arg:"" name:"result" help:"Result files of good runs, or folders of them." placeholder:"RESULT" complete:".json"`
	SLO     string   `name:"slo" help:"The SLO file, instead of the one that the newest result names." placeholder:"FILE" complete:".yaml,.yml"`
}

// Run prints what the results support, every line of it behind a #, and then
// the patch or, where there is no file to change, lines for one. So all of it
// can be given to git apply and to patch.
func (c *suggestCommand) Run(_ context.Context, p *program) (int, error) {
	runs, names, err := c.results()
	if err != nil {
		return exitUsage, err
	}
	newest := newest(runs)
	file, src, notice, err := c.file(p, newest)
	if err != nil {
		return exitUsage, err
	}
	supports, left := gate.Supports(file, runs)
	if len(supports) == 0 {
		return exitUsage, hinted{
			fmt.Errorf("nothing can be said of %s by %s", file.Path, resultsText(len(runs))),
			"the results need complete stages of the same names, and objectives on times, shares or rates",
		}
	}
	all := suggestions(supports)
	var text strings.Builder
	explain(&text, file, all, len(runs))
	printLeftOut(&text, left, names)
	patch := ""
	if notice == "" {
		patch, notice = patchOf(file, src, all, slo.Options{Path: file.Path, Target: targetOf(newest), Profile: newest.SLO.Profile, Env: p.lookupEnv})
	}
	if notice != "" {
		patch = lines(notice, all)
	}
	return p.print(text.String() + patch)
}

func resultsText(n int) string {
	if n == 1 {
		return "1 result"
	}
	return fmt.Sprintf("%d results", n)
}

// results reads files and folders, and keeps the name of each result.
func (c *suggestCommand) results() ([]*result.Run, map[*result.Run]string, error) {
	var runs []*result.Run
	names := map[*result.Run]string{}
	for _, path := range c.Results {
		found, err := readResults(path)
		if err != nil {
			return nil, nil, err
		}
		for _, r := range found {
			runs, names[r.Run] = append(runs, r.Run), r.name
		}
	}
	if len(runs) == 0 || len(runs) > mostResults {
		return nil, nil, fmt.Errorf("%d result files: want 1 to %d", len(runs), mostResults)
	}
	return runs, names, nil
}

// file finds the SLO file that is to be changed, with its text. The notice says
// why there is none; then file has the result's stages with the usual
// objectives, or the objectives of a file that has changed since.
func (c *suggestCommand) file(p *program, newest *result.Run) (file *slo.File, src []byte, notice string, err error) {
	path, named := c.SLO, c.SLO != ""
	if !named {
		path = newest.SLO.Path
	}
	if !named && (!isOurs(path) || !exists(path)) {
		return usualFile(newest), nil, fmt.Sprintf("the SLO file %s is not here; --slo names it", report.OneLine(path)), nil
	}
	if src, err = readSLOFile(path); err != nil {
		return nil, nil, "", fmt.Errorf("read SLO file: %w", err)
	}
	file, err = slo.Parse(src, slo.Options{Path: path, Target: targetOf(newest), Profile: newest.SLO.Profile, Env: p.lookupEnv})
	if err != nil {
		return nil, nil, "", err
	}
	if !named && file.Digest != newest.SLO.Digest {
		notice = path + " has changed since the newest result was measured; --slo " + path + " patches it all the same"
	}
	return file, src, notice, nil
}

// usualFile has the stages of a result with the usual indicators.
func usualFile(r *result.Run) *slo.File {
	file := stagesOf(r)
	for i := range file.Stages {
		for _, text := range []string{"p95 <= 1s", "p99 <= 1s", "success_rate >= 1%", "throughput >= 1/s"} {
			o, err := slo.ParseObjective(text)
			if err != nil {
				panic("slogate: " + err.Error())
			}
			o.Text = "" // it has no bound yet
			file.Stages[i].Objectives = append(file.Stages[i].Objectives, o)
		}
	}
	return file
}

// suggestion is what the results say of one objective of the file, which may
// apply to several stages.
type suggestion struct {
	stages []gate.Support
	bound  string // a better one, which every stage supports; empty: leave it
	why    string // why there is none although the present one does not hold
}

// suggestions puts together what belongs to the same place of the file.
func suggestions(all []gate.Support) []suggestion {
	var out []suggestion
	index := map[slo.Pos]int{}
	for _, s := range all {
		at, known := index[s.Objective.Pos]
		if s.Objective.Pos == (slo.Pos{}) || !known {
			at = len(out)
			out, index[s.Objective.Pos] = append(out, suggestion{}), at
		}
		out[at].stages = append(out[at].stages, s)
	}
	for i := range out {
		out[i].find()
	}
	return out
}

func (s *suggestion) objective() slo.Objective { return s.stages[0].Objective }

// holds reports whether unchanged runs keep the objective in every stage.
func (s *suggestion) holds() bool {
	return !slices.ContainsFunc(s.stages, func(g gate.Support) bool { return !g.Holds() })
}

// find looks for the bound or the tolerance that every stage supports.
func (s *suggestion) find() {
	o := s.objective()
	switch {
	case o.Implicit:
	case len(o.Relative) > 0:
		s.findTolerance(o)
	default:
		s.findBound(o)
	}
	if s.bound == boundOf(o) {
		s.bound = "" // the same again would be an empty patch, which no tool takes
	}
}

// boundOf is what an objective has, as it would be suggested.
func boundOf(o slo.Objective) string {
	switch unit := o.Indicator.Unit(); {
	case o.Text == "":
		return ""
	case len(o.Relative) > 0:
		return "baseline " + slo.WriteTolerances(unit, o.Relative)
	default:
		return slo.WriteValue(unit, o.Bound)
	}
}

// slack is how much looser than necessary a bound may be before another is
// suggested: nobody wants a patch for a few percent.
const slack = 1.25

func (s *suggestion) findBound(o slo.Objective) {
	unit := o.Indicator.Unit()
	bound, ok := s.supported(o)
	switch {
	case !ok && s.holds():
	case !ok:
		s.why = "the results differ too much for any bound"
	case o.Text == "" || !s.holds() || isLoose(unit, o.Bound, bound, isUpward(o)):
		s.bound = slo.WriteValue(unit, bound)
	}
}

func isUpward(o slo.Objective) bool { return o.Cmp == slo.LE || o.Cmp == slo.LT }

// supported is the bound that every stage supports, rounded. It reports false
// where there is none.
func (s *suggestion) supported(o slo.Objective) (float64, bool) {
	upward := isUpward(o)
	worst := math.Inf(1)
	if upward {
		worst = math.Inf(-1)
	}
	for _, g := range s.stages {
		if upward {
			worst = max(worst, g.Within, g.Worst)
		} else {
			worst = min(worst, g.Within, g.Worst)
		}
	}
	return readable(o.Indicator.Unit(), worst, upward)
}

// isLoose reports whether a bound leaves more room than a supported one needs.
func isLoose(unit slo.Unit, bound, supported float64, upward bool) bool {
	switch {
	case bound == supported:
		return false
	case unit == slo.UnitShare || unit == slo.UnitScore:
		room, needed := bound, supported
		if !upward {
			room, needed = 1-bound, 1-supported
		}
		return room > 2*needed // shares are suggested in steps of about two
	case upward:
		return bound > slack*supported
	}
	return bound*slack < supported
}

func (s *suggestion) findTolerance(o slo.Objective) {
	needed := 0.0
	for _, g := range s.stages {
		needed = max(needed, g.Smallest)
	}
	points := s.stages[0].Points
	tolerance := roundedChange(needed, points)
	i := slices.IndexFunc(o.Relative, func(t slo.Tolerance) bool { return t.Percent || points })
	if s.holds() && (i < 0 || math.Abs(o.Relative[i].Value) <= slack*tolerance) {
		return // what holds by another alternative is not made wider
	}
	if tolerance >= 1 {
		if !s.holds() {
			s.why = "the results differ too much for any tolerance"
		}
		return
	}
	if !isUpward(o) {
		tolerance = -tolerance
	}
	// Alternatives in the unit stay: they are for small values, where a part of
	// the baseline is nothing.
	all := slices.Clone(o.Relative)
	if i < 0 {
		all = append([]slo.Tolerance{{}}, all...)
		i = 0
	}
	all[i] = slo.Tolerance{Value: tolerance, Percent: !points}
	s.bound = "baseline " + slo.WriteTolerances(o.Indicator.Unit(), all)
}

// roundedChange rounds a tolerance up: to 5 % from 10 % on, to 1 % below, points
// to a tenth.
func roundedChange(v float64, points bool) float64 {
	step := 0.01
	switch {
	case points:
		step = 0.001
	case v > 0.1:
		step = 0.05
	}
	const rounding = 1e-9
	return math.Round(math.Ceil(v/step-rounding)*step*1e6) / 1e6
}

// readable rounds a value to the side that lets more pass: two digits of times,
// rates and scores, and 1, 2 or 5 of the part that may fail. It reports false
// where no bound is left.
func readable(unit slo.Unit, v float64, up bool) (float64, bool) {
	switch {
	case unit == slo.UnitShare && up:
		part := roundUp125(v)
		return part, part < 0.5
	case unit == slo.UnitShare:
		part := roundUp125(1 - v)
		return 1 - part, part < 0.5
	case unit == slo.UnitScore && up:
		v = min(math.Ceil(v*100)/100, 1)
		return v, v < 1
	case unit == slo.UnitScore:
		v = math.Floor(v*100) / 100
		return v, v > 0
	}
	return twoDigits(v, up), v > 0
}

// roundUp125 rounds a share up to 1, 2 or 5 of a power of ten, from a hundredth
// of a percent on.
func roundUp125(v float64) float64 {
	const rounding = 1 + 1e-9
	for step := 0.0001; ; step *= 10 {
		for _, digit := range []float64{1, 2, 5} {
			if digit*step*rounding >= v || step >= 1 {
				return digit * step
			}
		}
	}
}

func twoDigits(v float64, up bool) float64 {
	if v <= 0 {
		return 0
	}
	step := math.Pow(10, math.Floor(math.Log10(v))-1)
	const rounding = 1e-9
	if up {
		return math.Ceil(v/step-rounding) * step
	}
	return math.Floor(v/step+rounding) * step
}

// explain prints what the results say, each line behind a #.
func explain(w *strings.Builder, file *slo.File, all []suggestion, results int) {
	fmt.Fprintf(w, "# What %s of %s support. By the spread between them, 99 in 100 unchanged\n# runs stay within the value of that column.\n#\n", resultsText(results), report.OneLine(file.Name))
	var table strings.Builder
	t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "STAGE\tOBJECTIVE\tRESULTS\tMEDIAN\tWORST\tWITHIN\tMISSED UNCHANGED\tSUGGESTED")
	for _, s := range all {
		for _, g := range s.stages {
			unit := string(g.Objective.Indicator.Unit())
			text := cmp.Or(g.Objective.Text, g.Objective.Indicator.String())
			fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n", report.OneLine(g.Stage), report.OneLine(text), g.Runs,
				quantity.Of(unit, g.Median), quantity.Of(unit, g.Worst), quantity.Of(unit, g.Within),
				alarms(g.Alarms), cmp.Or(s.bound, "–"))
		}
	}
	t.Flush()
	printCommented(w, table.String())
	printApart(w, all)
	var hidden []string
	for _, s := range all {
		for _, g := range s.stages {
			if !g.Holds() {
				hidden = append(hidden, cannotHold(g, s.why, file.Baseline.Strict))
			}
		}
	}
	if len(hidden) > 0 {
		printCommented(w, "\nCannot be held here: an unchanged run would miss it more often than 1 time in 100.\n"+strings.Join(hidden, "\n"))
	}
}

// apart is how much the bounds of two stages may differ before one for both is
// too coarse for one of them.
const apart = 1.5

// printApart gives the bounds of each stage where one for all is too coarse.
func printApart(w *strings.Builder, all []suggestion) {
	for _, s := range all {
		o := s.objective()
		if s.bound == "" || len(o.Relative) > 0 || len(s.stages) < 2 {
			continue
		}
		var texts []string
		low, high := math.Inf(1), math.Inf(-1)
		for _, g := range s.stages {
			one := suggestion{stages: []gate.Support{g}}
			if bound, ok := one.supported(o); ok {
				texts = append(texts, fmt.Sprintf("%s in %q", slo.WriteValue(o.Indicator.Unit(), bound), report.OneLine(g.Stage)))
			}
			low, high = min(low, g.Within), max(high, g.Within)
		}
		if high > apart*low && len(texts) > 1 {
			fmt.Fprintf(w, "#\n# %s %s %s is for the worst of its stages; each supports %s.\n", o.Indicator, o.Cmp, s.bound, strings.Join(texts, ", "))
		}
	}
}

func printCommented(w *strings.Builder, text string) {
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		fmt.Fprintln(w, strings.TrimRight("# "+line, " "))
	}
}

// alarms writes how often an unchanged run misses an objective.
func alarms(v float64) string {
	switch { // an estimate has no more digits
	case v < 0.0005:
		return "< 0.1 %"
	case v > 0.9995:
		return "> 99.9 %"
	}
	return quantity.Share(v)
}

// cannotHold says why unchanged builds miss an objective. Beyond a tolerance
// and within what runs differ by, a comparison is inconclusive unless it is
// strict.
func cannotHold(g gate.Support, why string, strict bool) string {
	unit := string(g.Objective.Indicator.Unit())
	text := fmt.Sprintf("  %s of %q: ", report.OneLine(g.Objective.Text), report.OneLine(g.Stage))
	if len(g.Objective.Relative) > 0 {
		end := "are inconclusive"
		if strict {
			end = "fail"
		}
		text += fmt.Sprintf("%s of unchanged runs lie beyond the tolerance and %s; it is %s at the median, and %s can judge %s",
			alarms(g.Alarms), end, change(g.Tolerance, g.Points), resultsText(g.Runs), change(g.Smallest, g.Points))
	} else {
		text += fmt.Sprintf("%d of %s missed it, %s of unchanged runs would; the median is %s, the worst %s, and 99 in 100 stay within %s",
			g.Missed, resultsText(g.Runs), alarms(g.Alarms), quantity.Of(unit, g.Median), quantity.Of(unit, g.Worst), quantity.Of(unit, g.Within))
	}
	if why != "" {
		text += "; " + why
	}
	return text
}

// mostLeftOut is how many results are named that say nothing.
const mostLeftOut = 20

func printLeftOut(w *strings.Builder, left []gate.LeftOut, names map[*result.Run]string) {
	if len(left) == 0 {
		return
	}
	fmt.Fprintln(w, "#\n# Left out:")
	for i, l := range left {
		if i == mostLeftOut {
			fmt.Fprintf(w, "#   and %d more\n", len(left)-i)
			break
		}
		where := report.OneLine(names[l.Run])
		if l.Stage != "" {
			where += fmt.Sprintf(", stage %q", report.OneLine(l.Stage))
		}
		fmt.Fprintf(w, "#   %s: %s\n", where, report.OneLine(l.Why))
	}
}

// patchOf makes a patch of the SLO file. Where it cannot, the notice says why.
func patchOf(file *slo.File, src []byte, all []suggestion, opts slo.Options) (patch, notice string) {
	var edits []edit
	for _, s := range all {
		if s.bound != "" {
			edits = append(edits, edit{at: s.objective().Pos, objective: s.objective(), bound: s.bound})
		}
	}
	if len(edits) == 0 {
		return "#\n# Nothing to change.\n", ""
	}
	path, err := patchPath(file.Path)
	var before, after []string
	if err == nil {
		before, after, err = applyEdits(src, edits)
	}
	if err == nil {
		_, err = slo.Parse([]byte(strings.Join(after, "\n")), opts)
	}
	if err != nil {
		return "", fmt.Sprintf("%s cannot be patched: %s", file.Path, report.OneLine(err.Error()))
	}
	return "#\n" + unifiedDiff(path, before, after), ""
}

// lines are objectives to copy where there is no patch.
func lines(notice string, all []suggestion) string {
	var objectives strings.Builder
	for _, s := range all {
		if s.bound == "" {
			continue
		}
		for _, g := range s.stages {
			o := g.Objective
			stage, err := json.Marshal(g.Stage)
			if err != nil {
				panic("slogate: a text as JSON: " + err.Error())
			}
			fmt.Fprintf(&objectives, "  - {%s: %s %s %s, stage: %s}\n", o.Severity, o.Indicator, o.Cmp, s.bound, stage)
		}
	}
	head := fmt.Sprintf("#\n# No patch: %s. The objectives, to copy:\n", report.OneLine(notice))
	if objectives.Len() == 0 {
		return head + "# none\n"
	}
	return head + "objectives:\n" + objectives.String()
}
