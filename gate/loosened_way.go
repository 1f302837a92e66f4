package gate

import (
	"maps"
	"net/url"
	"slices"
	"strconv"

	"github.com/slogate/slogate/slo"
)

// way compares what leads requests elsewhere than the target says, and what else
// holds for all of them.
func (l *loosenings) way(b, h slo.HTTP) {
	hosts := map[string]string{}
	maps.Copy(hosts, b.Resolve)
	maps.Copy(hosts, h.Resolve)
	for _, host := range slices.Sorted(maps.Keys(hosts)) {
		l.change("resolve: "+host, b.Resolve[host], h.Resolve[host])
	}
	l.change("proxy", hostOf(b.Proxy), hostOf(h.Proxy))
	l.change("tls: server_name", b.TLS.ServerName, h.TLS.ServerName)
	if h.TLS.SkipVerify && !b.TLS.SkipVerify {
		l.add("", "tls: insecure_skip_verify: off", "on")
	}
	l.change("protocol", string(b.Protocol), string(h.Protocol))
	if h.Redirects < b.Redirects {
		l.add("", "redirects: "+strconv.Itoa(b.Redirects), strconv.Itoa(h.Redirects))
	}
}

// hostOf is a URL without its user and password.
func hostOf(proxy string) string {
	u, err := url.Parse(proxy)
	if err != nil || proxy == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
