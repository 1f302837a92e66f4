package main

import (
	"context"
	"fmt"
	"io"

	"github.com/slogate/slogate/action/docker"
)

// host is the way into the runner's network.
type host struct {
	engine *docker.Engine
	self   *docker.Container
}

// host returns the way into the runner's network, or why there is none.
func (n *network) host(ctx context.Context, mode string) (*host, string) {
	switch {
	case n.direct:
		return nil, "slogate is no container of its own here"
	case mode == "bridge":
		return nil, "the input network is bridge"
	case n.trust.stranger && mode == "auto":
		return nil, "never by itself for a pull request of a fork, nor for a deployment whose address the workflow does not name"
	}
	h, err := n.enter(ctx)
	switch {
	case err != nil:
		return nil, err.Error()
	case h.self.InHostNetwork():
		h.engine.Close()
		return nil, "this container is in it"
	}
	return h, ""
}

// enter asks the engine which container this is.
func (n *network) enter(ctx context.Context) (*host, error) {
	engine, err := docker.Connect(ctx, n.socket)
	if err != nil {
		return nil, err
	}
	self, err := engine.Self(ctx, n.system.Files)
	if err != nil {
		engine.Close()
		return nil, err
	}
	return &host{engine, self}, nil
}

// run does the whole run in the runner's network, and returns its exit code.
func (h *host) run(ctx context.Context, p *program, n *network, tried string) (int, error) {
	fmt.Fprintln(p.stderr, "starting slogate once more, in the runner's network through its Docker socket (network: bridge forbids it, network: host does it at once)")
	return h.engine.RunInHostNetwork(ctx, h.self, tried, n.stdout, n.stderr)
}

// demandHost does the run in the runner's network because the workflow wants
// so. It is not done where this container is in that network already.
func (n *network) demandHost(ctx context.Context, p *program) (code int, done bool, err error) {
	h, err := n.enter(ctx)
	if err != nil {
		return 0, false, fmt.Errorf("network host: %w", err)
	}
	defer h.engine.Close()
	if h.self.InHostNetwork() {
		return 0, false, nil
	}
	code, err = h.run(ctx, p, n, "")
	switch {
	case err == nil:
		return code, true, nil
	case ctx.Err() != nil:
		return exitCancelled, true, fmt.Errorf("cancelled: %w", err)
	}
	return 0, false, fmt.Errorf("network host: %w", err)
}

// untilAbandoned returns a context that also ends when r does. The standard
// input of a twin ends when the process that started it is gone.
func untilAbandoned(ctx context.Context, r io.Reader) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		io.Copy(io.Discard, r)
		cancel()
	}()
	return ctx
}
