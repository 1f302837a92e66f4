package action

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slogate/slogate/result"
)

// Files are the files of a run that a later step may upload. An empty path
// means that there is none.
type Files struct {
	Result string // the result file
	Report string // the report as markdown
}

// SetOutputs sets the step's outputs. Without a judged run (nil), nothing was
// loaded: then passed is false and the other outputs are not set. A shard has no
// verdict and does not set passed.
func (a *Action) SetOutputs(r *result.Run, files Files) error { return a.setOutputs(outputs(r, files)) }

func (a *Action) setOutputs(all []output) error {
	if !a.active || a.silent {
		return nil
	}
	var text strings.Builder
	for _, o := range all {
		text.WriteString(block(o.name, o.value))
	}
	if err := a.appendTo("GITHUB_OUTPUT", []byte(text.String())); err != nil {
		return fmt.Errorf("outputs: %w", err)
	}
	return nil
}

// SetPlanned sets the outputs of the mode check: what a valid SLO file plans, in
// one line.
func (a *Action) SetPlanned(plan string) error {
	return a.setOutputs([]output{{"passed", "true"}, {"summary", cut(cleanLine(plan), longestSummary)}})
}

// WithoutOutputs is the step for one of several runs: what it would set as
// outputs is left to whoever sees all of them.
func (a *Action) WithoutOutputs() *Action {
	one := *a
	one.silent = true
	return &one
}

// output is one output of action.yml.
type output struct{ name, value string }

func outputs(r *result.Run, files Files) []output {
	if r != nil && r.Shard.IsPart() {
		return []output{{"result-file", files.Result}, {"report-file", files.Report}, {"summary", r.Shard.String() + ", not judged by itself"}}
	}
	if r == nil || r.Judgement == nil {
		return []output{{"passed", "false"}}
	}
	j := r.Judgement
	all := []output{
		{"verdict", string(j.Verdict)},
		{"passed", strconv.FormatBool(!r.Cancelled && j.Verdict.Passes())},
		{"failed-count", strconv.Itoa(count(j, result.Fail))},
		{"inconclusive-count", strconv.Itoa(count(j, result.Inconclusive))},
		{"result-file", files.Result},
		{"report-file", files.Report},
		{"summary", cut(cleanLine(string(j.Verdict)+": "+j.Reason), longestSummary)},
		{"baseline-sha", baselineCommit(j)},
	}
	if s := lastJudged(r); s != nil {
		all = append(all, figures(s)...)
	}
	return all
}

// longestSummary in bytes: a sentence for a chat message or a commit status.
const longestSummary = 1000

func count(j *result.Judgement, v result.Verdict) int {
	n := 0
	for _, o := range j.Objectives {
		if o.Verdict == v {
			n++
		}
	}
	return n
}

// baselineCommit is the commit of the newest earlier result that something was
// compared with.
func baselineCommit(j *result.Judgement) string {
	if j.Baseline == nil || len(j.Earlier) == 0 {
		return ""
	}
	if sha := j.Earlier[len(j.Earlier)-1].Commit; digest.MatchString(sha) {
		return sha
	}
	return ""
}

// lastJudged returns the last judged stage in which something was measured.
func lastJudged(r *result.Run) *result.Stage {
	for i := len(r.Stages) - 1; i >= 0; i-- {
		if s := &r.Stages[i]; s.Judged && s.Counters.Judged() > 0 {
			return s
		}
	}
	return nil
}

// figures are plain numbers that an expression can compare: the indicators
// p95, success_rate and throughput as an objective computes them.
func figures(s *result.Stage) []output {
	var all []output
	if p95, ok := s.Response.Quantile(95, 100); ok {
		all = append(all, output{"p95", number(float64(p95) / float64(time.Millisecond))})
	}
	all = append(all, output{"success_rate", number(float64(s.Counters.Success) / float64(s.Counters.Judged()))})
	if seconds := s.Duration.Seconds(); seconds > 0 {
		all = append(all, output{"throughput", number(float64(s.Counters.Finished()) / seconds)})
	}
	return all
}

// number writes six significant digits without an exponent: fromJSON reads it.
func number(v float64) string {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}
