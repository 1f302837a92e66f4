// Package service builds, starts and stops a service under test.
//
// In come shell commands, a folder, an environment and a port; out comes a
// process group that runs, or an error that ends in what the command said last.
// Whatever a command has started is gone when [Process.Stop] or [Spec.Run] has
// returned, unless it has left its process group on purpose, as a daemon does.
//
// The package knows no SLO file and no HTTP: whether a service is ready, and
// whether it may be run at all, is for the caller to know.
package service

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Spec says how and where the commands of a service run.
type Spec struct {
	Name    string   // of the service, for messages and its output: "base", "head"
	Dir     string   // the folder that the commands run in
	Env     []string // NAME=value: the whole environment but for PORT
	Port    int      // handed over as PORT
	Secrets []string // masked in the output, in every spelling
	Output  string   // folder of the output: NAME-build.log, NAME-start.log, NAME-profile.log
}

// The commands of a service, as its output files are named by.
const (
	build   = "build"
	start   = "start"
	profile = "profile"
)

// Logs are the files that the output of the commands goes to. What they hold
// already is kept: who begins a new run removes them.
func (s Spec) Logs() []string { return []string{s.log(build), s.log(start), s.log(profile)} }

func (s Spec) log(what string) string { return filepath.Join(s.Output, s.Name+"-"+what+".log") }

// Error says that a command did not do what it should.
type Error struct {
	Name    string   // of the service
	What    string   // build, start or profile
	Command string   // as the file has it
	Why     string   // "exit status 2", "exit status 0 before it was ready"
	Log     string   // the file that holds all of its output
	Last    []string // the last lines of its output, safe to print
}

// Error gives what happened in one line, and the last lines of the output in
// one each, set off so that none can be a workflow command.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %q ended with %s", e.What, e.Name, shortened(e.Command), e.Why)
	if len(e.Last) == 0 {
		b.WriteString(" and without output")
		return b.String()
	}
	fmt.Fprintf(&b, "; %s has its output, which ends in", e.Log)
	for _, line := range e.Last {
		b.WriteString("\n    | " + line)
	}
	return b.String()
}

// stopGrace is how long a service has between TERM and KILL: a cancelled run
// has to be over within five seconds, of which requests in flight have had up
// to three.
const stopGrace = time.Second

// Run runs a command to its end, for a build. When ctx ends it stops the
// command and returns ctx's cause. The error is an [*Error] where the command
// failed.
func (s Spec) Run(ctx context.Context, command string) error {
	return s.run(ctx, build, command, nil)
}

// Profile runs a command that prints a profile, and returns what it printed, at
// most so many bytes; what it says on its standard error is its output. When ctx
// ends it stops the command and returns ctx's cause. The error is an [*Error]
// where the command failed.
func (s Spec) Profile(ctx context.Context, command string, most int64) ([]byte, error) {
	printed, err := os.CreateTemp(s.Output, ".profile-*")
	if err != nil {
		return nil, fmt.Errorf("profile %s: %w", s.Name, err)
	}
	defer os.Remove(printed.Name())
	defer printed.Close()
	if err := s.run(ctx, profile, command, printed); err != nil {
		return nil, err
	}
	text := make([]byte, most+1)
	n, err := printed.ReadAt(text, 0)
	switch {
	case int64(n) > most:
		return nil, fmt.Errorf("profile %s: it printed more than %d bytes", s.Name, most)
	case err != nil && err != io.EOF:
		return nil, fmt.Errorf("profile %s: %w", s.Name, err)
	}
	return text[:n], nil
}

// run runs a command to its end. It prints to a file, nil for its output.
func (s Spec) run(ctx context.Context, what, command string, printed *os.File) error {
	p, err := s.spawn(what, command, printed)
	if err != nil {
		return err
	}
	defer p.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.Done():
	}
	if p.err == nil {
		return nil
	}
	return p.Failure("")
}

// Start starts a command that goes on. It is stopped by [Process.Stop].
func (s Spec) Start(command string) (*Process, error) {
	return s.spawn(start, command, nil)
}

func (s Spec) spawn(what, command string, printed *os.File) (*Process, error) {
	out, err := newOutput(s.log(what), s.Secrets)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", what, s.Name, err)
	}
	p := &Process{spec: s, what: what, command: command, out: out, done: make(chan struct{})}
	if err := p.spawn(printed); err != nil {
		out.close()
		return nil, fmt.Errorf("%s %s: %w", what, s.Name, err)
	}
	return p, nil
}

// Process is a running command with everything that it has started.
type Process struct {
	spec          Spec
	what, command string
	cmd           *exec.Cmd
	out           *output
	copied        chan struct{} // closed when the output has ended
	pipe          *os.File      // the output's end that is read
	done          chan struct{} // closed when the command has ended
	err           error         // how, once done is closed
	stop          sync.Once

	mu       sync.Mutex
	stopping bool
}

// spawn starts the command in a process group of its own.
func (p *Process) spawn(printed *os.File) error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer write.Close()
	p.cmd = exec.Command("sh", "-c", p.command)
	p.cmd.Dir = p.spec.Dir
	p.cmd.Env = append(append([]string(nil), p.spec.Env...), "PORT="+strconv.Itoa(p.spec.Port))
	p.cmd.Stdout, p.cmd.Stderr = write, write
	if printed != nil {
		p.cmd.Stdout = printed
	}
	isolate(p.cmd)
	if err := p.cmd.Start(); err != nil {
		read.Close()
		return err
	}
	p.pipe, p.copied = read, make(chan struct{})
	go func() {
		defer close(p.copied)
		p.out.copy(read)
	}()
	go p.wait()
	return nil
}

// wait ends with the command. What it leaves behind in its group is killed at
// once, while no other process can have got its number.
func (p *Process) wait() {
	p.err = p.cmd.Wait()
	p.mu.Lock()
	if !p.stopping {
		kill(p.cmd)
	}
	p.mu.Unlock()
	close(p.done)
}

// PID is the number of the process: of the shell that runs the command, or of
// the command where it begins with exec.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the command has ended, by itself or stopped.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ended reports whether the command has ended by itself.
func (p *Process) Ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.done:
		return !p.stopping
	default:
		return false
	}
}

// Log is the file that the output goes to.
func (p *Process) Log() string { return p.out.path }

// Failure describes the end of a command that should not have ended, or not
// like that. When says more of it, such as "before it was ready"; it may be
// empty.
func (p *Process) Failure(when string) *Error {
	p.drain()
	why := "exit status 0"
	if p.err != nil {
		why = p.err.Error()
	}
	if when != "" {
		why += " " + when
	}
	return &Error{Name: p.spec.Name, What: p.what, Command: p.command, Why: why, Log: p.out.path, Last: p.out.last()}
}

// outputAfterEnd is how long the output of a command is awaited that has ended.
const outputAfterEnd = time.Second

// drain waits for the output of a command that has ended. A process that left
// the group could keep it open for ever.
func (p *Process) drain() {
	select {
	case <-p.copied:
	case <-time.After(outputAfterEnd):
	}
}

// groupLook is how often Stop looks whether the group is empty.
const groupLook = 5 * time.Millisecond

// Stop ends the command and all that it has started: with TERM, and what is
// left a second later with KILL. It returns when they are gone.
func (p *Process) Stop() {
	p.stop.Do(func() {
		if p.begin() {
			p.end()
		}
		p.drain()
		p.pipe.Close()
		<-p.copied
		p.out.close()
	})
}

// begin asks the group to end, and reports false where the command has ended
// by itself before.
func (p *Process) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.done:
		return false
	default:
		p.stopping = true
		terminate(p.cmd)
		return true
	}
}

// end waits until the group is empty, and kills it where that takes too long.
// After that only what nobody looks at can be left: in a container whose first
// process does not care for orphans they stay in the group when they have ended.
func (p *Process) end() {
	if !p.empties(stopGrace) {
		kill(p.cmd)
		p.empties(stopGrace)
	}
	<-p.done
}

// empties waits until the group is empty, and reports whether it is.
func (p *Process) empties(within time.Duration) bool {
	limit := time.NewTimer(within)
	defer limit.Stop()
	look := time.NewTicker(groupLook)
	defer look.Stop()
	for lives(p.cmd) {
		select {
		case <-look.C:
		case <-limit.C:
			return false
		}
	}
	return true
}
