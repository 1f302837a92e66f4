package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/slogate/slogate/gate"
	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/report"
	"github.com/slogate/slogate/slo"
)

// checkCommand validates an SLO file and prints its plan.
type checkCommand struct {
	fileFlags
}

// Run prints the plan.
func (c *checkCommand) Run(_ context.Context, p *program) (int, error) {
	file, err := c.read(p.lookupEnv)
	if err != nil {
		return exitUsage, err
	}
	return exitPass, printPlan(p.stdout, file)
}

// printPlan says what a run of the file would do.
func printPlan(w io.Writer, file *slo.File) error {
	fmt.Fprintf(w, "%s is valid: %d stages on %s, at least %s\n\n", file.Path, len(file.Stages), file.Target, plannedTime(file))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "STAGE\tLOAD\tREQUESTS\tJUDGED")
	for _, s := range file.Stages {
		judged := "no"
		if s.Judge {
			judged = strconv.Itoa(len(s.Objectives)) + " objectives"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", s.Name, report.Workload(loader.Describe(s.Workload)), plannedText(s.Workload, file.Scenarios), judged)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, s := range file.Stages {
		if !s.Judge {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", s.Name)
		for _, o := range s.Objectives {
			fmt.Fprintf(w, "  %-4s  %s%s\n", o.Severity, o.Text, remark(o, s.Workload, file))
		}
	}
	return nil
}

// remark says what a reader of the plan would want to know of an objective.
func remark(o slo.Objective, w slo.Workload, file *slo.File) string {
	planned, known := plannedRequests(w, file.Scenarios)
	switch {
	case known && o.Severity != slo.Show && planned < gate.Enough(o):
		return fmt.Sprintf("  (%s:%d:%d: can never pass: it needs %d requests, the stage has %d)",
			file.Path, o.Pos.Line, o.Pos.Column, gate.Enough(o), planned)
	case o.Implicit:
		return "  (added: no other objective looks at success)"
	}
	return ""
}

// plannedTime sums what is known before the run: a count of requests takes as
// long as the service makes it take.
func plannedTime(file *slo.File) time.Duration {
	var sum time.Duration
	for _, s := range file.Stages {
		sum += s.IdleBefore + s.Workload.Duration
	}
	return sum
}

// plannedText writes the planned requests of a stage, or its arrivals where the
// requests of one differ from scenario to scenario.
func plannedText(w slo.Workload, scenarios []slo.Scenario) string {
	if n, known := plannedRequests(w, scenarios); known {
		return strconv.FormatInt(n, 10)
	}
	if w.Model == slo.Closed {
		return "as many as it can"
	}
	return fmt.Sprintf("%d arrivals", arrivals(w))
}

// plannedRequests is known for a count, and for a rate whose scenarios all have
// the same number of requests. Poisson arrivals vary around it.
func plannedRequests(w slo.Workload, scenarios []slo.Scenario) (n int64, known bool) {
	if w.Model == slo.Closed {
		return w.Requests, w.Requests > 0
	}
	each := requestsOf(scenarios[0])
	for _, s := range scenarios {
		if requestsOf(s) != each {
			return 0, false
		}
	}
	return arrivals(w) * each, true
}

// arrivals is the integral of the rate.
func arrivals(w slo.Workload) int64 {
	return int64((w.RateFrom + w.RateTo) / 2 * w.Duration.Seconds())
}

func requestsOf(s slo.Scenario) int64 {
	var n int64
	for _, step := range s.Steps {
		if step.Request != nil {
			n++
		}
	}
	return n
}
