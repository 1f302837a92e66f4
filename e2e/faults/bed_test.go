//go:build linux

package faults

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
)

// patience is how long a row waits for what must happen: it ends a hanging
// test and asserts nothing.
const patience = 2 * time.Minute

func TestMain(m *testing.M) {
	if role := os.Getenv("FAULTS_ROLE"); role != "" {
		playRole(role) // one of the processes that the rows start
		return
	}
	// Who starts the tests may ignore it, as nohup does, and what they start would
	// too.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		flag.Set("test.parallel", "6") // most rows wait
	}
	os.Exit(inScratch(m.Run))
}

// scratch is the folder of what all rows share.
var scratch string

func inScratch(run func() int) int {
	var err error
	if scratch, err = os.MkdirTemp("", "faults"); err != nil {
		panic(err)
	}
	defer os.RemoveAll(scratch)
	return run()
}

// bed is the world of one row: a workspace and the program.
type bed struct {
	binary string
	dir    string   // the workspace
	via    []string // what starts slogate, such as ip netns exec NAME
}

// path is that of a file in the workspace.
func (b *bed) path(name string) string { return filepath.Join(b.dir, name) }

// write makes a file in the workspace.
func (b *bed) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(b.path(name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// call is one call of slogate.
type call struct {
	via    []string // what starts it, such as ip netns exec NAME
	args   []string
	env    []string // besides this process's
	stdout *os.File // nil: kept for ending
	stderr *os.File // nil: kept for ending
	out    string   // folder of its files; empty: out
}

// process is a started slogate.
type process struct {
	cmd     *exec.Cmd
	out     string // folder of its files
	printed *printed
	ended   chan struct{}
}

// start starts slogate in the workspace.
func (b *bed) start(t *testing.T, c call) *process {
	t.Helper()
	if c.out == "" {
		c.out = "out"
	}
	args := append(append(slices.Clone(c.via), b.binary), c.args...)
	p := &process{cmd: exec.Command(args[0], args[1:]...), out: filepath.Join(b.dir, c.out), printed: newPrinted(), ended: make(chan struct{})}
	p.cmd.Dir = b.dir
	p.cmd.Env = append(os.Environ(), c.env...)
	p.cmd.Stdout, p.cmd.Stderr = p.printed, p.printed
	if c.stdout != nil {
		p.cmd.Stdout = c.stdout
	}
	if c.stderr != nil {
		p.cmd.Stderr = c.stderr
	}
	p.cmd.WaitDelay = patience
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait()
		p.printed.close()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.ended
	})
	return p
}

// run writes an SLO file and runs it to its end.
func (b *bed) run(t *testing.T, slo fmt.Stringer, flags ...string) ending {
	t.Helper()
	return b.load(t, slo, flags...).wait(t)
}

// written is an SLO file as text.
type written string

func (w written) String() string { return string(w) }

// load writes an SLO file and starts its run.
func (b *bed) load(t *testing.T, slo fmt.Stringer, flags ...string) *process {
	t.Helper()
	b.write(t, "slo.yaml", slo.String())
	return b.start(t, call{via: b.via, args: append([]string{"run", "--out", "out", "slo.yaml"}, flags...)})
}

// signal sends one to the process.
func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
}

// wait returns what is left when the process has ended.
func (p *process) wait(t *testing.T) ending {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatalf("slogate does not end; it said:\n%s", p.printed)
	}
	o, report := left(p.out)
	o.exit = p.cmd.ProcessState.ExitCode()
	return ending{o, p.printed.String() + report}
}

// await waits until the process has printed a text.
func (p *process) await(t *testing.T, text string) {
	t.Helper()
	if !p.printed.await(text) {
		t.Fatalf("slogate never said %q, it said:\n%s", text, p.printed)
	}
}

// forms are the files of a run with the tests that they are whole.
var forms = []struct {
	name  string
	whole func(text []byte) bool
}{
	{"slogate-result.json", func(text []byte) bool {
		_, err := result.Decode(bytes.NewReader(text))
		return err == nil
	}},
	{"slogate-report.md", func(text []byte) bool { return bytes.HasSuffix(text, []byte("\n")) }},
	{"slogate-report.html", func(text []byte) bool { return bytes.HasSuffix(bytes.TrimSpace(text), []byte("</html>")) }},
	{"slogate-junit.xml", func(text []byte) bool {
		d := xml.NewDecoder(bytes.NewReader(text))
		for elements := 0; ; elements++ {
			if _, err := d.Token(); err != nil {
				return errors.Is(err, io.EOF) && elements > 0
			}
		}
	}},
	{"slogate-metrics.txt", func(text []byte) bool { return bytes.HasSuffix(text, []byte("# EOF\n")) }},
}

// left looks at what is in an output folder, and returns the report's text
// besides.
func left(dir string) (outcome, string) {
	var o outcome
	var names []string
	for _, f := range forms {
		text, err := os.ReadFile(filepath.Join(dir, f.name))
		if err != nil {
			continue
		}
		name := f.name
		if !f.whole(text) {
			name += " torn"
		}
		names = append(names, name)
	}
	switch {
	case len(names) == 0:
		o.files = noFiles
	case len(names) == len(forms) && !strings.Contains(strings.Join(names, " "), "torn"):
		o.files = allFiles
	default:
		o.files = strings.Join(names, ", ")
	}
	if r, err := result.ReadFile(filepath.Join(dir, forms[0].name)); err == nil && r.Judgement != nil {
		o.verdict = string(r.Judgement.Verdict)
	}
	report, _ := os.ReadFile(filepath.Join(dir, "slogate-report.md"))
	return o, string(report)
}

// printed keeps what a process prints, and lets others wait for a text.
type printed struct {
	mu     sync.Mutex
	more   sync.Cond
	text   bytes.Buffer
	closed bool
}

func newPrinted() *printed {
	p := &printed{}
	p.more.L = &p.mu
	return p
}

func (p *printed) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.more.Broadcast()
	return p.text.Write(text)
}

func (p *printed) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.more.Broadcast()
}

// await reports whether the text was printed before the process ended.
func (p *printed) await(text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !strings.Contains(p.text.String(), text) {
		if p.closed {
			return false
		}
		p.more.Wait()
	}
	return true
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}
