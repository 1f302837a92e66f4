package loader

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/slo"
)

func TestBasicAndBearer(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		box := &mailbox{}
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			user, password, isBasic := r.BasicAuth()
			box.put("%s %s %v %s", r.URL.Path, user, isBasic, password)
			if !isBasic {
				box.put("%s", r.Header.Get("Authorization"))
			}
		})
		file := with(t, url, "{auth: {basic: {user: anna, password: '${secret.KEY}'}}}", `
  - name: all
    auth: {bearer: 'of the scenario'}
    steps:
      - {request: GET /1}
      - {request: GET /2, auth: {basic: {user: 'load-${iteration}', password: 'p:${secret.KEY}'}}}
      - {request: GET /3, auth: none}
      - {request: GET /4, headers: {authorization: own}}
  - {request: GET /5}`)
		l := newLoader(t, file, Options{Engine: engine})
		for i := range l.plan.scenarios {
			u := newUser(0, 1, nil)
			u.beginWith(&l.plan.scenarios[i])
			for _, e := range l.plan.scenarios[i].steps {
				if why := l.answers(t.Context(), u, e.step); why != "" {
					t.Error(why)
				}
			}
		}
		want := []string{
			"/1  false ", "Bearer of the scenario",
			"/2 load-0 true p:s3cret/value",
			"/3  false ", "",
			"/4  false ", "own",
			"/5 anna true s3cret/value",
		}
		if diff := cmp.Diff(want, box.all()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// issuer issues tokens that a service beside it takes.
type issuer struct {
	issued, refused atomic.Int64
	life            int // seconds
	broken          atomic.Bool

	mu    sync.Mutex
	forms []string
	seen  map[string]int // tokens at the service
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/token" {
		i.serve(w, r)
		return
	}
	id, secret, _ := r.BasicAuth()
	if secret != "s3cret%2Fvalue" || i.broken.Load() {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error": "invalid_client", "error_description": "%s"}`, r.FormValue("client_secret"))
		return
	}
	r.ParseForm()
	i.mu.Lock()
	i.forms = append(i.forms, id+" "+r.PostForm.Encode())
	i.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"access_token": "token-%d-of-the-issuer", "token_type": "bearer", "expires_in": %d}`, i.issued.Add(1), i.life)
}

func (i *issuer) serve(w http.ResponseWriter, r *http.Request) {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	i.mu.Lock()
	i.seen[token]++
	i.mu.Unlock()
	if !strings.HasPrefix(token, "token-") {
		i.refused.Add(1)
		w.WriteHeader(http.StatusUnauthorized)
	}
	fmt.Fprintf(w, "you sent %s", token)
}

// tokens is how many different ones came.
func (i *issuer) tokens() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.seen)
}

func oauth2File(t testing.TB, url, more string) *slo.File {
	return with(t, url, "{auth: {oauth2: {token_url: '"+url+"/token', client_id: load, client_secret: '${secret.KEY}', scopes: [a, b], params: {audience: x y}}}}", "  - {name: predict, request: GET /, checks: [body contains 'you'"+more+"]}")
}

func TestOAuth2(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		i := &issuer{life: 1, seen: map[string]int{}}
		l := newLoader(t, oauth2File(t, serve(t, i.ServeHTTP), ""), Options{Engine: engine})
		if err := l.Before(t.Context()); err != nil {
			t.Fatal(err)
		}
		for begun := time.Now(); i.tokens() < 2 && time.Since(begun) < time.Minute; {
			s := l.Run(t.Context(), rated(50, 400*ms))
			coherent(t, s)
			delivered(t, s, 20)
			if t.Failed() || i.refused.Load() > 0 {
				t.Fatalf("%d requests without a token", i.refused.Load())
			}
		}
		if i.tokens() < 2 {
			t.Error("the token was not renewed")
		}
		i.mu.Lock() // a renewal may be under way
		if want := "load audience=x+y&grant_type=client_credentials&scope=a+b"; i.forms[0] != want {
			t.Errorf("asked with %q, want %q", i.forms[0], want)
		}
		i.mu.Unlock()
		if warnings := l.After(t.Context()); len(warnings) > 0 {
			t.Errorf("warnings %q", warnings)
		}
	})
}

// A token is fetched through a proxy that is spoken to over TLS, as is what it is
// for.
func TestOAuth2ThroughProxyOverTLS(t *testing.T) {
	p := &proxy{}
	way, authority := proxyOverTLS(t, p)
	i := &issuer{life: 600, seen: map[string]int{}}
	secure := httptest.NewTLSServer(i)
	t.Cleanup(secure.Close)
	authorities := append(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})...)
	for url, n := range map[string]*atomic.Int64{serve(t, i.ServeHTTP): &p.passed, secure.URL: &p.tunnels} {
		file := oauth2File(t, url, "")
		file.HTTP.Proxy, file.HTTP.TLS.CA = with(t, url, "{proxy: '"+way+"'}", "  - {request: GET /}").HTTP.Proxy, authorities
		l := newLoader(t, file, Options{})
		if err := l.Before(t.Context()); err != nil {
			t.Fatalf("%s: %v", url, err)
		}
		if n.Load() != 1 {
			t.Errorf("%s: the token came %d times through the proxy", url, n.Load())
		}
		s := l.Run(t.Context(), counted(3, 1))
		coherent(t, s)
		if s.Counters.Success != 3 || i.refused.Load() > 0 {
			t.Errorf("%s: %+v %+v", url, s.Counters, s.Failures)
		}
		// What the file says of the service's certificate is not said of the proxy's.
		file.HTTP.TLS.CA, file.HTTP.TLS.SkipVerify = nil, true
		if err := newLoader(t, file, Options{}).Before(t.Context()); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: a proxy that nobody vouches for: %v", url, err)
		}
	}
}

// A token that cannot be had is told with the step that needs it, before
// anything is loaded and without what was sent.
func TestOAuth2Refused(t *testing.T) {
	i := &issuer{seen: map[string]int{}}
	i.broken.Store(true)
	url := serve(t, i.ServeHTTP)
	l := newLoader(t, oauth2File(t, url, ""), Options{})
	err := l.Before(t.Context())
	refused, ok := errors.AsType[*TokenError](err)
	if !ok || refused.Step != "GET /" || !strings.Contains(refused.Detail, "token_url answered 401 Unauthorized: invalid_client: ***") {
		t.Errorf("error is %v", err)
	}
	if err := l.Once(t.Context(), io.Discard); err == nil {
		t.Error("Once goes on without a token")
	}
}

// A renewal that fails is a warning, and is tried again.
func TestOAuth2RenewalFails(t *testing.T) {
	i := &issuer{life: 1, seen: map[string]int{}}
	l := newLoader(t, oauth2File(t, serve(t, i.ServeHTTP), ""), Options{})
	if err := l.Before(t.Context()); err != nil {
		t.Fatal(err)
	}
	i.broken.Store(true)
	warned := func() bool {
		l.plan.setup.mu.Lock()
		defer l.plan.setup.mu.Unlock()
		return len(l.plan.setup.warnings) > 0
	}
	for begun := time.Now(); !warned() && time.Since(begun) < time.Minute; {
		if delivered(t, l.Run(t.Context(), rated(20, 400*ms)), 8); t.Failed() {
			return
		}
	}
	if w := l.After(t.Context()); len(w) == 0 || !strings.Contains(w[0], "renew the token of step GET /: token_url answered 401") {
		t.Errorf("warnings %q", w)
	}
}

// Tokens and signatures are in nothing that is written.
func TestDerivedSecretsAreMasked(t *testing.T) {
	i := &issuer{life: 3600, seen: map[string]int{}}
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/signed" {
			fmt.Fprintf(w, "you signed %s", r.Header.Get("X-Signature"))
			return
		}
		i.ServeHTTP(w, r)
	})
	file := oauth2File(t, url, ", status == 404")
	signed := with(t, url, "{}", "  - {name: signed, request: GET /signed, checks: [status == 404], auth: {hmac: {header: x-signature, key: k, over: [method]}}}")
	file.Scenarios = append(file.Scenarios, signed.Scenarios...)
	l := newLoader(t, file, Options{})
	if err := l.Before(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := l.Run(t.Context(), counted(10, 1))
	if len(s.Failures) == 0 {
		t.Fatalf("%+v", s.Counters)
	}
	mac := hmac.New(sha256.New, []byte("k"))
	io.WriteString(mac, "GET")
	var out strings.Builder
	if err := l.Once(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	for _, f := range s.Failures {
		out.WriteString(f.Body + "\n")
	}
	for _, secret := range []string{"token-1-of", hex.EncodeToString(mac.Sum(nil))} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%s is in\n%s", secret, out.String())
		}
	}
	for _, want := range []string{"> Authorization: Bearer ***\n", "> X-Signature: ***\n", "you sent ***\n", "you signed ***\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}

func TestHMAC(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			mac := hmac.New(sha1.New, []byte("s3cret/value"))
			fmt.Fprintf(mac, "%s\n%s\n%s\n%s\n%s", r.Method, r.RequestURI, r.Host, r.Header.Get("X-Date"), body)
			if want := "v1=" + base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.Header.Get("X-Signature") != want {
				http.Error(w, "want "+want, http.StatusForbidden)
			}
		})
		sign := "auth: {hmac: {header: x-signature, key: '${secret.KEY}', algorithm: sha1, encoding: base64, prefix: v1=, over: [method, path, host, header x-date, body]}}"
		for _, request := range []string{
			"request: GET /plain",
			"request: 'POST /b?n=${iteration}', headers: {x-date: '${now}'}, body: 'n ${iteration}'",
			"request: PUT /zip, headers: {x-date: today}, json: {a: b}, gzip: on",
		} {
			l := newLoader(t, parse(t, url, "  - {"+request+", "+sign+"}"), Options{Engine: engine})
			s := l.Run(t.Context(), counted(3, 1))
			coherent(t, s)
			if s.Counters.Success != 3 {
				t.Errorf("%s: %+v %+v", request, s.Counters, s.Failures)
			}
		}
	})
}

// What follows a redirect is signed anew within the service, and not at all for
// another one.
func TestRedirectsAreSignedAnew(t *testing.T) {
	var signed, strange atomic.Int64
	stranger := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Signature")+r.Header.Get("Authorization")+r.Header.Get("X-Amz-Date") != "" {
			t.Errorf("another service got %v", r.Header)
		}
		strange.Add(1)
	})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, []byte("s3cret/value"))
		fmt.Fprintf(mac, "%s\n%s\n%s\n%s\n%s", r.Method, r.RequestURI, r.Host, r.Header.Get("Cookie"), body)
		sum := sha256.Sum256(body)
		right := []string{"sha256=" + hex.EncodeToString(mac.Sum(nil))}
		if r.Header.Get("X-Amz-Date") != "" {
			right = []string{hex.EncodeToString(sum[:])}
		}
		if got := append(r.Header.Values("X-Signature"), r.Header.Values("X-Amz-Content-Sha256")...); !slices.Equal(got, right) {
			http.Error(w, "want "+right[0], http.StatusForbidden)
			return
		}
		signed.Add(1)
		switch r.URL.Path {
		case "/keep":
			http.SetCookie(w, &http.Cookie{Name: "seat", Value: "7"})
			http.Redirect(w, r, "/see?n=1", http.StatusPermanentRedirect)
		case "/see":
			http.Redirect(w, r, "/end", http.StatusSeeOther)
		case "/away":
			http.Redirect(w, r, stranger, http.StatusFound)
		}
	})
	for _, auth := range []string{
		"hmac: {header: x-signature, key: '${secret.KEY}', prefix: sha256=, over: [method, path, host, header cookie, body]}",
		"sigv4: {region: r, service: s3, access_key: a, secret_key: '${secret.KEY}', session_token: session}",
	} {
		signed.Store(0)
		strange.Store(0)
		file := with(t, url, "{redirects: 3}", "  - {session: worker, steps: [{request: POST /keep, body: hello, auth: {"+auth+"}}, {request: GET /away, auth: {"+auth+"}}]}")
		s := newLoader(t, file, Options{}).Run(t.Context(), counted(2, 1))
		coherent(t, s)
		if s.Counters.Success != 2 || signed.Load() != 4 || strange.Load() != 1 {
			t.Errorf("%s: %+v, %d signed requests and one for another service %d times: %+v", auth, s.Counters, signed.Load(), strange.Load(), s.Failures)
		}
	}
}

// The examples of "Authenticating Requests (AWS Signature Version 4)" in the
// API reference of Amazon S3.
func TestSigV4KnownAnswers(t *testing.T) {
	for path, want := range map[string]string{
		"/?lifecycle":           "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
		"/?max-keys=2&prefix=J": "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
	} {
		file := parse(t, "http://examplebucket.s3.amazonaws.com", "  - {request: 'GET "+path+"', auth: {sigv4: {region: us-east-1, service: s3, access_key: AKIAIOSFODNN7EXAMPLE, secret_key: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY}}}")
		l := newLoader(t, file, Options{})
		u := newUser(0, 1, nil)
		u.now = func() time.Time { return time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC) }
		message, err := l.plan.all[0].message.render(nil, u)
		if err != nil {
			t.Fatal(err)
		}
		line := "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=" + want + "\r\n"
		if !strings.Contains(string(message), line) || !strings.Contains(string(message), "X-Amz-Date: 20130524T000000Z\r\n") {
			t.Errorf("%s: want %s in\n%s", path, line, message)
		}
		if u.signature != want {
			t.Errorf("the signature to mask is %q", u.signature)
		}
	}
}

// What is signed anew for each request is sent, with its session.
func TestSigV4IsSent(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			sum := sha256.Sum256(body)
			switch {
			case r.Header.Get("X-Amz-Content-Sha256") != hex.EncodeToString(sum[:]),
				r.Header.Get("X-Amz-Security-Token") != "session",
				!strings.Contains(r.Header.Get("Authorization"), "SignedHeaders=content-length;content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token"):
				http.Error(w, fmt.Sprint(r.Header), http.StatusForbidden)
			}
		})
		l := newLoader(t, parse(t, url, "  - {request: POST /a%20b, json: {n: '${iteration}'}, auth: {sigv4: {region: r, service: execute-api, access_key: a, secret_key: '${secret.KEY}', session_token: session}}}"), Options{Engine: engine})
		s := l.Run(t.Context(), counted(3, 1))
		coherent(t, s)
		if s.Counters.Success != 3 {
			t.Errorf("%+v %+v", s.Counters, s.Failures)
		}
	})
}
