package report

import (
	"fmt"
	"math"

	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
)

// HeadRoom is what more load would take of the processor, at the cost per
// request that one stage has shown.
type HeadRoom struct {
	Stage      Text
	PerRequest string
	Rows       []HeadRoomRow
	Replicas   bool // the rows have them
}

// HeadRoomRow is one multiple of the stage's load.
type HeadRoomRow struct {
	Times    string // "3×"
	Rate     string
	Cores    string
	Replicas string // "6, above the 3 allowed"
}

// succeeds is the share of successful requests from which the cost of a stage is
// that of the service's work: a failure often costs less.
const succeeds = 0.99

// headRoom looks at the judged stage with the most requests a second of those
// that succeeded and whose cost is known, nil where there is none.
func (b builder) headRoom() *HeadRoom {
	var busiest *result.Stage
	for i := range b.run.Stages {
		s := &b.run.Stages[i]
		known := s.Judged && s.State == result.Completed && s.Cost != nil && s.Cost.CPU > 0 && s.Counters.Finished() > 0 && successRate(*s) >= succeeds
		if known && (busiest == nil || throughput(*s) > throughput(*busiest)) {
			busiest = s
		}
	}
	if busiest == nil {
		return nil
	}
	each := busiest.Cost.CPU.Seconds() / float64(busiest.Counters.Finished())
	out := &HeadRoom{Stage: b.name(busiest.Name), PerRequest: newCost(*busiest).PerRequest}
	for _, times := range []float64{1, 3, 5} {
		perSecond := times * throughput(*busiest)
		row := HeadRoomRow{Times: quantity.Number(times) + "×", Rate: quantity.Rate(perSecond), Cores: quantity.Number(perSecond * each)}
		if t := b.run.Timeline; t != nil {
			row.Replicas = replicasFor(perSecond*each, t.Limits)
		}
		out.Replicas = out.Replicas || row.Replicas != ""
		out.Rows = append(out.Rows, row)
	}
	return out
}

// replicasFor is how many pods keep below the autoscaler's target, or else
// below their CPU limit, when they use so many cores; empty where neither is
// known.
func replicasFor(cores float64, l result.ClusterLimits) string {
	each := float64(l.RequestMilli) * l.TargetCPU
	if each == 0 {
		each = float64(l.LimitMilli)
	}
	if each == 0 {
		return ""
	}
	n := int(max(math.Ceil(1000*cores/each), 1))
	if l.MaxReplicas > 0 && n > l.MaxReplicas {
		return fmt.Sprintf("%d, above the %d allowed", n, l.MaxReplicas)
	}
	return quantity.Count(int64(n))
}
