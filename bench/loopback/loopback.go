//go:build linux

// Package loopback is what the measurements of verdicts share: a small HTTP
// service whose every answer costs the same, a neighbour that disturbs it, the
// processes of both, and how a share of runs is written.
//
// A command starts itself again as a service or as a neighbour: its first words
// say as what. What was started ends with the thread that started it, so a
// command locks that thread.
package loopback

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Work is what the service computes for a request: so many rounds of SHA-256.
func Work(rounds int) [32]byte {
	var sum [32]byte
	for range rounds {
		sum = sha256.Sum256(sum[:])
	}
	return sum
}

// Rounds is the work of base, which is measured once for all comparisons and
// kept in a folder: the rounds that take the wanted time on this machine.
func Rounds(folder string, wanted time.Duration) (int, error) {
	path := filepath.Join(folder, "rounds")
	text, err := os.ReadFile(path)
	if err == nil {
		return strconv.Atoi(string(text))
	}
	rounds := RoundsFor(wanted)
	return rounds, os.WriteFile(path, []byte(strconv.Itoa(rounds)), 0o644)
}

// RoundsFor measures the rounds that take a time on this machine. It takes the
// fastest of several tries: what else happens only slows them.
func RoundsFor(wanted time.Duration) int {
	const rounds = 20_000
	fastest := time.Hour
	for range 20 {
		start := time.Now()
		Work(rounds)
		fastest = min(fastest, time.Since(start))
	}
	return int(rounds * wanted / fastest)
}

// Listen serves on a free loopback port, whose address it prints.
func Listen(h http.Handler) error {
	l, err := Open()
	if err != nil {
		return err
	}
	return http.Serve(l, h)
}

// Open listens on a free loopback port, whose address it prints.
func Open() (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	fmt.Printf("http://%s\n", l.Addr())
	return l, nil
}

// Serve is the service whose every answer costs so many rounds of work.
func Serve(rounds int) error {
	return Listen(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		sum := Work(rounds)
		w.Header().Set("Content-Length", strconv.Itoa(len(sum)))
		_, _ = w.Write(sum[:])
	}))
}

// Disturb is the neighbour: it keeps a core busy for a time that it draws, rests
// for 2 to 12 s, and so on until it is ended.
func Disturb(random *rand.Rand, busy func(*rand.Rand) time.Duration) {
	for {
		for end := time.Now().Add(busy(random)); time.Now().Before(end); {
			Work(10_000)
		}
		time.Sleep(time.Duration((2 + 10*random.Float64()) * float64(time.Second)))
	}
}

// Seeded is where everything random comes from that follows from a seed.
func Seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }
