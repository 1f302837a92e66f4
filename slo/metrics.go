package slo

import (
	"net/http"
	"strings"
)

// metrics reads where the cost of the service is found.
func (p *parser) metrics(n *node) {
	if n == nil {
		return
	}
	o := objectOf[metricsDoc](p, n, "metrics")
	if scrape := o.need(p, "scrape", "metrics: {scrape: /metrics}"); scrape != nil {
		p.scrape(scrape)
	}
}

// scrape reads the path of the target's own Prometheus endpoint.
func (p *parser) scrape(n *node) {
	text, ok := p.raw(n, "the path to scrape")
	path := strings.TrimSpace(text)
	switch {
	case !ok:
	case !strings.HasPrefix(path, "/"):
		p.failNode(n, CodeRequest, quote(path)+" does not begin with /", "scrape is a path of the target, such as /metrics")
	default:
		p.file.Metrics.Scrape = &Request{
			Name: defaultName(http.MethodGet, path), Method: http.MethodGet, Path: p.path(n, text, path),
			Timeout: p.file.HTTP.Timeout, Headers: p.file.HTTP.Headers, Pos: n.pos,
		}
		p.authorize(p.file.Metrics.Scrape, p.whose, nil)
	}
}
