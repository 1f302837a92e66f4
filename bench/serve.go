//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// truth is what a service of the bench knows about itself.
type truth struct {
	Start int64     // when it began to listen, in nanoseconds since 1970
	First int64     // when the first request came
	Times []float64 // of each request, in milliseconds, in the order of their ends
}

// recorder collects the truth.
type recorder struct {
	mu sync.Mutex
	truth
}

// The services' behaviour.
const (
	burnTime    = 2 * time.Millisecond
	logMedian   = 5 * time.Millisecond
	logSigma    = 1.0
	stallTime   = time.Second
	stallPeriod = 10 * time.Second
	stallWork   = time.Millisecond
	slowTime    = 400 * time.Millisecond
)

// serve is a service: bench serve MODE PORT. It prints its truth when it is
// asked to end.
func serve(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: bench serve burn|lognormal|stall|slow PORT")
	}
	r := &recorder{truth: truth{Start: time.Now().UnixNano()}}
	work, err := r.worker(args[0])
	if err != nil {
		return err
	}
	server := &http.Server{Addr: "127.0.0.1:" + args[1], Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		start := time.Now()
		work()
		_, _ = io.WriteString(w, answer)
		r.add(start)
	})}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return json.NewEncoder(os.Stdout).Encode(r.truth)
}

func (r *recorder) add(start time.Time) {
	took := float64(time.Since(start)) / float64(time.Millisecond)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.First == 0 {
		r.First = start.UnixNano()
	}
	r.Times = append(r.Times, took)
}

// worker is what a request costs in a mode.
func (r *recorder) worker(mode string) (func(), error) {
	switch mode {
	case "burn":
		return burn, nil
	case "slow":
		return func() { time.Sleep(slowTime) }, nil
	case "stall":
		return func() { time.Sleep(untilMoves(time.Since(time.Unix(0, r.Start))) + stallWork) }, nil
	case "lognormal":
		var mu sync.Mutex
		random := rand.New(rand.NewPCG(1, 2))
		return func() {
			mu.Lock()
			d := float64(logMedian) * math.Exp(logSigma*random.NormFloat64())
			mu.Unlock()
			time.Sleep(time.Duration(d))
		}, nil
	}
	return nil, fmt.Errorf("there is no service %q", mode)
}

// untilMoves is how long a request that comes at a time since the start waits:
// the service stands still in the last second of every ten.
func untilMoves(at time.Duration) time.Duration {
	into := at % stallPeriod
	if into < stallPeriod-stallTime {
		return 0
	}
	return stallPeriod - into
}

// burn uses the processor, whatever else runs.
func burn() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for end := threadTime() + burnTime; threadTime() < end; {
	}
}

func threadTime() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t)
	return time.Duration(t.Nano())
}
