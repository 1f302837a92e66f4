package docker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// oneShot is the first version of the API that tells statistics at once; older
// engines wait for a second sample.
const oneShot = "1.41"

// Published is a container that publishes a port.
type Published struct{ ID, Name string }

// Publisher returns the running container that publishes a TCP port of the
// engine's machine at one of its loopback addresses. It reports false where
// there is none.
func (e *Engine) Publisher(ctx context.Context, port uint16) (Published, bool, error) {
	var containers []struct {
		ID    string `json:"Id"`
		Names []string
		Ports []struct {
			IP         string
			PublicPort uint16
			Type       string
		}
	}
	if err := e.call(ctx, http.MethodGet, "/containers/json", nil, &containers); err != nil {
		return Published{}, false, fmt.Errorf("list containers: %w", err)
	}
	for _, c := range containers {
		for _, p := range c.Ports {
			if p.PublicPort != port || p.Type != "tcp" || !atLoopback(p.IP) {
				continue
			}
			found := Published{ID: url.PathEscape(c.ID), Name: short(c.ID)}
			if len(c.Names) > 0 {
				found.Name = cut(strings.TrimPrefix(c.Names[0], "/"))
			}
			return found, true, nil
		}
	}
	return Published{}, false, nil
}

// atLoopback reports whether what is published at an address can be reached at
// localhost.
func atLoopback(ip string) bool {
	a, err := netip.ParseAddr(ip)
	return err == nil && (a.IsLoopback() || a.IsUnspecified())
}

// Stats is what a container has used since it was started.
type Stats struct {
	CPU    time.Duration
	Memory int64 // resident bytes now, without files that can be read again

	Periods   int64         // of the scheduler in which its CPU limit counted
	Throttled int64         // of them in which it used up the limit
	Waited    time.Duration // for the next period
}

// Stats reads what a container has used.
func (e *Engine) Stats(ctx context.Context, id string) (Stats, error) {
	have, _ := minor(e.version)
	if least, _ := minor(oneShot); have < least {
		return Stats{}, fmt.Errorf("the engine's API %s is older than %s", e.version, oneShot)
	}
	var told struct {
		CPU *struct {
			Usage struct {
				Total int64 `json:"total_usage"`
			} `json:"cpu_usage"`
			Throttling struct {
				Periods   int64 `json:"periods"`
				Throttled int64 `json:"throttled_periods"`
				Waited    int64 `json:"throttled_time"`
			} `json:"throttling_data"`
		} `json:"cpu_stats"`
		Memory struct {
			Usage int64            `json:"usage"`
			Stats map[string]int64 `json:"stats"`
		} `json:"memory_stats"`
	}
	if err := e.call(ctx, http.MethodGet, "/containers/"+id+"/stats?stream=false&one-shot=true", nil, &told); err != nil {
		return Stats{}, fmt.Errorf("read statistics: %w", err)
	}
	// A container that does not run has all of it at zero.
	if told.CPU == nil || told.CPU.Usage.Total <= 0 {
		return Stats{}, errors.New("read statistics: the container does not run")
	}
	// Version 1 of control groups and version 2 name it differently.
	files := told.Memory.Stats["inactive_file"]
	if v1, ok := told.Memory.Stats["total_inactive_file"]; ok {
		files = v1
	}
	t := told.CPU.Throttling
	return Stats{
		CPU:       time.Duration(told.CPU.Usage.Total),
		Memory:    max(max(told.Memory.Usage, 0)-max(files, 0), 0),
		Periods:   max(t.Periods, 0),
		Throttled: max(t.Throttled, 0),
		Waited:    time.Duration(max(t.Waited, 0)),
	}, nil
}
