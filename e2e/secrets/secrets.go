// Package secrets looks for secrets in what a program has written: in come
// their values and any text or file, out comes where one of them can be read.
//
// It knows no list of spellings. What it is given is decoded in every way that
// a reader could try, again and again: escapes of URLs, HTML, XML, JSON and Go,
// runs of base64 and of hexadecimal digits wherever they begin, gzip, zlib and
// the members of zip files. A value that stands in any of what comes out is a
// leak, and so is most of a value, as a cut text leaves it.
//
// It is for tests and knows nothing of slogate.
package secrets

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	maxDepth = 4       // decodings one within the other
	maxView  = 8 << 20 // bytes of what a compressed text may unfold to
	// shortest is the length below which a value may stand in a text by chance.
	shortest = 8
)

// Scanner looks for some secrets.
type Scanner struct {
	needles  []needle
	shortest int // bytes of the shortest needle
}

// needle is a text that must not be found.
type needle struct {
	texts [][]byte // as it is, and as it is when what looks like an escape in it was taken out
	name  string   // without the secret
}

func newNeedle(text, name string) needle {
	n := needle{name: name}
	v := view{text: []byte(text)}
	for _, v := range append([]view{v}, form(v)...) {
		for next := []view{v}; next != nil; next = escapes(next[0]) {
			n.texts = append(n.texts, next[0].text)
		}
	}
	return n
}

// in gives the place of a needle in a text, and how long it is there; a negative
// one where it is not.
func (n needle) in(text []byte) (at, long int) {
	for _, t := range n.texts {
		if at := bytes.Index(text, t); at >= 0 && len(t) >= shortest {
			return at, len(t)
		}
	}
	return -1, 0
}

// Leak is a place where a secret can be read.
type Leak struct {
	Where  string // the file or text, with the members of archives in it
	Secret string // which one: "secret 1", "the beginning of secret 1"
	How    string // the decodings, outermost first; empty: it stands there as it is
	Around string // the text around it, quoted
}

// String says where a leak is, without saying more of the secret than is there.
func (l Leak) String() string {
	how := l.How
	if how == "" {
		how = "as it is"
	}
	return fmt.Sprintf("%s: %s (%s): %s", l.Where, l.Secret, how, l.Around)
}

// New returns a scanner. It panics for a value that is too short to be told
// from chance: a test that looks for one finds nothing or everything.
func New(values ...string) *Scanner {
	s := &Scanner{shortest: shortest}
	for i, value := range values {
		if len(value) < shortest {
			panic(fmt.Sprintf("secrets: value %d has fewer than %d bytes", i+1, shortest))
		}
		name := fmt.Sprintf("secret %d", i+1)
		s.needles = append(s.needles, newNeedle(value, name))
		if part := len(value) * 2 / 3; part >= shortest {
			s.needles = append(s.needles,
				newNeedle(value[:part], "the beginning of "+name),
				newNeedle(value[len(value)-part:], "the end of "+name))
		}
	}
	return s
}

// Files looks through files, and through all that folders hold.
func (s *Scanner) Files(paths ...string) ([]Leak, error) {
	var all []Leak
	for _, path := range paths {
		err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			content, err := os.ReadFile(name)
			all = append(all, s.Scan(name, content)...)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("look for secrets: %w", err)
		}
	}
	return all, nil
}

// Text looks through a text.
func (s *Scanner) Text(where, text string) []Leak { return s.Scan(where, []byte(text)) }

// Scan looks through a content.
func (s *Scanner) Scan(where string, content []byte) []Leak {
	w := &walk{scanner: s, seen: map[[sha256.Size]byte]bool{}, found: map[string]bool{}}
	w.look(view{where: where, text: content})
	return w.leaks
}

// view is a text as one way of reading gives it.
type view struct {
	where string
	how   []string
	text  []byte
}

// by is the view that a decoding makes of another.
func (v view) by(how string, text []byte) view {
	return view{v.where, append(v.how[:len(v.how):len(v.how)], how), text}
}

// walk is one content's way through the decodings.
type walk struct {
	scanner *Scanner
	seen    map[[sha256.Size]byte]bool // views that were looked at
	found   map[string]bool            // needles that were found in a place
	leaks   []Leak
}

func (w *walk) look(v view) {
	sum := sha256.Sum256(v.text)
	if len(v.text) < w.scanner.shortest || len(v.how) > maxDepth || w.seen[sum] {
		return
	}
	w.seen[sum] = true
	w.search(v)
	for _, decode := range decoders {
		for _, next := range decode(v) {
			w.look(next)
		}
	}
}

// search notes each needle once in a place: the first way to it is the
// shortest.
func (w *walk) search(v view) {
	for _, n := range w.scanner.needles {
		at, long := n.in(v.text)
		key := v.where + "\x00" + n.name
		if at < 0 || w.found[key] {
			continue
		}
		w.found[key] = true
		around := v.text[max(at-40, 0):min(at+long+40, len(v.text))]
		w.leaks = append(w.leaks, Leak{v.where, n.name, strings.Join(v.how, ", "), fmt.Sprintf("%q", around)})
	}
}
