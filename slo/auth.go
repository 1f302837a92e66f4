package slo

import (
	"net/textproto"
	"net/url"
	"slices"
	"strings"
)

// Signature is what signs a request when it has been written.
type Signature struct {
	SigV4 *SigV4 // the one or
	HMAC  *HMAC  // the other
}

// SigV4 signs for a service of AWS, or one that speaks like it.
type SigV4 struct {
	Region, Service                    string
	AccessKey, SecretKey, SessionToken string // the token may be empty
}

// HMAC signs parts of a request with a key that both sides know.
type HMAC struct {
	Header    string // canonical
	Prefix    string // before the signature
	Key       string
	Algorithm string // sha1, sha256, sha384 or sha512
	Encoding  string // hex or base64
	Over      []SignedPart
}

// SignedPart is a part of the request that is signed: the method, the path with
// its query, the host, the body or a header. Parts are parted by line feeds.
type SignedPart struct {
	Kind   string // method, path, host, body or header
	Header string // canonical, where it is one
}

// TokenSource is where a bearer token comes from: the client credentials grant
// of OAuth 2.0 (RFC 6749, section 4.4).
type TokenSource struct {
	URL          string
	ClientID     string
	ClientSecret string
	Scopes       []string
	Params       [][2]string // further parameters, such as audience
	Pos          Pos
}

// auth is how requests show who sends them. The zero value sends nothing.
type auth struct {
	header    *Header
	signature *Signature
}

const (
	noAuth      = "none"
	authExample = "for example auth: {basic: {user: anna, password: '${secret.PASSWORD}'}}, or auth: none"
)

// auth reads an auth block; without one it gives the default.
func (p *parser) auth(n *node, byDefault auth) auth {
	if n == nil {
		return byDefault
	}
	if n.kind == scalarNode {
		if text, ok := p.fixed(n, "auth"); ok && text != noAuth {
			p.failNode(n, CodeAuth, quote(text)+" is not an auth"+didYouMean(text, []string{noAuth}), authExample)
		}
		return auth{}
	}
	o := objectOf[authDoc](p, n, "auth")
	kinds := keysOf[authDoc]()
	for i, kind := range kinds {
		o.exclude(p, kind, kinds[i+1:], "a request is authorized in one way")
	}
	switch o.anyOf(kinds...) {
	case "basic":
		return p.basic(o.get("basic"))
	case "bearer":
		return p.bearer(o.get("bearer"))
	case "oauth2":
		return p.oauth2(o.get("oauth2"))
	case "sigv4":
		return auth{signature: &Signature{SigV4: p.sigV4(o.get("sigv4"))}}
	case "hmac":
		return auth{signature: &Signature{HMAC: p.hmac(o.get("hmac"))}}
	}
	if n.kind == mapNode && len(n.entries) == 0 {
		p.failNode(n, CodeAuth, "auth is empty", authExample)
	}
	return auth{}
}

// authorize lets a request show who sends it. A header of the request itself
// wins, and one whose captures are not made yet is left out.
func (p *parser) authorize(r *Request, a auth, own []Header) {
	r.Signature = a.signature
	if a.header == nil || hasHeader(own, a.header.Name) || !p.isMade(a.header.Value) {
		return
	}
	r.Headers = override(r.Headers, []Header{*a.header})
}

func authorization(parts ...Part) auth {
	var b builder
	for _, part := range parts {
		b.part(part)
	}
	return auth{header: &Header{Name: "Authorization", Value: b.template()}}
}

// basic reads a user and a password. What is sent of them is as secret as the
// password.
func (p *parser) basic(n *node) auth {
	o := objectOf[basicDoc](p, n, "basic")
	user := p.credential(o.need(p, "user", authExample), "the user")
	password := p.credential(o.need(p, "password", authExample), "the password")
	if name, static := user.Static(); static && strings.Contains(name, ":") {
		p.failNode(o.get("user"), CodeAuth, "the user holds a colon", "a colon ends the user (RFC 7617)")
		return auth{}
	}
	both := slices.Concat(user, Template{{Literal: ":"}}, password)
	if text, static := both.Static(); static {
		name, secret, _ := strings.Cut(text, ":")
		credentials := basicCredentials(name, secret)
		p.keepSecret(credentials)
		return authorization(Part{Literal: "Basic " + credentials})
	}
	return authorization(Part{Literal: "Basic "}, Part{Value: Base64, Of: both})
}

// credential reads a text of one line that may hold a secret, or change.
func (p *parser) credential(n *node, what string) Template {
	text, ok := p.raw(n, what)
	if !ok {
		return nil
	}
	t, _ := p.template(n, text, plainText)
	return t
}

// bearer reads a token as it is sent.
func (p *parser) bearer(n *node) auth {
	value := p.headerValue(n)
	return authorization(slices.Concat(Template{{Literal: "Bearer "}}, value)...)
}

// secretText reads a text that is the same in the whole run and may be a secret.
func (p *parser) secretText(n *node, what string) string {
	text, ok := p.raw(n, what)
	if !ok {
		return ""
	}
	slot := fixed(what)
	slot.secret = true
	t, _ := p.template(n, text, slot)
	s, _ := t.Static()
	return s
}

const oauth2Example = "for example oauth2: {token_url: https://login.example.com/token, client_id: load, client_secret: '${secret.CLIENT_SECRET}', scopes: [orders]}"

// oauth2 reads where tokens come from. The limits on hosts hold for it.
func (p *parser) oauth2(n *node) auth {
	o := objectOf[oauth2Doc](p, n, "oauth2")
	s := TokenSource{
		URL:          p.tokenURL(o.need(p, "token_url", oauth2Example)),
		ClientID:     p.secretText(o.need(p, "client_id", oauth2Example), "the client_id"),
		ClientSecret: p.secretText(o.need(p, "client_secret", oauth2Example), "the client_secret"),
		Pos:          n.pos,
	}
	for _, item := range p.list(o.get("scopes"), "scopes", maxHeaders) {
		if scope, ok := p.sentText(item, "a scope"); ok {
			s.Scopes = append(s.Scopes, scope)
		}
	}
	s.Params = p.tokenParams(o.get("params"))
	p.keepSecret(basicCredentials(url.QueryEscape(s.ClientID), url.QueryEscape(s.ClientSecret)))
	p.file.Tokens = append(p.file.Tokens, s)
	return authorization(Part{Literal: "Bearer "}, Part{Value: Token, Number: len(p.file.Tokens) - 1})
}

func (p *parser) tokenURL(n *node) string {
	text := p.secretText(n, "the token_url")
	if n == nil || text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !isHost(u.Hostname()) || u.User != nil || u.Fragment != "" {
		p.failTarget(n, text, &fault{code: CodeAuth, msg: "the token_url is not a URL", hint: oauth2Example})
		return ""
	}
	p.leadsTo(n, "the token_url", text)
	return text
}

func (p *parser) tokenParams(n *node) [][2]string {
	if n == nil {
		return nil
	}
	if n.kind != mapNode {
		p.failNode(n, CodeKind, "params must be a map, this is "+n.describe(), "for example params: {audience: https://api.example.com}")
		return nil
	}
	var all [][2]string
	for _, e := range n.entries {
		all = append(all, [2]string{e.key, p.secretText(e.value, "a parameter")})
	}
	return all
}

const sigV4Example = "for example sigv4: {region: eu-central-1, service: execute-api, access_key: '${secret.AWS_ACCESS_KEY_ID}', secret_key: '${secret.AWS_SECRET_ACCESS_KEY}'}"

func (p *parser) sigV4(n *node) *SigV4 {
	o := objectOf[sigV4Doc](p, n, "sigv4")
	text := func(key string) string { return p.secretText(o.need(p, key, sigV4Example), "the "+key) }
	s := &SigV4{Region: text("region"), Service: text("service"), AccessKey: text("access_key"), SecretKey: text("secret_key")}
	s.SessionToken = p.secretText(o.get("session_token"), "the session_token")
	for _, value := range []string{s.Region, s.Service, s.AccessKey, s.SessionToken} {
		if strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			p.failNode(n, CodeAuth, "region, service, access_key and session_token are printable ASCII", sigV4Example)
			break
		}
	}
	return s
}

const hmacExample = "for example hmac: {header: x-signature, key: '${secret.KEY}', over: [method, path, header x-date, body]}"

func (p *parser) hmac(n *node) *HMAC {
	o := objectOf[hmacDoc](p, n, "hmac")
	h := &HMAC{
		Key:       p.secretText(o.need(p, "key", hmacExample), "the key"),
		Prefix:    p.secretText(o.get("prefix"), "the prefix"),
		Algorithm: choice(p, o.get("algorithm"), "algorithm", "sha256", "sha512", "sha384", "sha1"),
		Encoding:  choice(p, o.get("encoding"), "encoding", "hex", "base64"),
	}
	name, ok := p.sentText(o.need(p, "header", hmacExample), "the header")
	if h.Header = textproto.CanonicalMIMEHeaderKey(name); ok && (!isToken(name) || slices.Contains(engineHeaders, h.Header)) {
		p.failNode(o.get("header"), CodeHeader, quote(name)+" cannot carry a signature", "a name has letters, digits and hyphens, such as x-signature")
	}
	if strings.ContainsFunc(h.Prefix, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
		p.failNode(o.get("prefix"), CodeAuth, "the prefix is printable ASCII", "")
	}
	for _, item := range p.list(o.need(p, "over", hmacExample), "over", maxHeaders) {
		if part, ok := scalarOf(p, item, "what is signed", parseSigned); ok {
			h.Over = append(h.Over, part)
		}
	}
	return h
}

func parseSigned(s string) (SignedPart, error) {
	kind, name, _ := strings.Cut(strings.TrimSpace(s), " ")
	name = strings.TrimSpace(name)
	switch {
	case slices.Contains([]string{"method", "path", "host", "body"}, kind) && name == "":
		return SignedPart{Kind: kind}, nil
	case kind == "header" && isToken(name):
		return SignedPart{Kind: kind, Header: textproto.CanonicalMIMEHeaderKey(name)}, nil
	}
	return SignedPart{}, &fault{code: CodeAuth, msg: quote(s) + " is no part of a request that can be signed", hint: "the parts are method, path (with the query), host, body and header NAME"}
}
