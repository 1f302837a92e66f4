package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/slogate/slogate/cost"
	"github.com/slogate/slogate/demo"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

//go:embed slo.example.yaml
var exampleFile []byte

// demoCommand starts the demo service and, unless it shall only serve, gates
// it.
type demoCommand struct {
	runFlags
	Regress bool    `help:"Make the service slower: the same file fails."`
	Serve   bool    `help:"Only serve, until interrupted."`
	Addr    string  `help:"Address to listen on (default: a free port of 127.0.0.1, with --serve 127.0.0.1:8000)." placeholder:"HOST:PORT"`
	Burn    bool    `help:"Use the CPU that the simulated pods account for."`
	Pod     bool    `help:"With --serve: be one pod of a real cluster, and simulate nothing."`
	Speed   float64 `default:"1" help:"Speed of the simulated autoscaler's clock (default: ${default})." placeholder:"FACTOR"`
}

// Run serves and gates.
func (c *demoCommand) Run(ctx context.Context, p *program) (int, error) {
	if c.Pod && !c.Serve {
		return exitUsage, hinted{errors.New("--pod is a service for a cluster, which the demo's own run does not load"), "add --serve, or see demo/kubernetes"}
	}
	service, err := demo.New(demo.Config{Regress: c.Regress, Burn: c.Burn, Speed: c.Speed, Pod: c.Pod})
	if err != nil {
		return exitUsage, err
	}
	listener, err := net.Listen("tcp", c.listenOn())
	if err != nil {
		return exitUsage, hinted{fmt.Errorf("demo: %w", err), "--addr HOST:PORT chooses another address"}
	}
	url := "http://" + listener.Addr().String()
	if c.Serve {
		fmt.Fprintf(p.stderr, "demo service on %s, until interrupted\n", url)
		return exitPass, service.Serve(ctx, listener)
	}

	// The service outlives a cancelled run: its last answers are still measured.
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	go func() { served <- service.Serve(serving, listener) }()
	code, err := c.gate(ctx, p, service, url)
	stop()
	if serveErr := <-served; err == nil {
		err = serveErr
	}
	return code, err
}

func (c *demoCommand) listenOn() string {
	switch {
	case c.Addr != "":
		return c.Addr
	case c.Serve:
		return "127.0.0.1:8000"
	}
	return "127.0.0.1:0"
}

func (c *demoCommand) gate(ctx context.Context, p *program, service *demo.Service, url string) (int, error) {
	file, err := slo.Parse(exampleFile, slo.Options{Path: "slo.example.yaml", Env: p.lookupEnv, Target: url})
	if err != nil {
		return exitUsage, err
	}
	fmt.Fprintf(p.stderr, "demo service on %s\n", url)
	s := c.settings()
	s.Cluster = service
	s.Demo = &result.Demo{Regress: c.Regress}
	s.Cost.Source = pods{service}
	_, code, err := p.gateRun(ctx, file, s)
	return code, err
}

// pods reads the processor time that is accounted to the demo's simulated pods.
// The process is slogate itself.
type pods struct{ service *demo.Service }

func (p pods) Read(context.Context) (cost.Reading, error) {
	return cost.Reading{At: time.Now(), CPU: p.service.Spent()}, nil
}

func (p pods) String() string { return "the simulated pods, from the demo" }

func (p pods) Resolution() time.Duration { return time.Nanosecond }
