package action

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// LogWriter is a writer for ordinary output in a step's log: whatever is
// written, no line of it is a workflow command, moves a cursor or hides text.
// It passes on whole lines, each in one write; [LogWriter.Close] passes on the
// rest. It may be used by several goroutines.
type LogWriter struct {
	mu   sync.Mutex
	to   io.Writer
	line []byte // what came since the last end of a line
}

// LogWriter returns a writer of harmless lines to w.
func (a *Action) LogWriter(w io.Writer) *LogWriter { return &LogWriter{to: w} }

// longestLine is where a line is broken. A longer one is no text that anybody
// reads, and the rest of it begins a line of its own that is looked at again.
const longestLine = 64 << 10

// Write takes text. The runner ends a line at a carriage return too.
func (l *LogWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	written := len(p)
	for len(p) > 0 {
		part := p[:min(len(p), longestLine-len(l.line))]
		end := bytes.IndexAny(part, "\r\n")
		if end >= 0 {
			part = part[:end]
		}
		l.line = append(l.line, part...)
		p = p[len(part):]
		switch {
		case end >= 0 && len(p) > 1 && p[0] == '\r' && p[1] == '\n':
			p = p[2:]
		case end >= 0:
			p = p[1:]
		case len(l.line) < longestLine:
			return written, nil
		}
		if err := l.pass(); err != nil {
			return 0, err
		}
	}
	return written, nil
}

// Close passes on a last line without an end. It does not close what it
// writes to.
func (l *LogWriter) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.line) == 0 {
		return nil
	}
	return l.pass()
}

func (l *LogWriter) pass() error {
	text := harmless(string(l.line)) + "\n"
	l.line = l.line[:0]
	_, err := io.WriteString(l.to, text)
	return err
}

// harmless returns a line that no runner takes for a command. It knows two
// forms: "::name::" after leading blanks, and "##[name]" anywhere. The runner
// compares by the rules of a culture, for which invisible characters are not
// there; so they are left out before the line is looked at.
func harmless(line string) string {
	line = strings.Map(keepPrintable, strings.ToValidUTF8(line, "\uFFFD"))
	bare := strings.Map(dropMarks, line)
	if strings.HasPrefix(strings.TrimSpace(bare), "::") {
		line = strings.Replace(bare, "::", ": :", 1)
		bare = line
	}
	if strings.Contains(bare, "##[") {
		line = strings.ReplaceAll(bare, "##[", "## [")
	}
	return line
}

// keepPrintable drops control and format characters: escape codes, zero-width
// and bidirectional marks. A tab stays.
func keepPrintable(r rune) rune {
	if r == '\t' || !unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
		return r
	}
	return -1
}

// dropMarks drops what combines with the character before it.
func dropMarks(r rune) rune {
	if unicode.Is(unicode.M, r) {
		return -1
	}
	return r
}

// cut shortens a text to at most n bytes, at a character's end, and says so
// with "…".
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	n -= len("…")
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "…"
}
