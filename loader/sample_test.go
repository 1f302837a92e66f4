package loader

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/secret"
	"github.com/slogate/slogate/slo"
)

// bearing is a user that sends a token.
func bearing(text string) *user {
	one := &token{}
	one.now.Store(&text)
	return &user{tokens: &tokens{list: []*token{one}}}
}

// captured is a user of whom another one's secret value is known.
func captured(text string) *user {
	all := &sessions{}
	all.values.add(text)
	return &user{session: &session{of: all}}
}

// slowing are the outcomes of a service that gets slower with each request.
func slowing(u *user, body string) func() *outcome {
	o := &outcome{step: &step{request: &slo.Request{Name: "predict"}}, class: result.Success, user: u, body: []byte(body)}
	return func() *outcome {
		o.response += time.Microsecond
		return o
	}
}

// Until an example is read, keeping it costs no more than a copy: what sends
// requests must not get slower with the service.
func TestExamplesAreMadeWhenTheyAreRead(t *testing.T) {
	s := newSamples(&sampler{mask: secret.NewMask([]string{"hunter2"})}, 1)
	next := slowing(bearing("tok/en"), "hunter2 and tok%2Fen")
	for range slowestKept {
		s.add(next())
	}
	if n := testing.AllocsPerRun(100, func() { s.add(next()) }); n > 0 {
		t.Errorf("%v allocations for an example", n)
	}
	before := s.clone()
	s.add(next())
	for _, part := range []*samples{before, s.clone()} {
		_, slowest := mergeSamples([]*samples{part})
		if len(slowest) != slowestKept || slowest[0].Body != "*** and ***" {
			t.Errorf("%+v", slowest)
		}
	}
	if _, slowest := mergeSamples([]*samples{before, s.clone()}); slowest[0].Response <= slowest[1].Response {
		t.Errorf("what is copied changes: %+v", slowest)
	}
}

// Wherever a secret stands in an answer, and whoever has it, no part of it is in
// an example, though the rest of a long answer is not kept and the secret is
// replaced before somebody reads it.
func TestExamplesAreMaskedBeforeTheyAreCut(t *testing.T) {
	const key = "correct horse battery staple"
	for name, u := range map[string]func() (mask []string, u *user){
		"of the file":   func() ([]string, *user) { return []string{key}, &user{} },
		"token":         func() ([]string, *user) { return nil, bearing(key) },
		"of the answer": func() ([]string, *user) { return nil, &user{session: &session{of: &sessions{}, hidden: []string{key}}} },
		"of another":    func() ([]string, *user) { return nil, captured(key) },
	} {
		for _, limit := range []int{0, detailBytes, sampleBytes, sampleBytes + 300} {
			for shift := -len(key) - 2; shift <= 2; shift++ {
				mask, u := u()
				s := newSamples(&sampler{mask: secret.NewMask(mask), longest: secret.LongestSpelling * slo.MaxSecretCaptured}, 1)
				text := strings.Repeat("ä", max(limit+shift, 0)/2) + key + strings.Repeat(" "+key, 400)
				o := slowing(u, text)()
				o.detail, o.class = text, result.Protocol
				s.add(o)
				clear(o.body)
				if u.tokens != nil {
					renewed := "another one"
					u.tokens.list[0].now.Store(&renewed)
				}
				if u.session != nil {
					clear(u.session.hidden)
					u.session.of.values = secretValues{}
				}
				failures, slowest := mergeSamples([]*samples{s.clone()})
				for _, sample := range append(failures, slowest...) {
					for part := range strings.FieldsSeq(key) {
						if strings.Contains(sample.Body+sample.Detail, part[:4]) {
							t.Errorf("%s at %d: %q %q", name, limit+shift, sample.Detail, sample.Body)
						}
					}
					if len(sample.Body) > sampleBytes || len(sample.Detail) > detailBytes || !strings.Contains(sample.Body+sample.Detail, "ä") && limit > 0 {
						t.Errorf("%s: %d and %d bytes", name, len(sample.Detail), len(sample.Body))
					}
				}
			}
		}
	}
}

// What is kept of an answer is bounded, however large it is.
func TestExamplesAreSmall(t *testing.T) {
	s := newSamples(&sampler{mask: secret.NewMask(nil)}, 1)
	o := slowing(bearing("t0ken"), strings.Repeat("x", 1<<20))()
	o.detail = strings.Repeat("y", 1<<20)
	s.add(o)
	if r := s.slowest[0]; len(r.body) > 2*sampleBytes || len(r.detail) > 2*detailBytes {
		t.Errorf("%d bytes of the body are kept, %d of the detail", len(r.body), len(r.detail))
	}
}

func BenchmarkSlowerAndSlower(b *testing.B) {
	for _, size := range []int{0, 1100} {
		b.Run(fmt.Sprintf("token=%d", size), func(b *testing.B) {
			u := &user{}
			if size > 0 {
				u = bearing(strings.Repeat("aZ3_kQ9-xY", size/10))
			}
			s := newSamples(&sampler{mask: secret.NewMask([]string{"hunter2-s3cr3t"})}, 1)
			next := slowing(u, strings.Repeat("hello ", 400))
			b.ReportAllocs()
			for b.Loop() {
				s.add(next())
			}
		})
	}
}
