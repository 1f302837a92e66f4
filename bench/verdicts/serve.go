//go:build linux

package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"
)

// work is what the service computes for a request: so many rounds of SHA-256.
func work(rounds int) [32]byte {
	var sum [32]byte
	for range rounds {
		sum = sha256.Sum256(sum[:])
	}
	return sum
}

// calibrate returns the rounds that take the wanted time on this machine, the
// fastest of several tries: what else happens only slows them.
func calibrate(wanted time.Duration) int {
	const rounds = 20_000
	fastest := time.Hour
	for range 20 {
		start := time.Now()
		work(rounds)
		fastest = min(fastest, time.Since(start))
	}
	return int(rounds * wanted / fastest)
}

// listen serves on a free loopback port, whose address it prints.
func listen(h http.Handler) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Printf("http://%s\n", l.Addr())
	return http.Serve(l, h)
}

// serve is the service whose every answer costs so many rounds of work.
func serve(_ context.Context, args []string) error {
	rounds, err := strconv.Atoi(args[0])
	if err != nil {
		return fmt.Errorf("rounds: %w", err)
	}
	return listen(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		sum := work(rounds)
		w.Header().Set("Content-Length", strconv.Itoa(len(sum)))
		_, _ = w.Write(sum[:])
	}))
}

// disturb is the neighbour: it keeps a core busy for 1 to 6 s, rests for 2 to
// 12 s, and so on until it is ended. The times follow from the seed.
func disturb(_ context.Context, args []string) error {
	random, err := seeded(args[0])
	if err != nil {
		return err
	}
	for {
		busy := time.Duration(1+5*random.Float64()) * time.Second
		for end := time.Now().Add(busy); time.Now().Before(end); {
			work(10_000)
		}
		time.Sleep(time.Duration((2 + 10*random.Float64()) * float64(time.Second)))
	}
}

// seeded reads a seed from the command line.
func seeded(text string) (*rand.Rand, error) {
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("seed: %w", err)
	}
	return seededRand(seed), nil
}

func seededRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }
