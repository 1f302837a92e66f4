package draft

import (
	"cmp"
	"net"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/slogate/slogate/slo"
)

// connection is what the options of a curl command say of its connections.
type connection struct {
	socket    string
	proxy     string
	proxyUser string
	sigV4     string
	token     string // of the session, for sigV4
	follows   bool
	redirects int // -1: as many as curl follows by itself
	http2     bool
	prior     bool // HTTP/2 without asking
}

// curlRedirects is what curl follows unless it is told otherwise.
const curlRedirects = 50

// connect puts what the options of a request say of connections into the
// draft: an SLO file says it once for all.
func (c *curlReader) connect(scheme string) {
	h := &c.draft.HTTP
	if c.follows {
		most := c.redirects
		if most < 0 {
			most = curlRedirects
		}
		h.Redirects = max(h.Redirects, most)
	}
	switch {
	case c.prior && scheme == "http":
		h.Protocol = "h2c"
	case c.prior || c.http2 && scheme == "https":
		h.Protocol = "http2"
	case c.http2:
		c.draft.note("--http2", "the protocol is HTTP/1.1: without TLS, HTTP/2 needs --http2-prior-knowledge")
	}
	if h.Protocol == "http1" && scheme == "http" {
		h.Protocol = ""
	}
	if c.proxy != "" {
		c.addProxy()
	}
}

// settle leaves out what does not go together.
func (h *HTTP) settle(d *Draft) {
	if h.TLS.Max != "" && h.TLS.Min > h.TLS.Max {
		d.note("--tls-max", "left out: it lies below --tlsv1.3")
		h.TLS.Max = ""
	}
	if h.Protocol == "h2c" && h.Proxy != "" {
		d.note("--proxy", "left out: HTTP/2 without TLS goes through none")
		h.Proxy = ""
	}
}

// addProxy reads [http://][USER:PASSWORD@]HOST[:PORT], whose port is 1080
// unless it is named.
func (c *curlReader) addProxy() {
	address := c.proxy
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	user := ""
	base, host := strings.TrimPrefix(address, "http://"), ""
	if at := strings.LastIndex(base, "@"); at >= 0 {
		user, base = base[:at], base[at+1:]
		user = outside(user, func(s string) string {
			decoded, err := url.PathUnescape(s)
			if err != nil {
				return s
			}
			return plain(decoded)
		})
	}
	if c.proxyUser != "" {
		user = c.proxyUser
	}
	host, _, _ = strings.Cut(base, "/")
	u, err := url.Parse("http://" + host)
	if err != nil || !strings.HasPrefix(address, "http://") || !slo.IsTarget("http://"+host) {
		c.draft.note("--proxy", "not translated: a proxy is http:// with a host and a port")
		return
	}
	if u.Port() == "" {
		host = net.JoinHostPort(u.Hostname(), "1080")
	}
	if user != "" {
		name, password, _ := strings.Cut(user, ":")
		name = outside(c.draft.user(name, "PROXY_USER", false), url.PathEscape)
		host = name + ":" + c.draft.credential("PROXY_PASSWORD", password, "the password at the proxy") + "@" + host
	}
	c.draft.HTTP.Proxy = "http://" + host
}

// resolve reads [+]HOST:PORT:ADDRESS[,ADDRESS]…
func (c *curlReader) resolve(v string) {
	parts := strings.SplitN(strings.TrimPrefix(v, "+"), ":", 3)
	if len(parts) == 3 {
		first, _, _ := strings.Cut(parts[2], ",")
		if address, err := netip.ParseAddr(strings.Trim(first, "[]")); err == nil {
			c.resolved("--resolve", parts[0], address.String())
			return
		}
	}
	c.draft.note("--resolve", "not translated: only HOST:PORT:ADDRESS is")
}

// connectTo reads HOST:PORT:ADDRESS:PORT.
func (c *curlReader) connectTo(v string) {
	parts := strings.SplitN(v, ":", 3)
	if len(parts) == 3 {
		if address, err := netip.ParseAddrPort(parts[2]); err == nil {
			c.resolved("--connect-to", parts[0], address.String())
			return
		}
	}
	c.draft.note("--connect-to", "not translated: only HOST:PORT:ADDRESS:PORT with an IP address is")
}

func (c *curlReader) resolved(option, host, address string) {
	if !isHostName(host) {
		c.draft.note(option, "not translated: %q is not a host", Visible(host))
		return
	}
	h := &c.draft.HTTP
	for _, f := range h.Resolve {
		if strings.EqualFold(f.Name, host) {
			return // curl takes the first one
		}
	}
	h.Resolve = append(h.Resolve, Field{host, address})
}

func isHostName(host string) bool {
	u := url.URL{Scheme: "http", Host: host}
	return host != "" && u.Port() == "" && isPlainURL(&u, u.String())
}

func (c *curlReader) sourceAddress(v string) {
	address, err := netip.ParseAddr(strings.TrimPrefix(v, "host!"))
	if err != nil {
		c.draft.note("--interface", "not translated: only an IP address is")
		return
	}
	c.draft.HTTP.Source = address.String()
}

// certificate reads FILE[:PASSWORD]. The key may be in the same file.
func (c *curlReader) certificate(v string) {
	name, _, hasPassword := strings.Cut(v, ":")
	if hasPassword {
		c.draft.note("--cert", "a key with a password is not read: decrypt it first")
	}
	t := &c.draft.HTTP.TLS
	t.Cert = name
	if t.Key == "" {
		t.Key = name
	}
}

func (c *curlReader) maxRedirects(v string) {
	n, err := strconv.Atoi(v)
	switch {
	case err != nil || n < -1:
		c.draft.note("--max-redirs", "left out: not a number")
	case n < 0:
		c.redirects = -1
	default:
		c.redirects = n
	}
}

// tlsMost reads the newest version of TLS.
func (c *curlReader) tlsMost(v string) {
	switch v {
	case "1.2", "1.3":
		c.draft.HTTP.TLS.Max = v
	case "default":
	default:
		c.draft.note("--tls-max", "not translated: the versions are 1.2 and 1.3")
	}
}

// formField reads NAME=VALUE, NAME=@FILE and what stands behind a semicolon.
func (c *curlReader) formField(v string) {
	c.sends = true
	name, value, found := strings.Cut(v, "=")
	if !found {
		c.draft.note("--form", "only NAME=VALUE and NAME=@FILE are translated")
		return
	}
	name = unplain(name)
	if strings.HasPrefix(value, "<") {
		c.draft.note("--form", "the field %s is left out: a file is sent as one, not as a text", Visible(name))
		return
	}
	files, isFile := strings.CutPrefix(value, "@")
	if !isFile {
		text, settings, _ := formPart(value, "")
		if settings["type"] != "" {
			c.draft.note("--form", "the type of the field %s is left out: it is a text", Visible(name))
		}
		c.parts = append(c.parts, Part{Name: name, Value: text})
		return
	}
	for more := true; more; {
		var file string
		var settings map[string]string
		file, settings, files = formPart(files, ",")
		c.formFile(name, file, settings)
		files, more = strings.CutPrefix(files, ",")
	}
}

// formFile adds a file to a form.
func (c *curlReader) formFile(name, file string, settings map[string]string) {
	if file == "-" {
		c.draft.note("--form", "standard input is not read: the field %s is left out", Visible(name))
		return
	}
	if settings["headers"] != "" || settings["encoder"] != "" {
		c.draft.note("--form", "the headers and the encoding of the file %s are left out", Visible(file))
	}
	p := Part{Name: name, File: file, Type: mediaType(settings["type"]), As: settings["filename"]}
	if p.Type == "" {
		p.Type = cmp.Or(curlType(p.As), curlType(file))
	}
	if p.As == path.Base(file) {
		p.As = ""
	}
	c.parts = append(c.parts, p)
}

// curlType is the type that curl gives a file of a form by its name; empty where
// an SLO file gives it the same.
func curlType(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".gif":
		return "image/gif"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".png":
		return "image/png"
	case ".svg":
		return "image/svg+xml"
	case ".txt":
		return "text/plain"
	case ".htm", ".html":
		return "text/html"
	case ".pdf":
		return "application/pdf"
	case ".xml":
		return "application/xml"
	case ".json":
		return "application/octet-stream"
	}
	return ""
}

// formPart reads VALUE;type=…;filename=… up to one of some characters, and gives
// what follows. As curl does, it ignores what else stands behind a semicolon.
func formPart(v, end string) (value string, settings map[string]string, rest string) {
	settings = map[string]string{}
	value, rest = formWord(v, end)
	for strings.HasPrefix(rest, ";") {
		name, setting, found := strings.Cut(strings.TrimLeft(rest[1:], " "), "=")
		if !found || strings.ContainsAny(name, ";"+end) {
			_, rest = formWord(rest[1:], end)
			continue
		}
		settings[name], rest = formWord(setting, end)
	}
	return value, settings, rest
}

// formWord reads a word up to a semicolon or one of some characters. In double
// quotes they are a part of it, and a backslash escapes; what follows them is
// ignored.
func formWord(v, end string) (word, rest string) {
	v = strings.TrimLeft(v, " ")
	quoted := quotedWord.FindStringSubmatch(v)
	if quoted != nil {
		v = v[len(quoted[0]):]
	}
	at := strings.IndexAny(v, ";"+end)
	if at < 0 {
		at = len(v)
	}
	if quoted != nil {
		return escapedInWord.ReplaceAllString(quoted[1], "$1"), v[at:]
	}
	return strings.TrimRight(v[:at], " "), v[at:]
}

var (
	quotedWord    = regexp.MustCompile(`(?s)^"((?:[^"\\]|\\.)*)"`)
	escapedInWord = regexp.MustCompile(`\\(["\\])`)
)

// signed reads PROVIDER1[:PROVIDER2[:REGION[:SERVICE]]] of --aws-sigv4. What is
// not named stands in the host: SERVICE.REGION.amazonaws.com.
func (c *curlReader) signed(host string) Auth {
	parts := append(strings.Split(c.sigV4, ":"), "", "", "")
	labels := append(strings.Split(host, "."), "", "")
	region, service := parts[2], parts[3]
	if region == "" {
		region = labels[1]
	}
	if service == "" {
		service = labels[0]
	}
	if token := c.takeHeader("x-amz-security-token"); token != "" {
		c.token = token
	}
	name, password, found := strings.Cut(c.user, ":")
	if parts[0] == "aws" && found {
		if a, ok := c.draft.sigV4Auth(region, service, name, password, c.token); ok {
			return a
		}
	}
	c.draft.note("--aws-sigv4", "not translated: it needs aws, a region, a service and --user with both keys")
	return Auth{}
}

// takeHeader takes a header out of those that are sent, and gives its value.
func (c *curlReader) takeHeader(wanted string) string {
	for i, h := range c.headers {
		if name, value, _ := strings.Cut(h, ":"); strings.EqualFold(strings.TrimSpace(name), wanted) {
			c.headers = append(c.headers[:i:i], c.headers[i+1:]...)
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// upload sends a file as the body. Behind a path that ends in a slash its name
// is added.
func (c *curlReader) upload(step *Step) {
	if c.uploaded == "-" || c.uploaded == "." {
		c.draft.note("--upload-file", "standard input is not read: the body is empty")
		return
	}
	step.Body = Body{File: c.uploaded}
	before, query, found := strings.Cut(step.Path, "?")
	if strings.HasSuffix(before, "/") {
		before += outside(path.Base(c.uploaded), url.PathEscape)
	}
	if step.Path = before; found {
		step.Path += "?" + query
	}
}

// globs are what curl makes several URLs of.
var globs = regexp.MustCompile(`\{[^{}]*\}|\[(?:\d+-\d+|[A-Za-z]-[A-Za-z])(?::\d+)?\]`)

// withoutDots resolves the . and .. in the path of a URL (RFC 3986, section
// 5.2.4).
func withoutDots(rest string) string {
	end := len(rest)
	if at := strings.IndexAny(rest, "?#"); at >= 0 {
		end = at
	}
	var kept []string
	segments := strings.Split(rest[:end], "/")
	for i, segment := range segments {
		isLast := i == len(segments)-1
		switch segment {
		case ".":
		case "..":
			kept = kept[:max(1, len(kept)-1)]
		default:
			kept = append(kept, segment)
			continue
		}
		if isLast {
			kept = append(kept, "")
		}
	}
	return strings.Join(kept, "/") + rest[end:]
}

// target is where the requests are sent: the host of the URLs, or a socket.
func (c *curlReader) target() string {
	if c.socket == "" {
		return c.host
	}
	if path.IsAbs(c.socket) || values.MatchString(c.socket) || !strings.HasPrefix(c.host, "http://") {
		c.draft.note("--unix-socket", "a file names one below its folder, for http: slogate run --target unix:%s", Visible(c.socket))
		return c.host
	}
	return "unix:" + c.socket
}
