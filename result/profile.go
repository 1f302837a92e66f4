package result

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// Profile is where a service spent its processor time during a part of a stage.
type Profile struct {
	CPU       time.Duration `json:"cpu_ns"`              // of all samples
	Samples   int64         `json:"samples"`             // that were taken; 0: the service did nothing
	Functions []Function    `json:"functions,omitempty"` // those with the most, the most first
	Least     float64       `json:"least,omitempty"`     // share that no function has which is left out
	Missing   string        `json:"missing,omitempty"`   // why there is no profile
}

// Function is one function's share of the processor time, 0 to 1.
type Function struct {
	Name string  `json:"name"`
	Flat float64 `json:"flat"` // in itself
	Cum  float64 `json:"cum"`  // in itself and what it called
}

// Growth is a function that takes more of the processor time than before.
type Growth struct {
	Name             string
	FlatBefore, Flat float64
	CumBefore, Cum   float64
	New              bool // it was not listed before: the shares before are the most that it may have had
	InItself         bool // its own share grew by more than sampling explains; else what it calls has
}

const (
	// growthErrors is how many standard errors of sampling a share must have
	// grown by. Four is one function in thirty thousand, of hundreds.
	growthErrors = 4
	// growthLeast is the least growth that is worth a look: one point.
	growthLeast = 0.01
)

// Grown lists the functions whose share of the processor time, in themselves or
// with what they call, grew from base's profile to this one by more than
// sampling explains: those that grew most in themselves first.
func (p *Profile) Grown(base *Profile) []Growth {
	if p == nil || base == nil || p.Samples == 0 || base.Samples == 0 {
		return nil
	}
	before := make(map[string]Function, len(base.Functions))
	for _, f := range base.Functions {
		before[f.Name] = f
	}
	var out []Growth
	for _, f := range p.Functions {
		b, known := before[f.Name]
		if !known {
			b.Flat, b.Cum = min(base.Least, f.Flat), min(base.Least, f.Cum)
		}
		g := Growth{Name: f.Name, FlatBefore: b.Flat, Flat: f.Flat, CumBefore: b.Cum, Cum: f.Cum, New: !known}
		g.InItself = grew(b.Flat, f.Flat, base.Samples, p.Samples)
		if g.InItself || grew(b.Cum, f.Cum, base.Samples, p.Samples) {
			out = append(out, g)
		}
	}
	slices.SortStableFunc(out, func(a, b Growth) int {
		return cmp.Or(compareBools(b.InItself, a.InItself), cmp.Compare(b.byMost(), a.byMost()))
	})
	return out
}

// byMost is what the function's own share grew by, else that with what it calls.
func (g Growth) byMost() float64 {
	if g.InItself {
		return g.Flat - g.FlatBefore
	}
	return g.Cum - g.CumBefore
}

// grew reports whether a share of samples is larger than another by more than
// the standard error of their difference explains: a sample is in the function
// or it is not.
func grew(before, after float64, samplesBefore, samplesAfter int64) bool {
	m, n := float64(samplesBefore), float64(samplesAfter)
	pooled := (before*m + after*n) / (m + n)
	deviation := math.Sqrt(max(pooled*(1-pooled), 0) * (1/m + 1/n))
	return after-before >= growthLeast && after-before > growthErrors*deviation
}

// mergeProfiles keeps one of two profiles of the same service: that of more
// samples.
func mergeProfiles(a, b *Profile) *Profile {
	switch {
	case a == nil:
		return b
	case b == nil || compareProfiles(a, b) >= 0:
		return a
	}
	return b
}

func compareProfiles(a, b *Profile) int {
	return cmp.Or(
		cmp.Compare(a.Samples, b.Samples), cmp.Compare(a.CPU, b.CPU), cmp.Compare(a.Least, b.Least), cmp.Compare(b.Missing, a.Missing),
		slices.CompareFunc(a.Functions, b.Functions, func(f, g Function) int {
			return cmp.Or(cmp.Compare(f.Name, g.Name), cmp.Compare(f.Flat, g.Flat), cmp.Compare(f.Cum, g.Cum))
		}),
	)
}

func checkProfile(p *Profile) error {
	if p == nil {
		return nil
	}
	if err := cmp.Or(checkSpans(p.CPU), checkCounts(p.Samples), checkShares(p.Least)); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	for _, f := range p.Functions {
		if err := checkShares(f.Flat, f.Cum); err != nil {
			return fmt.Errorf("profile: function %.80q: %w", f.Name, err)
		}
	}
	return nil
}

func checkShares(shares ...float64) error {
	for _, v := range shares {
		if !(v >= 0 && v <= 1) {
			return fmt.Errorf("a share of %g is not between 0 and 1", v)
		}
	}
	return nil
}
