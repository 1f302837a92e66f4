package draft

import (
	"strconv"

	"gopkg.in/yaml.v3"
)

// HTTP says how all requests of a draft are sent. The zero value says nothing.
type HTTP struct {
	Compression bool
	Redirects   int     // followed for one request, at most; 0: none
	Resolve     []Field // hosts and the addresses that they are connected to
	Source      string  // address that connections are opened from
	Proxy       string  // its URL, with a secret in the place of its password
	Protocol    string  // of the SLO file; empty: auto
	TLS         TLS
}

// TLS says how connections are secured. Files are named as the source does.
type TLS struct {
	SkipVerify bool
	CA         string
	Cert, Key  string
	Min, Max   string // 1.2 or 1.3
}

// mostRedirects is what an SLO file accepts.
const mostRedirects = 20

// add writes the keys of http.
func (h HTTP) add(n *yaml.Node) {
	if h.Compression {
		with(n, "compression", bare("on"))
	}
	if h.Redirects > 0 {
		with(n, "redirects", bare(strconv.Itoa(min(h.Redirects, mostRedirects))))
	}
	if len(h.Resolve) > 0 {
		with(n, "resolve", fields(h.Resolve))
	}
	addText(n, "source", h.Source)
	addText(n, "proxy", h.Proxy)
	addText(n, "protocol", h.Protocol)
	if h.TLS != (TLS{}) {
		with(n, "tls", h.TLS.node())
	}
}

func (t TLS) node() *yaml.Node {
	n := mapping()
	addText(n, "ca_file", t.CA)
	addText(n, "cert_file", t.Cert)
	addText(n, "key_file", t.Key)
	if t.SkipVerify {
		with(n, "insecure_skip_verify", bare("true"))
	}
	for _, v := range []Field{{"min_version", t.Min}, {"max_version", t.Max}} {
		if v.Value != "" {
			with(n, v.Name, bare(v.Value))
		}
	}
	return n
}
