package loader

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mailbox is a service that keeps what it is sent.
type mailbox struct {
	mu  sync.Mutex
	got []string
}

func (m *mailbox) put(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.got = append(m.got, fmt.Sprintf(format, args...))
}

func (m *mailbox) all() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.got
}

func (m *mailbox) query(w http.ResponseWriter, r *http.Request) {
	m.put("%s %s", r.URL.Path, r.URL.Query().Encode())
}

func (m *mailbox) multipart(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseMultipartForm(1 << 20); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, name := range []string{"title", "tag"} {
		m.put("%s=%q", name, r.MultipartForm.Value[name])
	}
	for _, f := range r.MultipartForm.File["image"] {
		file, err := f.Open()
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		text, _ := io.ReadAll(file)
		file.Close()
		m.put("%s %s %q", f.Filename, f.Header.Get("Content-Type"), text)
	}
}

func (m *mailbox) gzip(w http.ResponseWriter, r *http.Request) {
	z, err := gzip.NewReader(r.Body)
	if err != nil || r.Header.Get("Content-Encoding") != "gzip" {
		http.Error(w, "not gzip", http.StatusUnsupportedMediaType)
		return
	}
	text, err := io.ReadAll(z)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	m.put("%s %s", r.Header.Get("Content-Type"), text)
}

func TestBodies(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		box := &mailbox{}
		mux := http.NewServeMux()
		mux.HandleFunc("GET /query/", box.query)
		mux.HandleFunc("POST /multipart", box.multipart)
		mux.HandleFunc("POST /gzip", box.gzip)
		l := newLoader(t, parse(t, serve(t, mux.ServeHTTP), `
  - name: bodies
    steps:
      - {request: "GET /query/plain", query: {a: 1, b: "x y&z=ü", list: [1, "${iteration}"]}}
      - {request: "GET /query/more?z=1", query: {a: "${random.of(b c&d)}"}}
      - request: POST /multipart
        multipart: {title: "n ${iteration}", tag: [new, 'a "b"'], image: [{file: testdata/once.txt, type: image/png, name: 'a"b.png'}, {file: testdata/shop/customers.csv}]}
      - {request: POST /gzip, json: {a: b}, gzip: on}
      - {request: POST /gzip, body: "n ${iteration} ${random.of(x)}", gzip: on}`), Options{Engine: engine})
		s := l.Run(t.Context(), counted(5, 1))
		coherent(t, s)
		if s.Counters.Success != 5 {
			t.Fatalf("%+v %+v", s.Counters, s.Failures)
		}
		once, customers := readTestdata(t, "once.txt"), readTestdata(t, "shop", "customers.csv")
		want := []string{
			"/query/plain a=1&b=x+y%26z%3D%C3%BC&list=1&list=0",
			"/query/more a=b+c%26d&z=1",
			`title=["n 0"]`, `tag=["new" "a \"b\""]`,
			fmt.Sprintf("a%%22b.png image/png %q", once), fmt.Sprintf(`customers.csv application/octet-stream %q`, customers),
			`application/json {"a":"b"}`, "text/plain; charset=utf-8 n 0 x",
		}
		if diff := cmp.Diff(want, box.all()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func readTestdata(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{"testdata"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A compressed body that is always the same is compressed once.
func TestConstantBodiesAreCompressedOnce(t *testing.T) {
	target := "http://localhost"
	for text, want := range map[string]bool{"constant": true, "n ${iteration}": false} {
		l := newLoader(t, parse(t, target, "  - {request: POST /, body: '"+text+"', gzip: on}"), Options{})
		if m := l.plan.all[0].message; (m.whole != nil) != want || m.gzip == want {
			t.Errorf("%q: written before the stage: %v, compressed for each request: %v", text, m.whole != nil, m.gzip)
		}
	}
}

// What --once prints of a compressed body is the body, without its secrets.
func TestOncePrintsCompressedBodies(t *testing.T) {
	box := &mailbox{}
	file := parse(t, serve(t, box.gzip), "  - {request: POST /, body: 'hello p4ss', gzip: on}")
	file.Secrets = []string{"p4ss"}
	l := newLoader(t, file, Options{})
	var out strings.Builder
	if err := l.Once(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, "> hello ***\n") || strings.Contains(text, "p4ss") {
		t.Errorf("Once prints\n%s", text)
	}
	if diff := cmp.Diff([]string{"text/plain; charset=utf-8 hello p4ss"}, box.all()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// render gives the same bytes with a buffer of any size.
func TestCompressKeepsWhatComesBefore(t *testing.T) {
	for _, size := range []int{0, 1, 100, 10_000} {
		head, text := "head", strings.Repeat("text", size)
		out := compress([]byte(head+text), len(head))
		if got, err := decompress(out[len(head):], len(text)); string(out[:len(head)]) != head || err != nil || string(got) != text {
			t.Errorf("size %d: head %q, text of %d bytes, %v", size, out[:len(head)], len(got), err)
		}
	}
}
