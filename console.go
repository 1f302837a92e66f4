package main

import (
	"crypto/rand"
	"encoding/binary"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/slogate/slogate/report"
)

// terminal returns the width of the terminal behind w, and whether there is
// one.
func terminal(w io.Writer) (width int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	return width, err == nil
}

// color reports whether w is a terminal whose user did not refuse colours
// (https://no-color.org).
func (p *program) color(w io.Writer) bool {
	_, ok := terminal(w)
	return ok && p.getenv("NO_COLOR") == "" && p.getenv("TERM") != "dumb"
}

// progress returns the live display on standard error: redrawn on a terminal,
// plain lines elsewhere.
func (p *program) progress() *report.Progress {
	_, isTerminal := terminal(p.stderr)
	return report.NewProgress(p.stderr, report.ProgressOptions{
		Live:  isTerminal && p.getenv("TERM") != "dumb",
		Width: func() int { width, _ := terminal(p.stderr); return width },
		Color: p.color(p.stderr),
	})
}

// randomSeed comes from the system, so that two runs differ unless --seed says
// otherwise.
func randomSeed() uint64 {
	var b [8]byte
	rand.Read(b[:])
	// 53 bits survive every JSON reader.
	return binary.LittleEndian.Uint64(b[:]) >> 11
}
