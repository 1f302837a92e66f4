//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/slogate/slogate/demo"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/run"
)

// demoPods is the demo's service and its autoscaler, which is so much faster
// than in Kubernetes. GET / is a prediction.
func demoPods(speed float64) func(context.Context) (string, run.Cluster, error) {
	return func(ctx context.Context) (string, run.Cluster, error) {
		s, err := demo.New(demo.Config{Speed: speed})
		if err != nil {
			return "", nil, err
		}
		go s.Start(ctx)
		target, err := within(&http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				r = predict(r)
			}
			s.ServeHTTP(w, r)
		})})
		return target, s, err
	}
}

func predict(r *http.Request) *http.Request {
	const flower = `{"sepal_length": 5.9, "sepal_width": 3.0, "petal_length": 5.1, "petal_width": 1.8}`
	to := r.Clone(r.Context())
	to.Method, to.URL.Path, to.ContentLength = http.MethodPost, "/predict", int64(len(flower))
	to.Header.Set("Content-Type", "application/json")
	to.Body = io.NopCloser(strings.NewReader(flower))
	return to
}

// within serves in this process, as long as it lives.
func within(server *http.Server) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("listen: %w", err)
	}
	go func() { _ = server.Serve(l) }()
	return "http://" + l.Addr().String(), nil
}

const (
	podWork    = 4 * time.Millisecond // of processor time a request, accounted
	podTime    = 10 * time.Millisecond
	podMemory  = 40e6 // bytes of an idle pod
	podLimit   = 128e6
	podRestart = 3 * time.Second
)

// pods are a service of simulated pods, seen as a cluster would tell of them.
// Its requests and failures are real, what a pod uses is accounted.
type pods struct {
	of   func(connection int) int // the pod of a connection; nil: requests go to the pods in turn
	leak float64                  // bytes that a pod keeps of each request

	mu          sync.Mutex
	all         []podState
	connections int
	requests    int
	restarts    int
	sampled     time.Time
}

type podState struct {
	spent, told time.Duration // processor time, and what was told of it
	memory      float64
	back        time.Time // when it has restarted
}

func startPods(n int, p *pods) (string, run.Cluster, error) {
	p.sampled = time.Now()
	for range n {
		p.all = append(p.all, podState{memory: podMemory})
	}
	target, err := within(&http.Server{Handler: p, ConnContext: p.connected})
	return target, p, err
}

func evenPods(context.Context) (string, run.Cluster, error) { return startPods(3, &pods{}) }

func unevenPods(context.Context) (string, run.Cluster, error) {
	return startPods(3, &pods{of: func(c int) int { return max(c%6-3, 0) }})
}

func leakingPods(context.Context) (string, run.Cluster, error) {
	return startPods(1, &pods{leak: 180e3})
}

type podKey struct{}

func (p *pods) connected(ctx context.Context, _ net.Conn) context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.connections++
	return context.WithValue(ctx, podKey{}, p.connections)
}

func (p *pods) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/" {
		return
	}
	connection, _ := r.Context().Value(podKey{}).(int)
	if !p.work(connection, time.Now()) {
		panic(http.ErrAbortHandler) // closes the connection
	}
	time.Sleep(podTime)
}

// work accounts a request to its pod and reports false where that is not there.
func (p *pods) work(connection int, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests++
	i := p.requests % len(p.all)
	if p.of != nil {
		i = p.of(connection)
	}
	pod := &p.all[i]
	if now.Before(pod.back) {
		return false
	}
	pod.spent += podWork
	pod.memory += p.leak
	if pod.memory > podLimit {
		pod.memory, pod.back = podMemory, now.Add(podRestart)
		p.restarts++
		return false
	}
	return true
}

func (p *pods) Source() string { return "simulated" }
func (p *pods) Name() string   { return "pods" }

// Timeline tells what the pods are allowed.
func (p *pods) Timeline() result.Timeline {
	return result.Timeline{Source: "simulated", Name: "pods", Limits: result.ClusterLimits{
		MinReplicas: len(p.all), MaxReplicas: len(p.all), TargetCPU: 0.8, RequestMilli: 300, LimitMilli: 1000,
	}}
}

// Sample tells what the pods used since the last sample.
func (p *pods) Sample(context.Context) (result.ClusterSample, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	s := result.ClusterSample{At: now, Replicas: len(p.all), Desired: len(p.all), Wanted: len(p.all), Restarts: p.restarts, OOMKills: p.restarts}
	for i := range p.all {
		pod := &p.all[i]
		told := result.ClusterPod{
			Name: fmt.Sprintf("pod-%d", i), Phase: "Running", Ready: !now.Before(pod.back), MemoryBytes: int64(pod.memory),
			UsageMilli: 1e3 * (pod.spent - pod.told).Seconds() / now.Sub(p.sampled).Seconds(),
		}
		pod.told = pod.spent
		if told.Ready {
			s.Ready++
		}
		s.UsageMilli += told.UsageMilli
		s.MemoryBytes += told.MemoryBytes
		s.Pods = append(s.Pods, told)
	}
	p.sampled = now
	s.CPU = s.UsageMilli / float64(300*len(p.all))
	return s, nil
}
