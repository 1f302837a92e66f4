package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// maxBody is the largest body read: a hundred flowers with generous blanks.
	maxBody = 64 << 10
	// maxFlowers is the largest batch: it costs eleven predictions, less than a
	// tenth of a core for a second.
	maxFlowers = 100
	// maxLength is the longest petal or sepal believed, in centimetres. The
	// longest of Fisher's flowers measures 7.9.
	maxLength = 100
)

// flower is what a client sends. Pointers tell a missing length from 0.
type flower struct {
	SepalLength *float64 `json:"sepal_length"`
	SepalWidth  *float64 `json:"sepal_width"`
	PetalLength *float64 `json:"petal_length"`
	PetalWidth  *float64 `json:"petal_width"`
}

// batch is a list of flowers.
type batch struct {
	Flowers []flower `json:"flowers"`
}

// prediction is what a client gets for a flower.
type prediction struct {
	Species       string             `json:"species"`
	Probabilities map[string]float64 `json:"probabilities"`
}

// measures returns the lengths, or says which is missing or impossible.
func (f flower) measures() (measures, error) {
	var x measures
	for i, field := range []struct {
		name  string
		value *float64
	}{
		{"sepal_length", f.SepalLength},
		{"sepal_width", f.SepalWidth},
		{"petal_length", f.PetalLength},
		{"petal_width", f.PetalWidth},
	} {
		switch {
		case field.value == nil:
			return measures{}, fmt.Errorf("%s is missing", field.name)
		case !(*field.value > 0 && *field.value <= maxLength):
			return measures{}, fmt.Errorf("%s must be above 0 and at most %d cm", field.name, maxLength)
		}
		x[i] = *field.value
	}
	return x, nil
}

// decodeFlower reads the body of /predict.
func decodeFlower(body io.Reader) ([]measures, error) {
	var f flower
	if err := decode(body, &f); err != nil {
		return nil, err
	}
	x, err := f.measures()
	return []measures{x}, err
}

// decodeBatch reads the body of /predict/batch.
func decodeBatch(body io.Reader) ([]measures, error) {
	var b batch
	if err := decode(body, &b); err != nil {
		return nil, err
	}
	if len(b.Flowers) == 0 || len(b.Flowers) > maxFlowers {
		return nil, fmt.Errorf("flowers must hold 1 to %d flowers", maxFlowers)
	}
	list := make([]measures, len(b.Flowers))
	for i, f := range b.Flowers {
		x, err := f.measures()
		if err != nil {
			return nil, fmt.Errorf("flowers[%d]: %w", i, err)
		}
		list[i] = x
	}
	return list, nil
}

// decode reads one JSON value and nothing else.
func decode(body io.Reader, into any) error {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("read JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return err
		}
		return errors.New("read JSON: more than one value")
	}
	return nil
}

// newRoutes says what is answered where.
func (s *Service) newRoutes() http.Handler {
	one := func(list []prediction) any { return list[0] }
	all := func(list []prediction) any {
		return struct {
			Predictions []prediction `json:"predictions"`
		}{list}
	}
	mux := http.NewServeMux()
	mux.Handle("/predict", s.counted(only(s.classify(decodeFlower, one), http.MethodPost)))
	mux.Handle("/predict/batch", s.counted(only(s.classify(decodeBatch, all), http.MethodPost)))
	mux.Handle("/health", only(http.HandlerFunc(s.health), http.MethodGet, http.MethodHead))
	mux.Handle("/metrics", only(http.HandlerFunc(s.serveMetrics), http.MethodGet, http.MethodHead))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, "nothing here; try POST /predict, POST /predict/batch, GET /health or GET /metrics")
	})
	return mux
}

// only refuses every other method.
func only(h http.Handler, methods ...string) http.Handler {
	allowed := strings.Join(methods, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains(methods, r.Method) {
			h.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Allow", allowed)
		refuse(w, http.StatusMethodNotAllowed, "use "+allowed)
	})
}

// classify answers with the species of the flowers, when a pod has had the
// time for it.
func (s *Service) classify(decode func(io.Reader) ([]measures, error), answer func([]prediction) any) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		flowers, err := decode(http.MaxBytesReader(w, r.Body, maxBody))
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", maxBody))
			return
		}
		if err != nil {
			refuse(w, http.StatusBadRequest, err.Error())
			return
		}
		if err := s.work(r.Context(), len(flowers)); err != nil {
			w.Header().Set("Retry-After", "1")
			refuse(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		predictions := make([]prediction, len(flowers))
		for i, x := range flowers {
			predictions[i] = s.predict(x)
		}
		respond(w, http.StatusOK, answer(predictions))
	})
}

// predict asks the model.
func (s *Service) predict(x measures) prediction {
	p := s.model.predict(x)
	answer := prediction{Species: species[p.best()], Probabilities: make(map[string]float64, len(p))}
	for k, name := range species {
		answer.Probabilities[name] = p[k]
	}
	return answer
}

// Why a request is turned away.
var (
	errFull   = errors.New("overloaded: the queues of all pods are full")
	errWaited = errors.New("overloaded: waited too long for a pod")
)

// work takes as long as a pod needs for a number of flowers. A client that
// breaks off is not waited for; the pod does its work all the same, as most
// services do.
func (s *Service) work(ctx context.Context, flowers int) error {
	if s.pod != nil {
		return s.pod.work(ctx, flowers, s.predictor())
	}
	t, ok := s.cluster.admit(time.Now(), flowers)
	if !ok {
		return errFull
	}
	defer s.cluster.leave(t)
	if s.burn && !t.refused {
		sleepUntil(ctx, t.until.Add(-t.work))
		s.burnUntil(ctx, t.until)
	}
	sleepUntil(ctx, t.until)
	if t.refused {
		return errWaited
	}
	return ctx.Err()
}

// sleepUntil waits for a moment or the end of ctx.
func sleepUntil(ctx context.Context, moment time.Time) {
	timer := time.NewTimer(time.Until(moment))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// burnUntil predicts without a pause until a moment or the end of ctx.
func (s *Service) burnUntil(ctx context.Context, moment time.Time) {
	predict := s.predictor()
	for time.Now().Before(moment) && ctx.Err() == nil {
		for range 1000 {
			predict()
		}
	}
}

// predictor is a prediction that no compiler leaves out: each begins with the
// answer of the one before.
func (s *Service) predictor() func() {
	x := measures{5.8, 3.1, 3.8, 1.2}
	return func() { x[0] += s.model.predict(x)[0] / 1e9 }
}

// health tells that the service answers, and on how many pods or on which.
func (s *Service) health(w http.ResponseWriter, _ *http.Request) {
	if s.pod != nil {
		respond(w, http.StatusOK, struct {
			Status string `json:"status"`
			Pod    string `json:"pod"`
		}{"ok", s.pod.name})
		return
	}
	now := s.cluster.sample(time.Now())
	respond(w, http.StatusOK, struct {
		Status   string `json:"status"`
		Ready    int    `json:"ready"`
		Replicas int    `json:"replicas"`
	}{"ok", now.Ready, now.Replicas})
}

// refuse answers with an error in JSON.
func refuse(w http.ResponseWriter, code int, message string) {
	respond(w, code, struct {
		Error string `json:"error"`
	}{message})
}

func respond(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	// Only a client that is gone makes this fail, and it does not care.
	_ = json.NewEncoder(w).Encode(body)
}
