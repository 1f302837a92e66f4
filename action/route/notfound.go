package route

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/slogate/slogate/quantity"
)

// NotFoundError says that no candidate was the target in time. Its text has
// several lines: it is the whole help that the user gets.
type NotFoundError struct {
	Target string        // host:port
	Within time.Duration // the time that the candidates had
	Tried  []Attempt     // the last try of each
	Host   string        // why the runner's network was not tried as well; empty: it is, elsewhere
}

func (e *NotFoundError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "target %q was not ready within %s", e.Target, quantity.Duration(e.Within))
	for _, a := range e.Tried {
		fmt.Fprintf(&b, "\n  tried %s, %s: %s", a.Address, a.Via, reason(a.Err))
	}
	if e.Host != "" {
		fmt.Fprintf(&b, "\n  not tried, the runner's own network: %s", e.Host)
	}
	port := e.Target[strings.LastIndex(e.Target, ":")+1:]
	b.WriteString("\nthe action runs in a container, where localhost is not the runner; one of these helps, once the server runs:")
	fmt.Fprintf(&b, "\n  - let the server listen on 0.0.0.0:%s instead of 127.0.0.1:%s", port, port)
	fmt.Fprintf(&b, "\n  - run it under \"services:\" of the job and take its label as the host: http://LABEL:%s", port)
	if e.Host != "" {
		b.WriteString("\n  - set the input \"network: host\", which needs the runner's Docker socket")
	}
	return b.String()
}

// reason is the end of a network error: what comes before repeats addresses.
func reason(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	if call, ok := errors.AsType[*os.SyscallError](err); ok {
		err = call.Err
	}
	return err.Error()
}
