package loader

import (
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
)

// limitedTarget is set, to a target and an engine, in the process of
// TestDescriptorsRunOut's own making.
const limitedTarget, limitedEngine = "SLOGATE_TEST_TARGET", "SLOGATE_TEST_ENGINE"

// Descriptors that run out are the generator's failure, not the service's. The
// limit holds for a whole process, so another one is given it.
func TestDescriptorsRunOut(t *testing.T) {
	if target := os.Getenv(limitedTarget); target != "" {
		runOut(t, target, os.Getenv(limitedEngine))
		return
	}
	url, _ := raw(t, stalls(""))
	eachEngine(t, func(t *testing.T, engine string) {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		child := exec.CommandContext(t.Context(), self, "-test.run=^TestDescriptorsRunOut$", "-test.v")
		child.Env = append(os.Environ(), limitedTarget+"="+url, limitedEngine+"="+engine)
		if out, err := child.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

// spare are the descriptors that an engine may need for itself.
const spare = 12

func runOut(t *testing.T, target, engine string) {
	l := newLoader(t, fileOf(target, (&server{want: result.Timeout}).step(300*ms)), Options{Engine: engine})
	// What the runtime opens once for all connections is opened now.
	c, err := net.DialTimeout("tcp", target[len("http://"):], time.Second)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	limit := uint64(openFiles(t) + spare)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		t.Fatal(err)
	}
	s := l.Run(t.Context(), counted(64, 4*spare))
	coherent(t, s)
	if n := s.Counters.Local; n == 0 || n+s.Counters.Timeout != 64 {
		t.Errorf("%+v with %d descriptors: want local ones and timeouts\n%+v", s.Counters, limit, s.Failures)
	}
}
