package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/slogate/slogate/action"
	"github.com/slogate/slogate/action/docker"
	"github.com/slogate/slogate/action/route"
	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/slo"
)

// way is how a target is reached. The zero way is the target's own address.
type way struct {
	address string // host:port to connect to in the place of the target's
	via     string // the way in words, for the report
	twin    bool   // in the network of the container's host

	// done says that a twin has done the whole run; code is its exit code.
	done bool
	code int
}

// describe says for the report how a ready target was reached. Results over
// different ways are not comparable: a fingerprint tells them by these words.
func (w way) describe(l *loader.Loader) string {
	switch {
	case w.via != "":
		return w.via
	case w.twin:
		return l.Route() + " in the runner's network"
	}
	return l.Route()
}

// network finds the way from the action's container to a target.
type network struct {
	twin       bool   // this is the second start, in the runner's network
	direct     bool   // this is no container of its own: the job's steps run here, too
	earlier    string // what the first start tried in vain
	trust      trust  // of the workflow's author
	selfHosted bool
	socket     string
	system     route.System
	// The output of a twin, which is safe for a log already.
	stdout, stderr io.Writer
}

// runnerSocket is where a runner mounts its Docker socket into an action.
// DOCKER_HOST does not count: in the environment of a job it is the runner's.
const runnerSocket = "/var/run/docker.sock"

func newNetwork(p *program) *network {
	earlier, twin := p.lookupEnv(docker.Marker)
	return &network{
		twin: twin, earlier: earlier, selfHosted: p.getenv("RUNNER_ENVIRONMENT") == "self-hosted",
		socket: runnerSocket, system: route.System{Files: os.DirFS("/"), Lookup: net.DefaultResolver.LookupHost},
		stdout: p.stdout, stderr: p.stderr,
	}
}

// announceWithin bounds what asking the engine for the image may cost a start.
const announceWithin = 3 * time.Second

// announce says which slogate this is: its version, the reference by which the
// workflow uses the action, and the image, where the engine tells.
func (n *network) announce(ctx context.Context, p *program) {
	text := "slogate " + version()
	if ref := p.getenv("GITHUB_ACTION_REF"); ref != "" {
		text += ", " + p.getenv("GITHUB_ACTION_REPOSITORY") + "@" + ref
	}
	fmt.Fprintln(p.stderr, text+n.image(ctx))
}

// image names the image of this container, where there is one.
func (n *network) image(ctx context.Context) string {
	if n.direct {
		return ", on the runner"
	}
	ctx, cancel := context.WithTimeout(ctx, announceWithin)
	defer cancel()
	h, err := n.enter(ctx)
	if err != nil {
		return ""
	}
	defer h.engine.Close()
	return ", image " + h.self.Image
}

// find looks for the target of a file within the time that the target has to
// become ready. Where a twin can be started, it looks for half of that time:
// longer would cost a server on 127.0.0.1 more of a wait, and shorter would
// send a slow starter into another network than in the run before.
func (n *network) find(ctx context.Context, p *program, file *slo.File, in action.Inputs) (way, error) {
	target, ok := hostPort(file.Target)
	if !ok || n.twin {
		return way{twin: n.twin}, nil
	}
	candidates, err := route.Candidates(ctx, target, route.Job{Services: in.Services, Container: in.Container}, n.system)
	if err != nil {
		fmt.Fprintf(p.stderr, "warning: %v\n", err)
	}
	patience, err := n.patience(file)
	if err != nil {
		return way{}, nil // the loader of the run says so
	}
	host, why := n.host(ctx, in.Network)
	if host != nil {
		defer host.engine.Close()
		patience /= 2
	} else if len(candidates) == 1 {
		return way{}, nil // the loader waits for it
	}
	found, err := n.probe(ctx, p, file, candidates, patience)
	notFound, missed := errors.AsType[*route.NotFoundError](err)
	switch {
	case err == nil:
		return n.take(p, found, target), nil
	case !missed:
		return way{}, err
	case host != nil:
		var code int
		if code, err = host.run(ctx, p, n, notFound.Error()); err == nil {
			return way{done: true, code: code}, nil
		}
		why = err.Error()
	}
	notFound.Host = why
	return way{}, notFound
}

// explain adds to an error of a twin what had been tried before it.
func (n *network) explain(err error) error {
	if _, unready := errors.AsType[*loader.NotReadyError](err); !unready || n.earlier == "" {
		return err
	}
	return fmt.Errorf("%w, in the runner's network; before that, in the action's own:\n%s", err, n.earlier)
}

// take is the way over a candidate.
func (n *network) take(p *program, c route.Candidate, target string) way {
	if c.Kind == route.Given {
		return way{}
	}
	if c.Kind == route.Gateway && n.selfHosted {
		fmt.Fprintf(p.stderr, "warning: port %s of a self-hosted runner may belong to another job\n", target[strings.LastIndex(target, ":")+1:])
	}
	return way{address: c.Address, via: c.Describe(target)}
}

// patience is how long a target may take to become ready.
func (n *network) patience(file *slo.File) (time.Duration, error) {
	l, err := loader.New(file, loader.Options{Version: version()})
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Patience(), nil
}

// probe tries the candidates with what the file waits for, so that a server
// that merely accepts connections is not taken for the target.
func (n *network) probe(ctx context.Context, p *program, file *slo.File, candidates []route.Candidate, within time.Duration) (route.Candidate, error) {
	progress := p.progress()
	defer progress.Close()
	try := func(ctx context.Context, c route.Candidate) error {
		guard := n.trust.guard(file.Target, way{address: c.Address})
		if err := route.Connect(ctx, guard.Dialer(), c.Address); err != nil {
			return err
		}
		l, err := loader.New(file, loader.Options{Version: version(), Address: c.Address, Guard: guard})
		if err != nil {
			return err
		}
		defer l.Close()
		return l.Check(ctx)
	}
	return route.Find(ctx, candidates, within, try, progress.Note)
}

// hostPort is the host and port of a target that means the machine itself.
func hostPort(target string) (string, bool) {
	u, err := url.Parse(target)
	if err != nil || !route.Loopback(u.Hostname()) {
		return "", false
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port), true
}
