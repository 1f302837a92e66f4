package cost

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/slogate/slogate/result"
)

// asService makes the test binary a service that does what its input says.
const asService = "SLOGATE_COST_SERVICE"

func TestMain(m *testing.M) {
	switch os.Getenv(asService) {
	case "listen":
		listenAndObey()
	case "burn":
		burn()
		fmt.Println(int64(usage(unix.RUSAGE_SELF)))
		_, _ = io.Copy(io.Discard, os.Stdin) // lives until its input ends
	default:
		os.Exit(m.Run())
	}
}

// burned is what a process uses that is told to.
const burned = 100 * time.Millisecond

func burn() {
	for start := usage(unix.RUSAGE_SELF); usage(unix.RUSAGE_SELF)-start < burned; {
		for i := range 100_000 {
			_ = i
		}
	}
}

// usage is the processor time of this process, or of its children that have
// ended.
func usage(who int) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(who, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// listenAndObey is a service that uses processor time itself, by a child that
// lives on, or by one that ends and is waited for. It answers with all that it
// has used.
func listenAndObey() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	living := time.Duration(0)
	for commands := bufio.NewScanner(os.Stdin); commands.Scan(); fmt.Println(int64(usage(unix.RUSAGE_SELF) + usage(unix.RUSAGE_CHILDREN) + living)) {
		switch commands.Text() {
		case "burn":
			burn()
		case "fork":
			out, in := child()
			defer in.Close()
			line, _ := out.ReadString('\n')
			used, _ := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
			living += time.Duration(used)
		case "spawn":
			out, in := child()
			_, _ = out.ReadString('\n')
			in.Close()
			_, _ = io.Copy(io.Discard, out)
			_ = last.Wait()
		}
	}
}

var last *exec.Cmd // that child started

func child() (*bufio.Reader, io.WriteCloser) {
	last = exec.Command("/proc/self/exe")
	last.Env = append(os.Environ(), asService+"=burn")
	in, _ := last.StdinPipe()
	out, _ := last.StdoutPipe()
	if err := last.Start(); err != nil {
		panic(err)
	}
	return bufio.NewReader(out), in
}

// service is the test binary as a service.
type service struct {
	t       *testing.T
	cmd     *exec.Cmd
	address string
	in      io.Writer
	out     *bufio.Reader
}

func startService(t *testing.T) *service {
	t.Helper()
	s := &service{t: t, cmd: exec.CommandContext(t.Context(), "/proc/self/exe")}
	s.cmd.Env = append(os.Environ(), asService+"=listen")
	in, err := s.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = s.cmd.Wait() })
	s.in, s.out = in, bufio.NewReader(out)
	s.address = s.line()
	return s
}

func (s *service) line() string {
	s.t.Helper()
	text, err := s.out.ReadString('\n')
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(text)
}

// do returns what the service says that it has used.
func (s *service) do(command string) time.Duration {
	s.t.Helper()
	fmt.Fprintln(s.in, command)
	used, err := strconv.ParseInt(s.line(), 10, 64)
	if err != nil {
		s.t.Fatalf("%s: %v", command, err)
	}
	return time.Duration(used)
}

func find(t *testing.T, address string) Source {
	t.Helper()
	s, refused := Find(t.Context(), Place{Addresses: []string{address}})
	if s == nil {
		t.Fatal(refused)
	}
	return s
}

func read(t *testing.T, s Source) Reading {
	t.Helper()
	r, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// All that a service uses is counted, and once: by itself, by its children,
// and by children that have ended.
func TestProcessTree(t *testing.T) {
	service := startService(t)
	source := find(t, service.address)
	said := service.do("burn")
	before := read(t, source)
	for _, command := range []string{"burn", "fork", "spawn", "burn"} {
		total := service.do(command)
		now := read(t, source)
		used := Between(before, now)
		// Children's time is counted in ticks. What is missed or counted twice is
		// twice as much as this difference.
		if diff := used.CPU - (total - said); diff.Abs() > burned/2 || total-said < burned {
			t.Errorf("%s: used %v, it says %v", command, used.CPU, total-said)
		}
		if used.Memory < 1<<20 {
			t.Errorf("%s: %d bytes", command, used.Memory)
		}
		before, said = now, total
	}
	if want := fmt.Sprintf("process %d (%s) and 1 child, from /proc", service.cmd.Process.Pid, nameOf(service.cmd.Process.Pid)); source.String() != want {
		t.Errorf("%q, want %q", source, want)
	}
}

func TestSame(t *testing.T) {
	one, other := startService(t), startService(t)
	a, again, b := find(t, one.address), find(t, one.address), find(t, other.address)
	scraped := &scrape{}
	for _, c := range []struct {
		name string
		x, y Source
		want bool
	}{
		{"the same process", a, again, true},
		{"two processes", a, b, false},
		{"an endpoint and a process", scraped, a, false},
		{"a process and an endpoint", a, scraped, false},
		{"one that is not known", a, nil, false},
		{"nothing known", nil, nil, false},
	} {
		if got := Same(c.x, c.y); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// Where the clocks of processes cannot be read, ticks are counted.
func TestProcessTreeInTicks(t *testing.T) {
	service := startService(t)
	source := find(t, service.address).(*processes)
	source.coarse, source.ledger = true, ledger{}
	before := read(t, source)
	service.do("burn")
	if used := Between(before, read(t, source)).CPU; used < burned-2*perTick || used%perTick != 0 {
		t.Errorf("used %v", used)
	}
	if source.Resolution() != 10*time.Millisecond {
		t.Errorf("resolution %v", source.Resolution())
	}
}

func TestFindSaysWhyNot(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	own := l.Addr().String()
	defer l.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := closed.Addr().String()
	closed.Close()
	broken := func(context.Context) ([]byte, error) { return []byte("<html>"), nil }
	for _, c := range []struct {
		name  string
		place Place
		want  []string
	}{
		{"nothing known", Place{}, []string{"/proc: the target is not on this machine"}},
		{"elsewhere", Place{Addresses: []string{"192.0.2.1:80"}}, []string{"/proc: the target is not on this machine"}},
		{"no address", Place{Addresses: []string{"somewhere"}}, []string{"/proc: the target is not on this machine"}},
		{"this process", Place{Addresses: []string{own}}, []string{"/proc: the target is this process"}},
		{"nobody", Place{Addresses: []string{gone}}, []string{"/proc: no process here listens at " + gone}},
		{
			"metrics first",
			Place{Scrape: broken, Asks: "GET /metrics", Addresses: []string{"192.0.2.1:80"}},
			[]string{"GET /metrics: there is no process_cpu_seconds_total", "/proc: the target is not on this machine"},
		},
	} {
		s, refused := Find(t.Context(), c.place)
		if s != nil {
			t.Errorf("%s: found %s", c.name, s)
		}
		var got []string
		for _, err := range refused {
			got = append(got, err.Error())
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// The file's endpoint comes before the process, and its failure is told.
func TestFindPrefersTheEndpoint(t *testing.T) {
	service := startService(t)
	p := Place{Asks: "GET /metrics", Addresses: []string{service.address}, Scrape: answers("process_cpu_seconds_total 3\n")}
	if s, refused := Find(t.Context(), p); s == nil || len(refused) > 0 || !strings.HasSuffix(s.String(), "from GET /metrics") {
		t.Errorf("found %v, %v", s, refused)
	}
	p.Scrape = answers()
	if s, refused := Find(t.Context(), p); s == nil || len(refused) != 1 || !strings.HasSuffix(s.String(), "from /proc") {
		t.Errorf("found %v, %v", s, refused)
	}
}

func TestListener(t *testing.T) {
	line := func(address, state string) string {
		return "   1: " + address + " 00000000:0000 " + state + " 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000000000000000 100 0 0 10 0"
	}
	for _, c := range []struct {
		text  string
		want  string
		inode string
	}{
		{line("0100007F:1F40", "0A"), "127.0.0.1:8000", "4711"},
		{line("00000000:0050", "0A"), "0.0.0.0:80", "4711"},
		{line("00000000000000000000000001000000:1F40", "0A"), "[::1]:8000", "4711"},
		{line("0000000000000000FFFF00000100007F:1F40", "0A"), "127.0.0.1:8000", "4711"},
		{line("0100007F:1F40", "01"), "", ""},
		{line("0100007F", "0A"), "", ""},
		{line("0100007:1F40", "0A"), "", ""},
		{"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode", "", ""},
		{"", "", ""},
	} {
		at, inode, ok := listener(c.text)
		got := ""
		if ok {
			got = at.String()
		}
		if got != c.want || ok && inode != c.inode {
			t.Errorf("%q: %q %q, want %q %q", c.text, got, inode, c.want, c.inode)
		}
	}
}

func TestParseStat(t *testing.T) {
	const line = "42 (a) b) (c) S 7 42 5389 0 -1 4194368 368 709 0 6 150 25 300 50 20 0 4 0 71081 4739072 444 18446744073709551615 1 1"
	want := task{pid: 42, parent: 7, born: 71081, own: 1750 * time.Millisecond, children: 3500 * time.Millisecond, memory: 444 * int64(os.Getpagesize()), name: "a) b) (c"}
	got, err := parseStat(line)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(task{})); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, wrong := range []string{"", "42", "42 (a", "42 (a) S 7", strings.Replace(line, "150", "x", 1)} {
		if got, err := parseStat(wrong); err == nil {
			t.Errorf("%q: %+v", wrong, got)
		}
	}
}

func TestParseThrottling(t *testing.T) {
	const text = "usage_usec 2000\nuser_usec 1500\nsystem_usec 500\nnr_periods 40\nnr_throttled 12\nthrottled_usec 3500\nnr_bursts 0\n"
	got, err := parseThrottling(text)
	want := &result.Throttling{Periods: 40, Throttled: 12, Waited: 3500 * time.Microsecond}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	// A group without the controller tells of its use alone.
	if got, err := parseThrottling("usage_usec 2000\nuser_usec 1500\n"); err == nil {
		t.Errorf("%+v", got)
	}
}

// Every line of this machine's own tables can be read.
func TestOwnTables(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	sockets, err := listening([]netip.AddrPort{l.Addr().(*net.TCPAddr).AddrPort()})
	if err != nil || len(sockets) != 1 {
		t.Errorf("%v, %v", sockets, err)
	}
	if own, err := readStat(os.Getpid()); err != nil || own.pid != os.Getpid() || own.parent != os.Getppid() {
		t.Errorf("%+v, %v", own, err)
	}
}

func FuzzListener(f *testing.F) {
	f.Add("   1: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0")
	f.Fuzz(func(t *testing.T, line string) {
		if at, inode, ok := listener(line); ok && (!at.IsValid() || inode == "") {
			t.Errorf("%q: %v %q", line, at, inode)
		}
	})
}

func BenchmarkReadProcess(b *testing.B) {
	s := &processes{roots: []int{os.Getppid()}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Read(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(pids())), "processes")
}

// A program's name may look like the rest of its line.
func FuzzStat(f *testing.F) {
	f.Add("a) R 9 (b", uint32(7), uint32(1), uint32(250), uint32(3))
	f.Add("", uint32(0), uint32(0), uint32(0), uint32(0))
	f.Fuzz(func(t *testing.T, name string, pid, parent, ticks, pages uint32) {
		line := fmt.Sprintf("%d (%s) R %d 0 0 0 0 0 0 0 0 0 %d %d %d %d 0 0 1 0 %d 0 %d 0", pid, name, parent, ticks, ticks, ticks, 0, ticks, pages)
		want := task{
			pid: int(pid), name: name, parent: int(parent), own: 2 * perTick * time.Duration(ticks), children: perTick * time.Duration(ticks),
			born: uint64(ticks), memory: int64(pages) * int64(os.Getpagesize()),
		}
		got, err := parseStat(line)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(task{})); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", line, err, diff)
		}
		if _, err := parseStat(name); err == nil && !strings.Contains(name, "(") {
			t.Errorf("%q is the line of a process", name)
		}
	})
}
