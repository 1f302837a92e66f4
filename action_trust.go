package main

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/slogate/slogate/action"
	"github.com/slogate/slogate/action/route"
	"github.com/slogate/slogate/github"
	"github.com/slogate/slogate/loader"
	"github.com/slogate/slogate/secret"
	"github.com/slogate/slogate/slo"
)

// trust says which hosts the workflow of a job knows of. The workflow is
// trusted; the SLO file, and where a name leads, are not.
type trust struct {
	hosts    []string   // of its targets, and its services
	allowed  slo.Limits // hosts that may be loaded, where it lists some
	stranger bool       // the change may be anybody's
}

func newTrust(e github.Event, in action.Inputs) trust {
	t := trust{hosts: route.Labels(in.Services), stranger: isStrange(e, in)}
	for _, target := range []string{in.Target, in.BaseTarget} {
		if u, err := url.Parse(target); err == nil && u.Host != "" {
			t.hosts = append(t.hosts, canonicalHost(u.Hostname()))
		}
	}
	t.allowed, _ = slo.ParseLimits("", "", in.AllowedHosts) // who reads the file says what is wrong with them
	return t
}

// isStrange reports whether the author of the change that a job is about may be
// anybody: that of a fork's pull request, or of what was deployed, unless the
// workflow says itself what is loaded.
func isStrange(e github.Event, in action.Inputs) bool {
	return e.Fork || e.Deployed() && in.Target == ""
}

func canonicalHost(host string) string { return strings.TrimSuffix(strings.ToLower(host), ".") }

// names reports whether the workflow knows of a host: it names it, starts it as
// a service, or it is the machine itself.
func (t trust) names(host string) bool {
	return route.Loopback(host) || slices.Contains(t.hosts, canonicalHost(host)) || len(t.allowed.Hosts) > 0 && t.allowed.Allow(host)
}

// guard returns the guard of the addresses of a target. Over a way that leads
// elsewhere it is the job's own that is loaded.
func (t trust) guard(target string, w way) loader.Guard {
	u, err := url.Parse(target)
	named := w.address != "" || err == nil && t.names(u.Hostname())
	return func(address netip.Addr) error { return action.RefusedAddress(address, named || !t.stranger) }
}

// veil takes the secrets of a file out of a text, in whatever spelling. A runner
// masks its log, but neither comments nor outputs.
func veil(text string, file *slo.File) string {
	return secret.NewMask(file.Secrets).Text(text)
}

// veiled is an error without the secrets of a file.
func veiled(err error, file *slo.File) error {
	masked := errors.New(veil(err.Error(), file))
	if hint := hintOf(err); hint != "" {
		return hinted{masked, veil(hint, file)}
	}
	return masked
}
