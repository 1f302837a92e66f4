package ceiling

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/kube"
)

// server holds one autoscaler, as the API does.
type server struct {
	version     int
	minimum     *int
	maximum     int
	annotations map[string]string
	fail        []error // of the next patches, which are done all the same where done says so
	done        bool
}

func (s *server) Do(_ context.Context, c kube.Call, into any) error {
	if c.Method == "PATCH" {
		return s.patch(c.Body)
	}
	text, _ := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": strconv.Itoa(s.version), "annotations": s.annotations},
		"spec":     map[string]any{"minReplicas": s.minimum, "maxReplicas": s.maximum},
		"status":   map[string]any{"currentReplicas": 2},
	})
	return json.Unmarshal(text, into)
}

func (s *server) patch(body any) error {
	var fail error
	if len(s.fail) > 0 {
		fail, s.fail = s.fail[0], s.fail[1:]
		if !s.done {
			return fail
		}
	}
	text, _ := json.Marshal(body)
	var p struct {
		Metadata struct {
			ResourceVersion string
			Annotations     map[string]*string
		}
		Spec struct{ MinReplicas, MaxReplicas int }
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return err
	}
	if p.Metadata.ResourceVersion != strconv.Itoa(s.version) {
		return &kube.StatusError{Status: 409}
	}
	s.version++
	s.minimum, s.maximum = &p.Spec.MinReplicas, p.Spec.MaxReplicas
	for name, value := range p.Metadata.Annotations {
		if delete(s.annotations, name); value != nil {
			s.annotations[name] = *value
		}
	}
	return fail
}

func newServer(minimum, maximum int) (*server, Autoscaler) {
	s := &server{minimum: &minimum, maximum: maximum, annotations: map[string]string{"other": "stays"}}
	return s, Autoscaler{API: s, Namespace: "shop", Name: "web"}
}

func TestSetAndRestore(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC)
	for _, tt := range []struct {
		name             string
		minimum, maximum int
		to               int
		wantMinimum      int
		fail             []error
		done             bool
	}{
		{name: "lower", minimum: 1, maximum: 3, to: 1, wantMinimum: 1},
		{name: "below the minimum", minimum: 2, maximum: 5, to: 1, wantMinimum: 1},
		{name: "higher", minimum: 2, maximum: 3, to: 9, wantMinimum: 2},
		{name: "from many", minimum: 1, maximum: 20_000, to: 5, wantMinimum: 1},
		{name: "somebody else has changed it", minimum: 1, maximum: 3, to: 1, wantMinimum: 1, fail: []error{&kube.StatusError{Status: 409}}},
		{name: "the answer is lost", minimum: 1, maximum: 3, to: 1, wantMinimum: 1, fail: []error{errors.New("connection reset")}, done: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, a := newServer(tt.minimum, tt.maximum)
			s.fail, s.done = tt.fail, tt.done
			if err := a.Set(t.Context(), tt.to, now); err != nil {
				t.Fatal(err)
			}
			got, err := a.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want := State{
				Bounds: Bounds{MinReplicas: tt.wantMinimum, MaxReplicas: tt.to}, Replicas: 2,
				Before: &Bounds{MinReplicas: tt.minimum, MaxReplicas: tt.maximum, At: now},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if err := a.Set(t.Context(), 4, now.Add(time.Minute)); !errors.Is(err, ErrPutAside) {
				t.Errorf("a second one: %v, want %v", err, ErrPutAside)
			}
			if back, were, err := a.Restore(t.Context()); err != nil || !were || back.MaxReplicas != tt.maximum {
				t.Errorf("restore: %+v %t %v", back, were, err)
			}
			if *s.minimum != tt.minimum || s.maximum != tt.maximum || !cmp.Equal(s.annotations, map[string]string{"other": "stays"}) {
				t.Errorf("left behind: %d to %d, %v", *s.minimum, s.maximum, s.annotations)
			}
			if _, were, err := a.Restore(t.Context()); err != nil || were {
				t.Errorf("once more: %t %v, want nothing to restore", were, err)
			}
		})
	}
}

// A cancel whose request was done all the same leaves nothing changed.
func TestSetThatIsCancelledIsTakenBack(t *testing.T) {
	s, a := newServer(1, 3)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.fail, s.done = []error{context.Canceled}, true
	if err := a.Set(ctx, 1, time.Now()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if s.maximum != 3 || !cmp.Equal(s.annotations, map[string]string{"other": "stays"}) {
		t.Errorf("left behind: maximum %d, %v", s.maximum, s.annotations)
	}
}

// Two that begin in the same second are not one.
func TestSetsOfTheSameSecond(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s, a := newServer(1, 3)
	other := Autoscaler{API: first{s, func() {
		if err := a.Set(t.Context(), 9, now.Add(time.Millisecond)); err != nil {
			t.Error(err)
		}
	}}, Namespace: "shop", Name: "web"}
	if err := other.Set(t.Context(), 1, now); !errors.Is(err, ErrPutAside) || s.maximum != 9 {
		t.Errorf("got %v, maximum %d; want %v and that of the other", err, s.maximum, ErrPutAside)
	}
}

// first does something before each change.
type first struct {
	*server
	do func()
}

func (f first) Do(ctx context.Context, c kube.Call, into any) error {
	if c.Method == "PATCH" {
		f.do()
	}
	return f.server.Do(ctx, c, into)
}

func TestForeignAnnotationIsNotObeyed(t *testing.T) {
	for _, text := range []string{"", "{", `{"min_replicas":1,"max_replicas":0}`, `{"min_replicas":-1,"max_replicas":2}`, `{"min_replicas":3,"max_replicas":2}`, `{"min_replicas":1,"max_replicas":3000000000}`} {
		s, a := newServer(1, 3)
		s.annotations[annotation] = text
		if _, _, err := a.Restore(t.Context()); err == nil || s.maximum != 3 {
			t.Errorf("%q: error %v, maximum %d", text, err, s.maximum)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"min_replicas":1,"max_replicas":3,"at":"2026-03-01T12:00:00Z"}`)
	f.Fuzz(func(t *testing.T, text string) {
		if b, err := parse(text); err == nil && (b.MinReplicas < 0 || b.MaxReplicas < 1 || b.MaxReplicas > math.MaxInt32) {
			t.Errorf("%q gives %+v", text, b)
		}
	})
}
