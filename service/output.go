package service

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/slogate/slogate/secret"
)

const (
	// maxOutput is how much of a command's output is kept: a service that logs
	// each of a million requests must not fill the disk.
	maxOutput = 16 << 20
	// lastBytes, lastLines and lineWidth bound what an error repeats of it.
	lastBytes = 8 << 10
	lastLines = 10
	lineWidth = 160
)

// output keeps what a command prints in a file, masked and bounded, and the end
// of it in memory. It always reads on, so that no command ever waits for it.
type output struct {
	path string
	file *os.File
	left int // bytes that the file may still get
	mask mask

	mu  sync.Mutex // last may be asked while a process that left its group still prints
	end []byte     // the last bytes
}

// newOutput appends to a file, so that a service that is started again goes on
// where it was.
func newOutput(path string, secrets []string) (*output, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &output{path: path, file: f, left: maxOutput - int(min(info.Size(), maxOutput)), mask: newMask(secrets)}, nil
}

// copy reads to the end.
func (o *output) copy(r io.Reader) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := r.Read(buffer)
		o.keep(o.mask.next(buffer[:n]))
		if err != nil {
			o.keep(o.mask.rest())
			return
		}
	}
}

// keep writes what has been masked. A full disk ends the file, not the service.
func (o *output) keep(text []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.end = append(o.end, text...)
	if extra := len(o.end) - lastBytes; extra > 0 {
		o.end = slices.Delete(o.end, 0, extra)
	}
	if o.left <= 0 || len(text) == 0 {
		return
	}
	_, err := o.file.Write(text[:min(len(text), o.left)])
	if o.left -= len(text); err != nil {
		o.left = 0
	}
	if o.left <= 0 {
		fmt.Fprintf(o.file, "\nslogate: the output goes on, %d MiB of it are kept\n", maxOutput>>20)
	}
}

func (o *output) close() { o.file.Close() }

// last gives the last lines, safe to print.
func (o *output) last() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var lines []string
	for line := range bytes.Lines(o.end) {
		if text := plain(string(line)); text != "" {
			lines = append(lines, text)
		}
	}
	return lines[max(len(lines)-lastLines, 0):]
}

// escapes are what terminals take for colours and moves.
var escapes = regexp.MustCompile(`\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|.)`)

// plain makes a line of output safe to print: one line of bounded length that
// neither a terminal nor a CI's runner obeys.
func plain(line string) string {
	line = escapes.ReplaceAllString(strings.ToValidUTF8(line, "\uFFFD"), "")
	line = strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r == '\r' || r == '\n':
			return -1
		case !unicode.IsPrint(r):
			return '\uFFFD'
		}
		return r
	}, line)
	return shortened(strings.TrimRight(strings.ReplaceAll(line, "##[", "##("), " "))
}

// shortened cuts a text to the width of a line.
func shortened(s string) string {
	if runes := []rune(s); len(runes) > lineWidth {
		return string(runes[:lineWidth-1]) + "…"
	}
	return s
}

// mask replaces secrets in a stream, whose reads may cut one in two:
// [secret.Mask] needs the whole text.
type mask struct {
	spellings [][]byte // of the secrets, the longest first: it must win
	held      []byte   // what may be the beginning of one
}

func newMask(secrets []string) mask {
	var m mask
	for _, s := range secret.Spellings(secrets) {
		m.spellings = append(m.spellings, []byte(s))
	}
	return m
}

// next takes what was read and gives what can be said of it for sure.
func (m *mask) next(text []byte) []byte {
	if len(m.spellings) == 0 {
		return text
	}
	m.held = append(m.held, text...)
	return m.release(len(m.held) - len(m.spellings[0]) + 1)
}

// rest gives what is held when nothing follows.
func (m *mask) rest() []byte { return m.release(len(m.held)) }

// release gives what begins before until.
func (m *mask) release(until int) []byte {
	var out []byte
	at := 0
	for at < until {
		from, length := m.find(m.held[at:])
		if from < 0 || at+from >= until {
			out = append(out, m.held[at:until]...)
			at = until
			break
		}
		out = append(append(out, m.held[at:at+from]...), secret.Masked...)
		at += from + length
	}
	m.held = slices.Delete(m.held, 0, max(at, 0))
	return out
}

// find gives the place of the first secret, −1 where there is none.
func (m *mask) find(text []byte) (from, length int) {
	from = -1
	for _, s := range m.spellings {
		if i := bytes.Index(text, s); i >= 0 && (from < 0 || i < from) {
			from, length = i, len(s)
		}
	}
	return from, length
}
