package loader

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// echoes starts a server of another WebSocket library that greets, and then
// echoes what it is sent. Some messages make it do something else.
func echoes(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/chat" {
		http.Error(w, "no chat here", http.StatusForbidden)
		return
	}
	c, err := (&websocket.Upgrader{}).Upgrade(w, r, http.Header{"X-Room": {r.URL.Query().Get("room")}})
	if err != nil {
		return
	}
	defer c.Close()
	c.WriteMessage(websocket.TextMessage, []byte(`{"type": "welcome", "token": "`+r.Header.Get("X-Token")+`"}`))
	for {
		kind, message, err := c.ReadMessage()
		if err != nil {
			return
		}
		switch string(message) {
		case "close":
			c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseInternalServerErr, "tired"), time.Now().Add(time.Second))
			return
		case "cut":
			return
		case "flood":
			c.WriteMessage(kind, []byte(strings.Repeat("x", 2*slo.MaxEvent)))
		case "nothing":
		default:
			c.WriteMessage(kind, message)
		}
	}
}

const chatting = `
  - name: chat
    steps:
      - websocket: /chat?room=a%20b
        headers: {x-token: t-1}
        messages:
          - {expect: json.type == "welcome"}
          - {send: "hello ${uuid}", expect: event contains "hello", within: 1m, repeat: 5}
          - {json: {bye: "${random.int(1,9)}"}, expect: json.bye > 0}
        checks: [events == 7, 'event contains "bye"', 'event_type == "text"', 'header["x-room"] == "a b"', status == 101]
        capture: {token: event 1 $.token}
      - {name: after, request: "GET /${token}", accept: [403]}
`

func TestWebSocket(t *testing.T) {
	t.Parallel()
	plain := serve(t, echoes)
	secure := speaking(t, slo.AutoProtocol, nil, echoes).Target
	for name, url := range map[string]string{"ws": plain, "wss": secure} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newLoader(t, parse(t, url, chatting), Options{}).Run(t.Context(), counted(20, 1))
			coherent(t, s)
			if s.Counters.Success != 20 {
				t.Fatalf("%+v %+v", s.Counters, s.Failures)
			}
			chat := s.Steps[0]
			if chat.Events != 70 || chat.FirstEvent.Total() != 10 || chat.EventGap.Total() != 60 || chat.RoundTrip.Total() != 60 {
				t.Errorf("%d events, %d first ones, %d gaps, %d round trips", chat.Events, chat.FirstEvent.Total(), chat.EventGap.Total(), chat.RoundTrip.Total())
			}
			if chat.Status[101] != 10 || chat.Connect.Total() != 10 || s.Generator.ClosedByPeer != 0 {
				t.Errorf("status %v, %d connections, %d closed by the service", chat.Status, chat.Connect.Total(), s.Generator.ClosedByPeer)
			}
		})
	}
}

func TestWebSocketFailures(t *testing.T) {
	t.Parallel()
	url := serve(t, echoes)
	tests := map[string]struct {
		path, messages, detail string
		want                   result.Class
	}{
		"another status": {"/no", `[{expect: events > 0}]`, "status 403", result.BadStatus},
		"late":           {"/chat", `[{send: nothing, expect: 'event == "x"', within: 100ms}]`, `no message met event == "x" within 100 ms`, result.Timeout},
		"closed":         {"/chat", `[{send: close, expect: 'event == "x"'}]`, "tired", result.Reset},
		"cut":            {"/chat", `[{send: cut, expect: 'event == "x"'}]`, "expect event", result.Reset},
		"too large":      {"/chat", `[{send: flood, expect: size > 1000}]`, "expect size", result.Protocol},
		"step's time":    {"/chat", `[{send: nothing, expect: 'event == "x"', within: 1h}]`, "timeout after 300 ms", result.Timeout},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timeout := "20s"
			if test.detail == "timeout after 300 ms" {
				timeout = "300ms"
			}
			s := newLoader(t, parse(t, url, "  - {websocket: "+test.path+", timeout: "+timeout+", messages: "+test.messages+"}"), Options{}).Run(t.Context(), counted(2, 1))
			coherent(t, s)
			if *s.Counters.Of(test.want) != 2 || !strings.Contains(s.Failures[0].Detail, test.detail) {
				t.Errorf("%+v %+v", s.Counters, s.Failures)
			}
		})
	}
	s := newLoader(t, parse(t, serve(t, ok), "  - {websocket: /}"), Options{}).Run(t.Context(), counted(1, 1))
	if s.Counters.BadStatus != 1 {
		t.Errorf("a server without WebSockets: %+v %+v", s.Counters, s.Failures)
	}
	odd, _ := raw(t, says("HTTP/1.1 042 Odd\r\nContent-Length: 0\r\n\r\n"))
	s = newLoader(t, parse(t, odd, "  - {websocket: /}"), Options{}).Run(t.Context(), counted(1, 1))
	coherent(t, s)
	if s.Counters.Protocol != 1 || !strings.Contains(s.Failures[0].Detail, "malformed HTTP status 42") {
		t.Errorf("a status that is none: %+v %+v", s.Counters, s.Failures)
	}
	s = newLoader(t, parse(t, "http://"+closedPort, "  - {websocket: /}"), Options{}).Run(t.Context(), counted(1, 1))
	if s.Counters.Refused != 1 {
		t.Errorf("nobody there: %+v %+v", s.Counters, s.Failures)
	}
}

// A server that does not close in its turn is not waited for beyond the time of
// the step, nor when the run is cancelled.
func TestWebSocketThatIsNotClosed(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		c.WriteMessage(websocket.TextMessage, []byte("welcome"))
		<-done
	})
	t.Cleanup(func() { close(done) })
	const library = 4900 * ms // waits 5 s
	for _, limit := range []string{"timeout", "cancel"} {
		t.Run(limit, func(t *testing.T) {
			attempts(t, func(scale time.Duration) (complaint string) {
				within := map[string]time.Duration{"timeout": time.Hour, "cancel": time.Hour}
				within[limit] = min(scale*300*ms, library/2)
				file := parse(t, url, "  - {websocket: /, timeout: "+within["timeout"].String()+", messages: [{expect: 'event == \"welcome\"'}]}")
				ctx, cancel := context.WithTimeout(t.Context(), within["cancel"])
				defer cancel()
				s := newLoader(t, file, Options{Grace: ms}).Run(ctx, counted(1, 1))
				coherent(t, s)
				if s.Counters.Success != 1 { // the welcome came late
					return fmt.Sprintf("%+v within %v: %+v", s.Counters, within[limit], s.Failures)
				}
				if longest, _ := s.Response.Max(); longest >= library {
					t.Errorf("it took %v, want about %v", longest, within[limit])
				}
				return ""
			})
		})
	}
}

// A message that needs a value that was not captured fails as a request does
// that needs one: by a check, and not as if the service had broken the protocol.
func TestWebSocketWithoutItsValue(t *testing.T) {
	t.Parallel()
	s := newLoader(t, parse(t, serve(t, echoes), `
  - name: chat
    steps:
      - {name: first, request: GET /no, accept: [403], on_fail: continue, capture: {id: $.id}}
      - {name: talk, websocket: /chat, messages: [{send: "${id}"}]}`), Options{}).Run(t.Context(), counted(2, 1))
	coherent(t, s)
	for _, f := range s.Failures {
		if f.Step == "talk" && f.Detail != "capture id is used here and was not made" {
			t.Errorf("%+v", f)
		}
	}
	if s.Counters.FailedCheck != 2 {
		t.Errorf("%+v %+v", s.Counters, s.Failures)
	}
}

// acceptOf is the answer to a client's key (RFC 6455, section 4.2.2).
func acceptOf(r *http.Request) string {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}
