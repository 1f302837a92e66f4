package draft

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"mvdan.cc/sh/v3/syntax"

	"github.com/slogate/slogate/slo"
)

// Curl drafts a scenario from a curl command as it is typed into a shell, or
// copied from a browser ("copy as cURL"). Variables of the shell become
// variables of the environment.
func Curl(command string) (*Draft, error) {
	words, err := shellWords(command)
	if err != nil {
		return nil, fmt.Errorf("the curl command cannot be read: %w", err)
	}
	c := &curlReader{draft: &Draft{From: "a curl command"}, connection: connection{redirects: -1}}
	if err := c.arguments(words[1:]); err != nil {
		return nil, fmt.Errorf("curl: %w", err)
	}
	c.end()
	if len(c.scenario.Steps) == 0 {
		if len(c.draft.Notes) > 0 {
			return nil, fmt.Errorf("curl: %s", c.draft.Notes[0])
		}
		return nil, errors.New("curl: the command has no URL")
	}
	c.scenario.Name = nameOf(defaultName(c.scenario.Steps[0]))
	c.draft.keep(c.scenario)
	c.draft.needVariables(words)
	c.draft.HTTP.settle(c.draft)
	c.draft.Target = c.target()
	return c.draft, nil
}

// shellVariable is a variable of the shell in a word.
var shellVariable = regexp.MustCompile(`\$\{env\.(\w+)\}`)

// needVariables says which variables of the shell have to be set for a run.
func (d *Draft) needVariables(words []string) {
	for _, m := range shellVariable.FindAllStringSubmatch(strings.Join(words, " "), -1) {
		if !slices.ContainsFunc(d.Secrets, func(s Secret) bool { return s.Name == m[1] }) {
			d.Secrets = append(d.Secrets, Secret{Name: m[1], Meaning: "a variable of the command"})
		}
	}
}

// IsCurl reports a text that is meant as a curl command.
func IsCurl(text string) bool {
	first, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	return first == "curl" || strings.HasSuffix(first, "/curl")
}

func defaultName(step Step) string {
	path, _, _ := strings.Cut(step.Path, "?")
	return step.Method + " " + path
}

// shellWords parts a command into its words, as texts of the SLO file.
func shellWords(command string) ([]string, error) {
	file, err := syntax.NewParser().Parse(strings.NewReader(command), "")
	if err != nil {
		return nil, errors.New(Visible(err.Error()))
	}
	if len(file.Stmts) == 0 {
		return nil, errors.New("it is empty")
	}
	call, ok := file.Stmts[0].Cmd.(*syntax.CallExpr)
	if !ok || len(file.Stmts) > 1 || len(call.Args) == 0 {
		return nil, errors.New("it is not one plain command; pipes and lists are not read")
	}
	var words []string
	for _, arg := range call.Args {
		word, err := wordText(arg.Parts)
		if err != nil {
			return nil, err
		}
		words = append(words, word)
	}
	if !IsCurl(words[0]) {
		return nil, errors.New("it does not begin with curl")
	}
	return words, nil
}

// piece is a part of a word: a text, or a value of the SLO file.
type piece struct {
	text    string
	isValue bool
}

// wordText joins the pieces of a word. A text is escaped as a whole: what only
// looks like a value may come of two pieces.
func wordText(parts []syntax.WordPart) (string, error) {
	pieces, err := pieces(parts, false)
	if err != nil {
		return "", err
	}
	var b, literal strings.Builder
	for _, p := range pieces {
		if !p.isValue {
			literal.WriteString(p.text)
			continue
		}
		if strings.HasSuffix(literal.String(), "$") {
			return "", errors.New("a $ in front of a variable cannot be written in an SLO file")
		}
		b.WriteString(plain(literal.String()) + p.text)
		literal.Reset()
	}
	return b.String() + plain(literal.String()), nil
}

// pieces reads the parts of a word. In double quotes a backslash escapes only a
// few characters.
func pieces(parts []syntax.WordPart, quoted bool) ([]piece, error) {
	escaped := ""
	if quoted {
		escaped = "$`\"\\\n"
	}
	var all []piece
	for _, part := range parts {
		switch p := part.(type) {
		case *syntax.Lit:
			all = append(all, piece{text: unescape(p.Value, escaped)})
		case *syntax.SglQuoted:
			text := p.Value
			if p.Dollar {
				text = ansiC(text)
			}
			all = append(all, piece{text: text})
		case *syntax.DblQuoted:
			inner, err := pieces(p.Parts, true)
			if err != nil {
				return nil, err
			}
			all = append(all, inner...)
		case *syntax.ParamExp:
			text, err := parameter(p)
			if err != nil {
				return nil, err
			}
			all = append(all, piece{text, true})
		default:
			return nil, errors.New("commands and arithmetic of the shell are not read: write what they give")
		}
	}
	return all, nil
}

// parameter makes a variable of the environment of one of the shell.
func parameter(p *syntax.ParamExp) (string, error) {
	if p.Param == nil || p.Length || p.Excl || p.Width || p.Index != nil || p.Slice != nil || p.Repl != nil || p.Exp != nil || !captureLike(p.Param.Value) {
		return "", errors.New("only plain variables such as $NAME are read")
	}
	return "${env." + p.Param.Value + "}", nil
}

func captureLike(name string) bool { return simpleKey.MatchString(name) }

// unescape takes the backslashes away: in front of some characters, or of all.
// An escaped end of line is nothing.
func unescape(s, only string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (only == "" || strings.IndexByte(only, s[i+1]) >= 0) {
			if i++; s[i] == '\n' {
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// ansiC reads the escapes of $'…'.
func ansiC(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch c := s[i]; c {
		case 'n', 't', 'r', 'a', 'b', 'f', 'v', 'e':
			b.WriteByte("\n\t\r\a\b\f\v\x1b"[strings.IndexByte("ntrabfve", c)])
		case 'x':
			i += number(&b, s[i+1:], 2, true)
		case 'u':
			i += number(&b, s[i+1:], 4, false)
		case 'U':
			i += number(&b, s[i+1:], 8, false)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// number writes a character by its number in hexadecimal digits, and gives how
// many there are.
func number(b *strings.Builder, s string, most int, isByte bool) int {
	n := 0
	for n < most && n < len(s) && strings.IndexByte("0123456789abcdefABCDEF", s[n]) >= 0 {
		n++
	}
	code, _ := strconv.ParseUint(s[:n], 16, 32) // digits only
	if isByte {
		b.WriteByte(byte(code))
	} else {
		b.WriteRune(rune(code))
	}
	return n
}

// curlReader collects the options of one request, up to --next or the end.
type curlReader struct {
	draft    *Draft
	scenario Scenario
	host     string

	urls      []string
	method    string
	headers   []string
	data      []string
	sends     bool // data or a form, be it empty: curl posts
	file      string
	isJSON    bool
	parts     []Part // of a multipart form
	uploaded  string
	asQuery   bool
	head      bool
	asIs      bool // the path, with . and ..
	oneURL    bool // its braces and brackets mean nothing
	user      string
	cookie    string
	timeout   time.Duration
	urlFields []Field
	queries   []string // parts of the query besides that of the URL

	connection
}

// option is what an option of curl means here.
type option struct {
	hasValue bool
	set      func(c *curlReader, value string)
	note     string // why it is not translated; empty with no set: it says nothing about the request
}

func (c *curlReader) arguments(args []string) error {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		names, attached := optionsOf(arg)
		if names == nil {
			c.urls = append(c.urls, arg)
			continue
		}
		for at, name := range names {
			o, known := curlOptions[name]
			if !known {
				c.draft.note(Visible(name), "an option that is not known: it is left out, and what follows it is taken for a URL or an option")
				break
			}
			value := ""
			if o.hasValue {
				switch {
				case attached != "" && strings.HasPrefix(arg, "--"):
					value = attached
				case len(name) == 2 && at < len(names)-1:
					value = strings.TrimPrefix(arg[1:][at+1:], "=")
				case i+1 < len(args):
					i++
					value = args[i]
				default:
					return fmt.Errorf("the option %s has no value", Visible(name))
				}
			}
			c.apply(name, o, value)
			if o.hasValue {
				break
			}
		}
	}
	return nil
}

// optionsOf gives the names of the options in an argument, nil when it is none.
func optionsOf(arg string) (names []string, attached string) {
	switch {
	case strings.HasPrefix(arg, "--") && len(arg) > 2:
		name, value, _ := strings.Cut(arg, "=")
		return []string{name}, value
	case strings.HasPrefix(arg, "-") && len(arg) > 1:
		for _, letter := range arg[1:] {
			names = append(names, "-"+string(letter))
		}
	}
	return names, ""
}

func (c *curlReader) apply(name string, o option, value string) {
	switch {
	case o.set != nil:
		o.set(c, value)
	case o.note != "":
		c.draft.note(name, "%s", o.note)
	}
}

// curlOptions are those that concern the request, and those that only concern
// curl's output.
var curlOptions = optionTable()

func optionTable() map[string]option {
	table := map[string]option{}
	add := func(o option, names ...string) {
		for _, name := range names {
			table[name] = o
		}
	}
	value := func(set func(c *curlReader, v string), names ...string) {
		add(option{hasValue: true, set: set}, names...)
	}
	flag := func(set func(c *curlReader), names ...string) {
		add(option{set: func(c *curlReader, _ string) { set(c) }}, names...)
	}
	value(func(c *curlReader, v string) { c.method = v }, "-X", "--request")
	value(func(c *curlReader, v string) { c.urls = append(c.urls, v) }, "--url")
	value(func(c *curlReader, v string) { c.headers = append(c.headers, v) }, "-H", "--header")
	value(func(c *curlReader, v string) { c.headers = append(c.headers, "user-agent: "+v) }, "-A", "--user-agent")
	value(func(c *curlReader, v string) {
		c.headers = append(c.headers, "referer: "+strings.TrimSuffix(v, ";auto"))
	}, "-e", "--referer")
	value(func(c *curlReader, v string) { c.user = v }, "-u", "--user")
	value(func(c *curlReader, v string) { c.headers = append(c.headers, "authorization: Bearer "+v) }, "--oauth2-bearer")
	value((*curlReader).addCookie, "-b", "--cookie")
	value(func(c *curlReader, v string) { c.addData(v, true) }, "-d", "--data", "--data-ascii", "--data-binary")
	value(func(c *curlReader, v string) { c.addData(v, false) }, "--data-raw")
	value((*curlReader).addEncoded, "--data-urlencode")
	value(func(c *curlReader, v string) { c.isJSON = true; c.addData(v, true) }, "--json")
	value(func(c *curlReader, v string) { c.addQuery(v) }, "--url-query")
	value((*curlReader).setTimeout, "-m", "--max-time")
	flag(func(c *curlReader) { c.asQuery = true }, "-G", "--get")
	flag(func(c *curlReader) { c.head = true }, "-I", "--head")
	flag(func(c *curlReader) { c.asIs = true }, "--path-as-is")
	flag(func(c *curlReader) { c.oneURL = true }, "-g", "--globoff")
	flag((*curlReader).end, "-:", "--next")
	value((*curlReader).formField, "-F", "--form")
	value(func(c *curlReader, v string) {
		name, content, _ := strings.Cut(v, "=")
		c.sends = true
		c.parts = append(c.parts, Part{Name: unplain(name), Value: content})
	}, "--form-string")
	value(func(c *curlReader, v string) { c.uploaded = v }, "-T", "--upload-file")
	value(func(c *curlReader, v string) { c.headers = append(c.headers, "range: bytes="+v) }, "-r", "--range")

	flag(func(c *curlReader) { c.follows = true }, "-L", "--location", "--location-trusted")
	value((*curlReader).maxRedirects, "--max-redirs")
	flag(func(c *curlReader) { c.draft.HTTP.Compression = true }, "--compressed")
	flag(func(c *curlReader) { c.draft.HTTP.TLS.SkipVerify = true }, "-k", "--insecure")
	value(func(c *curlReader, v string) { c.draft.HTTP.TLS.CA = v }, "--cacert")
	value((*curlReader).certificate, "-E", "--cert")
	value(func(c *curlReader, v string) { c.draft.HTTP.TLS.Key = v }, "--key")
	flag(func(c *curlReader) { c.draft.HTTP.TLS.Min = "1.3" }, "--tlsv1.3")
	value((*curlReader).tlsMost, "--tls-max")
	flag(func(c *curlReader) { c.http2 = true }, "--http2")
	flag(func(c *curlReader) { c.prior = true }, "--http2-prior-knowledge")
	flag(func(c *curlReader) { c.draft.HTTP.Protocol = "http1" }, "--http1.1")
	value(func(c *curlReader, v string) { c.proxy = v }, "-x", "--proxy")
	value(func(c *curlReader, v string) { c.proxyUser = v }, "-U", "--proxy-user")
	value((*curlReader).resolve, "--resolve")
	value((*curlReader).connectTo, "--connect-to")
	value((*curlReader).sourceAddress, "--interface")
	value(func(c *curlReader, v string) { c.socket = v }, "--unix-socket")
	value(func(c *curlReader, v string) { c.sigV4 = v }, "--aws-sigv4")

	add(option{note: "the protocol is HTTP/1.1 or HTTP/2"}, "--http3", "--http3-only", "-0", "--http1.0")
	add(option{note: "this way to authenticate is not translated"}, "--digest", "--ntlm", "--negotiate", "--anyauth", "--proxy-digest", "--proxy-ntlm", "--proxy-negotiate", "--proxy-anyauth")
	add(option{hasValue: true, note: "not translated: certificates and keys are PEM files without a password"}, "--cert-type", "--key-type", "--pass")
	add(option{hasValue: true, note: "not translated: --cacert names a file of trusted certificates"}, "--capath", "--pinnedpubkey", "--ciphers", "--tls13-ciphers", "--curves", "--crlfile", "--engine", "--proxy-cacert", "--proxy-capath", "--proxy-cert", "--proxy-key")
	add(option{hasValue: true, note: "not translated: a proxy is one of HTTP, and names are those of the system"}, "--socks4", "--socks4a", "--socks5", "--socks5-hostname", "--preproxy", "--proxy-header", "--proxy1.0", "--noproxy", "--dns-servers", "--dns-interface", "--dns-ipv4-addr", "--dns-ipv6-addr", "--doh-url", "--abstract-unix-socket")
	add(option{hasValue: true, note: "not translated"}, "-z", "--time-cond", "-C", "--continue-at", "--request-target", "--local-port", "--login-options", "--service-name", "--proto-default", "--rate")
	add(option{note: "not translated"}, "--post301", "--post302", "--post303", "--tr-encoding", "--haproxy-protocol", "--form-escape", "--proxy-insecure")
	add(option{note: "not translated: requests are sent once"}, "--retry-all-errors", "--retry-connrefused")
	add(option{hasValue: true, note: "not translated: requests are sent once"}, "--retry", "--retry-delay", "--retry-max-time")
	add(option{hasValue: true, note: "not translated: the file is not read"}, "-K", "--config", "--netrc-file", "--variable", "--etag-compare", "--alt-svc", "--hsts")
	add(option{note: "not translated: the file is not read"}, "-n", "--netrc", "--netrc-optional")

	add(option{}, "-s", "--silent", "-S", "--show-error", "-v", "--verbose", "-i", "--include", "--show-headers", "-f", "--fail", "--fail-with-body", "-#", "--progress-bar", "-N", "--no-buffer", "-O", "--remote-name", "-J", "--remote-header-name", "-q", "--disable", "--no-progress-meter", "--tcp-nodelay", "--no-keepalive", "-4", "--ipv4", "-6", "--ipv6", "-j", "--junk-session-cookies", "--ssl-reqd", "--tlsv1.2", "-1", "--tlsv1", "--basic", "--create-dirs", "-a", "--append", "--raw", "-Z", "--parallel", "--parallel-immediate",
		"-R", "--remote-time", "--remote-name-all", "--no-clobber", "--remove-on-error", "--xattr", "--styled-output", "--suppress-connect-headers", "--trace-time", "--trace-ids", "--fail-early", "-p", "--proxytunnel", "--proxy-basic",
		"--no-sessionid", "--no-alpn", "--no-npn", "--tcp-fastopen", "--http0.9", "--ignore-content-length", "--disallow-username-in-url", "--ssl", "--ssl-no-revoke", "--ssl-revoke-best-effort", "--ssl-allow-beast", "--false-start", "--cert-status", "--doh-insecure", "--tlsv1.0", "--tlsv1.1")
	add(option{hasValue: true}, "-o", "--output", "-w", "--write-out", "-D", "--dump-header", "-c", "--cookie-jar", "--stderr", "--trace", "--trace-ascii", "--connect-timeout", "--keepalive-time", "--limit-rate", "--output-dir", "-y", "--speed-time", "-Y", "--speed-limit", "--max-filesize", "--libcurl", "--etag-save", "--create-file-mode", "--trace-config", "--happy-eyeballs-timeout-ms", "--expect100-timeout", "--parallel-max", "--proto", "--proto-redir", "--keepalive-cnt", "--ip-tos", "--vlan-priority")
	return table
}

func (c *curlReader) addCookie(v string) {
	if strings.Contains(v, "=") {
		c.cookie = v
		return
	}
	c.draft.note("--cookie", "the file of cookies is not read")
}

// addData keeps a part of the body, or the file that it is.
func (c *curlReader) addData(v string, isFile bool) {
	c.sends = true
	name, found := strings.CutPrefix(v, "@")
	if !isFile || !found {
		c.data = append(c.data, v)
		return
	}
	if name == "-" {
		c.draft.note("--data", "standard input is not read: the body is empty")
		return
	}
	c.file = name
}

// addEncoded keeps a field of a form, whose name is encoded already, or data
// without a name.
func (c *curlReader) addEncoded(v string) {
	c.sends = true
	name, content, known := c.encoded("--data-urlencode", v)
	switch {
	case !known:
	case name == "":
		c.data = append(c.data, outside(content, url.QueryEscape))
	default:
		c.urlFields = append(c.urlFields, Field{outside(name, decoded), content})
	}
}

// encoded reads NAME=CONTENT, =CONTENT or CONTENT, of which curl encodes the
// content.
func (c *curlReader) encoded(option, v string) (name, content string, known bool) {
	name, content, found := strings.Cut(v, "=")
	switch {
	case found:
		return name, content, true
	case strings.Contains(v, "@"):
		c.draft.note(option, "the file is not read: left out")
		return "", "", false
	}
	return "", v, true
}

// addQuery keeps a part of the query: as it stands behind a plus, else encoded.
func (c *curlReader) addQuery(v string) {
	if raw, isRaw := strings.CutPrefix(v, "+"); isRaw {
		c.queries = append(c.queries, raw)
		return
	}
	name, content, known := c.encoded("--url-query", v)
	if content = outside(content, url.QueryEscape); name != "" {
		content = name + "=" + content
	}
	if known {
		c.queries = append(c.queries, content)
	}
}

func (c *curlReader) setTimeout(v string) {
	seconds, err := strconv.ParseFloat(v, 64)
	if err != nil || seconds < 0.001 || seconds > 3600 {
		c.draft.note("--max-time", "not between 1 ms and 1 h: left out")
		return
	}
	c.timeout = time.Duration(seconds * float64(time.Second)).Round(time.Millisecond)
}

// end makes the steps of what has been read, and begins anew.
func (c *curlReader) end() {
	for _, address := range c.urls {
		c.step(address)
	}
	*c = curlReader{draft: c.draft, scenario: c.scenario, host: c.host, connection: connection{redirects: -1, socket: c.socket}}
}

func (c *curlReader) step(address string) {
	base, rest := splitAddress(strings.TrimSpace(address))
	u, err := url.Parse(base)
	switch {
	case err != nil || !slo.IsTarget(origin(u)):
		shown, _ := splitHost(address)
		c.draft.note(Visible(shown), "left out: not an http URL")
		return
	case c.host != "" && c.host != origin(u):
		c.draft.note(origin(u), "left out: another host than the first one's")
		return
	}
	c.host = origin(u)
	if u.User != nil && c.user == "" {
		c.user = userOf(u)
	}
	c.connect(u.Scheme)
	if !c.asIs {
		rest = withoutDots(rest)
	}
	step := Step{Method: c.methodOf(), Path: cleanPath(rest), Timeout: c.timeout}
	if !c.oneURL && globs.MatchString(values.ReplaceAllString(rest, "")) {
		c.draft.note(step.Method+" "+step.Path, "one request, where curl makes several of {…} or […-…]: write their URLs out")
	}
	if c.socket != "" && u.Hostname() != "localhost" {
		step.Headers = append(step.Headers, Field{"host", u.Host})
	}
	c.credentials(&step, u.Hostname())
	step.Path = withQuery(step.Path, c.queries)
	c.body(&step)
	for _, h := range c.headers {
		c.header(&step, h)
	}
	if !step.Body.isEmpty() || len(c.data) > 0 && !c.asQuery {
		c.contentType(&step)
	}
	step.Path = c.draft.hideQuery(step.Path)
	c.draft.add(&c.scenario, step)
}

func (c *curlReader) methodOf() string {
	switch {
	case c.method != "":
		return strings.ToUpper(c.method)
	case c.uploaded != "":
		return "PUT"
	case c.head:
		return "HEAD"
	case c.sends && !c.asQuery:
		return "POST"
	}
	return "GET"
}

// userOf gives the user and the password of a URL as they are sent.
func userOf(u *url.URL) string {
	password, has := u.User.Password()
	if !has {
		return plain(u.User.Username()) + ":"
	}
	return plain(u.User.Username()) + ":" + plain(password)
}

func (c *curlReader) credentials(step *Step, host string) {
	where := "the command"
	if c.cookie != "" {
		c.draft.header(step, where, "cookie", c.cookie)
	}
	if c.sigV4 != "" {
		step.Auth = c.signed(host)
		return
	}
	if c.user != "" && !slices.ContainsFunc(c.headers, func(h string) bool { return strings.HasPrefix(strings.ToLower(h), "authorization:") }) {
		name, password, found := strings.Cut(c.user, ":")
		step.Auth = c.draft.basicAuth(name, password, found)
	}
}

// header reads NAME: VALUE. NAME: takes one of curl's own away, NAME; sends an
// empty one.
func (c *curlReader) header(step *Step, line string) {
	name, value, found := strings.Cut(line, ":")
	switch {
	case !found && strings.HasSuffix(line, ";"):
		c.draft.header(step, "the command", strings.TrimSuffix(line, ";"), "")
	case !found:
		c.draft.note("--header", "a header without a colon is left out")
	case strings.EqualFold(strings.TrimSpace(name), "host"):
		step.hostHeader(oneLine(value), c.host)
	case strings.EqualFold(strings.TrimSpace(name), "content-type") && strings.TrimSpace(value) == "" && c.sends:
		c.draft.note("--header", "content-type is not taken away: a body always has one")
	case strings.TrimSpace(value) != "":
		c.draft.header(step, "the command", name, value)
	}
}

// body makes the body, or with --get the query, of the data.
func (c *curlReader) body(step *Step) {
	data := strings.Join(c.data, "&")
	if c.isJSON {
		data = strings.Join(c.data, "")
	}
	switch {
	case c.asQuery:
		c.query(step, data)
	case c.uploaded != "":
		c.upload(step)
	case len(c.parts) > 0:
		step.Body.Multipart = c.hidden(c.parts)
	case c.file != "":
		if len(c.data) > 0 {
			c.draft.note("--data", "left out beside @%s: a body is a file or a text", Visible(c.file))
		}
		c.bodyFile(step)
	case len(data) > maxBody:
		c.draft.note(step.Method+" "+step.Path, "its body of %d bytes is left out, at most %d are written into the file", len(data), maxBody)
	case c.isForm(data):
		step.Body.Form = append(c.formOf(data), c.fields()...)
	case len(c.urlFields) > 0:
		c.draft.note("--data-urlencode", "it is left out beside other data")
		fallthrough
	default:
		step.Body = bodyOfText(c.draft, data)
	}
}

// bodyOfText makes a body of what is a text of the SLO file already.
func bodyOfText(d *Draft, text string) Body {
	return bodyOf(text, func(name, value string) string { return d.hide(name, value) })
}

// hidden puts secrets in the place of credentials in a form.
func (c *curlReader) hidden(all []Part) []Part {
	var hidden []Part
	for _, p := range all {
		p.Value = c.draft.hide(p.Name, p.Value)
		hidden = append(hidden, p)
	}
	return hidden
}

func (c *curlReader) fields() []Field {
	var all []Field
	for _, f := range c.urlFields {
		all = append(all, Field{f.Name, c.draft.hide(f.Name, f.Value)})
	}
	return all
}

func (c *curlReader) query(step *Step, data string) {
	if c.file != "" {
		c.draft.note("--get", "the file %s is not read: left out", Visible(c.file))
	}
	step.Path = withQuery(step.Path, strings.Split(data, "&"))
	for _, f := range c.urlFields {
		step.Path = addQuery(step.Path, f.Name, outside(f.Value, url.QueryEscape))
	}
}

// withQuery adds parts to the query of a path.
func withQuery(path string, parts []string) string {
	for _, part := range parts {
		separator := "?"
		if len(splitOutside(path, '?', 2)) > 1 {
			separator = "&"
		}
		if part != "" {
			path = cleanPath(path + separator + part)
		}
	}
	return path
}

// isForm reports data that curl sends as a form and that is one.
func (c *curlReader) isForm(data string) bool {
	if c.isJSON || c.hasContentType() {
		return false
	}
	if data == "" {
		return len(c.urlFields) > 0
	}
	return isFormText(data)
}

// isFormText reports a text of fields, at least one of which has a value.
func isFormText(text string) bool {
	if !strings.Contains(text, "=") || strings.ContainsAny(text[:1], `{["<`) {
		return false
	}
	for part := range strings.SplitSeq(text, "&") {
		name, _, _ := strings.Cut(values.ReplaceAllString(part, "x"), "=")
		if part != "" && (name == "" || strings.ContainsAny(name, "{\"< \n")) {
			return false
		}
	}
	return true
}

func (c *curlReader) hasContentType() bool {
	return slices.ContainsFunc(c.headers, func(h string) bool {
		name, value, _ := strings.Cut(strings.ToLower(h), ":")
		return strings.TrimSpace(name) == "content-type" && !strings.Contains(value, "x-www-form-urlencoded")
	})
}

func (c *curlReader) formOf(data string) []Field {
	var all []Field
	for part := range strings.SplitSeq(data, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name, value = outside(name, decoded), outside(value, decoded)
		all = append(all, Field{name, c.draft.hide(name, value)})
	}
	return all
}

// decoded is what a text of a form stands for, as a text of the SLO file.
func decoded(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return plain(decoded)
	}
	return s
}

func (c *curlReader) bodyFile(step *Step) {
	step.Body.File = c.file
}

// contentType leaves out the header that follows from the kind of body, and
// adds the one that curl sends for data of any kind.
func (c *curlReader) contentType(step *Step) {
	const form = "application/x-www-form-urlencoded"
	isGiven := step.has("content-type")
	switch {
	case c.isJSON:
		if !step.has("accept") {
			step.Headers = append(step.Headers, Field{"accept", "application/json"})
		}
		if step.Body.JSON == nil && !isGiven {
			step.Headers = append(step.Headers, Field{"content-type", "application/json"})
		}
	case len(step.Body.Multipart) > 0:
		step.drop("content-type")
	case c.uploaded != "":
	case len(step.Body.Form) == 0 && !isGiven && !c.hasContentType():
		step.Headers = append(step.Headers, Field{"content-type", form})
	}
	step.dropOwnType()
}
