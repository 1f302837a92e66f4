package loader

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// header is the Cookie header that a jar sends to a path.
func (j *jar) header(path string, now time.Time) string {
	line := string(j.append(nil, []byte(path), func() time.Time { return now }))
	return strings.TrimSuffix(strings.TrimPrefix(line, "Cookie: "), "\r\n")
}

func TestCookies(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const host = "shop.example.com"
	for name, c := range map[string]struct {
		origin string // https://shop.example.com by default
		lines  []string
		path   string // of the request that they are sent with, /a/b by default
		want   string
	}{
		"none":               {},
		"plain":              {lines: []string{"a=1", "b=2"}, want: "a=1; b=2"},
		"replaced":           {lines: []string{"a=1", "b=2", "a=3"}, want: "a=3; b=2"},
		"deleted by age":     {lines: []string{"a=1", "b=2", "a=; Max-Age=0"}, want: "b=2"},
		"deleted by date":    {lines: []string{"a=1", "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"}},
		"age before date":    {lines: []string{"a=1; Max-Age=9; Expires=Thu, 01 Jan 1970 00:00:00 GMT"}, want: "a=1"},
		"below":              {lines: []string{"a=1; Path=/a"}, want: "a=1"},
		"below a slash":      {lines: []string{"a=1; Path=/a/"}, want: "a=1"},
		"not below":          {lines: []string{"a=1; Path=/a/bc", "b=2; Path=/x"}},
		"begins alike":       {lines: []string{"a=1; Path=/a"}, path: "/ab"},
		"longer paths first": {lines: []string{"a=1; Path=/", "b=2; Path=/a/b", "c=3; Path=/a"}, want: "b=2; c=3; a=1"},
		"same name":          {lines: []string{"a=1; Path=/", "a=2; Path=/a"}, want: "a=2; a=1"},
		"default path":       {lines: []string{"a=1"}, path: "/a/c", want: "a=1"},
		"beside the default": {lines: []string{"a=1"}, path: "/c"},
		"query":              {lines: []string{"a=1; Path=/a"}, path: "/a?b=/c", want: "a=1"},
		"own domain":         {lines: []string{"a=1; Domain=shop.example.com", "b=2; Domain=.Example.com"}, want: "a=1; b=2"},
		"other domains":      {lines: []string{"a=1; Domain=other.com", "b=2; Domain=com", "c=3; Domain=ample.com", "d=4; Domain=x.shop.example.com"}},
		"domain of an IP":    {origin: "http://127.0.0.1", lines: []string{"a=1; Domain=0.0.1", "b=2; Domain=127.0.0.1"}, want: "b=2"},
		"secure":             {lines: []string{"a=1; Secure"}, want: "a=1"},
		"secure in clear":    {origin: "http://shop.example.com", lines: []string{"a=1; Secure"}},
		"secure on loopback": {origin: "http://localhost:8000", lines: []string{"a=1; Secure"}, want: "a=1"},
		"quoted":             {lines: []string{`a="1 2"`}, want: `a="1 2"`},
		"for ever":           {lines: []string{"a=1; Max-Age=9300000000", "b=2; Max-Age=99999999999999999999"}, want: "a=1; b=2"},
		"JSON":               {lines: []string{`a={"b":1, "c":"d,e"}; Path=/`}, want: `a={"b":1, "c":"d,e"}`},
		"as it came":         {lines: []string{"a b = x y ; Path=/a", "c=\u00fc\\", `d="`}, want: "a b=x y; c=\u00fc\\; d=\""},
		"broken":             {lines: []string{"", ";", "a", "a; Path=/", "=1", "c=\x00", "c=\x7f", "c=a\r", "d=1"}, want: "d=1"},
		"too large":          {lines: []string{"a=" + strings.Repeat("x", maxCookieBytes)}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.origin == "" {
				c.origin = "https://" + host
			}
			if c.path == "" {
				c.path = "/a/b"
			}
			u, err := url.Parse(c.origin)
			if err != nil {
				t.Fatal(err)
			}
			var j jar
			j.set(originOf(u.Scheme, u.Hostname()), c.lines, []byte("/a/b?c=/d/e"), now)
			if got := j.header(c.path, now); got != c.want {
				t.Errorf("sent %q, want %q", got, c.want)
			}
		})
	}
}

func TestCookiesExpireAndAreBounded(t *testing.T) {
	now := time.Now()
	var j jar
	o := originOf("https", "x.example.com")
	j.set(o, []string{"a=1; Max-Age=10; Path=/"}, []byte("/"), now)
	if j.header("/", now.Add(9*time.Second)) == "" || j.header("/", now.Add(10*time.Second)) != "" {
		t.Error("a cookie of 10 s does not live for 10 s")
	}
	for i := range 10 * maxCookies {
		j.set(o, []string{fmt.Sprintf("c%d=1; Path=/", i)}, []byte("/"), now)
	}
	if len(j.list) != maxCookies {
		t.Errorf("%d cookies are kept", len(j.list))
	}
}

// A jar sends what the standard library's would, whatever was set before.
func TestCookiesAreThoseOfTheStandardJar(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	paths := []string{"/", "/a", "/a/", "/a/b", "/ab", "/a/b/c?x=1"}
	for range 300 {
		u, _ := url.Parse(pick("http://shop.example.com", "https://shop.example.com"))
		standard, _ := cookiejar.New(nil)
		var j jar
		var all []string
		// A host-only cookie and one for its domain are two in the standard jar.
		domain := pick("", "; Domain=example.com", "; Domain=shop.example.com")
		for range 1 + random.IntN(8) {
			line := pick("a", "b", "c") + "=" + pick("1", "2", "x y", "") +
				pick("", "; Path=/", "; Path=/a", "; Path=/a/b", "; Path=x") +
				pick(domain, domain, domain, "; Domain=other.com") +
				pick("", "", "; Secure") + pick("", "", "; Max-Age=100", "; Max-Age=0", "; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
			if u.Scheme == "http" && strings.Contains(line, "Secure") {
				continue // the standard jar keeps what it will never send
			}
			at := pick(paths...)
			all = append(all, at+": "+line)
			j.set(originOf(u.Scheme, u.Hostname()), []string{line}, []byte(at), time.Now())
			if c := parseCookie(line); c != nil {
				standard.SetCookies(u.ResolveReference(&url.URL{Path: strings.TrimSuffix(at, "?x=1")}), []*http.Cookie{c})
			}
		}
		for _, path := range paths {
			var want []string
			for _, c := range standard.Cookies(u.ResolveReference(&url.URL{Path: strings.TrimSuffix(path, "?x=1")})) {
				want = append(want, c.Name+"="+c.Value)
			}
			var got []string
			if h := j.header(path, time.Now()); h != "" {
				got = strings.Split(h, "; ")
			}
			// The order of equally long paths is that of the clock in the standard jar.
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s after %q (-standard +jar):\n%s", path, all, diff)
			}
		}
	}
}
