package gate

import (
	"maps"
	"reflect"
	"slices"

	"github.com/slogate/slogate/slo"
)

func (l *loosenings) request(b, h *slo.Request) {
	if h == nil {
		l.add("", "the request "+b.Name, removed)
		return
	}
	switch before, now := asks(b), asks(h); {
	case before != now:
		l.add("", b.Name+" requests "+before, now)
	case !sameTemplate(target(b), target(h)):
		l.add("", "the query of "+b.Name, another)
	}
	switch {
	case len(b.Body) > 0 && len(h.Body) == 0:
		l.add("", "the body of "+b.Name, removed)
	case !sameTemplate(b.Body, h.Body):
		l.add("", "the body of "+b.Name, another)
	}
	l.headers("", b.Headers, h.Headers)
	l.change("stream of "+b.Name, streamed(b.Stream), streamed(h.Stream))
	if !sameMessages(b.WebSocket, h.WebSocket) {
		l.add("", "the messages of "+b.Name, "others")
	}
	if h.Timeout > b.Timeout {
		l.add("", "timeout of "+b.Name+": "+slo.DurationText(b.Timeout), slo.DurationText(h.Timeout))
	}
	if h.GoesOn && !b.GoesOn {
		l.add("", "on_fail of "+b.Name+": stop", "continue")
	}
	l.checks(b, h)
	l.captures(b, h)
	for _, r := range h.Accept {
		if !accepts(b.Accept, r) {
			l.add("", "status "+r.String()+" of "+b.Name+" is an error", "accepted")
		}
	}
}

// checks lists those that are gone. Where one has come for one that is gone it
// stands beside it: which of two expressions asks more cannot be told.
func (l *loosenings) checks(b, h *slo.Request) {
	gone, come := missing(b.Checks, h.Checks), missing(h.Checks, b.Checks)
	for _, c := range gone {
		now := removed
		if len(gone) == 1 && len(come) == 1 {
			now = come[0].Text
		}
		l.add("", "the check "+c.Text+" of "+b.Name, now)
	}
}

// missing are the checks that another list does not have.
func missing(list, other []slo.Check) []slo.Check {
	return slices.DeleteFunc(slices.Clone(list), func(c slo.Check) bool {
		return slices.ContainsFunc(other, func(o slo.Check) bool { return o.Text == c.Text })
	})
}

// accepts reports whether all of a range is in a list of ranges.
func accepts(list []slo.StatusRange, all slo.StatusRange) bool {
	for status := all.From; status <= all.To; status++ {
		if !slices.ContainsFunc(list, func(r slo.StatusRange) bool { return r.Contains(status) }) {
			return false
		}
	}
	return true
}

// asks is what a request is sent to, as far as it can be shown.
func asks(r *slo.Request) string {
	switch {
	case r.TCP != "":
		return "TCP " + r.TCP
	case r.DNS != nil:
		return "DNS " + string(r.DNS.Type) + " of " + r.DNS.Server
	case r.WebSocket != nil:
		return "a WebSocket"
	case r.GRPC != nil:
		return "GRPC " + r.GRPC.Service + "/" + r.GRPC.Method
	}
	return r.Written
}

// target is the part of it in which a secret may stand.
func target(r *slo.Request) slo.Template {
	if r.DNS != nil {
		return r.DNS.Name
	}
	return r.Path
}

// sameTemplate reports whether two templates put in the same values. Where these
// stand in their file does not matter.
func sameTemplate(a, b slo.Template) bool {
	return slices.EqualFunc(a, b, func(a, b slo.Part) bool {
		same := sameTemplate(a.Of, b.Of)
		a.Of, b.Of = nil, nil
		if a.Value != slo.Token {
			a.Number, b.Number = 0, 0
		}
		return same && reflect.DeepEqual(a, b)
	})
}

// headers lists those that are sent otherwise: one can lead to another instance
// or be answered from a cache. Their values may be secret. The type of a body
// says no more than the body.
func (l *loosenings) headers(to string, base, head []slo.Header) {
	b, h := byName(base), byName(head)
	both := maps.Clone(b)
	maps.Copy(both, h)
	delete(both, "Content-Type")
	for _, name := range slices.Sorted(maps.Keys(both)) {
		before, had := b[name]
		now, has := h[name]
		switch {
		case !had:
			l.add("", "the header "+name+to+": none", "sent")
		case !has:
			l.add("", "the header "+name+to, removed)
		case !sameTemplate(before, now):
			l.add("", "the header "+name+to, another)
		}
	}
}

// byName gives the values that are sent: a later one of a name wins.
func byName(all []slo.Header) map[string]slo.Template {
	values := make(map[string]slo.Template, len(all))
	for _, h := range all {
		values[h.Name] = h.Value
	}
	return values
}

// streamed says how an answer is read that comes bit by bit; empty: as a whole.
func streamed(s *slo.Stream) string {
	if s == nil {
		return ""
	}
	text := string(s.As)
	if s.Until != nil {
		text += ", until: " + s.Until.Text
	}
	if s.For > 0 {
		text += ", for: " + slo.DurationText(s.For)
	}
	return text
}

// sameMessages reports whether as much is sent over a WebSocket and waited for.
func sameMessages(b, h *slo.WebSocket) bool {
	if b == nil || h == nil {
		return true // a request in its place is another one
	}
	return slices.EqualFunc(b.Messages, h.Messages, func(b, h slo.Message) bool {
		return b.Sends == h.Sends && sameTemplate(b.Send, h.Send) && expected(b) == expected(h) && b.Within >= h.Within && b.Times == h.Times
	})
}

// expected is the message that is waited for.
func expected(m slo.Message) string {
	if m.Expect == nil {
		return ""
	}
	return m.Expect.Text
}

// captures lists those that are gone or take something else: what a request
// needs of its answer, and what later ones are sent with.
func (l *loosenings) captures(b, h *slo.Request) {
	for _, c := range b.Captures {
		now := ""
		if i := slices.IndexFunc(h.Captures, func(o slo.Capture) bool { return o.Name == c.Name }); i >= 0 {
			now = h.Captures[i].Text
		}
		if now != c.Text {
			l.add("", "the capture "+c.Name+" of "+b.Name+" is "+c.Text, orRemoved(now))
		}
	}
}
