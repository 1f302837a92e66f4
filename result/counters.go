package result

// Class is how a request ended. Every due request ends in exactly one.
type Class string

// The classes of requests. All but Success, Cancelled and Unsent are errors.
const (
	Success     Class = "success"
	FailedCheck Class = "failed_check"
	BadStatus   Class = "status" // not accepted by the step
	Timeout     Class = "timeout"
	Refused     Class = "refused" // nothing listens there, or no such host is there
	Reset       Class = "reset"   // closed or reset by the other side
	DNS         Class = "dns"
	TLS         Class = "tls"
	Protocol    Class = "protocol"  // not an HTTP answer
	Local       Class = "local"     // the generator's own limits: descriptors, ports, routes
	CancelledBy Class = "cancelled" // started, then given up because the run was cancelled
	UnsentDue   Class = "unsent"    // due, not started when the stage ended
)

// Counters counts requests by class.
type Counters struct {
	Success     int64 `json:"success"`
	FailedCheck int64 `json:"failed_check,omitempty"`
	BadStatus   int64 `json:"status,omitempty"`
	Timeout     int64 `json:"timeout,omitempty"`
	Refused     int64 `json:"refused,omitempty"`
	Reset       int64 `json:"reset,omitempty"`
	DNS         int64 `json:"dns,omitempty"`
	TLS         int64 `json:"tls,omitempty"`
	Protocol    int64 `json:"protocol,omitempty"`
	Local       int64 `json:"local,omitempty"`
	Cancelled   int64 `json:"cancelled,omitempty"`
	Unsent      int64 `json:"unsent,omitempty"`
}

// Of returns the counter of a class, nil for an unknown one.
func (c *Counters) Of(class Class) *int64 {
	switch class {
	case Success:
		return &c.Success
	case FailedCheck:
		return &c.FailedCheck
	case BadStatus:
		return &c.BadStatus
	case Timeout:
		return &c.Timeout
	case Refused:
		return &c.Refused
	case Reset:
		return &c.Reset
	case DNS:
		return &c.DNS
	case TLS:
		return &c.TLS
	case Protocol:
		return &c.Protocol
	case Local:
		return &c.Local
	case CancelledBy:
		return &c.Cancelled
	case UnsentDue:
		return &c.Unsent
	}
	return nil
}

// Errors counts the requests that were started and ended unsuccessfully.
func (c Counters) Errors() int64 {
	return c.FailedCheck + c.BadStatus + c.Timeout + c.Refused + c.Reset + c.DNS + c.TLS + c.Protocol + c.Local
}

// Finished counts the requests that ended by themselves: successes and errors.
func (c Counters) Finished() int64 { return c.Success + c.Errors() }

// Judged counts what shares and percentiles are taken of: everything due but
// what a cancel took away. An unsent request counts as an unsuccessful one.
func (c Counters) Judged() int64 { return c.Finished() + c.Unsent }

// Due counts every request that should have been sent.
func (c Counters) Due() int64 { return c.Judged() + c.Cancelled }

// MayStayUnsent is how many of the due requests a generator may leave unsent for
// its own reasons before a stage's measurements carry no verdict: one in 1000,
// less than could move a percentile that a stage of usual length can judge; and
// of few requests two, where that is at most one in 100, because a stall at a
// stage's end costs as many.
func MayStayUnsent(due int64) int64 { return max(due/1000, min(due/100, 2)) }

// Add adds the counters of another set of requests.
func (c *Counters) Add(o Counters) {
	c.Success += o.Success
	c.FailedCheck += o.FailedCheck
	c.BadStatus += o.BadStatus
	c.Timeout += o.Timeout
	c.Refused += o.Refused
	c.Reset += o.Reset
	c.DNS += o.DNS
	c.TLS += o.TLS
	c.Protocol += o.Protocol
	c.Local += o.Local
	c.Cancelled += o.Cancelled
	c.Unsent += o.Unsent
}
