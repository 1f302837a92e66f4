// Package pprof reads CPU profiles in pprof's format: which functions a service
// spent its processor time in.
//
// In come the bytes of a file, from a service that may send anything. Out comes
// a [result.Profile]: shares of the functions, bounded in number. The package
// knows nothing of stages, and takes no profile itself.
package pprof

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/pprof/profile"

	"github.com/slogate/slogate/result"
)

const (
	// MaxFile is the most bytes of a file: a minute of a service with thousands
	// of stacks has a few hundred kilobytes.
	MaxFile = 8 << 20
	// maxUnpacked bounds a file that is not compressed, or no more: a minute of a
	// service with thousands of stacks takes about a megabyte. In memory the worst
	// takes sixty times as much.
	maxUnpacked = 4 << 20
	// maxFrames bounds the work. A file of maxUnpacked has fewer stack frames, but
	// where it repeats a location of many inlined functions: then four megabytes can
	// stand for 10¹², which would take hours.
	maxFrames = 10 << 20
	// leastShare is the part of the CPU time below which a function is left out:
	// of a profile of ten seconds these are a few samples.
	leastShare = 0.005
	// maxFunctions bounds the rest. Each of them has at least one in two hundred
	// parts of the time below it, but stacks may be deep.
	maxFunctions = 300
	// maxName is how much of a function's name is kept, in bytes.
	maxName = 300
)

// Read reads a CPU profile, compressed or not.
func Read(file []byte) (*result.Profile, error) {
	if len(file) > MaxFile {
		return nil, fmt.Errorf("the profile has more than %d bytes", MaxFile)
	}
	plain, err := unpack(file)
	if err != nil {
		return nil, err
	}
	p, err := profile.ParseUncompressed(plain)
	if err != nil || p.CheckValid() != nil {
		return nil, errNoProfile
	}
	return summary(p)
}

// unpack undoes gzip, where a file is compressed.
func unpack(file []byte) ([]byte, error) {
	plain := file
	if bytes.HasPrefix(file, []byte{0x1f, 0x8b}) {
		r, err := gzip.NewReader(bytes.NewReader(file))
		if err != nil {
			return nil, errNoProfile
		}
		if plain, err = io.ReadAll(io.LimitReader(r, maxUnpacked+1)); err != nil {
			return nil, errNoProfile
		}
	}
	if len(plain) > maxUnpacked {
		return nil, fmt.Errorf("the profile has more than %d bytes when it is unpacked", maxUnpacked)
	}
	return plain, nil
}

var errNoProfile = errors.New("the answer is no profile in pprof's format")

// used is what a function used.
type used struct{ flat, cum int64 } // nanoseconds

// summary adds up the samples of each function.
func summary(p *profile.Profile) (*result.Profile, error) {
	cpu, counts := valueOf(p, "cpu", "nanoseconds"), valueOf(p, "samples", "count")
	if cpu < 0 {
		return nil, errors.New("it is no CPU profile: it has no values of cpu in nanoseconds")
	}
	all := map[string]*used{}
	var total, samples int64
	frames := 0
	for _, s := range p.Sample {
		if frames += framesOf(s); frames > maxFrames {
			return nil, fmt.Errorf("the profile has more than %d stack frames", maxFrames)
		}
		v, n := s.Value[cpu], int64(1)
		if counts >= 0 {
			n = s.Value[counts]
		}
		if total, samples = total+v, samples+n; min(v, n, total, samples) < 0 {
			return nil, errNoProfile
		}
		add(all, s, v)
	}
	out := &result.Profile{CPU: time.Duration(total), Samples: samples}
	out.Functions, out.Least = most(all, total)
	return out, nil
}

// framesOf is how many functions were under way in a sample.
func framesOf(s *profile.Sample) int {
	n := 0
	for _, location := range s.Location {
		n += len(location.Line)
	}
	return n
}

// add gives the time of a sample to its functions: to the innermost one, and
// once to each that was under way.
func add(all map[string]*used, s *profile.Sample, v int64) {
	seen := map[string]bool{}
	for i, location := range s.Location { // the innermost first, as its lines
		for j, line := range location.Line {
			name := nameOf(line.Function)
			if name == "" {
				continue
			}
			u := all[name]
			if u == nil {
				u = &used{}
				all[name] = u
			}
			if i == 0 && j == 0 {
				u.flat += v
			}
			if !seen[name] {
				seen[name] = true
				u.cum += v
			}
		}
	}
}

// most keeps the functions with the largest shares. Those that are left out
// have least at most.
func most(all map[string]*used, total int64) (functions []result.Function, least float64) {
	for name, u := range all {
		f := result.Function{Name: name, Flat: float64(u.flat) / float64(total), Cum: float64(u.cum) / float64(total)}
		if f.Cum >= leastShare {
			functions = append(functions, f)
		}
	}
	slices.SortFunc(functions, func(a, b result.Function) int {
		return cmp.Or(cmp.Compare(b.Cum, a.Cum), cmp.Compare(b.Flat, a.Flat), strings.Compare(a.Name, b.Name))
	})
	least = leastShare
	if len(functions) > maxFunctions {
		least = functions[maxFunctions].Cum
		functions = functions[:maxFunctions]
	}
	return functions, least
}

// valueOf is the place of a type of values in each sample, -1 where the profile
// has none.
func valueOf(p *profile.Profile, kind, unit string) int {
	return slices.IndexFunc(p.SampleType, func(t *profile.ValueType) bool { return t.Type == kind && t.Unit == unit })
}

// nameOf makes a name of any bytes one of bounded length.
func nameOf(f *profile.Function) string {
	if f == nil {
		return ""
	}
	return strings.ToValidUTF8(f.Name[:min(len(f.Name), maxName)], "�")
}
