package slo

import (
	"strings"
	"time"
)

// Pause is a wait between two requests. Its length is drawn between Min and
// Max, uniform unless a distribution is given; what that draws outside of them
// counts as the nearer one.
type Pause struct {
	Min, Max     time.Duration
	Distribution Distribution  // empty: uniform
	Mean, StdDev time.Duration // of the distribution, before Min and Max
}

// Distribution is the shape of a random pause.
type Distribution string

// The distributions of pauses.
const (
	Exponential Distribution = "exponential" // the time to the next of many independent events; StdDev is the mean
	Normal      Distribution = "normal"
	LogNormal   Distribution = "lognormal" // most are short and a few are long, as people are
)

const (
	pauseExample = "pause: {distribution: lognormal, mean: 2s, stddev: 1s, max: 30s}"
	// farthest is how many standard deviations above the mean a pause may last
	// that gives no max: all but one of 20,000 exponential ones are shorter, and
	// the longest iteration is still known.
	farthest = 10
)

// pause reads a duration, a range of durations or a distribution.
func (p *parser) pause(n *node) Pause {
	if n.kind == mapNode {
		return p.drawnPause(n)
	}
	pause, ok := scalarOf(p, n, "the pause", parsePause)
	if ok && pause.Max > maxDuration {
		p.failNode(n, CodeRange, "the pause must be at most "+writeDuration(maxDuration), "")
	}
	return pause
}

// parsePause reads a duration, or a range of durations.
func parsePause(s string) (Pause, error) {
	from, to, isRange := strings.Cut(s, "..")
	low, err := parseDuration(from)
	if err != nil || !isRange {
		return Pause{Min: low, Max: low}, err
	}
	high, err := parseDuration(to)
	if err == nil && high < low {
		err = &fault{code: CodeRange, msg: quote(s) + " ends before it begins"}
	}
	return Pause{Min: low, Max: high}, err
}

// drawnPause reads a pause with a distribution.
func (p *parser) drawnPause(n *node) Pause {
	faults := len(p.errs) + p.dropped
	o := objectOf[pauseDoc](p, n, "a pause")
	pause := Pause{
		Distribution: choice(p, o.need(p, "distribution", pauseExample), "distribution", Exponential, Normal, LogNormal),
		Mean:         p.duration(o.need(p, "mean", pauseExample), "the mean", 0, maxDuration),
		StdDev:       p.duration(o.get("stddev"), "stddev", 0, maxDuration),
		Min:          p.leastPause(o.get("min")),
	}
	if pause.Distribution == Exponential {
		if o.has("distribution") && o.has("stddev") {
			at, long := o.values["stddev"].place()
			p.fail(at, long, CodeCombination, `"stddev" does not go with exponential`, "the standard deviation of such pauses is their mean")
		}
		pause.StdDev = pause.Mean
	} else {
		o.need(p, "stddev", "how far the pauses lie from the mean: "+pauseExample)
	}
	pause.Max = p.duration(o.get("max"), "max", min(pause.Mean+farthest*pause.StdDev, maxDuration), maxDuration)
	if len(p.errs)+p.dropped == faults && (pause.Mean < pause.Min || pause.Max < pause.Mean || pause.Min == pause.Max) {
		p.failNode(n, CodeRange, "the mean of a pause must lie between its min and its max", pauseExample)
	}
	return pause
}

// leastPause reads the shortest pause, which may be none.
func (p *parser) leastPause(n *node) time.Duration {
	d, ok := scalarOf(p, n, "min", parseDuration)
	if ok && d > maxDuration {
		p.failNode(n, CodeRange, "min must be at most "+writeDuration(maxDuration), "")
	}
	return d
}
