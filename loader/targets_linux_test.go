//go:build amd64 || arm64

package loader

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// A name that leads elsewhere in the middle of a stage is followed by the
// connections that are opened then; one that cannot be looked up leads where it
// did.
func TestTargetsFollowTheirName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := []struct {
			address string
			err     error
		}{{"10.0.0.1", nil}, {"", errors.New("no answer")}, {"10.0.0.2", nil}, {"10.0.0.2", nil}}
		asked := 0
		to := &targets{client: &client{}, host: "api", port: 80, lookup: func(context.Context, string, string) ([]netip.Addr, error) {
			answer := answers[asked]
			asked++
			if answer.err != nil {
				return nil, answer.err
			}
			return []netip.Addr{netip.MustParseAddr(answer.address)}, nil
		}}
		to.looked(time.Now())
		if err := to.find(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			after time.Duration
			want  string
			asked int
		}{
			{0, "10.0.0.1:80", 1},
			{resolveAgain - 1, "10.0.0.1:80", 1},
			{1, "10.0.0.1:80", 2}, // no answer
			{resolveAgain, "10.0.0.2:80", 3},
			{1, "10.0.0.2:80", 3},
		} {
			time.Sleep(step.after)
			to.follow(t.Context(), time.Now())
			synctest.Wait()
			a, ok := to.choose(0)
			if !ok || a.String() != step.want || asked != step.asked {
				t.Fatalf("after %v: %v, asked %d times, want %s and %d", step.after, a, asked, step.want, step.asked)
			}
			to.reached(a)
			if _, more := to.choose(1); more || to.none() == nil {
				t.Errorf("one address is tried twice: %v, or not for a reason: %v", more, to.none())
			}
		}
	})
}
