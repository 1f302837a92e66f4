package loader

import (
	"fmt"
	"math/bits"

	"github.com/slogate/slogate/slo"
)

// rowNumber is the row that an iteration takes, counted over all stages. The
// same number takes the same row on both sides of a comparison, in every shard
// and for every user. It reports false where the data ends before it.
func rowNumber(d *slo.Data, seed uint64, iteration int64) (int64, bool) {
	rows := d.Len()
	if d.AtEnd == slo.Stop && iteration >= rows {
		return 0, false
	}
	switch d.Order {
	case slo.Random:
		high, _ := bits.Mul64(mix(seed^mix(uint64(iteration))), uint64(rows))
		return int64(high), true
	case slo.Unique:
		return shuffled(seed^mix(uint64(iteration/rows)), iteration%rows, rows), true
	}
	return iteration % rows, true
}

// shuffled is where place i of n goes in a random order that is never written
// down: a Feistel network over the next power of four, walked until it is back
// within n. M. Luby and C. Rackoff, How to construct pseudorandom permutations
// (1988); J. Black and P. Rogaway, Ciphers with arbitrary finite domains (2002).
func shuffled(seed uint64, i, n int64) int64 {
	half := uint((bits.Len64(uint64(n-1)) + 1) / 2)
	mask := uint64(1)<<half - 1
	for x := uint64(i); ; {
		left, right := x>>half, x&mask
		for round := range uint64(4) {
			left, right = right, left^mix(seed+round^mix(right))&mask
		}
		if x = left<<half | right; x < uint64(n) {
			return int64(x)
		}
	}
}

// takeRow gives a user the row of an iteration, from each of the scenario's
// files. Where there is none, no request of the iteration can be sent.
func (u *user) takeRow(sc *scenario, iteration int64) {
	s := u.session
	s.row, s.rowless = s.row[:0], nil
	for i, d := range sc.data {
		number, ok := rowNumber(d, mix(s.of.seed+uint64(i)), u.rows.number(sc, iteration))
		if !ok {
			s.rowless = &rowError{d.File, "it has no row left"}
			return
		}
		row, err := d.Row(number)
		if err != nil {
			s.rowless = &rowError{d.File, err.Error()}
			return
		}
		s.row = append(s.row, row...)
	}
}

// rowError says that an iteration has no row.
type rowError struct{ file, why string }

func (e *rowError) Error() string { return fmt.Sprintf("data file %s: %s", e.file, e.why) }

// rowNumbers gives the iterations of a stage their rows' numbers, which go on
// from one stage that loads a scenario to the next. The parts of a compared
// stage are far apart in their iterations and follow each other in their rows.
type rowNumbers struct {
	before []int64 // of each scenario's rows, the number of the first iteration's; nil: 0
	shift  int64
}

func (r rowNumbers) number(sc *scenario, iteration int64) int64 {
	if r.before != nil {
		iteration += r.before[sc.number]
	}
	return iteration + r.shift
}

// partRows is how many rows a part of a closed stage leaves to the next one,
// because it is not known how many it takes: a prime, so that the parts begin
// at different rows.
const partRows = 10_007

// rowNumbers are those of the stage.
func (s *stage) rowNumbers() rowNumbers {
	if s.part == nil {
		return rowNumbers{before: s.rowsBefore}
	}
	taken, known := s.spec.MostIterations()
	if !known || s.load.Model == slo.Closed {
		taken = partRows
	}
	return rowNumbers{shift: int64(s.part.index)*taken - s.firstIteration()}
}

// takeRows notes how many rows the stage took of the scenarios that it loads.
func (s *stage) takeRows() {
	if s.part != nil {
		return
	}
	taken, known := s.spec.MostIterations()
	if shards := s.loader.opts.Shard.count(); s.load.Model == slo.Closed && (!known || shards == 1) {
		taken = s.iterations.Load() * int64(shards)
	}
	for _, sc := range s.plan.scenarios {
		s.loader.rowsTaken[sc.number].Add(taken)
	}
}
