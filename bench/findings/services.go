//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slogate/slogate/bench/loopback"
)

// A behaviour is what a service does with a request before it answers. It
// returns the status, 0 for no opinion.
type behaviour func(*visit) int

// visit is one request: when it came, counted from the first one, and how many
// came before.
type visit struct {
	ctx    context.Context
	at     time.Duration
	number int64
}

// service answers GET / by its behaviours, in turn.
type service struct {
	behaviours []behaviour
	listen     func(http.Handler) error

	first   sync.Once
	began   time.Time
	started chan struct{} // closed with the first request
	count   atomic.Int64
}

// serve is the process of a service of some behaviours: "slots=4x20ms,leak=1kB".
func serve(behaviours string) error {
	s := &service{listen: loopback.Listen, started: make(chan struct{})}
	for part := range strings.SplitSeq(behaviours, ",") {
		name, value, _ := strings.Cut(part, "=")
		if err := s.add(name, value); err != nil {
			return fmt.Errorf("behaviour %s: %w", part, err)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /{$}", s.answer)
	return s.listen(mux)
}

func (s *service) answer(w http.ResponseWriter, r *http.Request) {
	s.first.Do(func() {
		s.began = time.Now()
		close(s.started)
	})
	v := &visit{context.WithoutCancel(r.Context()), time.Since(s.began), s.count.Add(1)}
	for _, b := range s.behaviours {
		if status := b(v); status != 0 {
			w.WriteHeader(status)
			return
		}
	}
	_, _ = w.Write([]byte("ok"))
}

// builders make a behaviour of the text after its name.
var builders = map[string]func(*service, string) error{
	"slots":       (*service).slots,
	"queue":       (*service).queue,
	"compute":     (*service).compute,
	"lock":        (*service).lock,
	"grow":        (*service).grow,
	"lognormal":   (*service).lognormal,
	"garbage":     (*service).garbage,
	"cache":       (*service).cache,
	"leak":        (*service).leak,
	"fail":        (*service).fail,
	"burst":       (*service).burst,
	"limit":       (*service).limit,
	"crowd":       (*service).crowd,
	"stall":       (*service).stall,
	"cold":        (*service).cold,
	"coldcpu":     (*service).coldCPU,
	"down":        (*service).down,
	"connections": (*service).connections,
}

func (s *service) add(name, value string) error {
	build, ok := builders[name]
	if !ok {
		return errors.New("there is no such behaviour")
	}
	return build(s, value)
}

func (s *service) does(b behaviour) error {
	s.behaviours = append(s.behaviours, b)
	return nil
}

// slots is a queue before so many places, each of which takes a time.
func (s *service) slots(value string) error {
	n, d, err := times(value)
	if err != nil {
		return err
	}
	free := make(chan struct{}, n)
	return s.does(func(*visit) int {
		free <- struct{}{}
		time.Sleep(d)
		<-free
		return 0
	})
}

// queue lets so many requests in at a time and answers 503 to others. It comes
// after slots on the command line and works before them.
func (s *service) queue(value string) error {
	n, err := strconv.Atoi(value)
	if err != nil {
		return err
	}
	behind := s.behaviours
	var in atomic.Int64
	s.behaviours = nil
	return s.does(func(v *visit) int {
		defer in.Add(-1)
		if in.Add(1) > int64(n) {
			return http.StatusServiceUnavailable
		}
		for _, b := range behind {
			if status := b(v); status != 0 {
				return status
			}
		}
		return 0
	})
}

// compute uses the processor for a time.
func (s *service) compute(value string) error {
	d, err := time.ParseDuration(value)
	if err != nil {
		return err
	}
	rounds := loopback.RoundsFor(d)
	return s.does(func(*visit) int {
		loopback.Work(rounds)
		return 0
	})
}

// lock lets one request at a time use the processor.
func (s *service) lock(string) error {
	behind := s.behaviours
	s.behaviours = nil
	var mu sync.Mutex
	return s.does(func(v *visit) int {
		mu.Lock()
		defer mu.Unlock()
		for _, b := range behind {
			b(v)
		}
		return 0
	})
}

// grow computes so much longer with each request.
func (s *service) grow(value string) error {
	d, err := time.ParseDuration(value)
	if err != nil {
		return err
	}
	rounds := float64(loopback.RoundsFor(time.Millisecond)) * d.Seconds() * 1e3
	return s.does(func(v *visit) int {
		loopback.Work(int(rounds * float64(v.number)))
		return 0
	})
}

// lognormal waits for a time with this median; 1 in 100 is ten times as long.
func (s *service) lognormal(value string) error {
	d, err := time.ParseDuration(value)
	if err != nil {
		return err
	}
	return s.does(func(*visit) int {
		time.Sleep(time.Duration(float64(d) * math.Exp(rand.NormFloat64())))
		return 0
	})
}

// garbage allocates and forgets.
func (s *service) garbage(value string) error {
	n, err := size(value)
	if err != nil {
		return err
	}
	return s.does(func(*visit) int {
		runtime.KeepAlive(filled(n))
		return 0
	})
}

// cache keeps an entry of each request until it is full.
func (s *service) cache(value string) error {
	count, each, ok := strings.Cut(value, "x")
	entries, err := strconv.Atoi(count)
	n, err2 := size(each)
	if err = errors.Join(err, err2); err != nil || !ok {
		return errors.Join(err, errors.New("want COUNTxSIZE"))
	}
	var mu sync.Mutex
	kept := make([][]byte, entries)
	return s.does(func(v *visit) int {
		mu.Lock()
		defer mu.Unlock()
		if i := v.number % int64(entries); kept[i] == nil {
			kept[i] = filled(n)
		}
		return 0
	})
}

// leak keeps so much of each request.
func (s *service) leak(value string) error {
	n, err := size(value)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var kept [][]byte
	return s.does(func(*visit) int {
		mu.Lock()
		defer mu.Unlock()
		kept = append(kept, filled(n))
		return 0
	})
}

// filled is memory that is really used.
func filled(n int) []byte {
	b := make([]byte, n)
	for i := 0; i < n; i += 1024 {
		b[i] = 1
	}
	return b
}

// fail answers a share of requests with 500.
func (s *service) fail(value string) error {
	share, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return err
	}
	return s.does(func(*visit) int { return failing(share) })
}

func failing(share float64) int {
	if rand.Float64() < share {
		return http.StatusInternalServerError
	}
	return 0
}

// burst answers a share with 500 in a part of the run: "0.5/8s-12s".
func (s *service) burst(value string) error {
	text, within, _ := strings.Cut(value, "/")
	share, err := strconv.ParseFloat(text, 64)
	from, to, err2 := part(within)
	if err = errors.Join(err, err2); err != nil {
		return err
	}
	return s.does(func(v *visit) int {
		if v.at < from || v.at >= to {
			return 0
		}
		return failing(share)
	})
}

// limit answers 429 above so many requests a second.
func (s *service) limit(value string) error {
	perSecond, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	tokens, last := 10.0, time.Duration(0)
	return s.does(func(v *visit) int {
		mu.Lock()
		defer mu.Unlock()
		tokens = min(10, tokens+perSecond*max(v.at-last, 0).Seconds())
		last = max(last, v.at)
		if tokens < 1 {
			return http.StatusTooManyRequests
		}
		tokens--
		return 0
	})
}

// crowd takes a time that grows with the square of the requests in work.
func (s *service) crowd(value string) error {
	d, err := time.ParseDuration(value)
	if err != nil {
		return err
	}
	var in atomic.Int64
	return s.does(func(*visit) int {
		n := float64(in.Add(1))
		defer in.Add(-1)
		time.Sleep(time.Duration(float64(d) * (1 + 0.03*(n-1) + 0.02*n*(n-1))))
		return 0
	})
}

// stall lets every request wait that comes in the first part of a period:
// "400ms/4s".
func (s *service) stall(value string) error {
	length, every, err := pair(value, "/")
	if err != nil {
		return err
	}
	return s.does(func(v *visit) int {
		if into := v.at % every; into < length && v.at > every {
			time.Sleep(length - into)
		}
		return 0
	})
}

// cold waits longer at first, less and less until a time has gone: "60ms/6s".
func (s *service) cold(value string) error {
	most, until, err := pair(value, "/")
	if err != nil {
		return err
	}
	return s.does(func(v *visit) int {
		time.Sleep(time.Duration(float64(most) * left(v.at, until)))
		return 0
	})
}

// coldCPU computes more at first.
func (s *service) coldCPU(value string) error {
	most, until, err := pair(value, "/")
	if err != nil {
		return err
	}
	rounds := float64(loopback.RoundsFor(most))
	return s.does(func(v *visit) int {
		loopback.Work(int(rounds * left(v.at, until)))
		return 0
	})
}

// left is the part of a time that is still to come.
func left(at, until time.Duration) float64 { return max(0, 1-at.Seconds()/until.Seconds()) }

// connections takes so many connections and closes further ones at once.
func (s *service) connections(value string) error {
	n, err := strconv.Atoi(value)
	if err != nil {
		return err
	}
	s.listen = func(h http.Handler) error {
		l, err := loopback.Open()
		if err != nil {
			return err
		}
		return http.Serve(&bounded{Listener: l, most: int64(n)}, h)
	}
	return nil
}

// bounded closes what is more than the most connections.
type bounded struct {
	net.Listener
	most int64
	open atomic.Int64
}

func (b *bounded) Accept() (net.Conn, error) {
	for {
		c, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if b.open.Add(1) <= b.most {
			return &counted{Conn: c, open: &b.open}, nil
		}
		b.open.Add(-1)
		_ = c.Close()
	}
}

type counted struct {
	net.Conn
	open *atomic.Int64
	once sync.Once
}

func (c *counted) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}

// down closes the socket and all connections in a part of the run.
func (s *service) down(value string) error {
	from, to, err := part(value)
	if err != nil {
		return err
	}
	s.listen = func(h http.Handler) error {
		l, err := loopback.Open()
		if err != nil {
			return err
		}
		address := l.Addr().String()
		first := &http.Server{Handler: h}
		go func() {
			<-s.started
			time.Sleep(from)
			_ = first.Close()
		}()
		if err := first.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		time.Sleep(to - from)
		again, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		return http.Serve(again, h)
	}
	return nil
}

// times reads "4x20ms".
func times(value string) (int, time.Duration, error) {
	count, length, _ := strings.Cut(value, "x")
	n, err := strconv.Atoi(count)
	d, err2 := time.ParseDuration(length)
	return n, d, errors.Join(err, err2)
}

// pair reads two durations.
func pair(value, between string) (a, b time.Duration, err error) {
	first, second, _ := strings.Cut(value, between)
	a, err = time.ParseDuration(first)
	b, err2 := time.ParseDuration(second)
	return a, b, errors.Join(err, err2)
}

// part reads "8s-12s".
func part(value string) (from, to time.Duration, err error) { return pair(value, "-") }

// size reads "100kB" and "1MB".
func size(value string) (int, error) {
	factor := 1
	for unit, of := range map[string]int{"kB": 1e3, "MB": 1e6} {
		if text, ok := strings.CutSuffix(value, unit); ok {
			value, factor = text, of
		}
	}
	n, err := strconv.Atoi(value)
	return n * factor, err
}
