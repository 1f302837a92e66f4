package demo

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPodAnswersForItself(t *testing.T) {
	_, url := serve(t, Config{Pod: true})
	const setosa = `{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}`
	if answer, body := send(t, http.MethodPost, url+"/predict", setosa); answer.StatusCode != http.StatusOK || !strings.Contains(body, `"species":"setosa"`) {
		t.Errorf("predict: %s %s", answer.Status, body)
	}
	if answer, body := send(t, http.MethodGet, url+"/health", ""); answer.StatusCode != http.StatusOK || !strings.Contains(body, `"pod":"`) {
		t.Errorf("health: %s %s", answer.Status, body)
	}
	_, body := send(t, http.MethodGet, url+"/metrics", "")
	if !strings.Contains(body, "demo_refused_total 0\n") || strings.Contains(body, "demo_replicas") {
		t.Errorf("metrics tell of simulated pods, or not of refused requests:\n%s", body)
	}
}

func TestPodRefuses(t *testing.T) {
	s := shipped
	s.queue, s.wait, s.work = 2, time.Millisecond, 0
	p := newRealPod(s)
	predict := func() {}
	if err := p.work(t.Context(), 1, predict); err != nil {
		t.Fatalf("an idle pod: %v", err)
	}
	p.turn <- struct{}{} // somebody predicts
	var got []error
	got = append(got, p.work(t.Context(), 1, predict))
	p.flying.Add(2)
	got = append(got, p.work(t.Context(), 1, predict))
	p.flying.Add(-2)
	gone, leave := context.WithCancel(t.Context())
	leave()
	p.shape.wait = time.Hour
	got = append(got, p.work(gone, 1, predict))
	want := []error{errWaited, errFull, context.Canceled}
	if diff := cmp.Diff(want, got, cmp.Comparer(errors.Is)); diff != "" {
		t.Error(diff)
	}
	if p.flying.Load() != 0 || p.refused.Load() != 2 {
		t.Errorf("%d in flight, %d refused, want 0 and 2", p.flying.Load(), p.refused.Load())
	}
}

func TestSpendUsesCPUTime(t *testing.T) {
	const work = 3 * time.Millisecond
	before, ok := processCPU()
	if !ok {
		t.Skip("the system does not tell the CPU time of a process")
	}
	predictions := 0
	for range 20 {
		spend(work, func() { predictions++ })
	}
	after, _ := processCPU()
	// The kernel counts in hundredths of a second.
	if used := after - before; predictions == 0 || used < (20*work).Seconds()-0.02 {
		t.Errorf("used %.3f s for %d predictions, want %v at least", used, predictions, 20*work)
	}
}
