package loader

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/tmaxmax/go-sse"

	"github.com/slogate/slogate/slo"
)

// publishes is a server of another library, which sends every client the same
// events as long as it listens: of two lines, with a type, an ID and a comment.
func publishes(t *testing.T) http.Handler {
	t.Helper()
	server := &sse.Server{}
	ctx, stop := context.WithCancel(context.Background())
	var publisher sync.WaitGroup
	publisher.Go(func() {
		tick := time.NewTicker(ms)
		defer tick.Stop()
		for n := 1; ctx.Err() == nil; n++ {
			m := &sse.Message{ID: sse.ID(fmt.Sprint(n)), Type: sse.Type("tick")}
			m.AppendComment("keep alive")
			m.AppendData(fmt.Sprintf(`{"n": %d,`, n), `"last": "line"}`)
			if server.Publish(m) != nil {
				return
			}
			<-tick.C
		}
	})
	t.Cleanup(func() {
		stop()
		publisher.Wait()
		ended, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		server.Shutdown(ended)
	})
	return server
}

// A stream of a server that is not ours, over HTTP/1.1 and HTTP/2.
func TestServerSentEventsOfALibrary(t *testing.T) {
	t.Parallel()
	const answers, each = 20, 5
	for _, protocol := range []slo.Protocol{slo.HTTP1, slo.H2C} {
		t.Run(string(protocol), func(t *testing.T) {
			t.Parallel()
			served := speaking(t, slo.H2C, nil, publishes(t).ServeHTTP).Target
			if protocol == slo.HTTP1 {
				served = serve(t, publishes(t).ServeHTTP)
			}
			file := parse(t, served, `
  - request: GET /events
    stream: {as: sse, until: events == 5}
    checks: [events == 5, event_type == "tick", json.n > 4, json.last == "line", 'header["content-type"] contains "text/event-stream"']
    capture: {n: event 1 $.n}
`)
			file.HTTP.Protocol = protocol
			s := newLoader(t, file, Options{}).Run(t.Context(), counted(answers, 2))
			coherent(t, s)
			if s.Counters.Success != answers {
				t.Fatalf("%+v %+v", s.Counters, s.Failures)
			}
			if s.Events != answers*each || s.FirstEvent.Total() != answers || s.EventGap.Total() != answers*(each-1) {
				t.Errorf("%d events, %d first ones, %d gaps", s.Events, s.FirstEvent.Total(), s.EventGap.Total())
			}
		})
	}
}
