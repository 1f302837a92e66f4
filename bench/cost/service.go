//go:build linux

package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
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

// serve is the service: an HTTP server on a free loopback port, which it
// prints, whose every answer costs so many rounds.
func serve(rounds int) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Printf("http://%s\n", l.Addr())
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		sum := work(rounds)
		w.Header().Set("Content-Length", strconv.Itoa(len(sum)))
		_, _ = w.Write(sum[:])
	}))
}

// disturb is the neighbour: it keeps a core busy for 1 to 6 s, rests for 2 to
// 12 s, and so on until it is ended. The times follow from the seed.
func disturb(seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	for {
		busy := time.Duration((1 + 5*random.Float64()) * float64(time.Second))
		for end := time.Now().Add(busy); time.Now().Before(end); {
			work(10_000)
		}
		time.Sleep(time.Duration((2 + 10*random.Float64()) * float64(time.Second)))
	}
}

// launch starts a service and returns its address.
func launch(ctx context.Context, rounds int) (string, error) {
	out, err := begin(ctx, "serve", rounds)
	if err != nil {
		return "", err
	}
	line, err := out.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("start a service: %w", err)
	}
	return strings.TrimSpace(line), nil
}

// begin starts this program in another mode, behind the words of another
// command. It ends with ctx, or with the thread that started it.
func begin(ctx context.Context, mode string, n int, behind ...string) (*bufio.Reader, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program: %w", err)
	}
	words := append(behind, self, mode, strconv.Itoa(n))
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: len(behind) > 0, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", mode, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", mode, err)
	}
	go func() { _ = cmd.Wait() }()
	return bufio.NewReader(out), nil
}
