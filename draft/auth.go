package draft

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/slogate/slogate/slo"
)

// Auth is how a request shows who sends it. The zero value adds nothing.
type Auth struct {
	Kind     string  // basic, oauth2 or sigv4; empty: none
	Settings []Field // of the kind, with secrets in the place of credentials
	Scopes   []string
}

func (a Auth) isNone() bool { return a.Kind == "" }

func (a Auth) equals(b Auth) bool {
	return a.Kind == b.Kind && slices.Equal(a.Settings, b.Settings) && slices.Equal(a.Scopes, b.Scopes)
}

func (a Auth) node() *yaml.Node {
	settings := fields(a.Settings)
	if len(a.Scopes) > 0 {
		scopes := list()
		for _, s := range a.Scopes {
			scopes.Content = append(scopes.Content, text(s))
		}
		with(settings, "scopes", scopes)
	}
	return mapping(entry(a.Kind, settings))
}

// credential gives the reference to a credential that is a text of the SLO
// file. A value that a source takes from elsewhere stays one.
func (d *Draft) credential(base, value, meaning string) string {
	if isReference(value) {
		return d.hideVariable(base, value)
	}
	return d.secret(base, value, meaning)
}

// userLike is a name that is shown. Whatever has digits may be a key.
var userLike = regexp.MustCompile(`^[A-Za-z][A-Za-z._@-]{0,40}$`)

// user gives a name for the file. One without a password is a key.
func (d *Draft) user(name, base string, alone bool) string {
	if isReference(name) || !alone && userLike.MatchString(name) {
		return name
	}
	return d.secret(base, name, "the user")
}

// basicAuth sends a user and a password, which are texts of the SLO file.
// HasPassword says that the source names one, be it an empty one.
func (d *Draft) basicAuth(name, password string, hasPassword bool) Auth {
	alone := hasPassword && password == ""
	name = d.user(name, "BASIC_USER", alone)
	if !alone {
		password = d.credential("BASIC_PASSWORD", password, "the password")
	}
	return Auth{Kind: "basic", Settings: []Field{{"user", name}, {"password", password}}}
}

// signingName is a region or a service of AWS.
var signingName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

// sigV4Auth signs for AWS. Region and service are texts of the SLO file. It
// reports whether they can be.
func (d *Draft) sigV4Auth(region, service, accessKey, secretKey, token string) (Auth, bool) {
	for _, name := range []string{region, service} {
		if !isReference(name) && !signingName.MatchString(name) {
			return Auth{}, false
		}
	}
	a := Auth{Kind: "sigv4", Settings: []Field{
		{"region", region},
		{"service", service},
		{"access_key", d.credential("AWS_ACCESS_KEY_ID", accessKey, "the access key of AWS")},
		{"secret_key", d.credential("AWS_SECRET_ACCESS_KEY", secretKey, "the secret key of AWS")},
	}}
	if token != "" {
		a.Settings = append(a.Settings, Field{"session_token", d.credential("AWS_SESSION_TOKEN", token, "the session token of AWS")})
	}
	return a, true
}

// oauth2Auth gets tokens by the client credentials grant. It reports whether
// the URL is one that an SLO file may name.
func (d *Draft) oauth2Auth(tokenURL, clientID, clientSecret string, scopes []string) (Auth, bool) {
	u, err := url.Parse(tokenURL)
	if err != nil || !isPlainURL(u, tokenURL) {
		return Auth{}, false
	}
	// Two servers share no credential.
	at := func(base, value, what string) string {
		if !isReference(value) {
			value = u.Host + " " + value
		}
		return d.credential(base, value, what+" at "+u.Host)
	}
	if clientID == "" || strings.HasSuffix(clientID, ":-}") {
		clientID = at("CLIENT_ID", clientID, "the client_id")
	}
	a := Auth{Kind: "oauth2", Scopes: scopes, Settings: []Field{
		{"token_url", tokenURL},
		{"client_id", clientID},
		{"client_secret", at("CLIENT_SECRET", clientSecret, "the client_secret")},
	}}
	return a, true
}

// isPlainURL reports a URL of http without values, user, query and fragment.
func isPlainURL(u *url.URL, whole string) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && slo.IsTarget(origin(u)) && u.User == nil && u.RawQuery == "" && u.Fragment == "" && !strings.ContainsAny(whole, "${} ")
}
