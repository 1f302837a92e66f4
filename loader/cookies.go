package loader

import (
	"bytes"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/slogate/slogate/slo"
)

// Limits of a user's cookies: what RFC 6265, section 6.1, asks of a browser, and
// how long browsers keep one that is set for longer.
const (
	maxCookies     = 50
	maxCookieBytes = 4096
	maxCookieAge   = 400 * 24 * 60 * 60 // seconds
)

// origin is what cookies must fit. A run has one target, so a jar needs to
// know no other.
type origin struct {
	host   string // in lower case, without the port
	secure bool   // https, or loopback, which browsers trust as much
}

func originOf(scheme, host string) origin {
	host = strings.ToLower(host)
	addr, err := netip.ParseAddr(host)
	loopback := host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && addr.IsLoopback()
	return origin{host: host, secure: scheme == "https" || loopback}
}

// covers reports whether a cookie with a Domain attribute is meant for the
// origin (RFC 6265, section 5.1.3). A domain of one label would be a whole
// top-level domain.
func (o origin) covers(domain string) bool {
	domain = strings.ToLower(strings.TrimPrefix(domain, "."))
	if domain == "" || domain == o.host {
		return true
	}
	_, err := netip.ParseAddr(o.host)
	return err != nil && strings.Contains(domain, ".") && strings.HasSuffix(o.host, "."+domain)
}

// jar holds the cookies of one user.
type jar struct {
	list []cookie // those with a longer path first, then those that were set first
}

type cookie struct {
	name, path string
	text       string    // name=value
	expires    time.Time // zero: with the session
}

// set takes in the lines of Set-Cookie of an answer to a request of a path.
func (j *jar) set(o origin, lines []string, path []byte, now time.Time) {
	for _, line := range lines {
		if c := parseCookie(line); c != nil {
			j.keep(o, c, path, now)
		}
	}
}

// parseCookie returns nil for a line that sets no cookie. Of the standard library
// are the attributes alone.
func parseCookie(line string) *http.Cookie {
	name, value, attributes, ok := slo.CutCookie(line)
	c, err := http.ParseSetCookie("any=;" + attributes)
	if !ok || err != nil {
		return nil
	}
	c.Name, c.Value = name, value
	return c
}

func (j *jar) keep(o origin, c *http.Cookie, path []byte, now time.Time) {
	if !o.covers(c.Domain) || c.Secure && !o.secure || len(c.Name)+len(c.Value) > maxCookieBytes {
		return
	}
	kept := cookie{name: c.Name, path: c.Path, text: c.Name + "=" + c.Value}
	if !strings.HasPrefix(kept.path, "/") {
		kept.path = defaultPath(path)
	}
	switch {
	case c.MaxAge < 0:
		kept.expires = now
	case c.MaxAge > 0:
		kept.expires = now.Add(time.Duration(min(c.MaxAge, maxCookieAge)) * time.Second)
	case !c.Expires.IsZero():
		kept.expires = c.Expires
	}
	at := slices.IndexFunc(j.list, func(other cookie) bool { return other.name == kept.name && other.path == kept.path })
	switch over := kept.isOver(now); {
	case over && at >= 0:
		j.list = slices.Delete(j.list, at, at+1)
	case over:
	case at >= 0:
		j.list[at] = kept
	default:
		j.add(kept)
	}
}

// add keeps the order in which cookies are sent (RFC 6265, section 5.4).
func (j *jar) add(c cookie) {
	if len(j.list) >= maxCookies {
		j.list = slices.Delete(j.list, 0, 1)
	}
	at := slices.IndexFunc(j.list, func(other cookie) bool { return len(other.path) < len(c.path) })
	if at < 0 {
		at = len(j.list)
	}
	j.list = slices.Insert(j.list, at, c)
}

func (c cookie) isOver(now time.Time) bool { return !c.expires.IsZero() && !c.expires.After(now) }

// defaultPath is the path of a cookie that names none (RFC 6265, section
// 5.1.4).
func defaultPath(path []byte) string {
	path, _, _ = bytes.Cut(path, []byte{'?'})
	if at := bytes.LastIndexByte(path, '/'); at > 0 {
		return string(path[:at])
	}
	return "/"
}

// append appends the header that a request of a path carries, if any.
func (j *jar) append(dst, path []byte, now func() time.Time) []byte {
	if len(j.list) == 0 {
		return dst
	}
	path, _, _ = bytes.Cut(path, []byte{'?'})
	at, separator := now(), "Cookie: "
	for _, c := range j.list {
		if c.isOver(at) || !c.fits(path) {
			continue
		}
		dst = append(dst, separator...)
		dst = append(dst, c.text...)
		separator = "; "
	}
	if separator == "; " {
		dst = append(dst, "\r\n"...)
	}
	return dst
}

// fits reports whether a cookie is sent to a path (RFC 6265, section 5.1.4).
func (c cookie) fits(path []byte) bool {
	rest, below := bytes.CutPrefix(path, []byte(c.path))
	return below && (len(rest) == 0 || rest[0] == '/' || c.path[len(c.path)-1] == '/')
}
