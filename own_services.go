package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/pprof"
	"github.com/slogate/slogate/quantity"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/revision"
	"github.com/slogate/slogate/service"
	"github.com/slogate/slogate/slo"
)

// ownServices are the services that slogate builds and starts itself: head
// and, in a comparison of revisions, base. Nil are none. Their commands come
// from the SLO file: nothing but compare and --allow-commands makes any.
type ownServices struct {
	sides []*ownSide // head first
	ended chan *loader.StopError
}

// ownSide is one of them.
type ownSide struct {
	spec         service.Spec
	build, start string
	loader       *loader.Loader
	process      *service.Process // nil before the first start
	pid          atomic.Int64     // of the process
}

// place is where one of them runs.
type place struct {
	name string // head, base, or service where there is only one
	dir  string
	port int
}

// newOwnServices prepares the services of a file, head first.
func newOwnServices(file *slo.File, out string, places ...place) (*ownServices, error) {
	env := revision.Outside(os.Environ())
	for _, v := range file.Service.Env {
		env = append(env, v.Name+"="+v.Value)
	}
	o := &ownServices{ended: make(chan *loader.StopError, len(places))}
	for _, at := range places {
		spec := service.Spec{
			Name: at.name, Dir: at.dir, Env: env, Port: at.port, Secrets: file.Secrets, Output: out,
		}
		for _, log := range spec.Logs() {
			if err := os.Remove(log); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
		}
		o.sides = append(o.sides, &ownSide{spec: spec, build: file.Service.Build, start: file.Service.Start})
	}
	return o, nil
}

// loopback is the base URL of a service that slogate starts.
func loopback(port int) string { return fmt.Sprintf("http://127.0.0.1:%d", port) }

// make builds all, one after the other: head first, whose build fails more
// often.
func (o *ownServices) make(ctx context.Context, note func(string)) error {
	for _, s := range o.sides {
		if s.build == "" {
			continue
		}
		note(s.spec.Name + ": build")
		if err := s.spec.Run(ctx, s.build); err != nil {
			return err
		}
	}
	return nil
}

// up starts all and returns when they are ready, and how many sides that are.
func (o *ownServices) up(ctx context.Context, to loaders, note func(string)) (sides int, err error) {
	if o == nil {
		return 0, nil
	}
	for i, l := range []*loader.Loader{to.head, to.base}[:len(o.sides)] {
		o.sides[i].loader = l
	}
	if err := o.begin(); err != nil {
		return 0, err
	}
	for _, s := range o.sides {
		if err := s.await(ctx, note); err != nil {
			return 0, err
		}
	}
	return len(o.sides), nil
}

// begin starts the processes.
func (o *ownServices) begin() error {
	for _, s := range o.sides {
		var err error
		if s.process, err = s.spec.Start(s.start); err != nil {
			return err
		}
		s.pid.Store(int64(s.process.PID()))
		go o.watch(s, s.process)
	}
	return nil
}

// watch ends with a process, and tells where that ended by itself.
func (o *ownServices) watch(s *ownSide, p *service.Process) {
	<-p.Done()
	if !p.Ended() {
		return
	}
	select {
	case o.ended <- s.lost("ended by itself: " + brief(p.Failure(""))):
	default: // the run ends already
	}
}

// await returns when a side is ready, and fails when its process ends before.
func (s *ownSide) await(ctx context.Context, note func(string)) error {
	const early = "before it was ready"
	alive, stop := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-s.process.Done():
			stop(s.process.Failure(early))
		case <-alive.Done():
		}
	})
	err := s.loader.Ready(alive, note)
	stop(nil)
	wg.Wait()
	switch {
	case ctx.Err() == nil && s.process.Ended():
		return s.process.Failure(early) // also where somebody else answers at its port
	case err == nil:
		return nil
	}
	if _, late := errors.AsType[*loader.NotReadyError](err); late {
		return hinted{fmt.Errorf("%s: %w; its output is in %s", s.spec.Name, err, s.process.Log()), "it has to listen on 127.0.0.1:$PORT; service.ready says what shall succeed then"}
	}
	return err
}

// lost is why a stage ends of which a service is gone: a base that is gone
// takes the comparison away and says nothing of head.
func (s *ownSide) lost(why string) *loader.StopError {
	if s.spec.Name == "base" {
		return &loader.StopError{State: result.Aborted, Reason: "base " + why}
	}
	return &loader.StopError{State: result.Dead, Reason: s.spec.Name + " " + why}
}

// brief is an error in one line.
func brief(err error) string {
	failed, ok := errors.AsType[*service.Error](err)
	if !ok {
		return err.Error()
	}
	if n := len(failed.Last); n > 0 {
		return fmt.Sprintf("%s; it said %q last", failed.Why, failed.Last[n-1])
	}
	return failed.Why
}

// ends gives the reason to stop when a service has ended by itself.
func (o *ownServices) ends() <-chan *loader.StopError {
	if o == nil {
		return nil
	}
	return o.ended
}

// side is one of them, head first; nil where slogate has not started it.
func (o *ownServices) side(i int) *ownSide {
	if o == nil || i >= len(o.sides) {
		return nil
	}
	return o.sides[i]
}

// profile runs a command that prints a profile of so many seconds.
func (s *ownSide) profile(ctx context.Context, command string, seconds int) ([]byte, error) {
	spec := s.spec
	spec.Env = append(slices.Clone(spec.Env), fmt.Sprintf("PROFILE_SECONDS=%d", seconds), fmt.Sprintf("SERVICE_PID=%d", s.pid.Load()))
	ctx, cancel := context.WithTimeoutCause(ctx, time.Duration(seconds)*time.Second+profileLate, fmt.Errorf("profile %s: the command is not done %s after its %s", spec.Name, quantity.Duration(profileLate), quantity.Duration(time.Duration(seconds)*time.Second)))
	defer cancel()
	return spec.Profile(ctx, command, pprof.MaxFile)
}

// restarter starts both sides of a comparison anew; nil where slogate has not
// started both.
func (o *ownServices) restarter() func(context.Context) error {
	if o == nil || len(o.sides) < 2 {
		return nil
	}
	return o.restart
}

func (o *ownServices) restart(ctx context.Context) error {
	for _, s := range o.sides {
		s.loader.Forget()
	}
	o.stop()
	if err := o.begin(); err != nil {
		return err
	}
	for _, s := range o.sides {
		if err := s.await(ctx, nil); err != nil {
			if ctx.Err() != nil {
				return err
			}
			return s.lost("did not start again: " + brief(err))
		}
		if err := s.loader.Before(ctx); err != nil {
			if ctx.Err() != nil {
				return err
			}
			return s.lost("was started again, and then failed: " + err.Error())
		}
	}
	return nil
}

// stop ends all, at the same time.
func (o *ownServices) stop() {
	if o == nil {
		return
	}
	var wg sync.WaitGroup
	for _, s := range o.sides {
		if s.process != nil {
			wg.Go(s.process.Stop)
		}
	}
	wg.Wait()
}

// untilStopped keeps the process alive through further signals, until the
// returned function is called: what it has started shall not outlive it. The
// end of a cancelled run takes seconds.
func untilStopped() (done func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	return func() { signal.Stop(signals) }
}

// withOwn builds and starts the service of a file beside the file, and does
// something with it.
func (p *program) withOwn(ctx context.Context, file *slo.File, s *settings, port int, do func() (int, error)) (int, error) {
	defer untilStopped()()
	if err := s.makeWritable(); err != nil {
		return exitUsage, err
	}
	dir, err := filepath.Abs(filepath.Dir(file.Path))
	if err != nil {
		return exitUsage, err
	}
	if s.Own, err = newOwnServices(file, s.Out, place{"service", dir, port}); err != nil {
		return exitUsage, err
	}
	defer s.Own.stop()
	if err := p.build(ctx, s.Own); err != nil {
		return p.unbuilt(ctx, err)
	}
	return do()
}

// build builds all and shows that it does.
func (p *program) build(ctx context.Context, o *ownServices) error {
	progress := p.progress()
	defer progress.Close()
	return o.make(ctx, progress.Note)
}

// unbuilt is the end of a run before anything was loaded.
func (p *program) unbuilt(ctx context.Context, err error) (int, error) {
	if ctx.Err() != nil {
		return exitCancelled, errors.New("cancelled before the first stage, nothing was measured")
	}
	return exitUsage, err
}
