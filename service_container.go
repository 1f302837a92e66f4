package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/slogate/slogate/action/docker"
	"github.com/slogate/slogate/cost"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// dockerSocket is the socket of the Docker engine of this machine, as Docker's
// own command line finds it; empty where the engine is another machine's.
func (p *program) dockerSocket() string {
	host := p.getenv("DOCKER_HOST")
	if host == "" {
		return runnerSocket
	}
	socket, _ := strings.CutPrefix(host, "unix://")
	if socket == host {
		return ""
	}
	return socket
}

// containerOf returns a function that looks for the container which publishes
// the target's port, nil where the target is not this machine or no engine
// answers.
func containerOf(ctx context.Context, file *slo.File, socket string) (find func(context.Context) (*cost.Container, error), closeEngine func()) {
	target, local := hostPort(file.Target)
	if !local || socket == "" {
		return nil, func() {}
	}
	_, text, _ := net.SplitHostPort(target)
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return nil, func() {}
	}
	engine, err := docker.Connect(ctx, socket)
	if err != nil {
		return nil, func() {}
	}
	return func(ctx context.Context) (*cost.Container, error) {
		c, found, err := engine.Publisher(ctx, uint16(port))
		if err != nil {
			return nil, fmt.Errorf("docker: %w", err)
		}
		if !found {
			return nil, nil
		}
		used := func(ctx context.Context) (cost.Reading, error) {
			s, err := engine.Stats(ctx, c.ID)
			return cost.Reading{
				CPU: s.CPU, Memory: s.Memory,
				Throttling: &result.Throttling{Periods: s.Periods, Throttled: s.Throttled, Waited: s.Waited},
			}, err
		}
		return &cost.Container{Name: c.Name, From: "docker", Used: used}, nil
	}, engine.Close
}
