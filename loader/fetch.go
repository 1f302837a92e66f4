package loader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// Fetcher returns a function that sends one request to the target, beside the
// load and counted nowhere, with what before has captured, and returns the body
// of its successful answer, which may have most bytes and take so long.
func (l *Loader) Fetcher(r *slo.Request, most int, timeout time.Duration) (func(context.Context) ([]byte, error), error) {
	bounded := *r
	bounded.Timeout = timeout
	st, err := compileStep(&bounded, l.manner, false)
	if err != nil {
		return nil, errors.New(l.mask.Text(fmt.Sprintf("%s: %v", r.Name, err)))
	}
	return func(ctx context.Context) ([]byte, error) { return l.fetch(ctx, st, most) }, nil
}

func (l *Loader) fetch(ctx context.Context, st *step, most int) ([]byte, error) {
	u := newUser(0, l.opts.Seed, nil)
	u.session = l.sessions.visitor()
	safe := func(text string) error {
		return errors.New(clean(l.mask.With(u.secrets([]byte(text))), []byte(text), detailBytes))
	}
	r, err := requestOf(st, u, nil)
	if err != nil {
		return nil, safe(err.Error())
	}
	r.keep = most
	x := l.client.do(ctx, r)
	defer x.done()
	o := &outcome{step: st}
	o.take(&x.answer)
	switch {
	case o.class != result.Success:
		return nil, safe(o.detail)
	case x.size > int64(most):
		return nil, fmt.Errorf("the answer has more than %d bytes", most)
	}
	return bytes.Clone(x.body), nil
}
