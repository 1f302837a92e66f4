//go:build linux

package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/slogate/slogate/result"
)

// kept is what the report needs of a run: its slices.
type kept struct {
	machine  string // that it was measured on
	start    time.Time
	seed     uint64
	base     []result.Slice // of a comparison
	head     []result.Slice // or the only side
	overhead time.Duration  // by which answers came later than a queue had planned, on average
}

// measured are all runs that are known, by the name of what was measured.
type measured map[string][]kept

// add takes over runs that are not known yet: those in the repository may have
// come from the cache.
func (m measured) add(name string, runs []packedRun) {
	for _, r := range runs {
		run := r.unpack()
		known := slices.ContainsFunc(m[name], func(k kept) bool { return k.seed == run.seed && k.start.Equal(run.start) })
		if !known {
			m[name] = append(m[name], run)
		}
	}
}

// machines that the runs were measured on.
func (m measured) machines() []string {
	all := map[string]bool{}
	for _, runs := range m {
		for _, k := range runs {
			all[k.machine] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// packed is the small form of runs of one kind, which is kept in the
// repository and for runs that have no result file.
type packed struct {
	Runs []packedRun `json:"runs"`
}

type packedRun struct {
	Machine  string        `json:"machine"`
	Start    time.Time     `json:"start"`
	Seed     uint64        `json:"seed"`
	Overhead time.Duration `json:"overhead_ns,omitempty"`
	Base     []block       `json:"base,omitempty"`
	Head     []block       `json:"head"`
}

// block is a slice in its small form. Counters are left out where every
// request has a time and succeeded, the width where it is a second.
type block struct {
	Width    time.Duration    `json:"width_ns,omitempty"`
	Counters *result.Counters `json:"counters,omitempty"`
	Times    []int64          `json:"times,omitempty"` // µs, ascending; each less the one before
}

func (k kept) pack() packedRun {
	return packedRun{Machine: k.machine, Start: k.start, Seed: k.seed, Overhead: k.overhead, Base: packSlices(k.base), Head: packSlices(k.head)}
}

func (p packedRun) unpack() kept {
	return kept{machine: p.Machine, start: p.Start, seed: p.Seed, overhead: p.Overhead, base: unpackSlices(p.Base), head: unpackSlices(p.Head)}
}

func packSlices(from []result.Slice) []block {
	var out []block
	for _, s := range from {
		var b block
		if s.Width != time.Second {
			b.Width = s.Width
		}
		if s.Counters != (result.Counters{Success: s.Response.Total()}) {
			b.Counters = &s.Counters
		}
		last := int64(0)
		for _, bucket := range s.Response.Buckets() {
			for range bucket.Count {
				b.Times = append(b.Times, bucket.Low-last)
				last = bucket.Low
			}
		}
		out = append(out, b)
	}
	return out
}

func unpackSlices(from []block) []result.Slice {
	var out []result.Slice
	for _, b := range from {
		s := result.Slice{Width: b.Width, Counters: result.Counters{Success: int64(len(b.Times))}}
		if s.Width == 0 {
			s.Width = time.Second
		}
		if b.Counters != nil {
			s.Counters = *b.Counters
		}
		if n := len(out); n > 0 {
			s.Offset = out[n-1].Offset + out[n-1].Width
		}
		var r result.Recorder
		at := int64(0)
		for _, more := range b.Times {
			at += more
			r.Record(time.Duration(at) * time.Microsecond)
		}
		s.Response = r.Histogram()
		out = append(out, s)
	}
	return out
}

const packedEnd = ".json.gz"

// load reads what the repository and the cache hold.
func load(s settings) (measured, error) {
	m := measured{}
	for _, name := range names() {
		paths := []string{filepath.Join(s.packed, name+packedEnd)}
		for _, end := range []string{packedEnd, ".json"} {
			found, err := filepath.Glob(filepath.Join(s.data, name+"_*"+end))
			if err != nil {
				return nil, fmt.Errorf("list results: %w", err)
			}
			paths = append(paths, found...)
		}
		for _, path := range paths {
			runs, err := readRuns(path)
			if errors.Is(err, os.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			m.add(name, runs)
		}
	}
	return m, nil
}

// readRuns reads either form. A result file holds one run, of this machine.
func readRuns(path string) ([]packedRun, error) {
	if strings.HasSuffix(path, packedEnd) {
		return readPacked(path)
	}
	r, err := result.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if r.Base == nil || len(r.Base.Stages) != 1 || len(r.Stages) != 1 {
		return nil, fmt.Errorf("read %s: not a comparison of one stage", path)
	}
	k := kept{machine: thisMachine(), start: r.Start, seed: r.Seed, base: r.Base.Stages[0].Slices, head: r.Stages[0].Slices}
	return []packedRun{k.pack()}, nil
}

func readPacked(path string) ([]packedRun, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	var p packed
	if err := json.NewDecoder(z).Decode(&p); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return p.Runs, nil
}

// writePacked writes runs, one a line so that they compress well and can be
// looked at. The same runs give the same file.
func writePacked(path string, runs []kept) error {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	fmt.Fprint(z, `{"runs":[`)
	for i, k := range runs {
		line, err := json.Marshal(k.pack())
		if err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
		if i > 0 {
			fmt.Fprint(z, ",")
		}
		fmt.Fprintf(z, "\n%s", line)
	}
	fmt.Fprint(z, "\n]}\n")
	if err := z.Close(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	// A name that is there at once is whole: an interrupted measurement goes on.
	if err := os.WriteFile(path+".part", b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write runs: %w", err)
	}
	return os.Rename(path+".part", path)
}

// pack writes all that is known into the repository.
func pack(s settings, m measured) error {
	if err := os.MkdirAll(s.packed, 0o755); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	for name, runs := range m {
		slices.SortStableFunc(runs, func(a, b kept) int { return a.start.Compare(b.start) })
		if err := writePacked(filepath.Join(s.packed, name+packedEnd), runs); err != nil {
			return err
		}
	}
	return nil
}
