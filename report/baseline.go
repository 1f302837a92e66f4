package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// Baseline is what the run was compared with, and how the main indicators went
// from run to run.
type Baseline struct {
	Begins  string // "Compared with", or where nothing was: "Beside it are"
	Results string // "7 results"
	Branch  Text   // that all of them are of; empty: of several, or unknown
	Newest  Text   // its commit, short; empty: unknown
	URL     string // of the run that measured the newest; empty: none
	Age     string // of the newest, "2 days old"
	Covers  string // "7 of 9 comparisons"; empty: not used
	Trends  []Trend
	Rows    []EarlierRow // the numbers of the trends, oldest first, this run last
}

// Trend is the course of a stage's main indicators over the earlier results
// and this run, drawn from 0 to the largest.
type Trend struct {
	Stage      Text
	P95        Course
	Success    Course
	Throughput Course
}

// Course is one indicator from run to run.
type Course struct {
	Line   string // a sparkline, oldest first
	Now    string // this run's value
	Change string // against the result before it
}

// EarlierRow is one stage of one earlier result.
type EarlierRow struct {
	Stage                    Text
	Result                   Text // its commit; empty: unknown
	At                       string
	P95, Success, Throughput string
}

// trendResults is how many earlier results a trend shows.
const trendResults = 20

func (b builder) baseline() *Baseline {
	j := b.run.Judgement
	if j == nil || len(j.Earlier) == 0 {
		return nil
	}
	newest := j.Earlier[len(j.Earlier)-1]
	out := &Baseline{
		Begins:  "Beside it are",
		Results: plural(len(j.Earlier), "result"),
		Branch:  b.name(commonBranch(j.Earlier)),
		Newest:  b.name(shortCommit(newest.Commit)),
		Age:     age(b.run.Start.Sub(newest.Start)),
	}
	if len(j.Earlier) == 1 {
		out.Begins = "Beside it is"
	}
	if linkable.MatchString(newest.RunURL) {
		out.URL = newest.RunURL
	}
	if use := j.Baseline; use != nil && use.Runs > 0 {
		out.Begins = "Compared with"
		out.Covers = fmt.Sprintf("%d of %s", use.Covered, plural(use.Relative, "comparison"))
	}
	recent := j.Earlier[max(0, len(j.Earlier)-trendResults):]
	for _, s := range b.run.Stages {
		if s.Judged && s.Counters.Judged() > 0 {
			b.trend(out, s, recent)
		}
	}
	return out
}

// trend adds a stage's course, where an earlier result has one of it.
func (b builder) trend(out *Baseline, now result.Stage, recent []result.Earlier) {
	var p95, success, throughputs Series
	var rows []EarlierRow
	add := func(name, at string, p, s, t float64) {
		p95, success, throughputs = append(p95, p), append(success, s), append(throughputs, t)
		rows = append(rows, EarlierRow{
			Stage: b.name(now.Name), Result: b.name(name), At: at,
			P95: orNone(p, milliseconds), Success: orNone(s, quantity.Share), Throughput: orNone(t, quantity.Rate),
		})
	}
	for _, e := range recent {
		if s := e.Stage(now.Name); s != nil {
			add(shortCommit(e.Commit), moment(e.Start), float64(s.P95)/float64(time.Millisecond), s.Success, s.Throughput)
		}
	}
	before := len(rows)
	if before == 0 {
		return
	}
	add("this run", moment(b.run.Start), millis(now.Response, 95, 100), successRate(now), throughput(now))
	this := rows[before]
	out.Trends = append(out.Trends, Trend{
		Stage:      b.name(now.Name),
		P95:        Course{sparkline(p95), this.P95, change(p95[before-1], p95[before])},
		Success:    Course{sparkline(success), this.Success, points(success[before-1], success[before])},
		Throughput: Course{sparkline(throughputs), this.Throughput, change(throughputs[before-1], throughputs[before])},
	})
	out.Rows = append(out.Rows, rows...)
}

// commonBranch is the branch that all results are of, empty where they differ.
func commonBranch(all []result.Earlier) string {
	for _, e := range all {
		if e.Branch != all[0].Branch {
			return ""
		}
	}
	return all[0].Branch
}

// shortCommit is the beginning of a commit's name, as Git shows it; empty of what
// is none: it would stand in a link.
func shortCommit(sha string) string {
	if !commitHash.MatchString(sha) {
		return ""
	}
	return sha[:7]
}

// age writes how long ago something was, in its largest unit.
func age(d time.Duration) string {
	switch {
	case d < 0:
		return "newer than this run"
	case d < time.Hour:
		return "less than an hour old"
	case d < 48*time.Hour:
		return plural(int(d/time.Hour), "hour") + " old"
	}
	return plural(int(d/(24*time.Hour)), "day") + " old"
}

// Sentence says what the run was compared with, for forms without links.
func (b Baseline) Sentence() string {
	text := strings.ToLower(b.Begins) + " " + b.Results
	if !b.Branch.Empty() {
		text += " of " + b.Branch.String()
	}
	if !b.Newest.Empty() {
		text += ", newest " + b.Newest.String()
	}
	text += ", " + b.Age
	if b.Covers != "" {
		text += "; the baseline covers " + b.Covers
	}
	return text
}
