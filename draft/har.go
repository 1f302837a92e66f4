package draft

import (
	"cmp"
	"fmt"
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slogate/slogate/slo"
)

// recording is what is read of a HAR file (version 1.2).
type recording struct {
	Log *struct {
		Pages []struct {
			ID    string `json:"id"`
			Title string `json:"title"`
		} `json:"pages"`
		Entries []recorded `json:"entries"`
	} `json:"log"`
}

type recorded struct {
	Page    string          `json:"pageref"`
	Started string          `json:"startedDateTime"`
	Time    float64         `json:"time"` // in milliseconds
	Kind    string          `json:"_resourceType"`
	Request recordedRequest `json:"request"`
	Answer  recordedAnswer  `json:"response"`

	url *url.URL
}

type recordedRequest struct {
	Method  string       `json:"method"`
	URL     string       `json:"url"`
	Headers []namedValue `json:"headers"`
	Body    *struct {
		Type   string       `json:"mimeType"`
		Text   string       `json:"text"`
		Params []namedValue `json:"params"`
	} `json:"postData"`
}

type recordedAnswer struct {
	Status  int          `json:"status"`
	Headers []namedValue `json:"headers"`
	Cookies []namedValue `json:"cookies"`
	Content struct {
		Type     string `json:"mimeType"`
		Text     string `json:"text"`
		Encoding string `json:"encoding"`
	} `json:"content"`
}

func (a recordedAnswer) isCompressed() bool {
	return slices.ContainsFunc(a.Headers, func(f namedValue) bool {
		return strings.EqualFold(f.Name, "content-encoding") && !strings.EqualFold(f.Value, "identity")
	})
}

type namedValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	File  string `json:"fileName"`
	Type  string `json:"contentType"`
}

// Bounds of the pauses between requests. What follows within a quarter of a
// second is the page's own doing; a user who went for a coffee is no load.
const (
	leastPause = 250 * time.Millisecond
	mostPause  = 5 * time.Second
)

// HAR drafts one scenario from a recorded session: the requests to one host,
// in their order, with the user's pauses. The target's host chooses the
// requests where the session has some; otherwise it is where they are sent.
func HAR(name string, src []byte, target string) (*Draft, error) {
	var r recording
	if err := decodeJSON(name, src, &r); err != nil {
		return nil, err
	}
	if r.Log == nil || len(r.Log.Entries) == 0 {
		return nil, failure(name, src, 1, 1, slo.CodeDocument, "not a recorded session: it has no log.entries", "a browser's developer tools save one as HAR")
	}
	h := &harReader{draft: &Draft{From: name}, pages: map[string]string{}}
	for _, p := range r.Log.Pages {
		h.pages[p.ID] = p.Title
	}
	entries := h.usable(r.Log.Entries)
	h.host = h.mainHost(entries, target)
	h.read(entries)
	h.draft.Target = cmp.Or(target, h.host)
	return h.finish(name, src)
}

type harReader struct {
	draft    *Draft
	host     string // scheme and host of the requests that are kept
	pages    map[string]string
	scenario Scenario
	set      []string // the names of the cookies that answers set
	left     []string // the names of cookies from before the recording
	found    finder

	assets, others int
	hosts          []string
	lastEnd        time.Time
	lastPage       string
}

// usable leaves out what is no HTTP request.
func (h *harReader) usable(all []recorded) []recorded {
	var entries []recorded
	for _, e := range all {
		u, err := url.Parse(e.Request.URL)
		switch {
		case err != nil || u.Host == "":
			h.draft.note("", "a request is left out: its URL is not one")
		case u.Scheme == "ws" || u.Scheme == "wss":
			h.draft.note(origin(u)+u.Path, "left out: WebSocket")
		case u.Scheme != "http" && u.Scheme != "https" || e.Request.Method == "CONNECT":
			h.draft.note(u.Scheme+"://"+u.Host+u.Path, "left out: not a plain HTTP request")
		case !slo.IsTarget(origin(u)):
			h.draft.note(u.Scheme+"://"+u.Host+u.Path, "left out: the host cannot be a target")
		default:
			e.url = u
			entries = append(entries, e)
		}
	}
	return entries
}

func origin(u *url.URL) string { return strings.ToLower(u.Scheme) + "://" + strings.ToLower(u.Host) }

// mainHost is the target's where the session has it, else the one that most
// requests go to, files for browsers left out.
func (h *harReader) mainHost(entries []recorded, target string) string {
	count := map[string]int{}
	most := ""
	for _, e := range entries {
		o := origin(e.url)
		if o == strings.ToLower(target) {
			return o
		}
		if most == "" {
			most = o
		}
		if e.isAsset() {
			continue
		}
		if count[o]++; count[o] > count[most] {
			most = o
		}
	}
	return most
}

// isAsset reports a file for browsers, which a cache or a CDN answers.
func (e recorded) isAsset() bool {
	switch e.Kind {
	case "image", "stylesheet", "script", "font", "media", "texttrack", "manifest", "ping", "preflight", "prefetch":
		return true
	}
	kind, _, _ := mime.ParseMediaType(e.Answer.Content.Type)
	for _, prefix := range []string{"image/", "font/", "video/", "audio/", "text/css", "text/javascript", "application/javascript", "application/x-javascript", "application/font"} {
		if strings.HasPrefix(kind, prefix) {
			return true
		}
	}
	return isStatic(e.url.Path)
}

func (h *harReader) read(entries []recorded) {
	h.scenario.Name = "session"
	for _, e := range entries {
		switch {
		case origin(e.url) != h.host:
			h.others++
			if o := origin(e.url); !slices.Contains(h.hosts, o) {
				h.hosts = append(h.hosts, o)
			}
		case e.isAsset():
			h.assets++
		default:
			h.entry(e)
		}
	}
}

func (h *harReader) entry(e recorded) {
	step := Step{Method: strings.ToUpper(e.Request.Method), Path: pathText(e.url), Pause: h.pause(e)}
	where := Visible(step.Method + " " + e.url.Path)
	if title, known := h.pages[e.Page]; known && e.Page != h.lastPage {
		h.lastPage = e.Page
		step.Comments = append(step.Comments, "page: "+cmp.Or(title, e.Page))
	}
	h.headers(&step, e, where)
	if !h.body(&step, e, where) {
		return
	}
	h.found.use(&h.scenario, &step)
	step.Path = h.draft.hideQuery(step.Path)
	h.status(&step, e, where)
	h.draft.HTTP.Compression = h.draft.HTTP.Compression || e.Answer.isCompressed()
	if h.draft.add(&h.scenario, step) {
		h.found.answer(len(h.scenario.Steps)-1, &e)
		h.cookiesOf(e)
	}
}

// pause is the time between the end of the request before and this one.
func (h *harReader) pause(e recorded) time.Duration {
	started, err := time.Parse(time.RFC3339Nano, e.Started)
	if err != nil {
		return 0
	}
	last := h.lastEnd
	took := time.Duration(min(max(e.Time, 0), 3.6e6) * float64(time.Millisecond))
	if end := started.Add(took); end.After(h.lastEnd) {
		h.lastEnd = end
	}
	wait := started.Sub(last).Round(10 * time.Millisecond)
	if last.IsZero() || wait < leastPause || len(h.scenario.Steps) == 0 {
		return 0
	}
	return min(wait, mostPause)
}

// browserHeaders say what a browser is and how it came here.
var browserHeaders = []string{"user-agent", "referer", "origin", "dnt", "pragma", "cache-control", "priority", "upgrade-insecure-requests", "if-none-match", "if-modified-since", "accept-language", "x-client-data"}

func (h *harReader) headers(step *Step, e recorded, where string) {
	for _, f := range e.Request.Headers {
		lower := strings.ToLower(f.Name)
		switch {
		case slices.Contains(browserHeaders, lower), strings.HasPrefix(lower, "sec-"):
		case lower == "cookie":
			h.cookies(step, f.Value)
		case lower == "accept" && strings.Contains(f.Value, "text/html"):
			h.draft.header(step, where, lower, "text/html")
		case lower == "accept" && f.Value == "*/*":
		case h.found.knows(bearer(f.Value)):
			scheme, token, _ := strings.Cut(f.Value, " ")
			if token == "" {
				scheme, token = "", f.Value
			}
			h.draft.header(step, where, lower, strings.TrimSpace(scheme+" "+h.found.reference(&h.scenario, token, true)))
		default:
			h.draft.header(step, where, lower, plain(f.Value))
		}
	}
}

// bearer is the credential in the value of a header.
func bearer(value string) string {
	if _, token, found := strings.Cut(value, " "); found {
		return token
	}
	return value
}

// cookies keeps the cookies that answers of the session have set by keeping a
// session, and makes the others one secret.
func (h *harReader) cookies(step *Step, value string) {
	var outside []string
	for part := range strings.SplitSeq(value, ";") {
		name, _, _ := strings.Cut(strings.TrimSpace(part), "=")
		if slices.Contains(h.set, name) {
			h.scenario.Cookies = true
		} else {
			outside = append(outside, name)
		}
	}
	for _, name := range outside {
		if !slices.Contains(h.left, name) {
			h.left = append(h.left, name)
		}
	}
	if len(outside) > 0 && !h.scenario.Cookies {
		step.cookie(value) // made a secret at the end
	}
}

// cookiesOf notes the cookies that an answer sets.
func (h *harReader) cookiesOf(e recorded) {
	for _, c := range e.Answer.Cookies {
		h.set = append(h.set, c.Name)
	}
	for _, f := range e.Answer.Headers {
		if !strings.EqualFold(f.Name, "set-cookie") {
			continue
		}
		for line := range strings.SplitSeq(f.Value, "\n") {
			name, _, _ := strings.Cut(line, "=")
			h.set = append(h.set, strings.TrimSpace(name))
		}
	}
}

// body reports whether the step can be sent.
func (h *harReader) body(step *Step, e recorded, where string) bool {
	b := e.Request.Body
	if b == nil || b.Text == "" && len(b.Params) == 0 {
		return true
	}
	kind, _, _ := mime.ParseMediaType(b.Type)
	switch {
	case kind == "multipart/form-data":
		if !h.multipart(step, e, where) {
			return false
		}
	case kind == "application/x-www-form-urlencoded" && (b.Text == "" || isFormText(plain(b.Text))):
		h.form(step, b.Text, b.Params)
	case len(b.Text) > maxBody:
		h.draft.note(where, "left out: its body has %d bytes, at most %d are written into the file", len(b.Text), maxBody)
		return false
	case !utf8.ValidString(b.Text):
		h.draft.note(where, "left out: its body is not text")
		return false
	default:
		step.Body = bodyOf(b.Text, h.write)
		if b.Type != "" && !step.has("content-type") {
			h.draft.header(step, where, "content-type", plain(b.Type))
		}
	}
	step.dropOwnType()
	return true
}

// multipart reads a form with files, of which a recording holds the names. It
// reports whether there is one.
func (h *harReader) multipart(step *Step, e recorded, where string) bool {
	b := e.Request.Body
	_, settings, _ := mime.ParseMediaType(b.Type)
	all := b.Params
	if len(all) == 0 {
		var err error
		if all, err = recordedForm(b.Text, settings["boundary"]); err != nil {
			h.draft.note(where, "left out: its form cannot be read: %s", Visible(err.Error()))
			return false
		}
	}
	if len(all) == 0 {
		h.draft.note(where, "left out: the recording does not hold its form")
		return false
	}
	for _, f := range all {
		switch {
		case f.Name == "":
		case f.File == "" && len(f.Value) > maxBody:
			h.draft.note(where, "left out: a field of its form has more than the %d bytes that are written into the file", maxBody)
			return false
		case f.File != "":
			step.Body.Multipart = append(step.Body.Multipart, Part{Name: f.Name, File: plain(f.File), Type: mediaType(f.Type)})
		default:
			step.Body.Multipart = append(step.Body.Multipart, Part{Name: f.Name, Value: h.write(f.Name, f.Value)})
		}
	}
	step.drop("content-type")
	return true
}

// form reads the fields of a form.
func (h *harReader) form(step *Step, text string, params []namedValue) {
	for part := range strings.SplitSeq(text, "&") {
		if name, value, ok := formField(part); ok {
			step.Body.Form = append(step.Body.Form, Field{plain(name), h.write(name, value)})
		}
	}
	if text != "" {
		return
	}
	for _, p := range params {
		name, value, _ := formField(p.Name + "=" + p.Value)
		step.Body.Form = append(step.Body.Form, Field{plain(name), h.write(name, value)})
	}
}

// formField reads NAME=VALUE of a form.
func formField(part string) (name, value string, ok bool) {
	name, value, _ = strings.Cut(part, "=")
	n, errName := url.QueryUnescape(name)
	v, errValue := url.QueryUnescape(value)
	if errName != nil || errValue != nil {
		return name, value, name != ""
	}
	return n, v, n != ""
}

// write writes a value under a name as a text of the SLO file: a credential as
// a secret, unless an earlier answer has brought it.
func (h *harReader) write(name, value string) string {
	if h.found.knows(value) {
		return plain(value)
	}
	return h.draft.hide(name, plain(value))
}

// bodyOf writes a body as JSON where it is some, so that it can be read, else
// as text.
func bodyOf(body string, write func(name, value string) string) Body {
	trimmed := strings.TrimSpace(body)
	if strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
		if n := jsonOf(trimmed, write); n != nil {
			return Body{JSON: n}
		}
	}
	return Body{Text: write("", body)}
}

func (h *harReader) status(step *Step, e recorded, where string) {
	switch status := e.Answer.Status; {
	case status >= 400 && status <= 599:
		step.Accept = []string{strconv.Itoa(status)}
		step.Comments = append(step.Comments, fmt.Sprintf("the recorded answer was %d", status))
	case status >= 200 && status <= 299:
		step.Accept = []string{strconv.Itoa(status)}
	case status >= 300 && status <= 399 && status != 304:
		step.Comments = append(step.Comments, "redirects are not followed: what followed stands below")
	case status == 0:
		h.draft.note(where, "the recording has no answer")
	}
}

// finish puts the scenario into the draft.
func (h *harReader) finish(name string, src []byte) (*Draft, error) {
	d := h.draft
	if len(h.scenario.Steps) == 0 {
		return nil, failure(name, src, 1, 1, slo.CodeDocument, "no request of the session can be loaded", "files for browsers, WebSockets and other hosts are left out")
	}
	h.cookieSecrets()
	if h.assets > 0 {
		d.note("", "left out: %s for images, scripts, styles and the like", plural(h.assets, "request"))
	}
	if h.others > 0 {
		d.note("", "left out: %s to other hosts (%s)", plural(h.others, "request"), firstOf(h.hosts, 10))
	}
	d.note("", "headers that a browser adds (user-agent, referer, accept-language, sec-… and the like) are left out")
	d.keep(h.scenario)
	return d, nil
}

// cookieSecrets makes secrets of cookies from before the recording. Where
// answers set others, a session is kept, which a header would replace.
func (h *harReader) cookieSecrets() {
	for i := range h.scenario.Steps {
		step := &h.scenario.Steps[i]
		at := slices.IndexFunc(step.Headers, func(f Field) bool { return f.Name == "cookie" })
		switch {
		case at < 0:
		case h.scenario.Cookies:
			step.Headers = slices.Delete(step.Headers, at, at+1)
		default:
			step.Headers[at].Value = h.draft.secret("COOKIE", "", "the header cookie: "+strings.Join(h.left, ", "))
		}
	}
	if h.scenario.Cookies && len(h.left) > 0 {
		h.draft.note("", "cookies from before the recording are left out: %s", strings.Join(h.left, ", "))
	}
}
