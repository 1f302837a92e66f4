// Package demo is a small real service to load: a classifier of iris flowers,
// with the pods and the autoscaler that it would have in a cluster.
//
// In come HTTP requests with the lengths of a flower, out goes its species,
// from a model that is fitted on Fisher's 150 flowers when the service starts:
//
//	POST /predict        {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
//	POST /predict/batch  {"flowers": [{…}, {…}]}
//	GET  /health         {"status": "ok", …}
//	GET  /metrics        Prometheus text
//
// The model answers in a microsecond. What makes the service worth loading is
// simulated: each prediction costs some milliseconds of CPU, pods keep their
// CPU limit, queue, and turn requests away; an autoscaler with the rules of
// Kubernetes adds and removes pods. The work is accounted and not measured, so
// that the same load meets the same service on a fast and on a busy machine.
// [Service.Sample] tells the state of the pods as Kubernetes would.
//
// In a real cluster the service is one of its pods instead ([Config.Pod]): the
// same work is really done, and limits and autoscaler are the cluster's.
//
// The package knows nothing of stages, objectives and reports. What each part
// of the load does to it is written at the constants in cluster.go.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/slogate/slogate/result"
)

// Config says how the service behaves.
type Config struct {
	Regress bool    // each prediction costs 2.5 times the work, as after a bad change
	Burn    bool    // really use the CPU that is accounted
	Speed   float64 // of the autoscaler's clock; 0 is 1, the pace of Kubernetes
	Pod     bool    // be one pod of a real cluster: predictions cost real CPU time, nothing is simulated
}

// Service is the classifier with its simulated pods. It is an [http.Handler].
type Service struct {
	model   *model
	cluster *cluster
	metrics *metrics
	routes  http.Handler
	burn    bool
	pod     *realPod // nil: pods are simulated
}

// New fits the model and starts with the fewest pods, ready at once. Pods are
// added and removed while [Service.Start] or [Service.Serve] runs.
func New(cfg Config) (*Service, error) {
	flowers, err := readFlowers(irisCSV)
	if err != nil {
		return nil, fmt.Errorf("read iris.csv: %w", err)
	}
	m, err := fit(flowers)
	if err != nil {
		return nil, err
	}
	s, err := cfg.shape()
	if err != nil {
		return nil, err
	}
	service := &Service{
		model:   m,
		cluster: newCluster(s, time.Now()),
		metrics: newMetrics(),
		burn:    cfg.Burn,
	}
	if cfg.Pod {
		service.pod = newRealPod(s)
	}
	service.routes = service.newRoutes()
	return service, nil
}

// shape returns the shipped constants as the configuration changes them.
func (cfg Config) shape() (shape, error) {
	s := shipped
	if cfg.Regress {
		s.work = scale(s.work, slower)
	}
	switch {
	case cfg.Speed == 0:
	case cfg.Speed >= minSpeed && cfg.Speed <= maxSpeed:
		s.rules = s.faster(cfg.Speed)
	default:
		return shape{}, fmt.Errorf("speed %v is outside of %v to %v", cfg.Speed, minSpeed, maxSpeed)
	}
	return s, nil
}

// The autoscaler looks every 15 s at speed 1: every 15 ms at the highest, every
// 25 min at the lowest.
const (
	minSpeed = 0.01
	maxSpeed = 1000
)

// Start runs the simulated autoscaler, where there is one, until ctx ends.
func (s *Service) Start(ctx context.Context) {
	if s.pod != nil {
		<-ctx.Done()
		return
	}
	tick := time.NewTicker(s.cluster.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.cluster.autoscale(time.Now())
		}
	}
}

// grace is how long the requests in flight may still take when the service
// stops: more than the longest wait and the longest batch.
const grace = 5 * time.Second

// Serve runs the autoscaler and answers requests on l until ctx ends, then
// finishes the requests in flight. It closes l.
func (s *Service) Serve(ctx context.Context, l net.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		// A client that breaks off is no event for whoever runs the demo.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	stopped := make(chan error, 1)
	go func() {
		s.Start(ctx)
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		stopped <- server.Shutdown(bounded)
	}()
	err := server.Serve(l)
	stop()
	if shutdownErr := <-stopped; errors.Is(err, http.ErrServerClosed) {
		err = shutdownErr
	}
	if err != nil {
		return fmt.Errorf("serve demo: %w", err)
	}
	return nil
}

// ServeHTTP answers one request.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.routes.ServeHTTP(w, r) }

// Timeline tells what the pods and the simulated autoscaler are allowed.
func (s *Service) Timeline() result.Timeline {
	c := s.cluster
	return result.Timeline{Source: "demo", Name: "iris-classifier", Limits: result.ClusterLimits{
		MinReplicas:  c.min,
		MaxReplicas:  c.max,
		TargetCPU:    float64(c.target) / 100,
		RequestMilli: c.requestMilli,
		LimitMilli:   c.limitMilli,
	}}
}

// Spent is the CPU time that all pods were accounted so far.
func (s *Service) Spent() time.Duration {
	s.cluster.mu.Lock()
	defer s.cluster.mu.Unlock()
	return s.cluster.spent
}

// Sample tells the state of the pods now. CPU usage is a mean over the window
// of the metrics, 15 s at speed 1; Wanted and AtCeiling are what the autoscaler
// found when it last looked. It fails only when ctx has ended.
func (s *Service) Sample(ctx context.Context) (result.ClusterSample, error) {
	if err := ctx.Err(); err != nil {
		return result.ClusterSample{}, err
	}
	return s.cluster.sample(time.Now()), nil
}
