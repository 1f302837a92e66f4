package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"
)

const (
	// Marker is the environment variable that a twin has and its original has
	// not: it keeps a twin from starting another. It holds what the original
	// leaves to it.
	Marker = "SLOGATE_HOST_NETWORK"
	// endWithin is how long a twin that was told to end may take. A runner kills
	// ten seconds after it cancelled a step, and slogate ends within five.
	endWithin = 7 * time.Second
	// removeTimeout bounds the removal of a twin that is still there.
	removeTimeout = 10 * time.Second
)

// RunInHostNetwork runs a twin of a container in the network of its host and
// returns its exit code. Note is what the twin finds in [Marker]. The output of the twin goes to stdout and stderr
// while it runs.
//
// When ctx ends, the twin gets SIGINT, which it takes for the wish to end in
// order, and a few seconds. It is removed in every case: by the engine when it
// exits, by force when it does not, and when this process is killed, the twin
// sees the end of its standard input.
func (e *Engine) RunInHostNetwork(ctx context.Context, c *Container, note string, stdout, stderr io.Writer) (code int, err error) {
	twin, err := e.create(ctx, c, note)
	if err != nil {
		return 0, fmt.Errorf("create a container in the host's network: %w", err)
	}
	defer func() { err = errors.Join(err, e.remove(ctx, twin)) }()
	// What follows ends with the twin, not with ctx.
	lasting, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	streams, err := e.attach(lasting, twin)
	if err != nil {
		return 0, fmt.Errorf("attach to container %s: %w", short(twin), err)
	}
	defer streams.Close()
	defer context.AfterFunc(lasting, func() { streams.Close() })()
	// Before the start: afterwards the container may be gone already.
	removed, err := e.send(lasting, http.MethodPost, e.path(twin, "wait?condition=removed"), nil)
	if err != nil {
		return 0, fmt.Errorf("wait for container %s: %w", short(twin), err)
	}
	defer removed.Body.Close()
	if err := e.call(lasting, http.MethodPost, "/containers/"+twin+"/start", nil, nil); err != nil {
		return 0, fmt.Errorf("start container %s: %w", short(twin), err)
	}
	defer context.AfterFunc(ctx, func() {
		e.interrupt(lasting, twin)
		time.AfterFunc(e.endWithin, end)
	})()
	if err = demultiplex(streams, stdout, stderr); err != nil {
		end() // its output cannot be passed on: it would write until it is stuck
	}
	code, waitErr := exitCode(removed.Body)
	return code, errors.Join(err, waitErr)
}

// create makes the twin. It does not run yet.
func (e *Engine) create(ctx context.Context, c *Container, note string) (id string, err error) {
	host := maps.Clone(c.HostConfig)
	if host == nil {
		host = map[string]json.RawMessage{}
	}
	host["NetworkMode"] = json.RawMessage(`"` + hostNetwork + `"`)
	host["AutoRemove"] = json.RawMessage("true")
	// Neither goes with the host's network.
	delete(host, "PortBindings")
	delete(host, "Links")
	host["PublishAllPorts"] = json.RawMessage("false")
	var created struct{ ID string }
	err = e.call(ctx, http.MethodPost, "/containers/create", map[string]any{
		"Image":        c.Image,
		"User":         c.Config.User,
		"Env":          append(slices.Clone(c.Config.Env), Marker+"="+note),
		"Cmd":          c.Config.Cmd,
		"Entrypoint":   c.Config.Entrypoint,
		"WorkingDir":   c.Config.WorkingDir,
		"Labels":       c.Config.Labels,
		"AttachStdin":  true,
		"AttachStdout": true,
		"AttachStderr": true,
		"OpenStdin":    true,
		"StdinOnce":    true, // it ends when we do
		"HostConfig":   host,
	}, &created)
	if err == nil && created.ID == "" {
		err = errors.New("the engine named no container")
	}
	return url.PathEscape(created.ID), err
}

// attach opens the streams of a container: what is read is its output; closing
// ends its input.
func (e *Engine) attach(ctx context.Context, id string) (io.ReadCloser, error) {
	reply, err := e.send(ctx, http.MethodPost, e.path(id, "attach?stream=1&stdin=1&stdout=1&stderr=1"), nil)
	if err != nil {
		return nil, err
	}
	if reply.StatusCode != http.StatusSwitchingProtocols {
		reply.Body.Close()
		return nil, fmt.Errorf("the engine answered %d, not %d", reply.StatusCode, http.StatusSwitchingProtocols)
	}
	return reply.Body, nil
}

func (e *Engine) path(id, call string) string {
	return "/v" + e.version + "/containers/" + id + "/" + call
}

// interrupt asks the program of a container to end.
func (e *Engine) interrupt(ctx context.Context, id string) {
	// It may have ended by itself; if not, it is removed by force.
	_ = e.call(ctx, http.MethodPost, "/containers/"+id+"/kill?signal=SIGINT", nil, nil)
}

// remove removes a container that the engine has not removed yet, also one
// that still runs.
func (e *Engine) remove(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	err := e.call(ctx, http.MethodDelete, "/containers/"+id+"?force=1&v=1", nil, nil)
	if refused, ok := errors.AsType[*Refusal](err); ok {
		if refused.Status == http.StatusNotFound || refused.Status == http.StatusConflict {
			return nil // it is gone, or just going
		}
	}
	if err != nil {
		return fmt.Errorf("remove container %s: %w", short(id), err)
	}
	return nil
}

// exitCode reads how a container ended.
func exitCode(reply io.Reader) (int, error) {
	var ended struct {
		StatusCode *int
		Error      *struct{ Message string }
	}
	if err := json.NewDecoder(io.LimitReader(reply, largestReply)).Decode(&ended); err != nil {
		return 0, fmt.Errorf("read exit code: %w", err)
	}
	if ended.Error != nil && ended.Error.Message != "" {
		return 0, fmt.Errorf("read exit code: %s", cut(ended.Error.Message))
	}
	if ended.StatusCode == nil {
		return 0, errors.New("read exit code: the engine named none")
	}
	return *ended.StatusCode, nil
}

// short is the form of an id that people see.
func short(id string) string { return id[:min(len(id), 12)] }
