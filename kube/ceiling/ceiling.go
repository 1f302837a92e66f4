// Package ceiling sets the bounds of a horizontal pod autoscaler, and puts them
// back.
//
// The bounds of before stand in an annotation of the autoscaler, written in the
// same request as the new ones. Whoever finds it can restore them, also when
// the program that wrote it was killed.
package ceiling

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/slogate/slogate/kube"
)

// API is a cluster's, such as [*kube.Client].
type API interface {
	Do(ctx context.Context, call kube.Call, into any) error
}

// Autoscaler names one.
type Autoscaler struct {
	API       API
	Namespace string
	Name      string
}

// Bounds are those of an autoscaler.
type Bounds struct {
	MinReplicas int       `json:"min_replicas"`
	MaxReplicas int       `json:"max_replicas"`
	At          time.Time `json:"at"` // when they were put aside
}

// State is what an autoscaler allows and has.
type State struct {
	Bounds           // now; At is zero
	Replicas int     // that there are
	Before   *Bounds // what a what-if has put aside and not put back; nil: nothing
}

// annotation holds the bounds of before, in JSON.
const annotation = "slogate.dev/what-if"

// MaxReplicas is the highest that is set.
const MaxReplicas = 10_000

// hpa is what is read of an autoscaler.
type hpa struct {
	Metadata struct {
		ResourceVersion string
		Annotations     map[string]string
	}
	Spec struct {
		MinReplicas *int
		MaxReplicas int
	}
	Status struct{ CurrentReplicas int }
}

// String is "namespace/name".
func (a Autoscaler) String() string { return a.Namespace + "/" + a.Name }

func (a Autoscaler) path() string {
	return kube.Path("/apis/autoscaling/v2", a.Namespace, "horizontalpodautoscalers", a.Name)
}

func (a Autoscaler) read(ctx context.Context) (hpa, State, error) {
	var h hpa
	if err := a.API.Do(ctx, kube.Call{Path: a.path()}, &h); err != nil {
		return h, State{}, err
	}
	s := State{Bounds: Bounds{MinReplicas: 1, MaxReplicas: h.Spec.MaxReplicas}, Replicas: h.Status.CurrentReplicas}
	if h.Spec.MinReplicas != nil {
		s.MinReplicas = *h.Spec.MinReplicas
	}
	if text, set := h.Metadata.Annotations[annotation]; set {
		before, err := parse(text)
		if err != nil {
			return h, s, fmt.Errorf("the annotation %s of the autoscaler %s: %w: %w", annotation, a.Name, errWritten, err)
		}
		s.Before = &before
	}
	return h, s, nil
}

// errWritten is an annotation that somebody else wrote.
var errWritten = errors.New("cannot be read")

// parse reads the annotation, which anybody may have written.
func parse(text string) (Bounds, error) {
	var b Bounds
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		return b, errors.New("it is not what slogate writes")
	}
	if b.MinReplicas < 0 || b.MaxReplicas < max(1, b.MinReplicas) || b.MaxReplicas > math.MaxInt32 {
		return b, fmt.Errorf("%d to %d replicas are no bounds", b.MinReplicas, b.MaxReplicas)
	}
	return b, nil
}

// Read reads the autoscaler's state.
func (a Autoscaler) Read(ctx context.Context) (State, error) {
	_, s, err := a.read(ctx)
	return s, err
}

// ErrPutAside says that another what-if has not put the bounds back.
var ErrPutAside = errors.New("a what-if has put the autoscaler's bounds aside and not put them back: it still runs, or was killed")

// patience is how long an API server may refuse what it will do later.
const patience = 30 * time.Second

// Set sets another maximum, and a lower minimum where that needs one, and puts
// the bounds of before aside. It fails with [ErrPutAside] where some are. Where
// it fails otherwise, or ctx ends, it leaves nothing changed behind. The time
// tells this what-if from others.
func (a Autoscaler) Set(ctx context.Context, maximum int, now time.Time) error {
	at := now.UTC().Round(0)
	asked, err := a.set(ctx, maximum, at)
	if !asked || !isPassing(err) {
		return err
	}
	// What was asked for may have been done all the same.
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer stop()
	_, _, undone := a.restore(ctx, func(b Bounds) bool { return b.At.Equal(at) })
	return errors.Join(err, undone)
}

// set reports whether it has asked for the change, whatever became of that.
func (a Autoscaler) set(ctx context.Context, maximum int, at time.Time) (asked bool, err error) {
	err = patiently(ctx, func(first bool) error {
		h, s, err := a.read(ctx)
		switch {
		case err != nil:
			return err
		case !first && s.Before != nil && s.Before.At.Equal(at):
			return nil // the answer was lost
		case s.Before != nil:
			return ErrPutAside
		}
		s.At = at
		aside, err := json.Marshal(s.Bounds)
		if err != nil {
			return err
		}
		asked = true
		return a.patch(ctx, h, Bounds{MinReplicas: min(s.MinReplicas, maximum), MaxReplicas: maximum}, string(aside))
	})
	return asked, err
}

// Restore puts the bounds back, and reports whether there were any.
func (a Autoscaler) Restore(ctx context.Context) (b Bounds, were bool, err error) {
	return a.restore(ctx, func(Bounds) bool { return true })
}

// restore puts back what somebody has put aside.
func (a Autoscaler) restore(ctx context.Context, by func(Bounds) bool) (b Bounds, were bool, err error) {
	err = patiently(ctx, func(bool) error {
		h, s, err := a.read(ctx)
		if err != nil || s.Before == nil || !by(*s.Before) {
			return err
		}
		b, were = *s.Before, true
		return a.patch(ctx, h, b, nil)
	})
	return b, were, err
}

// patiently tries again what somebody else's change or a busy server prevented.
func patiently(ctx context.Context, try func(first bool) error) error {
	for began, first := time.Now(), true; ; first = false {
		err := try(first)
		if !isPassing(err) || time.Since(began) > patience {
			return err
		}
		select {
		case <-time.After(time.Second / 4):
		case <-ctx.Done():
			return err
		}
	}
}

func isPassing(err error) bool {
	if errors.Is(err, ErrPutAside) || errors.Is(err, errWritten) {
		return false
	}
	return kube.IsPassing(err) || kube.Status(err) == http.StatusConflict
}

// patch writes bounds and annotation in one, and only where nobody has changed
// the autoscaler since it was read.
func (a Autoscaler) patch(ctx context.Context, h hpa, b Bounds, aside any) error {
	return a.API.Do(ctx, kube.Call{
		Method: http.MethodPatch, Path: a.path(), Type: "application/merge-patch+json",
		Body: map[string]any{
			"metadata": map[string]any{"resourceVersion": h.Metadata.ResourceVersion, "annotations": map[string]any{annotation: aside}},
			"spec":     map[string]any{"minReplicas": b.MinReplicas, "maxReplicas": b.MaxReplicas},
		},
	}, nil)
}
