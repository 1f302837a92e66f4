package demo

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The cases with a comment are those of
// https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/.
func TestWant(t *testing.T) {
	for _, c := range []struct {
		name            string
		replicas, usage int // usage in percent of the request
		target, want    int
	}{
		{"twice the target doubles", 1, 100, 50, 2}, // "200m, desired 100m: doubled"
		{"half the target halves", 4, 25, 50, 2},    // "50m: halved"
		{"rounds up", 1, 72, 50, 2},                 //
		{"on target", 3, 50, 50, 3},                 //
		{"within tolerance above", 3, 55, 50, 3},    // "sufficiently close to 1.0: within 0.1"
		{"within tolerance below", 3, 45, 50, 3},    //
		{"beyond tolerance", 3, 56, 50, 4},          //
		{"three at 88 %", 3, 88, 50, 6},             //
		{"at the limit", 3, 200, 50, 12},            //
		{"idle", 3, 0, 50, 0},                       //
		{"thirty pods", 30, 60, 50, 36},             //
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rules{target: c.target, tolerance: 0.1}
			if got := r.want(c.replicas, c.usage); got != c.want {
				t.Errorf("want(%d, %d %%) = %d, want %d", c.replicas, c.usage, got, c.want)
			}
		})
	}
}

// Each step is one sync, 15 s after the one before.
func TestDecide(t *testing.T) {
	wide := shipped.rules
	wide.max = 100
	small := wide
	small.upPods, small.upShare = 1, 0
	slow := wide
	slow.period = 60 * time.Second
	for _, c := range []struct {
		name  string
		rules rules
		start int
		usage []int
		want  []int
	}{
		{"nothing to do", shipped.rules, 1, []int{50, 40, 55, 0}, []int{1, 1, 1, 1}},
		{"one to three at once", shipped.rules, 1, []int{200, 200}, []int{3, 3}},
		{"as many as needed", shipped.rules, 1, []int{80, 40}, []int{2, 2}},
		{"two pods or twice as many", wide, 1, []int{2000, 2000, 2000, 2000}, []int{3, 6, 12, 24}},
		{"one pod a period", small, 1, []int{200, 200, 200}, []int{2, 3, 4}},
		{"the policy looks back a whole period", slow, 1, []int{2000, 2000, 2000, 2000, 2000}, []int{3, 3, 3, 3, 6}},
		{"waits before it scales down", shipped.rules, 3, []int{60, 0, 0, 0, 0, 0}, []int{3, 3, 3, 3, 1, 1}},
		{"by half a period", wide, 16, []int{50, 0, 0, 0, 0, 0, 0, 0}, []int{16, 16, 16, 16, 8, 4, 2, 1}},
		{"down to the highest recent wish", wide, 10, []int{50, 30, 30, 30, 30, 30}, []int{10, 10, 10, 10, 6, 6}},
		{"never below the minimum", shipped.rules, 1, []int{0, 0, 0, 0, 0, 0}, []int{1, 1, 1, 1, 1, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := autoscaler{rules: c.rules}
			now, replicas := time.Unix(0, 0), c.start
			var got []int
			for _, usage := range c.usage {
				now = now.Add(c.rules.every)
				replicas = a.decide(now, replicas, usage)
				got = append(got, replicas)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("usage %v: replicas (-want +got):\n%s", c.usage, diff)
			}
		})
	}
}

func TestFaster(t *testing.T) {
	got := shipped.faster(10)
	want := shipped.rules
	want.every, want.window, want.period = 1500*time.Millisecond, 1500*time.Millisecond, 1500*time.Millisecond
	want.start, want.stabilise = 300*time.Millisecond, 6*time.Second
	if got != want {
		t.Errorf("faster(10) = %+v, want %+v", got, want)
	}
}
